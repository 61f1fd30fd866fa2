//! Builds the website of the documentation with mdBook, whose version is in `Cargo.lock`. A warning is a failure. `cargo xtask docs`
//! runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow, ensure};
use mdbook_driver::MDBook;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

mod local_links;

/// The output of mdBook.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<u8>>>);

impl Write for Warnings {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    let warnings = Warnings::default();
    let writer = warnings.clone();
    let subscriber =
        fmt().with_max_level(LevelFilter::WARN).with_ansi(false).without_time().with_writer(move || writer.clone());
    subscriber.try_init().map_err(|e| anyhow!("the log could not be set up: {e}"))?;

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").canonicalize()?;
    let mut book = MDBook::load(&docs)?;
    book.with_preprocessor(local_links::LocalLinks);
    book.build()?;
    let reported = warnings.0.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(reported.is_empty(), "mdBook warns:\n{}", String::from_utf8_lossy(&reported));
    let built: PathBuf = book.build_dir_for("html");
    writeln!(std::io::stdout(), "{}", built.join("index.html").display())?;
    Ok(())
}
