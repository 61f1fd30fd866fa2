//! The state of a sync, read from a response without documented format.
//!
//! Related formats are known: the wrapper in vRealize Automation 7.4 (`{"syncStatus": {"status": "RUNNING", "message":
//! null}}`), and the sync log of VCF 9's identity broker (`success`, `syncDetails` with `usersAdded`…, `timeStamp` in
//! milliseconds; words `STARTED, IN_PROGRESS, FAILED, COMPLETED, UNKNOWN`). So the reader searches for words, times and
//! counts by name, at any depth, the outermost first; an unknown word becomes [`SyncStatus::Unknown`] and is kept.

mod fields;
#[cfg(test)]
mod tests;
mod words;

use std::time::SystemTime;

use serde_json::Value;

use crate::directory::{Counts, FailureReason, SyncReport, SyncStatus};
use crate::error::{Error, excerpt};
use fields::Run;

/// The longest word kept from the upstream, in characters.
const MAX_WORD: usize = 80;

impl SyncReport {
    /// A report with only `word`.
    fn unknown(word: &str) -> Self {
        Self { status: SyncStatus::Unknown, upstream_word: Some(bounded(word)), ..Self::running() }
    }

    /// The report if vIDM has no sync state for this directory.
    pub(crate) fn unanswered(status: http::StatusCode, error: &Error) -> Self {
        let report = Self::unknown(&format!("no state reported ({})", status.as_u16()));
        Self { server_time: error.server_time(), ..report }
    }

    /// Reads a response body of any form.
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if text.is_empty() {
            return Self::unknown(Self::NO_CONTENT);
        }
        match serde_json::from_slice(text.as_bytes()) {
            Ok(Value::String(word)) => Self::of_word(&word),
            Ok(value) if is_empty(&value) => Self::unknown(Self::NO_CONTENT),
            Ok(value) => match fields::newest_run(&value) {
                Some(run) => Self::of_run(run),
                None => Self::unknown(text),
            },
            // A bare word without JSON.
            Err(_) => Self::of_word(text),
        }
    }

    /// Reads a list of runs, latest start first; those without a time keep their order, after the others. `None` if it is
    /// not a list.
    pub(crate) fn read_all(body: &[u8], server_time: Option<SystemTime>) -> Option<Vec<Self>> {
        let runs = fields::runs(&serde_json::from_slice(body).ok()?)?;
        let mut reports: Vec<Self> = Vec::new();
        for run in runs {
            let report = Self { server_time, ..Self::of_run(run) };
            let at = reports.partition_point(|before| before.started_at >= report.started_at);
            reports.insert(at, report);
        }
        Some(reports)
    }

    fn of_word(word: &str) -> Self {
        if words::plain(word) == words::NOT_STARTED {
            return Self::unknown(Self::NEVER);
        }
        let status = words::status(word).unwrap_or(SyncStatus::Unknown);
        let reason = (status == SyncStatus::Failed).then(|| words::reason([word]));
        Self { status, reason, ..Self::unknown(word) }
    }

    fn of_run(run: Run) -> Self {
        let mut status = run.status();
        let tripped = run.messages.iter().any(|text| words::is_safeguard_in_english(text));
        // A message about safeguards is enough if there is no status word.
        if status == SyncStatus::Unknown && tripped {
            status = SyncStatus::Failed;
        }
        let word = run.word();
        let started_at = run.started();
        // Which of both it means is not documented. A run that waits is joined by a start; a directory that never had one would wait for
        // ever for its end.
        if started_at.is_none() && word.as_deref().is_some_and(|word| words::plain(word) == words::NOT_STARTED) {
            return Self::unknown(Self::NEVER);
        }
        let failed = status == SyncStatus::Failed;
        let reason = failed.then(|| words::reason(run.messages.iter().map(String::as_str).chain(word.as_deref())));
        let message = match reason {
            Some(FailureReason::SafeguardTripped) => run.messages.iter().find(|text| words::is_safeguard(text)),
            _ => None,
        };
        Self {
            status,
            upstream_word: Some(word.map_or_else(|| "no status".to_owned(), |word| bounded(&word))),
            message: message.or(run.messages.first()).map(|text| excerpt(text)),
            started_at,
            finished_at: run.finished(),
            counts: (run.counts != Counts::default()).then_some(run.counts),
            reason,
            ..Self::running()
        }
    }
}

/// Whether a document is empty: `null`, or objects and lists without contents.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A word from the upstream, on one line and bounded.
fn bounded(word: &str) -> String {
    let line = excerpt(word);
    match line.char_indices().nth(MAX_WORD) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
