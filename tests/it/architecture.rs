//! The module map in ARCHITECTURE.md matches the imports, and no file exceeds its limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The most lines that a source file may have.
const MAX_LINES: usize = 450;

type Imports = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The module map: each row's module and the modules that it may import, in the document's order.
fn documented() -> Vec<(String, BTreeSet<String>)> {
    let document = read(&root().join("ARCHITECTURE.md"));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows = document.lines().skip_while(|line| !line.starts_with("| Module |")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').collect();
            let [module, _, imports] = cells[..] else { panic!("three cells are expected: {line}") };
            (names(module).pop_first().unwrap_or_else(|| panic!("no module in {line}")), names(imports))
        })
        .collect()
}

/// The top-level modules that each top-level module imports, without tests.
fn imported() -> Imports {
    let mut imports = Imports::new();
    let source = root().join("src");
    let mut library = Vec::new();
    scan(&mut Scan { path: &[], found: &mut BTreeSet::new(), modules: &mut library }, &tokens(&source.join("lib.rs")));
    for name in library.into_iter().flat_map(|path: Vec<String>| path.into_iter().next()) {
        let mut found = BTreeSet::new();
        let mut rest = vec![vec![name.clone()]];
        while let Some(path) = rest.pop() {
            let file = source.join(path.join("/")).with_extension("rs");
            scan(&mut Scan { path: &path, found: &mut found, modules: &mut rest }, &tokens(&file));
        }
        found.remove(&name);
        imports.insert(name, found);
    }
    imports
}

fn tokens(file: &Path) -> Vec<TokenTree> {
    let stream: TokenStream = read(file).parse().unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    stream.into_iter().collect()
}

/// The results from one file, or one inline module of it.
struct Scan<'s> {
    /// The module's path below the crate's root.
    path: &'s [String],
    /// The top-level modules that it uses.
    found: &'s mut BTreeSet<String>,
    /// The paths of the modules that it declares in separate files.
    modules: &'s mut Vec<Vec<String>>,
}

fn scan(to: &mut Scan<'_>, tokens: &[TokenTree]) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at + 1..];
        at += 1;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_for_tests(rest) => at += item(rest),
            TokenTree::Ident(ident) if ident == "mod" => {
                let [TokenTree::Ident(name), body, ..] = rest else { continue };
                let path = [to.path, &[name.to_string()]].concat();
                match body {
                    TokenTree::Group(group) => {
                        let mut inner = Scan { path: &path, found: to.found, modules: to.modules };
                        scan(&mut inner, &group.stream().into_iter().collect::<Vec<_>>());
                    }
                    _ => to.modules.push(path),
                }
                at += 2;
            }
            TokenTree::Ident(ident) if ident == "crate" => root_names(to.found, rest),
            TokenTree::Ident(ident) if ident == "super" => {
                let before = at.checked_sub(2).and_then(|before| tokens.get(before));
                if !is_colon(before)
                    && let Some(rest) = above_root(to.path.len(), rest)
                {
                    root_names(to.found, rest);
                }
            }
            // serde's attributes contain paths as text.
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(path) = text.strip_prefix("\"crate::") {
                    to.found.extend(path.split("::").next().map(str::to_owned));
                }
            }
            TokenTree::Group(group) => scan(to, &group.stream().into_iter().collect::<Vec<_>>()),
            _ => {}
        }
    }
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

/// Whether an attribute is `#[cfg(test)]`; `tokens` follow its `#`.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    matches!(tokens.first(), Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// The number of tokens up to the end of the item that follows an attribute.
fn item(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1)
}

/// The tokens that follow a path of `super` which ends at the crate's root; `tokens` follow its first `super`.
fn above_root(depth: usize, mut tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let mut left = depth.checked_sub(1)?;
    while left > 0 {
        let [_, _, TokenTree::Ident(ident), rest @ ..] = tokens else { return None };
        if ident != "super" {
            return None;
        }
        (left, tokens) = (left - 1, rest);
    }
    Some(tokens)
}

