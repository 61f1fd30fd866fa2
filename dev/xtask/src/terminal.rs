//! The text for the person at the terminal: wrapped to its width, with colours only on a terminal that wants them (`NO_COLOR`,
//! `CLICOLOR`, `TERM=dumb`), and plain when it is piped.

use std::fmt::{self, Display};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Error, Result};
use console::{Term, measure_text_width, style};
use indicatif::{ProgressBar, ProgressStyle};

/// The width of text where there is no terminal.
const DEFAULT_WIDTH: usize = 80;
/// Longer lines are hard to read, however wide the terminal is.
const MAX_WIDTH: usize = 100;
/// A narrower terminal breaks the lines itself.
const MIN_WIDTH: usize = 30;

/// Writes a line to stdout. A closed pipe is no reason to stop.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a line to stderr, where it does not mix with a result on stdout.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How many columns a line may take: those of the terminal, else `COLUMNS`, within reason.
pub(crate) fn width() -> usize {
    let of_terminal = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let asked_for = || std::env::var("COLUMNS").ok()?.parse().ok();
    of_terminal.or_else(asked_for).unwrap_or(DEFAULT_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH)
}

/// `text` in lines of at most `width` columns, each after `indent` spaces. A longer word has a line of its own.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let margin = " ".repeat(indent);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = margin.clone();
        for word in paragraph.split_whitespace() {
            let is_empty = line.len() == margin.len();
            if !is_empty && measure_text_width(&line) + 1 + measure_text_width(word) > width {
                lines.push(std::mem::replace(&mut line, margin.clone()));
            } else if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// `text` after `lead`, its further lines indented as far as the first.
pub(crate) fn hanging(lead: &str, text: &str, width: usize) -> String {
    let indent = measure_text_width(lead);
    let wrapped = wrap(text, indent, width);
    format!("{lead}{}", wrapped.get(indent..).unwrap_or_default())
}

/// Rows of a name and a description, the descriptions below each other and wrapped.
pub(crate) fn columns<'t>(rows: impl IntoIterator<Item = (&'t str, &'t str)>, width: usize) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let name = rows.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or(0);
    let lines: Vec<_> = rows.iter().map(|(left, right)| hanging(&format!("  {left:<name$}  "), right, width)).collect();
    lines.join("\n")
}

/// `text`, at most `width` columns of it; what is cut off is shown as `…`.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The mark of a check: ✓, !, ✗ or –.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Warning,
    Bad,
    Skipped,
}

impl Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => style("✓").green().bold().fmt(f),
            Self::Warning => style("!").yellow().bold().fmt(f),
            Self::Bad => style("✗").red().bold().fmt(f),
            Self::Skipped => style("–").dim().fmt(f),
        }
    }
}

/// A spinner on stderr that shows what takes time; nothing when stderr is no terminal. Dropping it removes it.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn of(what: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.into());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Asks a question that is answered with yes or no; `None` where nobody can answer, because stdin or stderr is no terminal.
pub(crate) fn confirm(question: &str) -> Result<Option<bool>> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let term = Term::stderr();
    term.write_str(&format!("{question} [y/N] "))?;
    let answer = term.read_line()?;
    Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
}

/// Asks for a text that is not shown; `None` where nobody can answer.
pub(crate) fn ask_secret(what: &str) -> Result<Option<String>> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let term = Term::stderr();
    term.write_str(&format!("{what}: "))?;
    Ok(Some(term.read_secure_line()?))
}

/// `text` for a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The failure and its fix.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    fix: String,
}

impl Failure {
    /// `what` failed; `fix` is an instruction.
    pub(crate) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }

    /// The instruction.
    #[must_use]
    pub(crate) fn fix(&self) -> &str {
        &self.fix
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// The failure and its root cause; the causes between them concern the authors of this program alone.
pub(crate) fn summary(e: &Error) -> String {
    let (top, root) = (e.to_string(), e.root_cause().to_string());
    if top.contains(&root) { top } else { format!("{top}: {root}") }
}

/// How to fix it, if that is known.
pub(crate) fn fix_of(e: &Error) -> Option<&str> {
    e.downcast_ref::<Failure>().map(Failure::fix).filter(|fix| !fix.is_empty())
}

/// An error on stderr: what failed, then the fix.
pub(crate) fn complain(e: &Error) {
    let width = width();
    note(hanging(&format!("{} ", style("error:").for_stderr().red().bold()), &summary(e), width));
    if let Some(fix) = fix_of(e) {
        note(hanging(&format!("  {} ", style("fix:").for_stderr().bold()), fix, width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn text_is_wrapped_at_words_and_indented() {
        assert_eq!(wrap("one two three", 2, 9), "  one two\n  three");
        assert_eq!(wrap("a-word-that-is-too-long b", 0, 5), "a-word-that-is-too-long\nb");
        assert_eq!(hanging("✓ ", "one two three", 9), "✓ one two\n  three");
        assert_eq!(columns([("a", "one two"), ("long", "three")], 14), "  a     one\n        two\n  long  three");
        assert_eq!(shortened("abcdef", 4), "abc…");
    }

    #[test]
    fn an_error_shows_the_failure_and_the_root_cause_only() {
        let inner = std::io::Error::other("no such host");
        let error = Error::from(inner).context("internal step").context("idhook does not respond");
        assert_eq!(summary(&error), "idhook does not respond: no such host");
        assert_eq!(fix_of(&error), None);
        let failure =
            Err::<(), _>(std::io::Error::other("x")).context(Failure::new("port 3000 is in use", "choose another"));
        let failure = failure.unwrap_err();
        assert_eq!(fix_of(&failure), Some("choose another"));
    }

    #[test]
    fn a_value_is_quoted_for_the_shell_only_where_needed() {
        assert_eq!(quoted("https://localhost:8543"), "https://localhost:8543");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
