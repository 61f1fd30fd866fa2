//! Code blocks are valid: JSON and TOML parse, examples of variables are read by the configuration's own reader, the paths that
//! `curl` calls are routes, and scripts have no syntax error.

use idhook::config::{Config, VARIABLES, ValueForm};
use idhook::error::ErrorCode;
use idhook::webhook::contract;

use crate::deploy::manifest_variables;
use crate::page::{self, Block, Page};
use crate::programs::CHECKERS;

/// Every block with its page.
fn blocks(pages: &[Page]) -> impl Iterator<Item = (String, &Page, &Block)> {
    pages
        .iter()
        .flat_map(|page| page.blocks.iter().map(move |block| (format!("{}:{}", page.name(), block.line), page, block)))
}

#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "code blocks with mistakes:\n{}", faults.join("\n"));
}

#[test]
fn json_and_toml_blocks_parse() {
    let mut faults = Vec::new();
    for (place, page, block) in blocks(&page::all()) {
        let fault = match block.language.as_str() {
            "json" => serde_json::from_str::<serde_json::Value>(&block.text).err().map(|e| e.to_string()),
            "toml" => block.text.parse::<toml::Table>().err().map(|e| e.to_string()),
            "" if page.path.ends_with("README.md") => None,
            "" => Some("has no language; write one after the fence, such as text".to_owned()),
            _ => None,
        };
        faults.extend(fault.map(|fault| format!("{place}: {fault}; an excerpt that is not valid is marked as text")));
    }
    none(&faults);
}

