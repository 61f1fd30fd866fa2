//! Writes the generated parts of the documentation, or compares them with `--check`: `cargo xtask docs` runs it.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), String> {
    for (path, text) in idhook_docs::files()? {
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        if check {
            return Err(format!("{} is not up to date; run cargo xtask docs", path.display()));
        }
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        // A closed pipe is no reason to stop.
        let _ = writeln!(std::io::stdout(), "{} (written)", path.display());
    }
    Ok(())
}
