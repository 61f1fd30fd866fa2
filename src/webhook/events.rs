//! Watching a sync over HTTP: the wait that a caller wants, and the event stream.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, StatusCode};

use super::kept_request::StartedSync;
use super::list_header::{Item, items};
use super::log::{LogLine, StreamPart};
use super::request_id::RequestIdentity;
use super::sync_routes::{Viewer, sync_answer};
use super::watch_limit::Permit;
use super::{Webhook, problem};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::sync::{Watch, WatchEvent};
use crate::upstream::Outbound;

static PREFER: HeaderName = HeaderName::from_static("prefer");

/// The seconds of `Prefer: wait=N` (RFC 7240), at most `limit`.
pub(super) fn prefers_wait(headers: &HeaderMap, limit: Duration) -> Option<Duration> {
    let mut seconds = items(headers, &PREFER).filter_map(|preference| {
        let (name, value) = preference.value().split_once('=')?;
        (name.trim().eq_ignore_ascii_case("wait")).then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    seconds.next().map(|seconds| Duration::from_secs(seconds).min(limit))
}

/// Whether the sender takes only a CloudEvent as the body of a response, as Knative says with `Prefer: reply`. It counts any other body as
/// a failed delivery (knative/eventing, `filter_handler.go`).
pub(super) fn prefers_reply(headers: &HeaderMap) -> bool {
    items(headers, &PREFER).any(|preference| preference.value().eq_ignore_ascii_case("reply"))
}

/// The time to close a stream.
const CLOSING: Duration = Duration::from_secs(1);

/// Whether the caller wants an event stream: it names that media type, and weighs JSON less (RFC 9110, section 12.5.1). With equal weights
/// the named type comes before a wildcard, and JSON, which every other route returns, before the stream: OpenAPI Generator's clients for
/// Java name all media types of the OpenAPI document at once, and read a state.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    let weight = |range| {
        let mut found = items(headers, &ACCEPT).filter(|item| item.value().eq_ignore_ascii_case(range));
        found.next().map(Item::weight)
    };
    let (stream, json) = (weight("text/event-stream").unwrap_or_default(), weight("application/json"));
    let any = || ["application/*", "*/*"].into_iter().find_map(weight).unwrap_or_default();
    stream > 0.0 && json.map_or_else(|| stream >= any(), |json| stream > json)
}

/// The id of a stream's last event. A client that connects again with it in `Last-Event-ID`, as browsers' `EventSource` does by
/// itself, gets 204, upon which it stops (WHATWG HTML, section 9.2.1).
const FINAL: &str = "final";

/// Whether the caller has had a stream's last event already.
pub(super) fn has_seen_the_end(headers: &HeaderMap) -> bool {
    headers.get("last-event-id").is_some_and(|id| id == FINAL)
}

/// A sync as server-sent events (WHATWG HTML, section 9.2): `state` at each change, `problem` when an observation fails, and
/// a comment before each observation and every ten seconds of a longer wait. The comment is a heartbeat: it reveals a closed
/// connection before the target is called for nothing. The last event of a sync has the id `final`.
///
/// Its end is logged, also when it is dropped. A host that stops an instance without that leaves only the line at its start.
#[derive(Debug)]
pub struct Events<R: Runtime> {
    webhook: Rc<Webhook>,
    runtime: R,
    identity: RequestIdentity,
    /// The prefix of every returned path.
    base: String,
    sync: StartedSync,
    viewer: Viewer,
    permit: Option<Permit>,
    watch: Watch,
    /// When the request came, by the monotonic clock.
    started: Duration,
    /// The line for its end, until that is logged.
    line: RefCell<Option<Box<LogLine>>>,
    /// The problem that was its last event.
    problem: Option<Error>,
}

impl<R: Runtime> Events<R> {
    pub(super) fn new(
        webhook: Rc<Webhook>,
        runtime: R,
        (identity, base): (RequestIdentity, String),
        ((sync, viewer), permit): ((StartedSync, Viewer), Option<Permit>),
        ((limit, started), line): ((Duration, Duration), LogLine),
    ) -> Self {
        let watch = Watch::new(&runtime, limit);
        let line = RefCell::new(Some(Box::new(line)));
        Self { webhook, runtime, identity, base, sync, viewer, permit, watch, started, line, problem: None }
    }

    /// The next piece of the stream; `None` at its end. It ends with the final state, with a permanent problem, or when a
    /// watch's time limit is reached; callers then reconnect, as browsers do by themselves.
    pub async fn next(&mut self) -> Option<Bytes> {
        let piece = self.piece().await;
        if piece.is_none() {
            self.end(StreamPart::Ended).await;
        }
        piece
    }

    /// Closes the stream because its reader is gone: the caller may open another at once, at any instance. A stream dropped
    /// without this counts against the caller's `watch_limit` at other instances for up to half a minute.
    pub async fn close(&mut self) {
        self.end(StreamPart::Left).await;
    }

