//! Puts the page together and compresses what the component serves as it is; `src/webhook/asset.rs` embeds the outcome.

use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// Where they are.
const FOLDER: &str = "src/webhook/assets";
/// Those that are served as they are.
const ASSETS: [&str; 2] = ["openapi.json", "openapi-3.0.json"];

fn main() -> io::Result<()> {
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    println!("cargo::rerun-if-changed=build.rs");
    for name in ASSETS {
        let text = read(name)?;
        let text = if name.ends_with(".json") { unindented(&text) } else { text };
        fs::write(Path::new(&out).join(format!("{name}.gz")), compressed(&text)?)?;
    }
    let page = Page::assembled()?;
    fs::write(Path::new(&out).join("page.html.gz"), compressed(&page.html)?)?;
    fs::write(Path::new(&out).join("page.csp"), page.policy)
}

fn read(name: &str) -> io::Result<String> {
    let path = Path::new(FOLDER).join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    // A browser makes line feeds of all line ends before it takes the hash of a script.
    Ok(fs::read_to_string(&path)?.replace("\r\n", "\n"))
}

fn compressed(text: &str) -> io::Result<Vec<u8>> {
    // A plain header, without a name or a time: `Asset` counts on its length, and the same file makes the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text.as_bytes())?;
    gzip.finish()
}

/// The page in one piece, and the policy that lets its own style and script run and nothing else.
struct Page {
    html: String,
    policy: String,
}

impl Page {
    fn assembled() -> io::Result<Self> {
        let style = read("page.css")?;
        let script = format!("\"use strict\";\n{}\n{}", read("snippets.js")?, read("page.js")?);
        let html = read("page.html")?.replace("{page.css}", &style).replace("{page.js}", &script);
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
            hash(&style),
            hash(&script),
        );
        Ok(Self { html, policy })
    }
}

/// What names an inline style or script in a content security policy (CSP Level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// JSON text of one line for each line, less what indents it: a tenth of it all once compressed.
fn unindented(json: &str) -> String {
    json.lines().map(str::trim_start).collect()
}
