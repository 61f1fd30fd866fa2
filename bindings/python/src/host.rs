//! Python as the core needs it: HTTP, clocks, random numbers, a log. A request or a timer becomes an action, and its future waits for
//! the event that answers it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use idhook::runtime::{Clock, Runtime};
use idhook::store::NoStore;

use crate::abi;
use crate::messages::Action;

/// The result of a request or a timer.
pub(crate) type Outcome = Result<http::Response<Bytes>, TransportError>;

/// The Python program around this module. A clone is the same one.
#[derive(Clone, Default)]
pub(crate) struct Host(Rc<RefCell<Shared>>);

#[derive(Default)]
struct Shared {
    last_id: u32,
    actions: Vec<Action>,
    waiting: BTreeMap<u32, Slot>,
}

/// A request or a timer that is under way.
#[derive(Default)]
struct Slot {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    /// Asks Python for something.
    pub(crate) fn push(&self, action: Action) {
        self.0.borrow_mut().actions.push(action);
    }

    /// The work since the last call.
    pub(crate) fn actions(&self) -> Vec<Action> {
        std::mem::take(&mut self.0.borrow_mut().actions)
    }

    /// A request or a timer has ended. One that was cancelled meanwhile is ignored.
    pub(crate) fn ended(&self, id: u32, outcome: Outcome) {
        let waker = self.0.borrow_mut().waiting.get_mut(&id).and_then(|slot| {
            slot.outcome = Some(outcome);
            slot.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Starts a request or a timer, which `action` describes under the id it is given.
    fn begin(&self, action: impl FnOnce(u32) -> Action) -> UnderWay {
        let mut shared = self.0.borrow_mut();
        shared.last_id = shared.last_id.wrapping_add(1);
        let id = shared.last_id;
        shared.waiting.insert(id, Slot::default());
        shared.actions.push(action(id));
        UnderWay { host: self.clone(), id }
    }
}

/// A request or a timer under way; if it is dropped before its end, it is cancelled.
struct UnderWay {
    host: Host,
    id: u32,
}

impl Future for UnderWay {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let mut shared = self.host.0.borrow_mut();
        let Some(slot) = shared.waiting.get_mut(&self.id) else { return Poll::Pending };
        match slot.outcome.take() {
            Some(outcome) => {
                shared.waiting.remove(&self.id);
                Poll::Ready(outcome)
            }
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut shared = self.host.0.borrow_mut();
        if shared.waiting.remove(&self.id).is_some_and(|slot| slot.outcome.is_none()) {
            shared.actions.push(Action::Cancel(self.id));
        }
    }
}

impl Clock for Host {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + duration(abi::now())
    }

    fn elapsed(&self) -> Duration {
        duration(abi::elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        // A timer does not fail.
        let _ = self.begin(|id| Action::Sleep { id, seconds: duration.as_secs_f64() }).await;
    }
}

impl Runtime for Host {
    type Store = NoStore;

    fn store(&self) -> Option<&NoStore> {
        None
    }

    fn random(&self) -> u64 {
        abi::random()
    }

    fn log(&self, line: &str) {
        self.push(Action::Log(line.to_owned()));
    }

    fn how_to_trust(&self) -> &'static str {
        "ca=\"corp-ca.pem\", a PEM file with the CA's certificate"
    }
}

impl HttpClient for Host {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let (parts, body) = request.into_parts();
        // The characters of a header are its bytes, as Python's http.client reads and writes them.
        let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect::<String>();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        self.begin(|id| Action::Request {
            id,
            method: parts.method.as_str().to_owned(),
            url: parts.uri.to_string(),
            headers,
            body: STANDARD.encode(&body),
            connect: limits.connect_timeout.as_secs_f64(),
            first_byte: limits.first_byte_timeout.as_secs_f64(),
            between_bytes: limits.between_bytes_timeout.as_secs_f64(),
            max_body: limits.max_body,
        })
        .await
    }
}

/// A response as Python read it.
pub(crate) fn response(status: u16, headers: Vec<(String, String)>, body: &str) -> Outcome {
    let broken = |what: &str| TransportError::new(TransportErrorKind::Protocol, what);
    let body = STANDARD.decode(body).map_err(|_| broken("no valid body"))?;
    let mut response = http::Response::new(Bytes::from(body));
    *response.status_mut() = status.try_into().map_err(|_| broken("no valid status"))?;
    for (name, value) in headers {
        let value: Vec<u8> = value.chars().filter_map(|c| u8::try_from(c).ok()).collect();
        let name = HeaderName::try_from(name).map_err(|_| broken("no valid header name"))?;
        response.headers_mut().append(name, HeaderValue::try_from(value).map_err(|_| broken("no valid header"))?);
    }
    Ok(response)
}

/// A failure in the words of `_http.py`.
pub(crate) fn failure(kind: &str, detail: String) -> TransportError {
    let kind = match kind {
        "dns" => TransportErrorKind::Dns,
        "refused" => TransportErrorKind::Refused,
        "connect-timeout" => TransportErrorKind::ConnectTimeout,
        "tls" => TransportErrorKind::Tls,
        "timeout" => TransportErrorKind::Timeout,
        "body-too-large" => TransportErrorKind::BodyTooLarge,
        "protocol" => TransportErrorKind::Protocol,
        _ => TransportErrorKind::Interrupted,
    };
    TransportError::new(kind, detail)
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