    /// Ends the stream, once: logs it, returns its permit, and adds its counts to the store.
    async fn end(&mut self, part: StreamPart) {
        if !self.log_end(part) {
            return;
        }
        let Ok(configured) = self.webhook.config.as_ref() else { return };
        let outbound = configured.outbound(&self.runtime, &self.identity, CLOSING);
        if let Some(permit) = self.permit.take() {
            permit.close(outbound.store()).await;
        }
        configured.flush_metrics_now(outbound.store()).await;
    }

    /// Logs and counts the end, once; returns whether this was the first call.
    fn log_end(&mut self, part: StreamPart) -> bool {
        let (Some(mut line), Ok(configured)) = (self.line.take(), self.webhook.config.as_ref()) else { return false };
        line.end_stream(part, self.problem.as_ref());
        self.viewer.log(&mut line);
        line.count_end(&configured.metrics, &configured.config);
        if line.is_wanted(StatusCode::OK, configured.config.log_level) {
            let took = self.runtime.elapsed().saturating_sub(self.started);
            self.runtime.log(&line.finish(StatusCode::OK, took, &configured.config.secrets()));
        }
        true
    }

    async fn piece(&mut self) -> Option<Bytes> {
        let configured = self.webhook.config.as_ref().ok()?;
        let outbound = configured.outbound(&self.runtime, &self.identity, configured.config.request_timeout);
        if let Some(permit) = &self.permit {
            permit.renew(outbound.store()).await;
            record(&self.line, &outbound);
        }
        let observe = async |max_age| {
            let answer = sync_answer(configured, &outbound, &self.base, &self.sync, &self.viewer, max_age).await;
            configured.metrics.streamed(&outbound, &self.sync.request);
            configured.flush_metrics(outbound.store()).await;
            record(&self.line, &outbound);
            answer
        };
        Some(match self.watch.next(&self.runtime, observe).await? {
            WatchEvent::State(answer) => {
                self.problem = None;
                event("state", &serde_json::to_vec(&answer).unwrap_or_default(), answer.as_ref().is_final())
            }
            WatchEvent::Failure(error) => {
                let secrets = configured.config.secrets();
                let piece = problem::response(&error, &self.identity, &secrets);
                let piece = event("problem", piece.body(), !error.is_retryable());
                self.problem = Some(error);
                piece
            }
            WatchEvent::Nothing => Bytes::from_static(b":\n\n"),
        })
    }
}

impl<R: Runtime> Drop for Events<R> {
    fn drop(&mut self) {
        self.log_end(StreamPart::Left);
    }
}

/// Adds what happened at the target and at the store to the line.
fn record<R: Runtime>(line: &RefCell<Option<Box<LogLine>>>, outbound: &Outbound<'_, R>) {
    if let Some(line) = line.borrow_mut().as_mut() {
        line.calls(outbound.calls());
        line.store(outbound.store().trouble());
    }
}

fn event(name: &str, data: &[u8], is_last: bool) -> Bytes {
    let id = if is_last { format!("id: {FINAL}\n") } else { String::new() };
    [id.as_bytes(), b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn preferred_wait_is_read_and_bounded() {
        let read = |text| prefers_wait(&headers("prefer", text), Duration::from_secs(300)).map(|wait| wait.as_secs());
        assert_eq!(read("wait=20"), Some(20));
        assert_eq!(read("respond-async, WAIT = \"20\";x=y"), Some(20));
        assert_eq!(read("wait=9999"), Some(300));
        assert_eq!(read(r#"foo="a, wait=7""#), None, "within quotes");
        for text in ["", "wait", "wait=", "wait=soon", "wait=-1", "return=minimal"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(prefers_wait(&HeaderMap::new(), Duration::from_secs(10)), None);
    }

    #[test]
    fn event_stream_is_requested_by_media_type() {
        assert!(wants_events(&headers("accept", "text/event-stream")));
        assert!(wants_events(&headers("accept", "application/json;q=0.1, Text/Event-Stream;q=1")));
        for tie in ["text/event-stream, */*", "text/event-stream;q=0.5, */*;q=0.5", "text/event-stream;q=soon"] {
            assert!(wants_events(&headers("accept", tie)), "{tie}");
        }
        for other in [
            "*/*",
            // OpenAPI Generator 7, java.
            "application/json, text/event-stream, application/problem+json",
            "text/event-stream, application/json",
            "application/json, text/event-stream;q=0",
            "application/json, text/event-stream; Q=0.1",
            "text/event-stream;q=0.9, application/*",
        ] {
            assert!(!wants_events(&headers("accept", other)), "{other}");
        }
        assert!(!wants_events(&HeaderMap::new()));
    }
}
