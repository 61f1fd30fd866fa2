//! `cargo xtask openapi`: the OpenAPI documents, made from the code.

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "openapi";

/// What `cargo xtask openapi --help` says.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME).about("Writes the OpenAPI documents that the component serves").arg(
        Arg::new("check")
            .long("check")
            .action(ArgAction::SetTrue)
            .help("write nothing; fail where they are not up to date"),
    )
}

/// Writes the documents, or compares them.
///
/// # Errors
/// When a route is not described, a file cannot be written or, with `--check`, is not as it would be written.
pub fn run(matches: &ArgMatches) -> Result<()> {
    for (path, text) in idhook_openapi::files().map_err(anyhow::Error::msg)? {
        let path = path.canonicalize().unwrap_or(path);
        let is_so = std::fs::read_to_string(&path).is_ok_and(|present| present == text);
        let done = match is_so {
            true => "up to date",
            false if matches.get_flag("check") => {
                bail!("{} is not up to date: run cargo xtask openapi", path.display())
            }
            false => {
                std::fs::write(&path, text).with_context(|| path.display().to_string())?;
                "written"
            }
        };
        say(format!("{} ({done})", path.display()));
    }
    Ok(())
}
