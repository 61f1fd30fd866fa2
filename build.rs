//! Compresses what the component serves as it is; `src/webhook/asset.rs` embeds the outcome.

use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

/// The files of `src/webhook/assets` that are served.
const ASSETS: [&str; 2] = ["openapi.json", "openapi-3.0.json"];

fn main() -> io::Result<()> {
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    println!("cargo::rerun-if-changed=build.rs");
    for name in ASSETS {
        let path = Path::new("src/webhook/assets").join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path)?;
        // A plain header, without a name or a time: `Asset` counts on its length, and the same file makes the same bytes.
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(if name.ends_with(".json") { unindented(&text) } else { text }.as_bytes())?;
        fs::write(Path::new(&out).join(format!("{name}.gz")), gzip.finish()?)?;
    }
    Ok(())
}

/// JSON text of one line for each line, less what indents it: a tenth of it all once compressed.
fn unindented(json: &str) -> String {
    json.lines().map(str::trim_start).collect()
}
