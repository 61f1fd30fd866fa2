//! Makes the Python package of the built wasm: `idhook-wheel WASM FOLDER`. `cargo xtask python` builds the one and names the other.
//!
//! The wheel and the source distribution have the same bytes for the same files, and need no Python to be made.

mod archives;
mod metadata;
mod types;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use idhook::webhook::contract;

use crate::metadata::Project;

/// The files of the package that are written by hand, by their names below `idhook/`.
const SOURCES: [(&str, &str); 10] = [
    ("__init__.py", include_str!("../../../bindings/python/package/idhook/__init__.py")),
    ("_embedded.py", include_str!("../../../bindings/python/package/idhook/_embedded.py")),
    ("_engine.py", include_str!("../../../bindings/python/package/idhook/_engine.py")),
    ("_errors.py", include_str!("../../../bindings/python/package/idhook/_errors.py")),
    ("_http.py", include_str!("../../../bindings/python/package/idhook/_http.py")),
    ("_json.py", include_str!("../../../bindings/python/package/idhook/_json.py")),
    ("_sessions.py", include_str!("../../../bindings/python/package/idhook/_sessions.py")),
    ("_vcf_session.py", include_str!("../../../bindings/python/package/idhook/_vcf_session.py")),
    ("_webhook.py", include_str!("../../../bindings/python/package/idhook/_webhook.py")),
    ("py.typed", include_str!("../../../bindings/python/package/idhook/py.typed")),
];

/// The description that PyPI shows.
pub(crate) const README: &str = include_str!("../../../bindings/python/package/README.md");
const PYPROJECT: &str = include_str!("../../../bindings/python/package/pyproject.toml");
const LICENSE: &str = include_str!("../../../LICENSE");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A file of an archive.
pub(crate) type File = (String, Vec<u8>);

fn main() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [wasm, folder] = arguments.as_slice() else { anyhow::bail!("usage: idhook-wheel WASM FOLDER") };
    let wasm = std::fs::read(wasm).with_context(|| Path::new(wasm).display().to_string())?;
    let project = Project::read(&PYPROJECT.replace("\"0.0.0\"", &format!("\"{VERSION}\"")))?;
    let modules = modules(wasm)?;

    let wheel = archives::wheel(&project, &modules)?;
    let sdist = archives::sdist(&project, &modules)?;
    std::fs::create_dir_all(folder).with_context(|| Path::new(folder).display().to_string())?;
    let mut out = std::io::stdout();
    for (name, bytes) in [(project.wheel_name(), wheel), (project.sdist_name(), sdist)] {
        let path = Path::new(folder).join(name);
        put(&path, &bytes)?;
        writeln!(out, "{} ({} kB)", path.display(), bytes.len().div_ceil(1000))?;
    }
    Ok(())
}

/// The files below `idhook/`, sorted by name.
fn modules(wasm: Vec<u8>) -> Result<Vec<File>> {
    let sources = SOURCES.iter().map(|(name, text)| {
        let text = text.replace("__version__ = \"0.0.0\"", &format!("__version__ = \"{VERSION}\""));
        (format!("idhook/{name}"), text.into_bytes())
    });
    let types = types::module(&contract::embedded_schemas())?;
    let mut files: Vec<File> = sources.collect();
    files.push(("idhook/_types.py".to_owned(), types.into_bytes()));
    files.push(("idhook/idhook.wasm".to_owned(), wasm));
    files.sort();
    Ok(files)
}

/// Writes a file in one step: a concurrent reader sees the old one or the new one, whole.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_file_name(format!("../idhook-wheel-{}.part", std::process::id()));
    std::fs::write(&part, bytes).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())
}
