//! Compresses what the component serves as it is; `src/webhook/asset.rs` embeds the outcome.

use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

/// How far apart in lines two documents may be before they are taken to differ to the end.
const APART: usize = 400;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    // One is made of the other, so they are kept as one.
    keep("openapi", &merged(&asset("openapi.json")?, &asset("openapi-3.0.json")?))
}

/// A file of `src/webhook/assets`.
fn asset(name: &str) -> io::Result<String> {
    let path = Path::new("src/webhook/assets").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(&path)
}

fn keep(name: &str, content: &str) -> io::Result<()> {
    // A plain header, without a name or a time: `Asset` counts on its length, and the same file makes the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content.as_bytes())?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join(name).with_extension("gz"), gzip.finish()?)
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
