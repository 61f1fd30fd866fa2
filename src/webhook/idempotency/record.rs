//! The stored record of a key: that its request is being processed, or the response.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::MAX_BODY;
use crate::runtime::unix_ms;

/// The response headers that are replayed. The others belong to the current request.
const HEADERS: [HeaderName; 5] =
    [CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, HeaderName::from_static("preference-applied")];

/// The state of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// A digest of the request that used the key.
    pub(super) input: Option<String>,
    /// The response's number among all in the store.
    pub(super) serial: u64,
    /// The end of the claim, or of the time in which the response is replayed.
    pub(super) until: SystemTime,
    /// The response, once there is one.
    pub(super) answer: Option<Answer>,
}

impl Default for Record {
    fn default() -> Self {
        Self { input: None, serial: 0, until: SystemTime::UNIX_EPOCH, answer: None }
    }
}

/// A stored response.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl std::fmt::Debug for Answer {
    /// The body may contain a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

impl Answer {
    /// The part of this response that is stored; `None` if it is too large.
    pub(super) fn of(response: &Response<Bytes>) -> Option<Self> {
        let headers = HEADERS.into_iter().filter_map(|name| {
            let value = response.headers().get(&name)?.clone();
            Some((name, value))
        });
        let (status, body) = (response.status(), response.body().clone());
        (body.len() <= MAX_BODY).then(|| Self { status, headers: headers.collect(), body })
    }

    /// The response to replay.
    pub(super) fn response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

impl Record {
    /// Whether the record is still valid at `now`.
    pub(super) fn holds(&self, now: SystemTime) -> bool {
        self.until > now
    }

    /// The record in bytes: one line, then the response in HTTP's form.
    pub(super) fn write(&self) -> Vec<u8> {
        let ms = unix_ms(self.until);
        let status = self.answer.as_ref().map_or(0, |answer| answer.status.as_u16());
        let input = self.input.as_deref().unwrap_or("-");
        let mut text = format!("{input} {} {ms} {status}\n", self.serial);
        let Some(answer) = &self.answer else { return text.into_bytes() };
        for (name, value) in &answer.headers {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {}", str::from_utf8(value.as_bytes()).unwrap_or_default());
        }
        text.push('\n');
        [text.as_bytes(), &answer.body].concat()
    }

    /// Parses a record; `None` if another version wrote it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (line, rest) = split(bytes, b"\n")?;
        let mut words = str::from_utf8(line).ok()?.split(' ');
        let input = words.next().filter(|input| *input != "-").map(str::to_owned);
        let mut number = || words.next()?.parse::<u64>().ok();
        let serial = number()?;
        let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(number()?))?;
        let answer = match number()? {
            0 => None,
            status => {
                // Without headers the empty line comes first, and the body may have another.
                let (head, body) = match rest.strip_prefix(b"\n") {
                    Some(body) => (&b""[..], body),
                    None => split(rest, b"\n\n")?,
                };
                let mut headers = Vec::new();
                for line in str::from_utf8(head).ok()?.lines() {
                    let (name, value) = line.split_once(": ")?;
                    headers.push((name.parse().ok()?, value.parse().ok()?));
                }
                let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
                Some(Answer { status, headers, body: Bytes::copy_from_slice(body) })
            }
        };
        Some(Self { input, serial, until, answer })
    }
}

fn split<'b>(bytes: &'b [u8], at: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..place)?, bytes.get(place + at.len()..)?))
}
