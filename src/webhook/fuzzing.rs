//! Entry points for fuzzers: requests as callers send them, and what comes back from callers and the store.

use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use super::caller::Claim;
use super::sync_id::{Key, LONG, Opened};
use super::{ClientAddress, changes, events, idempotency, mount, route, signature};
use crate::config::{Config, Sender};
use crate::directory::SyncTarget;
use crate::error::ErrorCode;
use crate::error::fuzzing::check;
use crate::runtime::from_unix_ms;
use crate::shared_state::StateKey;
use crate::sync::SyncRequest;

pub(crate) use super::idempotency::fuzzing::record;
pub(crate) use super::input::fuzzing::{body, event_text, json_text, query};

/// Reads `METHOD path`, headers, an empty line and a body.
pub(crate) fn message(input: &[u8]) -> Option<(Parts, Vec<u8>)> {
    let end = input.windows(2).position(|pair| pair == b"\n\n").unwrap_or(input.len());
    let (head, body) = input.split_at_checked(end)?;
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.next()?;
    let at = line.iter().position(|byte| *byte == b' ')?;
    let (method, path) = line.split_at_checked(at)?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method).ok()?;
    *request.uri_mut() = path.trim_ascii().try_into().ok()?;
    *request.headers_mut() = headers(lines);
    Some((request.into_parts().0, body.strip_prefix(b"\n\n").unwrap_or_default().to_vec()))
}

fn headers<'l>(lines: impl Iterator<Item = &'l [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // More would not pass any server.
    for line in lines.take(64) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let Some((name, value)) = line.split_at_checked(at) else { continue };
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// The path of a request line: its parameters are bounded and survive another encoding.
pub(crate) fn path(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let matched = match route::find(text) {
        Ok(matched) => matched,
        Err(error) => {
            check(&error);
            return assert!(matches!(error.code(), ErrorCode::RouteNotFound | ErrorCode::RequestInvalid), "{error}");
        }
    };
    let mut encoded = matched.row.path.to_owned();
    for name in matched.row.path.split(['{', '}']).skip(1).step_by(2) {
        let value = matched.parameter(name);
        assert!((1..=2048).contains(&value.len()) && !value.chars().any(char::is_control), "{value:?}");
        assert!(!matches!(value, "." | ".."));
        encoded = encoded.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
    }
    let again = route::find(&encoded).ok();
    let again = again.filter(|again| again.row.path == matched.row.path);
    for name in matched.row.path.split(['{', '}']).skip(1).step_by(2) {
        assert_eq!(again.as_ref().map(|again| again.parameter(name)), Some(matched.parameter(name)), "{encoded}");
    }
    assert!(again.is_some(), "{encoded}");
}

/// The senders of the signed requests here.
fn senders() -> Vec<Sender> {
    const SENDERS: &str = r#"[{"name": "n8n", "scheme": "standard", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "scopes": ["vidm:sync"]},
        {"name": "octo", "scheme": "github", "secrets": ["It's a Secret to Everybody"], "scopes": ["vidm:sync"]},
        {"name": "bucket", "scheme": "bitbucket", "secrets": ["It's a Secret to Nobody else"], "scopes": ["vidm:sync"]},
        {"name": "lab", "scheme": "gitlab", "secrets": ["a gitlab token that is long"], "scopes": ["vidm:sync"]}]"#;
    let config = Config::parse(|name| match name {
        "webhook_secrets" => Some(SENDERS.to_owned()),
        "vidm_url" => Some("https://vidm.corp.example".to_owned()),
        "vidm_username" => Some("svc-sync".to_owned()),
        "vidm_password" => Some("a password".to_owned()),
        _ => None,
    });
    config.map(|config| config.senders).unwrap_or_default()
}

thread_local! {
    static SENDERS: Vec<Sender> = senders();
}

/// A request with headers of signatures: no signature verifies, except the one that is made here, and that only over the same body.
pub(crate) fn signatures(input: &[u8]) {
    SENDERS.with(|senders| {
        assert_eq!(senders.len(), 4);
        if let Some((request, body)) = message(input) {
            unsigned(&request, &body, senders);
        }
        let (id, body) = input.split_at_checked(input.len().min(12)).unwrap_or_default();
        let id: String = id.iter().map(|byte| format!("{byte:x}")).collect();
        if !id.is_empty() {
            signed(&format!("msg_{id}"), body, senders);
        }
    });
}

/// The time of the requests here.
const NOW_MS: u64 = 1_795_168_800_000;

