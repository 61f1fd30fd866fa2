use super::*;
use crate::webhook::input::Event;
use http::{HeaderValue, Method, Request, StatusCode};

fn key(headers: &[(&'static str, &str)], caller: &str, uri: &str, body: &str) -> Result<Option<Key>, Error> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let (parts, ()) = request.into_parts();
    let event = Event { source: "/s".into(), id: "1".into() };
    let event = headers.iter().any(|(name, _)| *name == "ce-id").then_some(event);
    Key::of(&parts, event.as_ref(), caller, body.as_bytes())
}

fn id(headers: &[(&'static str, &str)]) -> String {
    key(headers, "ci", "/p", "").unwrap().unwrap().id
}

#[test]
fn first_identifying_header_gives_the_key() {
    let key = [("idempotency-key", "k-1")];
    for same in ["\"k-1\"", " \"k-1\" ", "\"k-1\";a=b", "\"\\k-1\"", "k-1"] {
        let expected = same != "\"\\k-1\"";
        let read = super::tests::key(&[("idempotency-key", same)], "ci", "/p", "");
        assert_eq!(read.is_ok_and(|read| read.unwrap().id == id(&key)), expected, "{same}");
    }
    assert_ne!(id(&[("idempotency-key", "\"a\\\"b\"")]), id(&[("idempotency-key", "ab")]));
    let all = [("x-github-delivery", "d"), ("webhook-id", "w"), ("idempotency-key", "k-1"), ("ce-id", "1")];
    assert_eq!(id(&all), id(&key));
    assert_eq!(id(&[all[0], all[1], all[3]]), id(&[("webhook-id", "w")]));
    assert_eq!(id(&[all[0], all[3]]), id(&[("x-github-delivery", "d")]));
    let kinds = [id(&[("webhook-id", "x")]), id(&[("x-github-delivery", "x")]), id(&[("idempotency-key", "x")])];
    assert!(kinds[0] != kinds[1] && kinds[1] != kinds[2] && kinds[0] != kinds[2]);
    assert_eq!(super::tests::key(&[], "ci", "/p", "").unwrap(), None);
    assert!(super::tests::key(&[("ce-id", "1")], "ci", "/p", "").unwrap().is_some());
}

#[test]
fn invalid_keys_are_rejected() {
    let long = "k".repeat(256);
    for wrong in ["", "\"\"", "a b", "\"unfinished", "\"a\"b", "ä", &long] {
        let error = key(&[("idempotency-key", wrong)], "ci", "/p", "").unwrap_err();
        assert!(error.code() == ErrorCode::RequestInvalid && error.detail().contains("idempotency-key"), "{wrong}");
    }
    assert!(key(&[("idempotency-key", &long[1..])], "ci", "/p", "").is_ok());
    assert!(key(&[("webhook-id", "a"), ("webhook-id", "b")], "ci", "/p", "").is_err());
}

#[test]
fn keys_are_unique_per_caller_and_input() {
    let with = |caller, uri, body| key(&[("idempotency-key", "k")], caller, uri, body).unwrap().unwrap();
    let one = with("ci", "/p?q", "b");
    assert_ne!(with("other", "/p?q", "b").id, one.id);
    for other in [with("ci", "/p?r", "b"), with("ci", "/p", "b"), with("ci", "/p?q", "c"), with("ci", "/p?qb", "")] {
        assert_eq!(other.id, one.id);
        assert_ne!(other.input, one.input);
    }
}

#[test]
fn events_have_a_key_for_each_address_and_signed_messages_one_for_all() {
    let id = |header, uri| key(&[(header, "1")], "ci", uri, "").unwrap().unwrap().id;
    for header in ["x-github-delivery", "webhook-id", "ce-id"] {
        assert_eq!(id(header, "/hooks/a?b"), id(header, "/hooks/a?b"), "{header}");
        for other in ["/hooks/b?b", "/hooks/a?c", "/hooks/a"] {
            assert_ne!(id(header, "/hooks/a?b"), id(header, other), "{header}");
        }
    }
    let signed = |[id, signature]: [&'static str; 2], uri| {
        key(&[(id, "1"), (signature, "v1,x")], "ci", uri, "").unwrap().unwrap().id
    };
    let [standard, svix] = [["webhook-id", "webhook-signature"], ["svix-id", "svix-signature"]];
    assert_eq!(signed(standard, "/hooks/a"), signed(standard, "/hooks/b"));
    assert_eq!(signed(standard, "/hooks/a"), signed(svix, "/hooks/a"), "the signed text is the same");
}

fn response(body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = StatusCode::ACCEPTED;
    for (name, value) in [("content-type", "application/json"), ("location", "/x"), ("x-request-id", "r")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[test]
fn records_survive_a_round_trip() {
    for body in ["", "\n\n", "{\"a\": 1}\n\nx: y\n"] {
        let answer = Answer::of(&response(body)).unwrap();
        let until = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_168_800_123);
        for (input, answer) in [(Some("i".to_owned()), Some(answer)), (Some("i".to_owned()), None), (None, None)] {
            let record = Record { input, serial: 4, until, answer };
            assert_eq!(Record::read(&record.write()), Some(record));
        }
    }
    for body in ["", "a: b\n\nc", "\n\n", "a"] {
        let mut bare = Response::new(Bytes::from_static(body.as_bytes()));
        *bare.status_mut() = StatusCode::NO_CONTENT;
        let record = Record { answer: Answer::of(&bare), ..Record::default() };
        assert_eq!(Record::read(&record.write()), Some(record), "{body:?}");
    }
    let record = Record::read("i 1 2 200\netag: \"\u{707}\"\n\n{}".as_bytes());
    assert!(record.is_some() && record == Record::read(&record.as_ref().unwrap().write()), "{record:?}");
    for wrong in [b"".as_slice(), b"i 1 2 3", b"i 1 2 3 x\n", b"i 1 2 3 200\n", b"i 1 2 3 99999\n\n", b"\xFF 1 2 3 0\n"]
    {
        assert_eq!(Record::read(wrong), None, "{}", String::from_utf8_lossy(wrong));
    }
}

#[test]
fn large_responses_are_not_stored() {
    assert!(Answer::of(&response(&"x".repeat(MAX_BODY))).is_some());
    assert!(Answer::of(&response(&"x".repeat(MAX_BODY + 1))).is_none());
    let again = Answer::of(&response("x")).unwrap().response();
    assert_eq!((again.status(), again.headers().len()), (StatusCode::ACCEPTED, 2));
}

#[test]
fn instance_memory_is_bounded_and_expires() {
    let memory = LocalAnswers::default();
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let lease = Duration::from_secs(30);
    let named = |name: &str| key(&[("webhook-id", name)], "ci", "/p", "").unwrap().unwrap();
    let answer = |until| Record { answer: Answer::of(&response("x")), until, ..Record::default() };
    assert!(memory.claim(&named("running"), start, lease).is_none());
    assert!(memory.claim(&named("running"), start, lease).is_some_and(|record| record.answer.is_none()));
    let quiet = key(&[("webhook-id", "quiet")], "quiet", "/p", "").unwrap().unwrap();
    memory.keep(&quiet, answer(start + 2 * LIFE), start);
    for n in 0..300 {
        memory.keep(&named(&n.to_string()), answer(start + LIFE + Duration::from_secs(n)), start);
    }
    assert!(memory.claim(&quiet, start, lease).is_some(), "another caller's key stays");
    let has = |name: &str, now| memory.claim(&named(name), now, lease).is_some();
    assert!(has("299", start) && has("60", start), "the latest are kept");
    assert!(has("running", start), "and the request being processed");
    assert!(!has("0", start), "the first are dropped");
    assert!(!has("running", start + lease), "no claim outlasts its lease");
    assert!(!has("200", start + LIFE + Duration::from_secs(200)), "no response outlasts its day");
    memory.release(&named("299"));
    assert!(!has("299", start));
}
