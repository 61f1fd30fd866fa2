//! The JavaScript engine as the core needs it: HTTP, clocks, random numbers, a log. `package/engine.js` implements it and is passed in, so
//! that the module imports nothing.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue};
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use idhook::runtime::{Clock, Runtime};
use idhook::store::NoStore;
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::bindings::{self, Answer, Failure, UnderWay};

/// The engine that this module runs in. A clone is the same one.
#[derive(Clone)]
pub(crate) struct Engine(bindings::Engine);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

impl From<bindings::Engine> for Engine {
    fn from(engine: bindings::Engine) -> Self {
        Self(engine)
    }
}

/// A request or a timer in the engine. If it is dropped, the request is aborted, or the timer is cleared: it would keep a program from
/// ending.
struct Held(UnderWay);

impl Held {
    async fn done(&self) -> Result<JsValue, JsValue> {
        JsFuture::from(self.0.done()).await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Clock for Engine {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + duration(self.0.now())
    }

    fn elapsed(&self) -> Duration {
        duration(self.0.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        // A timer does not fail.
        let _ = Held(self.0.sleep(milliseconds(duration))).done().await;
    }
}

impl Runtime for Engine {
    type Store = NoStore;

    fn store(&self) -> Option<&NoStore> {
        None
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    fn log(&self, line: &str) {
        self.0.log(line);
    }

    fn how_to_trust(&self) -> &'static str {
        "start Node with NODE_EXTRA_CA_CERTS=FILE in its environment (setting it in the program is too late), or from Node 22.15 \
         on with --use-system-ca"
    }
}

impl HttpClient for Engine {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let (parts, body) = request.into_parts();
        let request = self.0.request(parts.method.as_str(), &parts.uri.to_string());
        // `fetch` sets the length of a body itself, and some engines reject the header.
        for (name, value) in parts.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH) {
            request.header(name.as_str(), &latin1(value.as_bytes()));
        }
        if !body.is_empty() {
            request.body(Uint8Array::from(&body[..]));
        }
        // `fetch` does not report when it is connected, so both limits count together.
        let first_byte = limits.connect_timeout.saturating_add(limits.first_byte_timeout);
        let (first_byte, between) = (milliseconds(first_byte), milliseconds(limits.between_bytes_timeout));
        let sent = Held(request.send(first_byte, between, limits.max_body as f64));
        match sent.done().await {
            Ok(answer) => read(&answer.unchecked_into()),
            Err(failure) => Err(failed(&failure.unchecked_into())),
        }
    }
}

fn read(answer: &Answer) -> Result<http::Response<Bytes>, TransportError> {
    let broken = |what: &str| TransportError::new(TransportErrorKind::Protocol, what);
    let mut response = http::Response::new(Bytes::from(answer.body().to_vec()));
    *response.status_mut() = answer.status().try_into().map_err(|_| broken("no valid status"))?;
    let headers = answer.headers();
    for pair in headers.chunks_exact(2) {
        let [name, value] = pair else { continue };
        // The characters of a header are its bytes (Fetch Standard, "isomorphic decode").
        let value: Vec<u8> = value.chars().filter_map(|c| u8::try_from(c).ok()).collect();
        let name = HeaderName::try_from(name).map_err(|_| broken("no valid header name"))?;
        response.headers_mut().append(name, HeaderValue::try_from(value).map_err(|_| broken("no valid header"))?);
    }
    Ok(response)
}

/// A failure in the words of `package/engine.js`.
fn failed(failure: &Failure) -> TransportError {
    let kind = match failure.kind().as_deref() {
        Some("dns") => TransportErrorKind::Dns,
        Some("refused") => TransportErrorKind::Refused,
        Some("connect-timeout") => TransportErrorKind::ConnectTimeout,
        Some("tls") => TransportErrorKind::Tls,
        Some("timeout") => TransportErrorKind::Timeout,
        Some("body-too-large") => TransportErrorKind::BodyTooLarge,
        Some("protocol") => TransportErrorKind::Protocol,
        _ => TransportErrorKind::Interrupted,
    };
    TransportError::new(kind, failure.detail().unwrap_or_default())
}

/// Bytes as the characters of the same numbers, as `fetch` takes headers.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
