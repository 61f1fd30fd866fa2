//! Words for the person at the terminal.

use std::fmt::Display;
use std::io::Write as _;

/// A line on stdout. A closed pipe is no reason to stop.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// An error and its causes, on stderr.
pub(crate) fn complain(e: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "error: {e:#}");
}
