//! Writes the OpenAPI documents, or compares them with `--check`: `cargo xtask openapi` runs it.

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
    for (path, text) in idhook_openapi::files()? {
        let path = path.canonicalize().unwrap_or(path);
        let is_current = std::fs::read_to_string(&path).is_ok_and(|present| present == text);
        let done = match is_current {
            true => "up to date",
            false if check => return Err(format!("{} is not up to date: run cargo xtask openapi", path.display())),
            false => {
                std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
                "written"
            }
        };
        // A closed pipe is not an error.
        let _ = writeln!(std::io::stdout(), "{} ({done})", path.display());
    }
    Ok(())
}
