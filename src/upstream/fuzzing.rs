//! Entry points for fuzzers: any response to an upstream call, and the texts that become part of one.

use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use super::endpoint::{Endpoint, Kind};
use super::path_segment::{self, MAX_ID};
use super::{BaseUrl, form};
use crate::error::fuzzing::check;
use crate::redact::blank_secret_fields;
use crate::secret::Secret;

/// The target's secret, which a server may echo.
const SECRET: &str = "Secret-of-the-target-1";

/// The statuses of which a third of the inputs get one, besides 200. Redaction of an error takes long under a fuzzer.
const STATUSES: [u16; 10] = [201, 302, 400, 401, 403, 404, 409, 429, 500, 503];

/// Lets `endpoint` read `body` as a response with the status 200 and, by its length, with another one. No error quotes the secret. Returns what was read
/// with 200.
pub(crate) fn read<E: Endpoint>(endpoint: &E, body: &[u8]) -> Option<E::Response> {
    let secret = Secret::new(SECRET);
    let other = STATUSES.get(body.len() % (3 * STATUSES.len())).copied();
    let read = |status: u16| {
        let mut answer = Response::new(Bytes::copy_from_slice(body));
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let checked = Kind::of::<E>().check(answer, SystemTime::UNIX_EPOCH, &[&secret]);
        match checked.and_then(|answer| endpoint.response(answer)) {
            Ok(read) => Some(read),
            Err(error) => {
                check(&error);
                assert!(!format!("{error:?}").contains(SECRET), "an error quotes the secret: {error:?}");
                None
            }
        }
    };
    other.map(read);
    read(200)
}

/// Checks that what callers get to see has no value under a name that marks a secret.
pub(crate) fn has_no_secrets(shown: &impl Serialize) {
    let Ok(shown) = serde_json::to_value(shown) else { return };
    let mut blanked = shown.clone();
    blank_secret_fields(&mut blanked);
    assert_eq!(shown, blanked, "a field with the name of a secret is shown");
}

/// Base URLs, ids in paths, queries: what is accepted stays one part of the address.
pub(crate) fn address(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match BaseUrl::parse(&text) {
        Ok(url) => {
            assert_eq!(BaseUrl::parse(url.as_str()).as_ref(), Ok(&url), "an accepted URL is accepted again");
            assert_eq!(url.as_str().matches("://").count(), 1, "{url:?}");
            assert!(!url.as_str().contains(['@', '#', '?', ' ']), "{url:?}");
            assert_eq!(BaseUrl::parse(&url.origin()).map(|url| url.origin()), Ok(url.origin()), "{url:?}");
        }
        Err(why) => assert!(!why.is_empty()),
    }
    if let Some((origin, path)) = BaseUrl::split(&text) {
        let whole = format!("{}{path}", origin.as_str());
        assert_eq!(BaseUrl::split(&whole), Some((origin, path)), "{whole}");
    }
    match path_segment::check(&text, MAX_ID) {
        Ok(()) => {
            assert!((1..=MAX_ID).contains(&text.len()) && !text.contains(['/', '%', '?', '#', '\\']), "{text}");
            let joined = format!("/a/{text}/b").parse::<http::Uri>().map(|uri| uri.path().split('/').count());
            assert_eq!(joined.ok(), Some(4), "{text}");
        }
        Err(fault) => assert!(!fault.to_string().chars().any(char::is_control), "{fault}"),
    }
    let query = form([("filter", text.as_ref()), ("count", "1")]);
    let uri = format!("/x?{query}").parse::<http::Uri>();
    assert_eq!(uri.ok().and_then(|uri| Some(uri.query()?.matches('&').count())), Some(1), "{query}");
}