/// The names directly below the crate's root in what follows `crate`: `::name…` or `::{name…, name…}`.
fn root_names(found: &mut BTreeSet<String>, tokens: &[TokenTree]) {
    let [colon, second, next, ..] = tokens else { return };
    if !is_colon(Some(colon)) || !is_colon(Some(second)) {
        return;
    }
    match next {
        TokenTree::Ident(name) => drop(found.insert(name.to_string())),
        TokenTree::Group(group) => {
            let mut is_first = true;
            for token in group.stream() {
                if let TokenTree::Ident(name) = &token
                    && is_first
                {
                    found.insert(name.to_string());
                }
                is_first = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
            }
        }
        _ => {}
    }
}

/// Each file that the life of a request names is there, with the function that is named after it.
#[test]
fn life_of_a_request_is_that_of_the_sources() {
    let document = read(&root().join("ARCHITECTURE.md"));
    let (_, life) = document.split_once("## Life of a request").unwrap();
    let (life, _) = life.split_once("\n## ").unwrap();
    let pieces: Vec<_> = life.split('`').collect();
    let mut functions = 0;
    for (at, file) in
        pieces.iter().enumerate().skip(1).step_by(2).filter(|(_, name)| name.ends_with(".rs") && name.contains('/'))
    {
        let source = read(&root().join(file));
        if let [", ", name, ..] = pieces[at + 1..] {
            let name = name.rsplit("::").next().unwrap();
            assert!(source.contains(&format!("fn {name}")), "{file} has no function {name}");
            functions += 1;
        }
    }
    assert!(functions > 8, "{functions}");
}

#[test]
fn module_map_matches_the_imports() {
    let (documented, imported) = (documented(), imported());
    let mut differences = Vec::new();
    let rows: BTreeMap<_, _> = documented.iter().cloned().collect();
    assert_eq!(rows.len(), documented.len(), "a module has two rows");
    for module in imported.keys().filter(|module| !rows.contains_key(*module)) {
        differences.push(format!("{module}: has no row"));
    }
    for (module, listed) in &rows {
        let Some(real) = imported.get(module) else {
            differences.push(format!("{module}: has a row, but is no module of src/lib.rs"));
            continue;
        };
        differences.extend(real.difference(listed).map(|other| format!("{module} imports {other}: not listed")));
        differences
            .extend(listed.difference(real).map(|other| format!("{module} imports {other}: listed, not in src")));
    }
    assert!(differences.is_empty(), "ARCHITECTURE.md and src differ:\n{}", differences.join("\n"));
}

#[test]
fn modules_import_only_modules_above_them() {
    let mut above = BTreeSet::new();
    for (module, imports) in documented() {
        let upward: Vec<_> = imports.difference(&above).collect();
        assert!(upward.is_empty(), "{module} imports {upward:?}, which the map lists below it: this may be a cycle");
        above.insert(module);
    }
}

#[test]
fn scanner_finds_every_form_of_import() {
    let source = "
        use crate::{a, b::{self, inner}};
        use crate::c as other;
        mod inline { use super::super::d::X; use super::not_a_root; }
        pub(crate) fn f() { format!(\"{}\", crate::e::g()); }
        #[serde(with = \"crate::f::text\")] struct S;
        #[cfg(test)] mod tests { use crate::hidden; }
        #[cfg(test)] use crate::hidden;
        mod child;
        /// [`crate::documented`]
        struct T;
    ";
    let (mut found, mut modules) = (BTreeSet::new(), Vec::new());
    let tokens: Vec<_> = source.parse::<TokenStream>().unwrap().into_iter().collect();
    scan(&mut Scan { path: &["top".to_owned()], found: &mut found, modules: &mut modules }, &tokens);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(modules, [["top", "child"]]);
}

#[test]
fn files_stay_within_the_line_limit() {
    let mut long = Vec::new();
    for folder in ["src", "bindings", "dev", "tests"] {
        visit(&root().join(folder), &mut |path| {
            let is_source = path
                .extension()
                .is_some_and(|extension| ["rs", "mjs", "js", "py", "ts"].iter().any(|e| extension == *e));
            let lines = if is_source { read(path).lines().count() } else { 0 };
            if lines > MAX_LINES {
                long.push(format!("{}: {lines}", path.strip_prefix(root()).unwrap().display()));
            }
        });
    }
    long.sort();
    assert!(long.is_empty(), "files of more than {MAX_LINES} lines:\n{}", long.join("\n"));
}

fn visit(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            // Output of builds and package managers.
            if name != "target" && name != "node_modules" && name != "dist" {
                visit(&entry.path(), each);
            }
        } else {
            each(&entry.path());
        }
    }
}
