//! Entry points for the whole webhook: a request, and what its upstreams and its store answer.

use std::rc::Rc;

use bytes::Bytes;
use http::header::LOCATION;
use http::response::Parts as Head;
use http::{HeaderValue, Request};
use serde_json::Value;

use super::world::{STATE_KEY, World, answer};
use crate::config::{Config, ConfigError};
use crate::runtime::MAX_LINE;
use crate::webhook::fuzzing::message;
use crate::webhook::{Body, Content, Events, Webhook};

/// Between the parts of an input.
const NEXT: &[u8] = b"\n%%\n";

/// The passwords of the targets: no error and no log line has them.
const PASSWORDS: [&str; 3] = ["vidm-Passw0rd-1", "vcf-Passw0rd-2", "fleet-Passw0rd-3"];

const KEY: &str = "key-with-all-scopes";

const KEYS: &str = r#"[{"name": "all", "sha256": "cf2017845143f9d7de3c287f401c8b0bbd7d06bff0562f16f49ad55bb5b950a5", "scopes": ["vidm:read",
    "vidm:sync", "vidm:profile", "vidm:override", "vcf:read", "vcf:write", "vcf:roles", "fleet:read", "fleet:sync", "fleet:profile",
    "fleet:write", "admin", "metrics"]}]"#;

fn config() -> Result<Config, Vec<ConfigError>> {
    let [vidm, vcf, fleet] = PASSWORDS;
    let config = Config::parse(|name| {
        Some(match name {
            "vidm_url" => "https://vidm.corp.example".to_owned(),
            "vidm_username" | "fleet_username" => "svc-sync".to_owned(),
            "vidm_password" => vidm.to_owned(),
            "vcf_url" => "https://sddc.corp.example".to_owned(),
            "vcf_username" => "administrator@vsphere.local".to_owned(),
            "vcf_password" => vcf.to_owned(),
            "fleet_url" => "https://ops.corp.example".to_owned(),
            "fleet_password" => fleet.to_owned(),
            "fleet_auth_source" => "local".to_owned(),
            "api_keys" => KEYS.to_owned(),
            "state_key" => STATE_KEY.to_owned(),
            _ => return None,
        })
    });
    assert!(config.is_ok(), "{config:?}");
    config
}

/// The parts of an input, at most 16.
fn parts(input: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), input);
    while parts.len() < 15 {
        let Some(at) = rest.windows(NEXT.len()).position(|window| window == NEXT) else { break };
        let Some((part, after)) = rest.split_at_checked(at) else { break };
        parts.push(part);
        rest = after.strip_prefix(NEXT).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

/// A request, then the responses of its upstreams: `METHOD path`, headers, an empty line, the body; `%%` between the parts.
pub(super) fn exchange(input: &[u8]) {
    let parts = parts(input);
    let Some((request, answers)) = parts.split_first() else { return };
    handle(request, World::new(answers.iter().map(|part| answer(part)).collect(), Vec::new()));
}

/// A request, then the records that the store has: as if another version had written them.
pub(super) fn records(input: &[u8]) {
    let parts = parts(input);
    let Some((request, records)) = parts.split_first() else { return };
    let answers = vec![answer(include_bytes!("../../tests/fixtures/vidm/directories.json"))];
    handle(request, World::new(answers, records.iter().map(|record| record.to_vec()).collect()));
}

fn handle(request: &[u8], world: World) {
    let Some((mut parts, body)) = message(request) else { return };
    let is_anonymous = parts.headers.contains_key("authorization") || parts.headers.contains_key("webhook-signature");
    if !is_anonymous {
        parts.headers.entry("x-api-key").or_insert(HeaderValue::from_static(KEY));
    }
    let knows_password = PASSWORDS.iter().any(|password| String::from_utf8_lossy(request).contains(password));
    let webhook = Rc::new(Webhook::new(config()));
    let request = Request::from_parts(parts, Bytes::from(body));
    let handled = World::run(webhook.handle(&world, request, async |body, _| Body::Whole(body)));
    assert!(handled.is_some(), "the request never ends");
    let mut expected = 1;
    if let Some(response) = handled {
        let (head, content) = response.into_parts();
        match content {
            Content::Whole(body) => check(&head, &body, knows_password),
            Content::Events(events) => {
                expected = 2;
                check(&head, &[], knows_password);
                read(*events, knows_password);
            }
        }
    }
    let lines = world.lines();
    assert!(lines.len() <= expected, "{lines:?}");
    for line in &lines {
        assert!(line.len() <= MAX_LINE && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
        assert!(knows_password || !PASSWORDS.iter().any(|password| line.contains(password)), "{line}");
    }
}

/// Reads the beginning of a stream; the reader then goes away, unless it ended before.
fn read(mut events: Events<World>, knows_password: bool) {
    for _ in 0..20 {
        let piece = World::run(events.next());
        assert!(piece.is_some(), "the stream's next piece never comes");
        let Some(piece) = piece.flatten() else { return };
        let text = String::from_utf8_lossy(&piece);
        assert!(knows_password || !PASSWORDS.iter().any(|password| text.contains(password)), "{text}");
    }
}

fn check(head: &Head, body: &[u8], knows_password: bool) {
    assert!(head.headers.contains_key("x-request-id") && head.headers.contains_key("x-content-type-options"));
    let place = head.headers.get(LOCATION).map(HeaderValue::as_bytes);
    assert!(place.is_none_or(|place| place.starts_with(b"/") && !place.starts_with(b"//")), "{place:?}");
    if head.status.as_u16() < 400 || body.is_empty() {
        return;
    }
    assert!(body.len() <= 256 << 10, "an error of {} bytes", body.len());
    let text = String::from_utf8_lossy(body);
    assert!(knows_password || !PASSWORDS.iter().any(|password| text.contains(password)), "{text}");
    let problem = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let code = problem.get("code").or_else(|| problem.get("errorCode")).or_else(|| problem.get("checks"));
    assert!(code.is_some(), "an error without code: {text}");
    assert_ne!(problem.get("code").and_then(Value::as_str), Some("internal"), "{text}");
}