/// A configuration with `own`, and with the examples of other variables on the same page.
fn config(own: &Block, page: &Page) -> Result<Config, String> {
    let of = |name: &str| {
        let example = if own.variable.as_deref() == Some(name) { Some(own) } else { None };
        example.or_else(|| page.blocks.iter().find(|block| block.variable.as_deref() == Some(name)))
    };
    let config = Config::parse(|name| {
        let example = of(name).map(|block| block.text.clone());
        example.or_else(|| {
            Some(match name {
                "vidm_url" => "https://vidm.corp.example".to_owned(),
                "vidm_username" => "svc-idhook".to_owned(),
                "vidm_password" => "a password of an example".to_owned(),
                "api_keys" => {
                    format!(r#"[{{"name":"default-caller","sha256":"{}","scopes":["vidm:sync"]}}]"#, "6c".repeat(32))
                }
                "proxy_key_sha256" => "6d".repeat(32),
                _ => return None,
            })
        })
    });
    config.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[test]
fn examples_of_variables_are_read_by_the_configuration() {
    let pages = page::all();
    let examples = blocks(&pages).filter(|(.., block)| block.language == "json" && block.variable.is_some());
    let faults: Vec<String> =
        examples.filter_map(|(place, page, block)| Some(format!("{place}: {}", config(block, page).err()?))).collect();
    none(&faults);
}

#[test]
fn problems_in_examples_have_title_and_status_of_their_code() {
    let pages = page::all();
    let mut faults = Vec::new();
    for (place, _, block) in blocks(&pages).filter(|(.., block)| block.language == "json") {
        let problem: serde_json::Value = serde_json::from_str(&block.text).unwrap_or_default();
        let Some(code) = ErrorCode::ALL.iter().find(|code| problem["code"] == code.as_str()) else { continue };
        if problem["title"] != code.title() || problem["status"] != code.status().as_u16() {
            faults.push(format!("{place}: {code} has the title {:?} and the status {}", code.title(), code.status()));
        }
    }
    none(&faults);
}

#[test]
fn example_of_a_log_line_fits_the_schema() {
    let schema = jsonschema::validator_for(&contract::log_schema()).unwrap();
    let page = page::at("docs/reference/log.md");
    let line = page.blocks.iter().find(|block| block.language == "json").unwrap();
    let line: serde_json::Value = serde_json::from_str(&line.text).unwrap();
    let faults: Vec<String> = schema.iter_errors(&line).map(|fault| fault.to_string()).collect();
    none(&faults);
}

/// The variables that a script sets for Spin or in the environment, each with its value if that is in single quotes.
fn settings(script: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    script.split("SPIN_VARIABLE_").skip(1).map(|rest| {
        let end =
            rest.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(rest.len());
        let value = rest.get(end..).and_then(|rest| rest.strip_prefix("='")?.split('\'').next());
        (rest.get(..end).unwrap_or_default().to_lowercase(), value)
    })
}

#[test]
fn scripts_set_variables_that_exist_to_values_that_parse() {
    let (pages, known) = (page::all(), manifest_variables());
    let mut faults = Vec::new();
    for (place, _, block) in blocks(&pages).filter(|(.., block)| matches!(block.language.as_str(), "sh" | "bash")) {
        for (name, value) in settings(&block.text) {
            if !known.contains(&name) {
                faults.push(format!("{place}: {name} is no variable of idhook"));
            }
            let is_json = VARIABLES.iter().any(|variable| variable.name == name && variable.form == ValueForm::Json);
            let json = value.filter(|_| is_json);
            let fault = json.and_then(|json| serde_json::from_str::<serde_json::Value>(json).err());
            faults.extend(fault.map(|fault| format!("{place}: {name}: {fault}")));
        }
    }
    none(&faults);
}

/// The path of idhook in a word of a shell script, and the method that `curl` uses for it.
fn path(word: &str) -> Option<&str> {
    const ROOTS: [&str; 7] = ["/vidm/", "/vcf/", "/hooks/", "/healthz", "/readyz", "/metrics", "/openapi"];
    let word = word.trim_matches(['"', '\'', ',', ')', '(']);
    let is_url = word.starts_with("http") || word.starts_with('$') || word.starts_with('/');
    let at = ROOTS.iter().filter_map(|root| word.find(root)).min().filter(|_| is_url)?;
    // A path of vIDM or SDDC Manager themselves holds none of these roots at its beginning.
    word.get(at..)?.split(['?', '#']).next()
}

/// Whether a path is one of a route: a parameter, and a variable of the shell, stand for any segment.
fn is_route(path: &str) -> bool {
    let wanted: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    contract::routes().iter().any(|route| {
        let segments: Vec<&str> = route.path.split('/').collect();
        let fits = |(segment, wanted): (&&str, &&str)| {
            segment == wanted || segment.starts_with('{') && !wanted.is_empty() || wanted.starts_with(['$', '…'])
        };
        segments.len() == wanted.len() && segments.iter().zip(&wanted).all(fits)
    })
}

#[test]
fn curl_examples_call_routes_that_exist() {
    let pages = page::all();
    let scripts = blocks(&pages).filter(|(.., block)| matches!(block.language.as_str(), "sh" | "bash"));
    let mut faults = Vec::new();
    for (place, _, block) in scripts.filter(|(.., block)| block.text.contains("curl ")) {
        let paths = block.text.split_whitespace().filter_map(path);
        faults.extend(paths.filter(|path| !is_route(path)).map(|path| format!("{place}: {path} is no route")));
    }
    none(&faults);
}

#[test]
fn scripts_have_no_syntax_errors() {
    let folder = tempfile::tempdir().unwrap();
    let pages = page::all();
    let mut faults = Vec::new();
    for checker in CHECKERS {
        let of_language = |block: &Block| checker.languages.contains(&block.language.as_str());
        let mut scripts = blocks(&pages).filter(|(.., block)| of_language(block)).peekable();
        if scripts.peek().is_none() || !checker.is_installed() {
            continue;
        }
        for (at, (place, _, block)) in scripts.enumerate() {
            let file = folder.path().join(format!("{at}.{}", checker.extension));
            // Node takes a file with require and exports for an older module.
            let is_older = checker.extension == "mjs" && block.text.contains("exports.");
            let file = if is_older { file.with_extension("cjs") } else { file };
            std::fs::write(&file, &block.text).unwrap();
            faults.extend(checker.fault(&file).map(|fault| format!("{place}: {fault}")));
        }
    }
    none(&faults);
}
