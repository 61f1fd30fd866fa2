//! Watching a sync: until it is final, until the caller's patience ends, or as an event stream.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::identity::RequestIdentity;
use super::vidm_routes::{SyncDocument, sync_document};
use super::{Webhook, problem};
use crate::error::Error;
use crate::outbound::Outbound;
use crate::runtime::Runtime;
use crate::sync::{FRESH, Request};

/// The first wait between two looks at a sync.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_secs(10);

/// The waits between looks: from one second to ten, or as long as the upstream asks for.
///
/// Who watches takes a look of somebody else's for its own when it is younger than the time between two of its own, and goes on
/// from when that was taken. So all who watch a directory fall into one step, and it is asked about as for one.
#[derive(Debug, Clone, Copy)]
struct Pace {
    next: Duration,
    /// How old a look may be.
    max_age: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: FIRST, max_age: FRESH }
    }
}

impl Pace {
    /// The wait after a look that is so old.
    fn after_look(&mut self, age: Duration) -> Duration {
        self.max_age = self.next;
        self.step().saturating_sub(age)
    }

    /// The wait after a failure, at least as long as was asked for.
    fn after_failure(&mut self, asked: Option<Duration>) -> Duration {
        let wait = self.step();
        asked.map_or(wait, |asked| asked.max(wait))
    }

    fn step(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 3 / 2).min(LONGEST);
        wait
    }

    /// Something happened: look closely again.
    fn again(&mut self) {
        self.next = FIRST;
    }
}

/// The seconds of `Prefer: wait=N` (RFC 7240), at most `limit`.
pub(super) fn prefers_wait(headers: &HeaderMap, limit: Duration) -> Option<Duration> {
    let preferences =
        headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let seconds = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        (name.trim().eq_ignore_ascii_case("wait")).then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    seconds.take(1).next().map(|seconds| Duration::from_secs(seconds).min(limit))
}

/// Whether the caller wants an event stream.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|text| text.split(',')).any(|range| {
        range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case("text/event-stream"))
    })
}

/// A sync as server-sent events (WHATWG HTML, section 9.2): `state` at each change, `problem` when asking fails, and a comment
/// before each look. The comment is a heartbeat, and it is how a caller that has gone is noticed before anything is asked for it.
#[derive(Debug)]
pub struct Events<R> {
    webhook: Rc<Webhook>,
    runtime: R,
    identity: RequestIdentity,
    request: Request,
    last: Option<String>,
    pace: Pace,
    ends: Duration,
    next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Look,
    Beat { wait: Duration },
    End,
}

impl<R: Runtime> Events<R> {
    pub(super) fn new(
        webhook: Rc<Webhook>,
        runtime: R,
        identity: RequestIdentity,
        request: Request,
        limit: Duration,
    ) -> Self {
        let ends = runtime.elapsed().saturating_add(limit);
        Self { webhook, runtime, identity, request, last: None, pace: Pace::default(), ends, next: Next::Look }
    }

