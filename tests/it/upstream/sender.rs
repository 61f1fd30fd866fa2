//! The sender's handling of failed calls: repeats, waits, deadlines, evidence.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method};
use idhook::error::{Error, ErrorCode, Result, UpstreamEvidence};
use idhook::http::{Limits, TransportErrorKind};
use idhook::retry::Repeat;
use idhook::runtime::Runtime as _;
use idhook::secret::{AccessToken, Scheme, Secret};
use idhook::upstream::{Api, Endpoint, bare, with_body};
use idhook::upstream::{BaseUrl, Destination, Outbound};

use crate::support::script::{Call, Script, get, post};

mod deadline;

const THING: &str = "https://up.example/thing";
const LOGIN: &str = "https://up.example/login";
const START_TIME: SystemTime = SystemTime::UNIX_EPOCH;

#[derive(Debug)]
struct Plain;

impl Api for Plain {
    type Dialect = ();

    fn read_error(body: &[u8]) -> Option<UpstreamEvidence> {
        let code = std::str::from_utf8(body).ok()?.strip_prefix("error ")?;
        Some(UpstreamEvidence { code: Some(code.to_owned()), ..UpstreamEvidence::default() })
    }
}

/// `GET /thing`
struct Read;

impl Endpoint for Read {
    type Api = Plain;
    type Response = String;
    const CALL: &'static str = "GET /thing";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/thing", "text/plain")
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<String> {
        Ok(String::from_utf8_lossy(answer.body()).into_owned())
    }
}

/// `POST /thing`
struct Change;

/// `POST /thing`, with a password of the caller's own.
struct Bind;

