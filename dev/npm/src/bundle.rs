//! The actions for Aria Automation and Orchestrator with idhook inside, as the zip that both take.

use std::io::{Cursor, Write as _};

use anyhow::{Result, ensure};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The name of the zip.
pub(crate) const NAME: &str = "idhook-aria-nodejs.zip";

/// The actions in it.
const ACTIONS: [(&str, &str); 5] = [
    ("main.js", include_str!("../../../examples/aria-bundle/main.js")),
    ("orchestrator.js", include_str!("../../../examples/aria-bundle/orchestrator.js")),
    ("package.json", include_str!("../../../examples/aria-bundle/package.json")),
    ("private-ca.js", include_str!("../../../examples/aria-bundle/private-ca.js")),
    ("session.js", include_str!("../../../examples/aria-bundle/session.js")),
];
/// The files of the npm package that an action needs. The types and the file for browsers would double the zip.
const NEEDED: [&str; 4] = ["LICENSE", "index.cjs", "index.mjs", "package.json"];

/// The actions, and the npm package as `npm install` places it. The same files give the same bytes.
pub(crate) fn zip(npm_package: &[(&str, String)]) -> Result<Vec<u8>> {
    let needed = npm_package.iter().filter(|(name, _)| NEEDED.contains(name));
    let needed = needed.map(|(name, text)| (format!("node_modules/idhook/{name}"), text.as_str()));
    let files: Vec<_> = ACTIONS.iter().map(|(name, text)| ((*name).to_owned(), *text)).chain(needed).collect();
    ensure!(files.len() == ACTIONS.len() + NEEDED.len(), "the npm package lacks some of {NEEDED:?}");

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for (name, text) in files {
        zip.start_file(name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}
