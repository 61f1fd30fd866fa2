//! Links lead to files and headings that exist. No network is used.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::page::{self, Page};

/// Whether a link leads out of the project.
fn is_external(link: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

/// The mistake of a link, if it has one.
fn fault(page: &Page, link: &str, anchors: &BTreeMap<PathBuf, Vec<String>>) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.path.clone(),
        file => clean(&page.path.parent()?.join(file)),
    };
    if !target.exists() {
        return Some("no such file".to_owned());
    }
    if anchor.is_empty() {
        return None;
    }
    match anchors.get(&target) {
        Some(anchors) if anchors.iter().any(|known| known == anchor) => None,
        Some(anchors) => Some(format!("no such heading; the page has {}", anchors.join(", "))),
        // Lines of source files.
        None => Some("only headings of Markdown pages can be linked to".to_owned()),
    }
}

#[test]
fn links_and_anchors_exist() {
    let pages = page::all();
    let anchors: BTreeMap<_, _> = pages.iter().map(|page| (page.path.clone(), page.anchors.clone())).collect();
    let broken: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let links = page.links.iter().filter(|(_, link)| !is_external(link));
            links.filter_map(|(line, link)| {
                let why = fault(page, link, &anchors)?;
                Some(format!("{}:{line}: {link}: {why}", page.name()))
            })
        })
        .collect();
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// mdBook leaves out a page that its table of contents does not have.
#[test]
fn table_of_contents_has_every_page_of_docs() {
    let summary = page::at("docs/SUMMARY.md");
    let listed: Vec<PathBuf> =
        summary.links.iter().map(|(_, link)| clean(&summary.path.with_file_name(link.as_str()))).collect();
    let missing: Vec<String> = page::all()
        .iter()
        .filter(|page| page.path.starts_with(idhook_docs::root().join("docs")) && page.path != summary.path)
        .filter(|page| !listed.contains(&page.path))
        .map(Page::name)
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {}", missing.join(", "));
}
