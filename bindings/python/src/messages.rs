//! The messages between Python and this module. A step takes a list of [`Event`]s and returns a list of [`Action`]s.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that has happened.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(crate) enum Event {
    /// Open the session; the first event of an instance.
    Open {
        /// `vidm`, `vcf` or `fleet`.
        kind: String,
        settings: Value,
    },
    /// Call a function of the session under an id that Python chooses.
    Call { id: u32, name: String, arguments: Value },
    /// The result of this call is no longer wanted.
    Drop(u32),
    /// A response, read whole.
    Response { id: u32, status: u16, headers: Vec<(String, String)>, body: String },
    /// No response; `kind` is one of the words that `host.rs` reads.
    Failure { id: u32, kind: String, detail: String },
    /// A timer fired.
    Woken(u32),
}

/// Something to do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(crate) enum Action {
    /// The session is open, or why it is not: the JSON of `{"ok": null}` or `{"error": …}`.
    Opened(String),
    /// Send a request. Times are in seconds, `body` is base64.
    Request {
        id: u32,
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: String,
        connect: f64,
        first_byte: f64,
        between_bytes: f64,
        max_body: usize,
    },
    /// Set a timer, in seconds.
    Sleep { id: u32, seconds: f64 },
    /// This request or timer is no longer needed.
    Cancel(u32),
    /// A state that a call observed: its JSON.
    Progress { call: u32, state: String },
    /// The result of a call: the JSON of `{"ok": …}` or `{"error": …}`.
    Done { call: u32, answer: String },
    /// A line for the log.
    Log(String),
}
