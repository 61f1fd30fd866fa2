//! The generated blocks, by name.

use idhook::config::{Config, Scope, UNSET_URL, VARIABLES, Variable};
use idhook::error::{ErrorCode, Fault};
use idhook::webhook::contract;
use serde_json::Value;

use crate::schema;

/// The content of the block that `words` ask for, with a line break at its end.
///
/// # Errors
/// An unknown name.
pub(crate) fn block(words: &[&str]) -> Result<String, String> {
    let (name, selection) = words.split_first().ok_or("the generated block has no name")?;
    match *name {
        "variables" => variables(selection),
        "fields" => fields(selection),
        "errors" => Ok(errors()),
        "error" => error(selection),
        "mistakes" => mistakes(),
        "scopes" => Ok(scopes()),
        "routes" => routes(selection),
        "log-fields" => log_fields(selection),
        "log-calls" => log_calls(),
        "metrics" => Ok(metrics()),
        "manifest-variables" => Ok(manifest_variables("")),
        "manifest-variables-of-wasip2" => Ok(manifest_variables(UNSET_URL)),
        "component-variables" => Ok(component_variables()),
        name => Err(format!("there is no generated block {name}; see dev/docs/src/blocks.rs")),
    }
}

/// Markdown's table.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = line(&[const { String::new() }; N].map(|_| "---".to_owned()));
    // A pipe would end a cell, within a code span too.
    let rows = rows.into_iter().map(|row| line(&row.map(|cell| cell.replace('|', "\\|"))));
    let head = line(&head.map(str::to_owned));
    format!("\n{head}{rule}{}\n", rows.collect::<String>())
}

/// Whether a word of a mark selects this name: itself, or its beginning before `*`.
fn selects(word: &str, name: &str) -> bool {
    word.strip_suffix('*').map_or(word == name, |beginning| name.starts_with(beginning))
}

/// Every word has to select something.
fn all_select<'n>(words: &[&str], names: impl Iterator<Item = &'n str> + Clone) -> Result<(), String> {
    match words.iter().find(|word| !names.clone().any(|name| selects(word, name))) {
        Some(word) => Err(format!("{word} selects nothing")),
        None => Ok(()),
    }
}

fn variables(selection: &[&str]) -> Result<String, String> {
    all_select(selection, VARIABLES.iter().map(|variable| variable.name))?;
    let chosen = selection.iter().flat_map(|word| VARIABLES.iter().filter(|variable| selects(word, variable.name)));
    let rows = chosen.map(|variable| {
        let secret = if variable.secret { ", secret" } else { "" };
        let (name, default) = (variable.name, variable.default());
        [
            format!("<a id=\"{name}\"></a>`{name}`"),
            format!("{}{secret}", variable.values()),
            default.map_or_else(String::new, |default| format!("`{default}`")),
            sentence(&code_spans(variable.help)),
        ]
    });
    Ok(table(["Variable", "Values", "Default", "Purpose"], rows))
}

/// A text with a capital letter first and a full stop last.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let text = if text.starts_with("vIDM") { text.to_owned() } else { format!("{first}{}", rest.as_str()) };
    if text.ends_with(['.', '?']) { text } else { format!("{text}.") }
}

