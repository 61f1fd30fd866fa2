//! Makes the npm package of the built wasm: `idhook-npm WASM FOLDER`. `cargo xtask npm` builds the one and names the other.
//!
//! The package is `bindings/npm/package` and what wasm-bindgen generates, put together into one file for `require` and for Node's
//! `import`, and one for browsers. Both hold the wasm, compressed and in base64: no file is read at run time, which is what a
//! bundle of ABX or Orchestrator and a bundler like best. Node has only the first of the two, so that a program that both imports
//! and requires it has one class `IdhookError`, not two.

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

/// What a program sees of it.
const EXPORTS: [&str; 3] = ["IdhookError", "Vcf", "Vidm"];

/// Node 18 has `crypto` in a module alone. A bundler for browsers does not find that one, and need not.
const NODE_CRYPTO: &str =
    "let crypto = globalThis.crypto;\ntry {\n  crypto ??= require(\"node:crypto\").webcrypto;\n} catch {}\n";

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

/// Writes a file in one step: who reads it just then has the old one or the new one, whole.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_file_name(format!("../idhook-npm-{}.part", std::process::id()));
    std::fs::write(&part, bytes).with_context(|| part.display().to_string())?;
    std::fs::rename(&part, path).with_context(|| path.display().to_string())
}

/// The JavaScript that wasm-bindgen generates for this wasm, and the wasm as that wants it.
fn bind(wasm: &Path) -> Result<(String, Vec<u8>)> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    // A plain script, which fits into either kind of module.
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
    // What it is made of is; itself it is the class `IdhookError`.
    schemas.remove("Problem");
    let types = format!("{types}{}", types::declarations(&schemas)?);
    let package = include_str!("../../../bindings/npm/package/package.json");
    Ok(vec![
        ("LICENSE", include_str!("../../../LICENSE").to_owned()),
        ("README.md", include_str!("../../../bindings/npm/package/README.md").to_owned()),
        ("browser.mjs", format!("{code}export {{ {names} }};\n")),
        ("index.cjs", format!("\"use strict\";\n{NODE_CRYPTO}{code}{required}")),
        ("index.d.cts", types.clone()),
        ("index.d.mts", types),
        ("index.mjs", format!("export {{ {names} }} from \"./index.cjs\";\n")),
        ("package.json", package.replace("\"0.0.0\"", &format!("\"{}\"", env!("CARGO_PKG_VERSION")))),
    ])
}
