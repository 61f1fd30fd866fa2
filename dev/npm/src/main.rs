//! Makes the npm package of the built wasm: `idhook-npm WASM FOLDER`. `cargo xtask npm` builds the one and names the other.
//!
//! The package is `bindings/npm/package` and wasm-bindgen's code, put together into one file for `require` and for Node's `import`, and
//! one for browsers. Both contain the wasm, compressed and in base64, so that no file is read at run time: that suits zips for ABX and
//! Orchestrator, and bundlers. Node's `import` loads the file for `require`, so that a program that does both has one class `IdhookError`.

mod bundle;
mod tarball;
mod types;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idhook::webhook::contract;
use sha2::{Digest as _, Sha256};
use wasm_bindgen_cli_support::Bindgen;

/// A program's imports from it.
const EXPORTS: [&str; 4] = ["Fleet", "IdhookError", "Vcf", "Vidm"];

/// The functions that the code uses from Node: random numbers, which Node 18 has only in a module, and synchronous decompression. A bundler for
/// browsers finds neither, and needs neither.
const NODE: &str = "let crypto = globalThis.crypto;\nlet gunzip;\ntry {\n  crypto ??= require(\"node:crypto\").webcrypto;\n  \
                    gunzip = require(\"node:zlib\").gunzipSync;\n} catch {}\n";
const BROWSER: &str = "let gunzip;\n";

fn main() -> Result<()> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [wasm, folder] = arguments.as_slice() else { anyhow::bail!("usage: idhook-npm WASM FOLDER") };
    let (glue, wasm) = bind(Path::new(wasm))?;
    let packed = tarball::gzip(&wasm)?;
    let encoded = STANDARD.encode(&packed);
    let files = files(&glue, &encoded)?;
    let tarball = tarball::tarball(&files)?;

    let name = format!("idhook-{}.tgz", env!("CARGO_PKG_VERSION"));
    let path = Path::new(folder).join(name);
    std::fs::create_dir_all(folder).with_context(|| Path::new(folder).display().to_string())?;
    put(&path, &tarball)?;
    let bundle = bundle::zip(&files)?;
    let bundled = Path::new(folder).join(bundle::NAME);
    put(&bundled, &bundle)?;
    let kb = |bytes: &[u8]| bytes.len().div_ceil(1000);
    let digest: String = Sha256::digest(&tarball).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut out = std::io::stdout();
    writeln!(out, "wasm {} kB, compressed {} kB, in base64 {} kB", kb(&wasm), kb(&packed), kb(encoded.as_bytes()))?;
    writeln!(out, "{} ({} kB)\nsha256 {digest}", path.display(), kb(&tarball))?;
    writeln!(out, "{} ({} kB)", bundled.display(), kb(&bundle))?;
    Ok(())
}

/// Writes a file in one step: a concurrent reader sees the old one or the new one, whole.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_file_name(format!("../idhook-npm-{}.part", std::process::id()));
    std::fs::write(&part, bytes).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())
}

/// The JavaScript that wasm-bindgen generates for this wasm, and the wasm that fits it.
fn bind(wasm: &Path) -> Result<(String, Vec<u8>)> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    // A plain script, which either kind of module can contain.
    bindgen.no_modules(true)?.no_modules_global("bound")?.omit_default_module_path(true);
    let mut output = bindgen.generate_output()?;
    let glue = output.js().to_owned();
    Ok((glue, output.wasm_mut().emit_wasm()))
}

/// The files of the package.
fn files(glue: &str, wasm: &str) -> Result<Vec<(&'static str, String)>> {
    let engine = include_str!("../../../bindings/npm/package/engine.js");
    let classes = include_str!("../../../bindings/npm/package/idhook.js");
    let code = format!("{glue}\n{engine}\n{classes}\nconst WASM = \"{wasm}\";\n");
    let names = EXPORTS.join(", ");
    let required: String = EXPORTS.map(|name| format!("exports.{name} = {name};\n")).concat();
    let types = include_str!("../../../bindings/npm/package/idhook.d.ts");
    let mut schemas = contract::embedded_schemas();
    // These are written by hand, because a schema cannot say what TypeScript can: the class `IdhookError`, one type for each login, and one
    // for each status of a sync. A test compares the fields.
    for name in ["Problem", "VidmSettings", "VcfSettings", "FleetSettings"] {
        schemas.remove(name);
    }
    if let Some(fields) = schemas.remove("Sync") {
        schemas.insert("SyncFields".to_owned(), fields);
    }
    let types = format!("{types}{}", types::declarations(&schemas)?);
    let package = include_str!("../../../bindings/npm/package/package.json");
    Ok(vec![
        ("LICENSE", include_str!("../../../LICENSE").to_owned()),
        ("README.md", include_str!("../../../bindings/npm/package/README.md").to_owned()),
        ("browser.mjs", format!("{BROWSER}{code}export {{ {names} }};\n")),
        ("index.cjs", format!("\"use strict\";\n{NODE}{code}{required}")),
        ("index.d.cts", types.clone()),
        ("index.d.mts", types),
        ("index.mjs", format!("export {{ {names} }} from \"./index.cjs\";\n")),
        ("package.json", package.replace("\"0.0.0\"", &format!("\"{}\"", env!("CARGO_PKG_VERSION")))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings that the hand-written types have are those that the code reads.
    #[test]
    fn types_of_logins_have_the_fields_of_the_settings() {
        let types = include_str!("../../../bindings/npm/package/idhook.d.ts");
        let schemas = contract::embedded_schemas();
        for (name, parts) in [
            ("VidmSettings", ["VidmTarget", "LocalLogin", "ClientLogin", "DomainLogin"].as_slice()),
            ("VcfSettings", &["VcfTarget", "VcfLogin", "RefreshTokenLogin"]),
            ("FleetSettings", &["FleetTarget", "FleetLogin", "ApiTokenLogin"]),
        ] {
            let mut written: Vec<&str> = parts
                .iter()
                .flat_map(|part| {
                    let body = types.split_once(&format!("export interface {part} {{\n")).unwrap().1;
                    let lines = body.split_once("\n}").unwrap().0.lines().map(str::trim);
                    lines.filter(|line| !line.starts_with(['/', '*'])).filter_map(|line| line.split([':', '?']).next())
                })
                .collect();
            written.sort_unstable();
            written.dedup();
            let known: Vec<_> = schemas[name]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(written, known, "{name}");
        }
    }
}
