//! Assembles the page and compresses the static documents; `src/webhook/asset.rs` embeds the results.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["openapi", "openapi-3.0"] {
        compress(name, &compact(&asset(&format!("{name}.json"))?))?;
    }
    let page = Page::assembled()?;
    compress("page", &page.html)?;
    fs::write(out()?.join("page.csp"), page.policy)
}

/// A file of `src/webhook/assets`.
fn asset(name: &str) -> io::Result<String> {
    let path = Path::new("src/webhook/assets").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    // A browser normalises line ends before it hashes a script.
    Ok(fs::read_to_string(&path)?.replace("\r\n", "\n"))
}

/// JSON without its indentation, which costs 3 kB even when it is compressed. No JSON string contains a line end.
fn compact(json: &str) -> String {
    json.lines().map(str::trim_start).collect()
}

fn out() -> io::Result<PathBuf> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("OUT_DIR is not set"))
}

fn compress(name: &str, content: &str) -> io::Result<()> {
    // The header has no name and no time, so the same content always makes the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content.as_bytes())?;
    fs::write(out()?.join(format!("{name}.gz")), gzip.finish()?)
}

/// The page's script, in this order: `page.js` starts it.
const SCRIPTS: [&str; 10] = [
    "dom.js",
    "highlight.js",
    "api.js",
    "targets.js",
    "sync.js",
    "providers.js",
    "doctor.js",
    "reference.js",
    "snippets.js",
    "page.js",
];

/// The page as one document, and the policy that allows its own style and script only.
struct Page {
    html: String,
    policy: String,
}

impl Page {
    fn assembled() -> io::Result<Self> {
        let style = asset("page.css")?;
        let script = SCRIPTS.map(script).into_iter().collect::<io::Result<Vec<_>>>()?;
        let script = format!("\"use strict\";\n{}", script.join("\n"));
        let html = asset("page.html")?.replace("{page.css}", &style).replace("{page.js}", &script);
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
            hash(&style),
            hash(&script),
        );
        Ok(Self { html, policy })
    }
}

/// A part of the script without the comments that fill a line, which no browser needs: 2 kB of the compressed page.
/// `snippets.js` is left as it is, because the programs in it have comments too.
fn script(name: &str) -> io::Result<String> {
    let text = asset(name)?;
    let is_comment = |line: &&str| {
        let line = line.trim_start();
        name != "snippets.js" && (line.starts_with("// ") || (line.starts_with("/** ") && line.ends_with("*/")))
    };
    Ok(text.lines().filter(|line| !is_comment(line)).map(|line| format!("{line}\n")).collect())
}

/// The hash that allows an inline style or script in a content security policy (CSP Level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