impl Endpoint for Bind {
    type Api = Plain;
    type Response = ();
    const CALL: &'static str = "POST /thing";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        let body = r#"{"name":"corp","ldap":{"username":"svc","bindPassword":"b1nd \"pw\"","pin":"abc"}}"#;
        with_body(Method::POST, "/thing", "application/json", "text/plain", body)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl Endpoint for Change {
    type Api = Plain;
    type Response = ();
    const CALL: &'static str = "POST /thing";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::POST, "/thing", "text/plain", "text/plain", "x")
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// `POST /login`
struct Login;

impl Endpoint for Login {
    type Api = Plain;
    type Response = ();
    const CALL: &'static str = "POST /login";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::POST, "/login", "text/plain", "text/plain", "pw")
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// Any method without a body.
struct Bare(Method);

impl Endpoint for Bare {
    type Api = Plain;
    type Response = ();
    const CALL: &'static str = "ANY /thing";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(self.0.clone(), "/thing", "text/plain")
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// Runs `endpoint` against the script; also returns the statuses of the exchanges.
fn run<E: Endpoint<Api = Plain>>(script: &Script, time: u64, endpoint: &E) -> (Result<E::Response>, Vec<Option<u16>>) {
    let url = BaseUrl::parse("https://up.example").unwrap();
    let out = Outbound::new(script, Limits::default(), Duration::from_secs(time), HeaderMap::new());
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    let done = script.run(out.call(&to, endpoint, None));
    let statuses = out.calls().into_iter().map(|call| call.status.map(|status| status.as_u16())).collect();
    (done, statuses)
}

fn fails<E: Endpoint<Api = Plain>>(calls: impl IntoIterator<Item = Call>, endpoint: &E) -> Error
where
    E::Response: std::fmt::Debug,
{
    run(&Script::new(calls), 60, endpoint).0.unwrap_err()
}

#[test]
fn read_is_repeated_until_it_succeeds() {
    let script = Script::new([
        get(THING).fail(TransportErrorKind::Interrupted),
        get(THING).answer(503, ""),
        get(THING).header("accept", "text/plain").without("authorization").answer(200, "here"),
    ]);
    let (done, statuses) = run(&script, 60, &Read);
    assert_eq!(done.unwrap(), "here");
    assert_eq!(statuses, [None, Some(503), Some(200)]);
    let slept = script.slept();
    assert_eq!(slept.len(), 2);
    assert!(slept[0] <= Duration::from_millis(400) && slept[1] <= Duration::from_millis(800), "{slept:?}");
}

#[test]
fn read_is_tried_three_times() {
    let error = fails([get(THING).answer(502, ""), get(THING).answer(504, ""), get(THING).answer(502, "")], &Read);
    assert_eq!(error.code(), ErrorCode::UpstreamFailed);
    assert_eq!(error.target(), Some("here"));
}

#[test]
fn permanent_failures_are_not_repeated() {
    for status in [400, 401, 403, 404, 406, 415, 500] {
        fails([get(THING).answer(status, "")], &Read);
    }
    for kind in [
        TransportErrorKind::HostNotAllowed,
        TransportErrorKind::Tls,
        TransportErrorKind::BodyTooLarge,
        TransportErrorKind::Protocol,
    ] {
        fails([get(THING).fail(kind)], &Read);
        fails([post(THING).fail(kind)], &Change);
    }
}

#[test]
fn change_is_repeated_only_if_it_never_arrived() {
    let script = Script::new([
        post(THING).fail(TransportErrorKind::Dns),
        post(THING).fail(TransportErrorKind::ConnectTimeout),
        post(THING).body("x").answer(200, ""),
    ]);
    run(&script, 60, &Change).0.unwrap();
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Interrupted] {
        let error = fails([post(THING).fail(kind)], &Change);
        assert!(error.hint_text().unwrap().contains("read the state before trying again"), "{error}");
        assert!(!error.is_retryable(), "{error}");
    }
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Interrupted] {
        assert!(fails([get(THING).fail(kind), get(THING).fail(kind), get(THING).fail(kind)], &Read).is_retryable());
    }
    let refused = || post(THING).fail(TransportErrorKind::Refused);
    assert!(fails([refused(), refused(), refused()], &Change).is_retryable(), "it never arrived");
    // The host must be allowed first.
    assert!(!fails([get(THING).fail(TransportErrorKind::HostNotAllowed)], &Read).is_retryable());
    for status in [429, 502, 503, 504] {
        fails([post(THING).answer(status, "")], &Change);
    }
}

#[test]
fn retry_after_is_honoured_within_the_deadline() {
    let calls = || [get(THING).answer(429, "").answer_header("retry-after", "20"), get(THING).answer(200, "late")];
    let script = Script::new(calls());
    assert_eq!(run(&script, 60, &Read).0.unwrap(), "late");
    assert_eq!(script.slept(), [Duration::from_secs(20)]);

    // With less time the caller gets the wait.
    let [busy, _] = calls();
    let error = run(&Script::new([busy]), 15, &Read).0.unwrap_err();
    assert_eq!((error.code(), error.wait()), (ErrorCode::UpstreamBusy, Some(Duration::from_secs(20))));
}

#[test]
fn redirect_is_an_error_shown_without_its_query() {
    let redirect = get(THING).answer(302, "").answer_header("location", "https://login.example/?ticket=s3cret");
    let error = fails([redirect], &Read);
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    let text = format!("{error} {:?}", error.evidence());
    assert!(text.contains("https://login.example/") && !text.contains("s3cret"), "{text}");
}

#[test]
fn vendor_message_is_kept() {
    let error = fails([get(THING).answer(409, "error busy.elsewhere")], &Read);
    assert_eq!(error.code(), ErrorCode::UpstreamRejected);
    assert_eq!(error.evidence().unwrap().code.as_deref(), Some("busy.elsewhere"));
    assert!(error.detail().contains("busy.elsewhere"), "{error}");
    let page = fails([get(THING).answer(404, "<html><title>Apache Tomcat</title></html>")], &Read);
    assert!(page.hint_text().unwrap().contains("check the target's URL"), "{page}");
}

#[test]
fn echoed_credentials_are_removed() {
    let configured = Secret::new("hunter2 two");
    let token = AccessToken::new(Scheme::Bearer, Secret::new("t0k3n.abc"), START_TIME, Duration::from_secs(600));
    let script = Script::new([get(THING).answer(400, "you sent t0k3n.abc and hunter2+two, hunter2 two")]);
    let url = BaseUrl::parse("https://up.example").unwrap();
    let out = script.outbound().with_secrets(vec![&configured]);
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    let error = script.run(out.call(&to, &Read, Some(&token))).unwrap_err();
    assert_eq!(error.evidence().unwrap().message.as_deref(), Some("you sent … and …, …"));
}

#[test]
fn secrets_of_a_change_are_removed_from_its_error_and_from_later_ones() {
    let quotes = r#"svc: {"bindPassword":"b1nd \"pw\""} (b1nd+%22pw%22) is wrong"#;
    let page = r#"<html><title>svc: b1nd "pw" of corp</title>"#;
    let script = Script::new([
        post(THING).answer(400, quotes),
        get(THING).answer(404, quotes),
        post(THING).answer(200, page).answer_header("content-type", "text/html"),
    ]);
    let url = BaseUrl::parse("https://up.example").unwrap();
    let out = script.outbound();
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    for error in
        [script.run(out.call(&to, &Bind, None)).unwrap_err(), script.run(out.call(&to, &Read, None)).unwrap_err()]
    {
        let masked = r#"svc: {"bindPassword":"…"} (…) is wrong"#;
        assert_eq!(error.evidence().unwrap().message.as_deref(), Some(masked));
        assert!(error.detail().ends_with(masked), "{error}");
    }
    let error = script.run(out.call(&to, &Bind, None)).unwrap_err();
    assert!(error.detail().ends_with(r#"with the title "svc: … of corp""#), "{error}");
}

#[test]
fn trace_is_forwarded_except_to_logins() {
    let script = Script::new([
        get(THING).header("x-request-id", "r-1").answer(503, ""),
        get(THING).header("x-request-id", "r-1"),
        post(LOGIN).without("x-request-id"),
    ]);
    let url = BaseUrl::parse("https://up.example").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "r-1".parse().unwrap());
    let out = Outbound::new(&script, Limits::default(), Duration::from_secs(60), headers);
    let to = Destination::<Plain> { target: "here", url: &url, dialect: &() };
    script.run(out.call(&to, &Read, None)).unwrap();
    // A login's outcome must not depend on the caller's headers.
    script.run(out.call(&to, &Login, None)).unwrap();
    assert_eq!(script.requests().len(), 3);
}

#[test]
fn calls_send_user_agent_and_plain_english() {
    for (method, length) in [
        (Method::GET, None),
        (Method::HEAD, None),
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::PATCH, Some("0")),
        (Method::DELETE, Some("0")),
    ] {
        let call = Call::new(method.clone(), THING)
            .header("user-agent", concat!("idhook/", env!("CARGO_PKG_VERSION")))
            .header("accept-encoding", "identity")
            .header("accept-language", "en");
        let call = match length {
            Some(length) => call.header("content-length", length),
            None => call.without("content-length"),
        };
        run(&Script::new([call]), 60, &Bare(method)).0.unwrap();
    }
    run(&Script::new([post(LOGIN).header("content-length", "2").header("accept-encoding", "identity")]), 60, &Login)
        .0
        .unwrap();
}

/// Pages of gateways, sign-in forms and servlet containers.
const PAGES: [&str; 5] = [
    "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
    "\r\n<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><TITLE lang=en>\nSign\tin </TITLE>",
    "\u{feff}<!doctype html><title>HTTP Status 401 \u{2013} Unauthorized</title>",
    "<?xml version=\"1.0\"?>\n<!-- generated -->\n<!DOCTYPE html><html><title>Blocked</title>",
    "<head><title>Captive portal</title></head>",
];

#[test]
fn login_page_is_not_about_the_credentials() {
    for page in PAGES {
        for status in [200, 400, 401, 403] {
            let error = fails([post(LOGIN).answer(status, page)], &Login);
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{status} {page}");
            assert!(error.detail().contains("an HTML page with the title \""), "{error}");
            let hint = error.hint_text().unwrap();
            assert!(hint.contains("URL") && hint.contains("scheme") && hint.contains("gateway"), "{hint}");
        }
    }
    let untitled = fails([post(LOGIN).answer(403, "<p>no").answer_header("content-type", "text/html")], &Login);
    assert_eq!(untitled.code(), ErrorCode::UpstreamInvalid);
    assert!(untitled.detail().contains("an HTML page without a title"), "{untitled}");
}

#[test]
fn only_the_server_itself_rejects_a_login() {
    for (status, body, code) in [
        (401, "", ErrorCode::UpstreamAuth),
        (401, "anything", ErrorCode::UpstreamAuth),
        (401, "error bad.password", ErrorCode::UpstreamAuth),
        (403, "", ErrorCode::UpstreamAuth),
        (400, "error bad.password", ErrorCode::UpstreamAuth),
        (400, "", ErrorCode::UpstreamInvalid),
        (400, "Request Header Or Cookie Too Large", ErrorCode::UpstreamInvalid),
        (431, "error too.large", ErrorCode::UpstreamInvalid),
        (407, "error proxy", ErrorCode::UpstreamInvalid),
    ] {
        assert_eq!(fails([post(LOGIN).answer(status, body)], &Login).code(), code, "{status} {body}");
    }
}

#[test]
fn page_is_invalid_and_its_hint_names_the_gateway() {
    for page in PAGES {
        let error = fails([get(THING).answer(200, page)], &Read);
        assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{page}");
        assert!(error.detail().contains("page"), "{error}");
        let error = fails([post(THING).answer(200, page)], &Change);
        assert!(error.code() == ErrorCode::UpstreamInvalid && !error.is_retryable(), "{error}");
        let error = fails([get(THING).answer(403, page)], &Read);
        let hint = error.hint_text().unwrap();
        assert!(hint.contains("gateway") && !hint.contains("role"), "{hint}");
    }
    let role = fails([get(THING).answer(403, "error forbidden")], &Read);
    assert!(role.hint_text().unwrap().contains("role"), "{role}");
    // XML and plain text are not pages.
    for text in ["<userSession><sessionToken>t</sessionToken></userSession>", "ok", "5 < 6 <html>"] {
        assert_eq!(run(&Script::new([get(THING).answer(200, text)]), 60, &Read).0.unwrap(), text);
    }
}

#[test]
fn encoded_response_is_rejected_with_its_coding() {
    let zipped: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00";
    for coding in ["gzip", "deflate", "br", "zstd", "x-gzip", "gzip, identity", "identity,br"] {
        for status in [200, 401, 404, 500] {
            let encoded = || get(THING).answer(status, zipped).answer_header("content-encoding", coding);
            let error = fails([encoded()], &Read);
            let word = coding.split(',').map(str::trim).find(|word| *word != "identity").unwrap();
            assert!(error.detail().contains(&format!("the content coding {word}")), "{error}");
            assert!(error.detail().chars().all(|c| !c.is_control() && c != '\u{fffd}'), "{error}");
            if status == 200 {
                assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
                assert!(error.hint_text().unwrap().contains("Accept-Encoding"), "{error}");
            }
        }
    }
    // Binary without a declared coding.
    for status in [200, 500] {
        let error = fails([get(THING).answer(status, zipped)], &Read);
        assert!(error.detail().contains("binary data") && !error.detail().contains('\u{fffd}'), "{error}");
        let evidence = format!("{:?}", error.evidence().unwrap());
        assert!(!evidence.contains('\u{fffd}'), "{evidence}");
    }
    // A declared identity coding is read, and so is an empty body in any coding.
    for (body, coding) in [("here", "identity"), ("here", ""), ("", "gzip")] {
        let call = get(THING).answer(200, body).answer_header("content-encoding", coding);
        assert_eq!(run(&Script::new([call]), 60, &Read).0.unwrap(), body);
    }
}

#[test]
fn script_is_deterministic() {
    let (one, other) = (Script::new([]), Script::new([]));
    assert_eq!([one.random(), one.random()], [other.random(), other.random()]);
}
