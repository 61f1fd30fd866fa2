//! The two lines of an event stream. The second has what the first cannot know: the calls and failures after the response began.

use serde::Serialize;

use super::LogLine;
use crate::error::Error;

/// The part of an event stream that the line is about; absent for other requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(in crate::webhook) enum StreamPart {
    /// Its start: its response begins.
    Begun,
    /// Its end, with a final state, a permanent problem, or at the time limit. The line has the calls and failures since the start.
    Ended,
    /// The same, but its reader went away first.
    Left,
}

impl LogLine {
    /// Marks the beginning of an event stream; returns the line for its end, without what this one says.
    pub(in crate::webhook) fn begin_stream(&mut self) -> Self {
        self.stream = Some(StreamPart::Begun);
        Self {
            calls: Vec::new(),
            calls_omitted: 0,
            store: None,
            problems: Vec::new(),
            failed_syncs: Vec::new(),
            ..self.clone()
        }
    }

    /// Marks the end of an event stream, with the problem that was its last event.
    pub(in crate::webhook) fn end_stream(&mut self, part: StreamPart, problem: Option<&Error>) {
        self.stream = Some(part);
        if let Some(problem) = problem {
            self.failed(problem);
            self.broken = Some(problem.code().status());
        }
    }
}
