//! How a sync stands, read from an answer whose form is written down nowhere.
//!
//! What is known are its relatives: the wrapper in vRealize Automation 7.4 (`{"syncStatus": {"status": "RUNNING",
//! "message": null}}`), and the sync log of VCF 9's identity broker (`success`, `syncDetails` with `usersAdded`…,
//! `timeStamp` in milliseconds; words `STARTED, IN_PROGRESS, FAILED, COMPLETED, UNKNOWN`). So the reader looks for words,
//! times and counts by name, at any depth, the outermost first; what it does not understand is [`SyncStatus::Unknown`]
//! with the word kept.

mod fields;
#[cfg(test)]
mod tests;
mod time;
mod words;

use std::time::SystemTime;

use serde_json::Value;

use crate::directory::{Counts, FailureReason, SyncReport, SyncStatus};
use crate::error::{Error, excerpt};
use fields::Run;

/// Longest word of the upstream's kept, in characters.
const MAX_WORD: usize = 80;

/// In place of vIDM's word where the answer is empty.
const NO_CONTENT: &str = "no content";

impl SyncReport {
    /// Whether vIDM answered that there is no run to report: its answer is empty.
    pub(crate) fn shows_no_run(&self) -> bool {
        self.status == SyncStatus::Unknown && self.upstream_word.as_deref() == Some(NO_CONTENT)
    }

    /// Nothing is known but `word`.
    fn unknown(word: &str) -> Self {
        Self { status: SyncStatus::Unknown, upstream_word: Some(bounded(word)), ..Self::running() }
    }

    /// vIDM does not answer this question for this directory.
    pub(crate) fn unanswered(status: http::StatusCode, error: &Error) -> Self {
        let report = Self::unknown(&format!("no state is told ({})", status.as_u16()));
        Self { server_time: error.server_time(), ..report }
    }

    /// Reads the body of an answer, whatever it is.
    pub(crate) fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        if text.is_empty() {
            return Self::unknown(NO_CONTENT);
        }
        match serde_json::from_slice(text.as_bytes()) {
            Ok(Value::String(word)) => Self::of_word(&word),
            Ok(value) if is_empty(&value) => Self::unknown(NO_CONTENT),
            Ok(value) => match fields::newest_run(&value) {
                Some(run) => Self::of_run(run),
                None => Self::unknown(text),
            },
            // A bare word needs no JSON around it.
            Err(_) => Self::of_word(text),
        }
    }

    /// Reads a list of runs, the one that began last first; those without a time as they came, after the others. `None`
    /// when it is no list.
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
        let status = words::status(word).unwrap_or(SyncStatus::Unknown);
        let reason = (status == SyncStatus::Failed).then(|| words::reason([word]));
        Self { status, reason, ..Self::unknown(word) }
    }

    fn of_run(run: Run) -> Self {
        let mut status = run.status();
        let tripped = run.messages.iter().any(|text| words::is_safeguard_in_english(text));
        // Its own words for a stopped sync say enough where no other word does.
        if status == SyncStatus::Unknown && tripped {
            status = SyncStatus::Failed;
        }
        let word = run.word();
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
            started_at: run.started(),
            finished_at: run.finished(),
            counts: (run.counts != Counts::default()).then_some(run.counts),
            reason,
            server_time: None,
        }
    }
}

/// Whether a document holds nothing: `null`, or objects and lists with nothing in them.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A word of the upstream's, on one line and not longer than it need be.
fn bounded(word: &str) -> String {
    let line = excerpt(word);
    match line.char_indices().nth(MAX_WORD) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