fn unsigned(request: &Parts, body: &[u8], senders: &[Sender]) {
    match signature::claim(request, senders, from_unix_ms(NOW_MS)) {
        Ok(Some(Claim::Signed(signed))) => {
            if let Err(error) = signed.prove(body) {
                return check(&error);
            }
            // A seed has the signature of GitHub's documentation, which is valid for this body alone.
            assert_eq!(body, b"Hello, World!", "nobody signed this");
        }
        Ok(Some(Claim::Proven(_))) => {
            let token = request.headers.get("x-gitlab-token").map(HeaderValue::as_bytes);
            assert_eq!(token, Some(&b"a gitlab token that is long"[..]), "nobody signed this");
        }
        Ok(_) => {}
        Err(error) => check(&error),
    }
}

/// A message of the first sender verifies as it was signed, and not with another body.
fn signed(id: &str, body: &[u8], senders: &[Sender]) {
    let Some(key) = senders.first().and_then(|sender| sender.keys(crate::config::Form::Standard).next()) else {
        return;
    };
    let time = (NOW_MS / 1000).to_string();
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return };
    let tag = mac.chain_update(format!("{id}.{time}.")).chain_update(body).finalize().into_bytes();
    let text =
        format!("POST /\nwebhook-id: {id}\nwebhook-timestamp: {time}\nwebhook-signature: v1,{}", STANDARD.encode(tag));
    let request = message(text.as_bytes()).map(|(request, _)| request);
    let claim = request.as_ref().map(|request| signature::claim(request, senders, from_unix_ms(NOW_MS)));
    let proves = |body: &[u8]| match &claim {
        Some(Ok(Some(Claim::Signed(signed)))) => signed.prove(body).is_ok(),
        _ => false,
    };
    assert!(proves(body), "a signed message does not verify: {text}");
    assert!(!proves(&[body, b"."].concat()), "a changed message verifies: {text}");
}

/// Sync ids: what was not signed does not open; what was signed opens unchanged, for its target, as long as it is unchanged.
pub(crate) fn sync_ids(input: &[u8]) {
    let key = Key::new(Rc::new(StateKey::of("a state key")));
    let target = SyncTarget::parse("default");
    assert!(key.open(&target, &String::from_utf8_lossy(input)).is_none(), "nobody signed this");
    let Some(request) = SyncRequest::of_bytes(&target, input) else { return };
    let Ok(id) = key.of_request(&request) else { return };
    if id.len() > LONG {
        return assert!(key.open(&target, &id).is_none());
    }
    let opened = key.open(&target, &id);
    assert!(matches!(&opened, Some(Opened::Whole(same)) if **same == request), "{opened:?}");
    assert!(key.open(&SyncTarget::parse("another"), &id).is_none(), "an id of another target");
    let at = input.len() * 7 % id.len();
    let other = if id.get(at..=at) == Some("A") { "B" } else { "A" };
    let mut changed = id;
    changed.replace_range(at..=at, other);
    assert!(key.open(&target, &changed).is_none(), "a changed id: {changed}");
}

/// The headers of a request, one a line, and what idhook reads in them.
pub(crate) fn request_headers(input: &[u8]) {
    let headers = headers(input.split(|byte| *byte == b'\n'));
    let limit = Duration::from_secs(300);
    assert!(events::prefers_wait(&headers, limit).is_none_or(|wait| wait <= limit));
    events::wants_events(&headers);
    assert!(signature::unread(&headers).len() <= 3);
    if let Some(base) = mount::BasePath::of_spin(&headers, "/a/b/c") {
        assert!("/a/b/c".starts_with(base.as_str()) && !base.as_str().ends_with('/'));
    }
    if let Some(address) = ClientAddress::of_spin(&headers) {
        let mut again = HeaderMap::new();
        again.extend(
            HeaderValue::from_str(&address.to_string())
                .ok()
                .map(|text| (HeaderName::from_static("spin-client-addr"), text)),
        );
        assert_eq!(ClientAddress::of_spin(&again), Some(address));
    }
    if let Err(error) = changes::condition_of(&headers) {
        check(&error);
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    let (request, ()) = request.into_parts();
    if let Err(error) = idempotency::Key::of(&request, None, "caller", b"") {
        check(&error);
    }
    if let Some(wait) = crate::retry::retry_after(&request.headers, from_unix_ms(NOW_MS)) {
        assert!(wait <= Duration::from_hours(24));
    }
}