    /// The next piece of the stream; `None` at its end. It ends with the final state, with a problem that will not pass, or
    /// when it has lasted as long as any watch may; the caller comes back then, as browsers do by themselves.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.next {
                Next::End => return None,
                Next::Beat { wait } => {
                    let left = self.ends.saturating_sub(self.runtime.elapsed());
                    if left.is_zero() {
                        self.next = Next::End;
                        continue;
                    }
                    self.runtime.sleep(wait.min(left)).await;
                    self.next = Next::Look;
                    return Some(Bytes::from_static(b":\n\n"));
                }
                Next::Look => {
                    if let Some(event) = self.look().await {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// One look: an event, where there is news.
    async fn look(&mut self) -> Option<Bytes> {
        let (outcome, secrets) = {
            let configured = self.webhook.config.as_ref().ok()?;
            let outbound = configured.outbound(&self.runtime, &self.identity, configured.config.request_timeout);
            (sync_document(configured, &outbound, &self.request, self.pace.max_age).await, configured.config.secrets())
        };
        match outcome {
            Ok(document) => {
                let text = serde_json::to_string(&document).unwrap_or_default();
                let is_news = self.last.as_ref() != Some(&text);
                if is_news {
                    self.pace.again();
                }
                self.next = if document.is_final() {
                    Next::End
                } else {
                    Next::Beat { wait: self.pace.after_look(document.age) }
                };
                let event = is_news.then(|| Bytes::from(format!("event: state\ndata: {text}\n\n")));
                if is_news {
                    self.last = Some(text);
                }
                event
            }
            Err(error) => {
                let response = problem::response(&error, &self.identity, &secrets);
                let text = String::from_utf8_lossy(response.body()).into_owned();
                self.next = self.after(&error);
                Some(Bytes::from(format!("event: problem\ndata: {text}\n\n")))
            }
        }
    }

    fn after(&mut self, error: &Error) -> Next {
        if error.is_retryable() { Next::Beat { wait: self.pace.after_failure(error.wait()) } } else { Next::End }
    }
}

/// Asks until the sync is final or `patience` has passed; gives the last state either way.
pub(super) async fn wait<R: Runtime>(
    configured: &super::Configured,
    outbound: &Outbound<'_, R>,
    request: &Request,
    patience: Duration,
) -> Result<SyncDocument, Error> {
    let runtime = outbound.runtime();
    let ends = runtime.elapsed().saturating_add(patience);
    let mut pace = Pace::default();
    let mut last = None;
    loop {
        let (pause, outcome) = match sync_document(configured, outbound, request, pace.max_age).await {
            Ok(document) if document.is_final() => return Ok(document),
            Ok(document) => (pace.after_look(document.age), Ok(document)),
            Err(error) if !error.is_retryable() => return Err(error),
            // What passes is waited out; the state seen before it is still the state.
            Err(error) => (pace.after_failure(error.wait()), last.take().ok_or(error)),
        };
        if runtime.elapsed().saturating_add(pause) >= ends {
            return outcome;
        }
        last = outcome.ok();
        runtime.sleep(pause).await;
    }
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
    fn the_callers_patience_is_read_and_bounded() {
        let read = |text| prefers_wait(&headers("prefer", text), Duration::from_secs(300)).map(|wait| wait.as_secs());
        assert_eq!(read("wait=20"), Some(20));
        assert_eq!(read("respond-async, WAIT = \"20\";x=y"), Some(20));
        assert_eq!(read("wait=9999"), Some(300));
        for text in ["", "wait", "wait=", "wait=soon", "wait=-1", "return=minimal"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(prefers_wait(&HeaderMap::new(), LONGEST), None);
    }

    #[test]
    fn an_event_stream_is_asked_for_by_name() {
        assert!(wants_events(&headers("accept", "text/event-stream")));
        assert!(wants_events(&headers("accept", "application/json;q=0.1, Text/Event-Stream;q=1")));
        assert!(!wants_events(&headers("accept", "*/*")));
        assert!(!wants_events(&HeaderMap::new()));
    }

    #[test]
    fn the_pace_slows_down_to_ten_seconds() {
        let mut pace = Pace::default();
        let waits: Vec<_> = (0..8).map(|_| pace.after_look(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [1000, 1500, 2250, 3375, 5062, 7593, 10_000, 10_000]);
        assert_eq!(pace.after_failure(Some(Duration::from_secs(60))), Duration::from_secs(60));
        pace.again();
        assert_eq!(pace.after_failure(None), FIRST);
    }

    #[test]
    fn who_took_a_look_of_anothers_goes_on_from_when_it_was_taken() {
        let mut pace = Pace::default();
        assert_eq!(pace.max_age, FRESH);
        assert_eq!(pace.after_look(Duration::from_millis(300)), Duration::from_millis(700));
        assert_eq!(pace.max_age, FIRST, "as old as its own last look would be");
        assert_eq!(pace.after_look(Duration::from_secs(9)), Duration::ZERO);
    }
}
