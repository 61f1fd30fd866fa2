//! The message about a sync's end: sent once, signed, by the request that first observes the end; it never fails that
//! request.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use http::Method;
use idhook::http::TransportErrorKind;
use idhook::runtime::Clock as _;
use serde_json::Value;

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, START, Script, get, post};
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Answer, Door, KEY, request};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const URL: &str = "https://tickets.corp.example/hook/T0/B1?c=d";

fn variables() -> [(&'static str, &'static str); 2] {
    let callbacks = r#"[{"name":"other","url":"https://other.corp.example/","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
        {"name":"ticket","url":"https://tickets.corp.example/hook/T0/B1?c=d","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#;
    [("callbacks", callbacks), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")]
}

fn over(store: Option<&Rc<MemoryStore>>) -> Door {
    let script = Script::new([]);
    Door::over(if let Some(store) = store { script.with_store(store) } else { script }, &variables())
}

fn state(status: &str) -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
    .answer(200, format!(r#"{{"status":"{status}","startTime":{}}}"#, (START + Duration::from_secs(3)).as_millis()))
}

/// Starts a sync that is seen running; returns its path.
fn started(door: &Door, body: &str) -> String {
    door.then([logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}"), state("RUNNING")]);
    let started = door.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), body);
    assert_eq!(started.status(), 202, "{}", started.text());
    let place = started.header("location").to_owned();
    assert_eq!(door.get(&place).json()["status"], "running");
    place
}

fn ended(answer: &Answer) {
    assert_eq!((answer.status().as_u16(), &answer.json()["status"]), (200, &"succeeded".into()), "{}", answer.text());
}

fn line(door: &Door) -> Value {
    serde_json::from_str(door.script.lines().last().unwrap()).unwrap()
}

#[test]
fn first_observer_of_the_end_sends_the_message() {
    for store in [Some(MemoryStore::new()), None] {
        let door = over(store.as_ref());
        let place = started(&door, r#"{"callback":"ticket"}"#);
        let message = post(URL).header("content-type", "application/json").without("authorization").answer(204, "");
        door.then([state("COMPLETED"), message]);
        let answer = door.get(&place);
        ended(&answer);

        let requests = door.script.requests();
        let message = requests.last().unwrap();
        assert_eq!(String::from_utf8_lossy(message.body()), answer.text(), "the state as in the response");
        let header = |name| message.headers().get(name).unwrap().to_str().unwrap();
        assert!(header("webhook-id").starts_with("sync_") && header("webhook-id").len() == 29);
        let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
        let now = (START + door.script.elapsed()).as_secs();
        assert!(now.abs_diff(timestamp.unsigned_abs()) <= 1);
        let oracle = standardwebhooks::Webhook::new(SECRET).unwrap();
        let signature = oracle.sign(header("webhook-id"), timestamp, message.body()).unwrap();
        assert_eq!(header("webhook-signature"), signature);
        assert_eq!(line(&door)["calls"][1]["call"], "POST callback");
        for told in door.script.lines() {
            assert!(!told.contains("MfKQ9r8") && !told.contains("T0/B1"), "{told}");
        }

        door.then([state("COMPLETED"), state("COMPLETED")]);
        ended(&door.get(&place));
        door.script.advance(Duration::from_secs(1));
        let waiting = door.send_with(Method::GET, &place, &[("prefer", "wait=10")], "");
        ended(&waiting);
        if store.is_some() {
            door.then([state("COMPLETED")]);
            ended(&door.beside_with(&variables()).get(&place));
        }
    }
}

#[test]
fn concurrent_observers_send_one_message() {
    let store = MemoryStore::new();
    let door = over(Some(&store));
    let place = started(&door, r#"{"callback":"ticket"}"#);
    let other = door.beside_with(&variables());
    door.then([state("COMPLETED"), state("COMPLETED"), post(URL).takes(Duration::from_secs(2))]);
    let ask = |door: &Door| {
        let (door, request) = (door.same(), request(KEY, Method::GET, &place, &[], ""));
        async move { door.ask(request).await }
    };
    let (one, two) = door.script.run(join(ask(&door), ask(&other)));
    ended(&one);
    ended(&two);
}

#[test]
fn failed_message_is_repeated_by_the_next_request() {
    for store in [Some(MemoryStore::new()), None] {
        let door = over(store.as_ref());
        let place = started(&door, r#"{"callback":["ticket"]}"#);
        let refused = || post(URL).fail(TransportErrorKind::Refused);
        for attempt in [
            vec![refused(), refused(), refused()],
            vec![post(URL).fail(TransportErrorKind::HostNotAllowed)],
            vec![post(URL).answer(500, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
            vec![post(URL).answer(307, "").answer_header("location", "https://elsewhere.example/")],
            vec![post(URL).hang()],
        ] {
            door.then([state("COMPLETED")]);
            door.then(attempt);
            let began = door.script.elapsed();
            ended(&door.get(&place));
            assert!(door.script.elapsed() - began <= Duration::from_secs(6));
            assert!(door.script.lines().last().unwrap().contains("POST callback"), "{}", line(&door));
            assert!(!door.script.lines().concat().contains("MfKQ9r8"));
        }
        door.then([state("COMPLETED"), post(URL).answer(200, "")]);
        ended(&door.get(&place));
        let id = |at: usize| door.script.requests()[at].headers().get("webhook-id").cloned();
        assert!(id(6).is_some() && id(6) == id(door.calls() - 1), "with the same id each time");
        door.then([state("COMPLETED")]);
        ended(&door.get(&place));
    }
}

#[test]
fn receiver_with_410_gets_no_more_messages() {
    let door = over(None);
    let place = started(&door, r#"{"callback":"ticket"}"#);
    door.then([state("COMPLETED"), post(URL).answer(410, ""), state("COMPLETED")]);
    ended(&door.get(&place));
    ended(&door.get(&place));
    let door = over(None);
    let place = started(&door, r#"{"callback":""}"#);
    door.then([state("COMPLETED")]);
    ended(&door.get(&place));
}

#[test]
fn no_message_is_sent_after_a_day() {
    let door = over(None);
    let place = started(&door, r#"{"callback":"ticket"}"#);
    door.script.advance(Duration::from_secs(24 * 3600));
    door.then([logs_in("t2"), state("FAILED")]);
    assert_eq!(door.get(&place).json()["status"], "failed");
}

#[test]
fn unknown_callback_starts_nothing() {
    let door = over(None);
    for body in [r#"{"callback":"https://evil.example/"}"#, r#"{"callback":"Ticket"}"#, r#"{"callback":{"url":"x"}}"#] {
        let answer = door.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), body);
        assert_eq!(answer.problem("request_invalid")["errors"][0]["pointer"], "/callback");
    }
}