/// The names of variables, and JSON, in code spans.
fn code_spans(text: &str) -> String {
    let json = text.find(['[', '{']).filter(|at| text.get(*at..).is_some_and(|rest| rest.ends_with([']', '}'])));
    let (text, json) = text.split_at(json.filter(|_| text.contains('"')).unwrap_or(text.len()));
    let words = text.split(' ').map(|word| {
        let name = word.trim_end_matches([',', ';', ':', '.']);
        let is_name = VARIABLES.iter().any(|variable| variable.name == name && name.contains('_'));
        let is_url = name.starts_with("https://") || name.starts_with('/') && name.len() > 1;
        if is_name || is_url { word.replacen(name, &format!("`{name}`"), 1) } else { word.to_owned() }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    if json.is_empty() { text } else { format!("{text}`{json}`") }
}

fn fields(selection: &[&str]) -> Result<String, String> {
    let schemas = contract::variable_schemas();
    let [name] = selection else { return Err("fields takes one name".to_owned()) };
    let schema = schemas.get(name).ok_or_else(|| {
        format!("{name} has no fields; use one of {}", schemas.keys().copied().collect::<Vec<_>>().join(", "))
    })?;
    let rows = schema::properties(schema).map(|(field, of_field)| {
        let required = if schema::is_required(schema, field) { "yes" } else { "" };
        [format!("`{field}`"), required.to_owned(), schema::meaning(of_field)]
    });
    Ok(table(["Field", "Required", "Meaning"], rows))
}

/// The heading of a code in errors.md is the code.
fn errors() -> String {
    let rows = ErrorCode::ALL.iter().map(|code| {
        [
            format!("[`{code}`](#{code})"),
            code.status().as_u16().to_string(),
            if code.is_retryable() { "yes" } else { "no" }.to_owned(),
            fault(*code).to_owned(),
            code.title().to_owned(),
        ]
    });
    table(["Code", "Status", "Retryable", "Fault of", "Title"], rows)
}

fn fault(code: ErrorCode) -> &'static str {
    match code.fault() {
        Fault::Caller => "caller",
        Fault::Operator => "operator",
        Fault::Upstream => "target or network",
        Fault::Internal => "idhook",
    }
}

fn error(selection: &[&str]) -> Result<String, String> {
    let code = selection.iter().find_map(|word| ErrorCode::ALL.iter().find(|code| code.as_str() == *word));
    let code = code.ok_or_else(|| format!("{selection:?} is no error code"))?;
    let retryable = if code.is_retryable() { "retryable" } else { "not retryable" };
    let status = code.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let example = idhook_openapi::problem(*code);
    Ok(format!(
        "\n`{} {reason}`, {retryable}, fault of: {}. For on-call engineers: [runbook](../operate/runbook.md#{code}).\n\n```json\n{example:#}\n```\n\n",
        status.as_u16(),
        fault(*code)
    ))
}

/// A method of a route.
struct Operation {
    path: &'static str,
    /// Method, path and query parameters.
    route: String,
    scope: Option<Scope>,
    summary: String,
}

/// The problem of a configuration with two mistakes.
fn mistakes() -> Result<String, String> {
    let digest = "6c".repeat(32);
    let callers = format!(r#"[{{"name": "ci", "sha256": "{digest}", "scopes": ["vidm:reed"]}}]"#);
    let variables = |name: &str| match name {
        "vidm_url" => Some("https://vidm.corp.example".to_owned()),
        "vidm_username" => Some("svc-idhook".to_owned()),
        "vidm_password" => Some("an example".to_owned()),
        "api_keys" => Some(callers.clone()),
        "connect_timeout" => Some("10s".to_owned()),
        _ => None,
    };
    let mistakes = Config::parse(variables).err().ok_or("the example of a wrong configuration is valid")?;
    let problem = contract::not_configured(&mistakes, idhook_openapi::REQUEST_ID);
    Ok(format!("\n```json\n{problem:#}\n```\n\n"))
}

/// Every operation of the contract.
fn operations() -> Result<Vec<Operation>, String> {
    let document = idhook_openapi::document()?;
    let mut operations = Vec::new();
    for route in contract::routes() {
        for operation in route.operations {
            let (method, path) = (operation.method.as_str(), route.path);
            let place = [path.replace('~', "~0").replace('/', "~1"), method.to_ascii_lowercase()].join("/");
            let summary = document.pointer(&format!("/paths/{place}/summary")).and_then(Value::as_str);
            let summary = summary.ok_or_else(|| format!("{method} {path} has no summary"))?.to_owned();
            let query = if operation.query.is_empty() { "" } else { "?" };
            let route = format!("{method} {path}{query}{}", operation.query.join("&"));
            operations.push(Operation { path, route, scope: operation.scope, summary });
        }
    }
    Ok(operations)
}

fn routes(selection: &[&str]) -> Result<String, String> {
    let operations = operations()?;
    all_select(selection, operations.iter().map(|operation| operation.path))?;
    let chosen = operations.iter().filter(|operation| selection.iter().any(|word| selects(word, operation.path)));
    let rows = chosen.map(|Operation { route, scope, summary, .. }| {
        let scope = scope.map_or_else(|| "–".to_owned(), |scope| format!("`{scope}`"));
        [format!("`{route}`"), scope, sentence(summary)]
    });
    Ok(table(["Route", "Scope", "Purpose"], rows))
}

fn scopes() -> String {
    let rows = Scope::ALL.iter().map(|scope| {
        [format!("<a id=\"{}\"></a>`{scope}`", scope.as_str().replace(':', "-")), scope.permits().to_owned()]
    });
    table(["Scope", "Permits"], rows)
}

fn metrics() -> String {
    let rows = contract::metric_families().into_iter().map(|family| {
        let labels: Vec<_> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        [format!("`{}`", family.name), family.kind.to_owned(), labels.join(", "), family.help.to_owned()]
    });
    table(["Family", "Type", "Labels", "Meaning"], rows)
}

fn log_fields(selection: &[&str]) -> Result<String, String> {
    let log = contract::log_schema();
    all_select(selection, schema::properties(&log).map(|(name, _)| name).collect::<Vec<_>>().into_iter())?;
    rows_of(&log, selection.iter().copied())
}

fn log_calls() -> Result<String, String> {
    let log = contract::log_schema();
    let calls = schema::property(&log, "calls")?.get("items").ok_or("calls is no list")?;
    rows_of(calls, schema::properties(calls).map(|(name, _)| name))
}

fn rows_of<'n>(of: &Value, names: impl Iterator<Item = &'n str>) -> Result<String, String> {
    let mut rows = Vec::new();
    for name in names {
        let field = schema::property(of, name)?;
        let always = if schema::is_required(of, name) { "yes" } else { "" };
        rows.push([format!("`{name}`"), schema::kind(field), always.to_owned(), schema::meaning(field)]);
    }
    Ok(table(["Field", "Type", "Always", "Meaning"], rows))
}

/// The variables that name a host to call.
const TARGET_HOSTS: [&str; 4] = ["vidm_url", "vcf_url", "fleet_url", "fleet_broker_url"];

/// The number of spare variables for hosts. Spin expands a variable in `allowed_outbound_hosts` to one host, never to a list, and
/// accepts no word of digits in a variable's name: hence `outbound_host1`.
const SPARE_HOSTS: usize = 4;

/// The `[variables]` of a manifest; `host` is the default of a target's URL.
fn manifest_variables(host: &str) -> String {
    let line = |variable: &Variable| {
        let is_host = TARGET_HOSTS.contains(&variable.name);
        let default = if is_host { host } else { "" };
        let secret = if variable.secret { "secret = true, " } else { "" };
        let description = variable.description().replace('\\', "\\\\").replace('"', "\\\"");
        format!("{} = {{ default = \"{default}\", {secret}description = \"{description}\" }}\n", variable.name)
    };
    let spare = (1..=SPARE_HOSTS).map(|number| {
        let description = "address of a further host that idhook may call, if it is only in targets, callbacks or oidc_callers, or an identity \
                           broker that VCF Operations names: https://host[:port]";
        format!("outbound_host{number} = {{ default = \"{host}\", description = \"{description}\" }}\n")
    });
    VARIABLES.iter().map(line).chain(spare).collect()
}

fn component_variables() -> String {
    VARIABLES.iter().map(|Variable { name, .. }| format!("{name} = \"{{{{ {name} }}}}\"\n")).collect()
}
