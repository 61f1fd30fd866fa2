use super::*;
use serde_json::Value;

fn line() -> LogLine {
    let (parts, ()) = http::Request::new(()).into_parts();
    let identity = RequestIdentity {
        id: http::HeaderValue::from_static("id-1"),
        traceparent: None,
        has_bearer: false,
        errors: crate::webhook::gate::ErrorForm::Problem,
        docs_url: "".into(),
    };
    LogLine::new(SystemTime::UNIX_EPOCH, &identity, &parts)
}

fn finished(line: LogLine, secrets: &[&Secret]) -> (String, Value) {
    let text = line.finish(StatusCode::OK, Duration::from_millis(12), secrets);
    assert!(text.len() <= MAX_LINE && text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

#[test]
fn characters_that_are_not_printable_ascii_are_escaped_in_every_text() {
    let hostile = "a\u{0}\n\r\u{1b}[2J\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{202e}\u{2028}\u{2029}\u{2066}\
                   \u{2069}\u{2060}\u{feff}\u{fff9}\u{fffe}\u{3164}\u{e0001}\u{1f600}é\"\\";
    let mut hostile_line = line();
    for field in [
        &mut hostile_line.target,
        &mut hostile_line.caller,
        &mut hostile_line.hook,
        &mut hostile_line.directory,
        &mut hostile_line.callback,
        &mut hostile_line.provider,
        &mut hostile_line.domain,
        &mut hostile_line.upstream_code,
        &mut hostile_line.store,
    ] {
        *field = Some(hostile.to_owned());
    }
    hostile_line.problems.push(hostile.to_owned());
    let (_, value) = finished(hostile_line, &[]);
    for field in ["target", "caller", "hook", "directory", "callback", "provider", "domain", "upstream_code", "store"] {
        let read = value[field].as_str().unwrap().trim_end_matches('…');
        assert!(hostile.starts_with(read) && read.starts_with("a\0\n"), "{field}: {read:?}");
    }
    assert_eq!(value["problems"][0], hostile, "a JSON reader gets the original text");
}

#[test]
fn line_has_at_most_4095_bytes_and_counts_omissions() {
    let mut long = line();
    let text = Some("\u{1f600}".repeat(2048));
    for field in [
        &mut long.target,
        &mut long.caller,
        &mut long.hook,
        &mut long.directory,
        &mut long.callback,
        &mut long.provider,
        &mut long.domain,
        &mut long.upstream_code,
        &mut long.store,
    ] {
        field.clone_from(&text);
    }
    long.request_id = "r".repeat(128);
    long.trace_id = Some("t".repeat(32));
    long.client = Some("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535".to_owned());
    long.forwarded_for = long.client.clone();
    long.problems = vec!["\u{202e}".repeat(1000); 300];
    let call = |status| CallRecord {
        call: "GET /SAAS/jersey/manager/api/connectormanagement/x",
        status,
        ms: 7,
        callback: None,
    };
    long.calls = vec![call(Some(StatusCode::OK)); 500];
    long.calls.push(call(None));
    let (_, value) = finished(long, &[]);
    let calls = value["calls"].as_array().unwrap();
    assert_eq!(calls.len() + usize::try_from(value["calls_omitted"].as_u64().unwrap()).unwrap(), 501);
    assert_eq!((&calls[0]["status"], &calls.last().unwrap()["status"]), (&200.into(), &Value::Null));
    let problems = value["problems"].as_array().map_or(0, Vec::len);
    assert_eq!(problems + usize::try_from(value["problems_omitted"].as_u64().unwrap()).unwrap(), 300);
    // A short one is not cut.
    let mut short = line();
    short.calls = vec![call(None); 20];
    let (_, value) = finished(short, &[]);
    assert_eq!((value["calls"].as_array().unwrap().len(), value.get("calls_omitted")), (20, None));
}

#[test]
fn line_of_a_long_stream_holds_few_calls_and_counts_the_others() {
    let mut long = line().begin_stream();
    for ms in 0..5000 {
        long.calls(vec![CallRecord { call: "GET /x", status: Some(StatusCode::OK), ms, callback: None }]);
        assert!(long.calls.len() <= MAX_CALLS);
    }
    let (_, value) = finished(long, &[]);
    let calls = value["calls"].as_array().unwrap();
    assert_eq!(calls.len() as u64 + value["calls_omitted"].as_u64().unwrap(), 5000);
    assert_eq!((&calls[0]["ms"], &calls.last().unwrap()["ms"]), (&0.into(), &4999.into()));
}

#[test]
fn secret_is_removed_before_a_text_is_cut() {
    let secret = Secret::new("a long secret of the target");
    let mut told = line();
    told.directory = Some(format!("{}{}", "x".repeat(MAX_TEXT - 10), secret.expose()));
    told.provider = Some(secret.expose().to_owned());
    told.domain = Some("a%20long%20secret%20of%20the%20target".to_owned());
    let (text, _) = finished(told, &[&secret]);
    assert!(!text.contains("a long") && !text.contains("long%20"), "{text}");
}

#[test]
fn short_sync_id_is_not_a_valid_sync_id() {
    let id = "AQx".repeat(60);
    let short = short_sync_id(&id);
    assert!(short.len() == 8 && !id.contains(&short) && short == short_sync_id(&id));
}
