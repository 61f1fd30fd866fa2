//! Large, slow and endless bodies: the limits for signed requests, and those for callers with a key.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, join, join_all, select};
use http::{Method, Request};
use idhook::runtime::Clock as _;
use serde_json::json;

use crate::support::webhook::{Answer, Instance, KEY};
use crate::webhook::senders::{senders, signed};

const HOOK: &str = "/hooks/infra";
const SECOND: Duration = Duration::from_secs(1);

/// A body in pieces, each after a wait; without an end the last wait is endless.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drip {
    pub(crate) pieces: Vec<(Duration, Bytes)>,
    pub(crate) is_endless: bool,
}

impl Drip {
    fn of(body: &str, size: usize, every: Duration) -> Self {
        let pieces = body.as_bytes().chunks(size).map(|piece| (every, Bytes::copy_from_slice(piece)));
        Self { pieces: pieces.collect(), is_endless: false }
    }

    fn endless() -> Self {
        Self { pieces: Vec::new(), is_endless: true }
    }
}

fn instance(more: &[(&str, &str)]) -> Instance {
    let hook = json!([{"name": "infra", "senders": ["n8n", "all"], "directory": "corp.example",
                       "on": [{"pointer": "/never", "equals": true}]}])
    .to_string();
    let senders = senders();
    let mut variables = vec![("webhook_secrets", senders.as_str()), ("hooks", hook.as_str())];
    variables.extend_from_slice(more);
    Instance::with(&variables, [])
}

/// A JSON body of `size` bytes.
fn sized(size: usize) -> String {
    format!(r#"{{"x":"{}"}}"#, "y".repeat(size - 8))
}

fn by_stranger(body: &str, drip: Drip) -> Request<Drip> {
    let mut request = Request::builder().method(Method::POST).uri(HOOK);
    for (name, value) in signed(body, 0) {
        request = request.header(name, value);
    }
    request.body(drip).unwrap()
}

fn by_key(drip: Drip) -> Request<Drip> {
    Request::builder().method(Method::POST).uri(HOOK).header("x-api-key", KEY).body(drip).unwrap()
}

/// The response, and how long it took.
fn timed(instance: &Instance, request: Request<Drip>) -> (Answer, Duration) {
    let began = instance.script.elapsed();
    let answer = instance.script.run(instance.ask_dripping(request));
    (answer, instance.script.elapsed() - began)
}

#[test]
fn dripping_signed_body_is_rejected_within_seconds() {
    let instance = instance(&[]);
    let body = sized(4096);
    for (drip, longest) in [
        (Drip::endless(), 2 * SECOND),
        (Drip::of(&body, 1, SECOND), 3 * SECOND),
        (Drip::of(&body, 1, Duration::from_millis(10)), 3 * SECOND),
        (Drip { is_endless: true, ..Drip::of(&body, 2048, Duration::from_millis(100)) }, 3 * SECOND),
        (Drip::of(&sized(60_000), 4000, Duration::from_millis(480)), 5 * SECOND),
    ] {
        let (answer, took) = timed(&instance, by_stranger(&body, drip));
        answer.problem("request_timeout");
        assert!(took <= longest, "{took:?}");
    }
}

#[test]
fn signed_body_on_a_slow_link_is_read() {
    let instance = instance(&[]);
    for (size, piece, every) in [(1000, 1000, 1900), (20_000, 1400, 150), (60_000, 1400, 100)] {
        let body = sized(size);
        let drip = Drip::of(&body, piece, Duration::from_millis(every));
        let (answer, _) = timed(&instance, by_stranger(&body, drip));
        assert_eq!(answer.status(), 200, "{size}: {}", answer.text());
    }
}

#[test]
fn signed_bodies_are_limited_to_256_kib_by_default() {
    let (fits, large) = (sized(256 << 10), sized((256 << 10) + 1));
    let at_once = |body: &str| by_stranger(body, Drip::of(body, 10_000, Duration::ZERO));
    let by_default = instance(&[]);
    assert_eq!(timed(&by_default, at_once(&fits)).0.status(), 200);
    let problem = timed(&by_default, at_once(&large)).0.problem("body_too_large");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("signed_body_limit") && hint.contains("request_body_limit"), "{problem}");
    // The general limit applies to them too.
    let other =
        |signed: &str, general: &str| instance(&[("signed_body_limit", signed), ("request_body_limit", general)]);
    timed(&other("1000000", "262144"), at_once(&large)).0.problem("body_too_large");
    assert_eq!(timed(&other("1000000", "1000000"), at_once(&large)).0.status(), 200);
    // A caller with a key has the general limit alone.
    let small = other("1000", "262144");
    timed(&small, at_once(&fits)).0.problem("body_too_large");
    assert_eq!(timed(&small, by_key(Drip::of(&fits, 10_000, Duration::ZERO))).0.status(), 200);
}

#[test]
fn body_of_a_known_caller_has_the_requests_time() {
    let instance = instance(&[]);
    let body = sized(200);
    let (answer, took) = timed(&instance, by_key(Drip::of(&body, 10, SECOND)));
    assert!(answer.status() == 200 && took == 20 * SECOND, "{took:?} {}", answer.text());
    let (answer, took) = timed(&instance, by_key(Drip::of(&body, 1, SECOND)));
    answer.problem("request_timeout");
    assert_eq!(took, 25 * SECOND);
    let (answer, took) = timed(&instance, by_key(Drip::endless()));
    answer.problem("request_timeout");
    assert_eq!(took, 25 * SECOND);
}

#[test]
fn few_unproven_bodies_are_read_at_once() {
    let instance = instance(&[]);
    let ask = |drip: Drip| instance.ask_dripping(by_stranger("{}", drip));
    let whole = || Drip::of("{}", 2, Duration::from_millis(1));
    let late = async {
        instance.script.sleep(SECOND).await;
        (ask(whole()).await, instance.ask_dripping(by_key(whole())).await)
    };
    let (slow, (ninth, known)) = instance.script.run(join(join_all((0..8).map(|_| ask(Drip::endless()))), late));
    assert!(slow.iter().all(|answer| answer.status() == 408));
    assert_eq!(ninth.status(), 503);
    assert_eq!(ninth.problem("overloaded")["retryable"], true);
    assert_eq!(ninth.header("retry-after"), "1");
    assert_eq!(known.status(), 200, "a caller with a key is admitted");
    // Each place is free again, after a response and after a disconnect.
    for _ in 0..20 {
        instance.script.run(async {
            let (asks, leaves) = (pin!(ask(Drip::endless())), pin!(instance.script.sleep(Duration::from_millis(1))));
            assert!(matches!(select(asks, leaves).await, Either::Right(_)));
        });
    }
    assert_eq!(instance.script.run(ask(whole())).status(), 200);
}
