//! The generated parts of the documentation: tables of variables, error codes, scopes, routes and log fields, the `[variables]` of
//! the manifests, the schema of the log. They come from the code, so that each fact is written once.
//!
//! A document has a generated part between two marks, each on a line of its own:
//!
//! ```text
//! <!-- generated: variables vidm_*; cargo xtask docs -->
//! <!-- end -->
//! ```
//!
//! In a manifest the marks are comments (`# generated: …`, `# end`). The first word names a table of [`blocks`](self), the others
//! select its rows. `cargo xtask docs` writes [`files`]; a test fails if a file is not up to date.

use std::io;
use std::path::{Path, PathBuf};

mod blocks;
mod marks;
mod schema;

/// The folder of the project.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// The Markdown files that users and contributors read, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn pages() -> io::Result<Vec<PathBuf>> {
    let root = root();
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let mut pages: Vec<PathBuf> = entries(&root)?.into_iter().filter(|path| path.is_file() && is_page(path)).collect();
    for folder in ["deploy", "docs", "examples", "bindings/npm/package", "bindings/python"] {
        gather(&root.join(folder), &mut pages)?;
    }
    pages.retain(is_page);
    pages.sort();
    Ok(pages)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn gather(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() || folder.ends_with("node_modules") {
        return Ok(());
    }
    for path in entries(folder)? {
        if path.is_dir() {
            gather(&path, pages)?;
        } else {
            pages.push(path);
        }
    }
    Ok(())
}

/// The expected text of each file: documents and manifests with their generated parts, and the schema of the log.
///
/// # Errors
/// The mistake and its file.
pub fn files() -> Result<Vec<(PathBuf, String)>, String> {
    let root = root();
    let mut files = vec![(root.join("docs/reference/log.schema.json"), schema::log())];
    let manifests = ["spin.toml", "spin-wasip2.toml"].map(|name| root.join(name));
    for path in pages().map_err(|e| e.to_string())?.into_iter().chain(manifests) {
        let place = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|e| place(&e))?;
        let written = marks::fill(&text, blocks::block).map_err(|e| place(&e))?;
        files.push((path, written));
    }
    Ok(files)
}
