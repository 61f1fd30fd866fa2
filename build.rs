//! Puts the page together and compresses what the component serves as it is; `src/webhook/asset.rs` embeds the outcome.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// How far apart in lines two documents may be before they are taken to differ to the end.
const APART: usize = 400;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    // One is made of the other, so they are kept as one.
    keep("openapi", &merged(&asset("openapi.json")?, &asset("openapi-3.0.json")?))?;
    let page = Page::assembled()?;
    keep("page", &page.html)?;
    fs::write(out()?.join("page.csp"), page.policy)
}

/// A file of `src/webhook/assets`.
fn asset(name: &str) -> io::Result<String> {
    let path = Path::new("src/webhook/assets").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    // A browser makes line feeds of all line ends before it takes the hash of a script.
    Ok(fs::read_to_string(&path)?.replace("\r\n", "\n"))
}

fn out() -> io::Result<PathBuf> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| io::Error::other("OUT_DIR is not set"))
}

fn keep(name: &str, content: &str) -> io::Result<()> {
    // A plain header, without a name or a time: `Asset` counts on its length, and the same file makes the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content.as_bytes())?;
    fs::write(out()?.join(name).with_extension("gz"), gzip.finish()?)
}

/// Two JSON texts as one: each line less what indents it, after a space where it is in both, `-` where it is the first's and
/// `+` where it is the second's.
fn merged(first: &str, second: &str) -> String {
    let lines = |text: &str| text.lines().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
    let (first, second) = (lines(first), lines(second));
    let (mut first, mut second) = (first.as_slice(), second.as_slice());
    let mut merged = String::new();
    while !first.is_empty() || !second.is_empty() {
        let (mine, yours) = until_alike(first, second);
        let (own, rest) = first.split_at(mine);
        let (others, others_rest) = second.split_at(yours);
        let both = rest.iter().zip(others_rest).take_while(|(mine, yours)| mine == yours).count();
        let (shared, rest) = rest.split_at(both);
        for (mark, lines) in [('-', own), ('+', others), (' ', shared)] {
            for line in lines {
                merged.push(mark);
                merged.push_str(line);
                merged.push('\n');
            }
        }
        (first, second) = (rest, others_rest.split_at(both).1);
    }
    merged
}

/// How many lines of each come before the next two lines that are alike.
fn until_alike(first: &[String], second: &[String]) -> (usize, usize) {
    let alike = |mine: usize, yours: usize| {
        let (mine, yours) = (first.get(mine..mine + 2), second.get(yours..yours + 2));
        mine.is_some() && mine == yours
    };
    let all = (0..APART).flat_map(|both| (0..=both).map(move |mine| (mine, both - mine)));
    all.into_iter().find(|(mine, yours)| alike(*mine, *yours)).unwrap_or((first.len(), second.len()))
}

/// The page in one piece, and the policy that lets its own style and script run and nothing else.
struct Page {
    html: String,
    policy: String,
}

impl Page {
    fn assembled() -> io::Result<Self> {
        let style = asset("page.css")?;
        let script = format!("\"use strict\";\n{}\n{}", asset("snippets.js")?, asset("page.js")?);
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

/// What names an inline style or script in a content security policy (CSP Level 3, section 2.3.1).
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
