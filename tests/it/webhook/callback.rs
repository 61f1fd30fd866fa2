//! The message about a sync's end: sent once, signed, by the request that first observes the end; it never fails that
//! request.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use http::Method;
use idhook::http::TransportErrorKind;
use idhook::runtime::Clock as _;
use serde_json::{Value, json};

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, START, Script, get, post};
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Answer, Instance, KEY, configuration, request};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const URL: &str = "https://tickets.corp.example/hook/T0/B1?c=d";

fn variables() -> [(&'static str, &'static str); 2] {
    let callbacks = r#"[{"name":"other","url":"https://other.corp.example/","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
        {"name":"ticket","url":"https://tickets.corp.example/hook/T0/B1?c=d","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]"#;
    [("callbacks", callbacks), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")]
}

fn over(store: Option<&Rc<MemoryStore>>) -> Instance {
    let script = Script::new([]);
    Instance::over(if let Some(store) = store { script.with_store(store) } else { script }, &variables())
}

fn state(status: &str) -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
    .answer(200, format!(r#"{{"status":"{status}","startTime":{}}}"#, (START + Duration::from_secs(3)).as_millis()))
}

/// Starts a sync that is seen running; returns its path.
fn started(instance: &Instance, body: &str) -> String {
    instance.then([logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}"), state("RUNNING")]);
    let started = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), body);
    assert_eq!(started.status(), 202, "{}", started.text());
    let place = started.header("location").to_owned();
    assert_eq!(instance.get(&place).json()["status"], "running");
    place
}

fn ended(answer: &Answer) {
    assert_eq!((answer.status().as_u16(), &answer.json()["status"]), (200, &"succeeded".into()), "{}", answer.text());
}

fn line(instance: &Instance) -> Value {
    serde_json::from_str(instance.script.lines().last().unwrap()).unwrap()
}

#[test]
fn first_observer_of_the_end_sends_the_message() {
    for store in [Some(MemoryStore::new()), None] {
        let instance = over(store.as_ref());
        let place = started(&instance, r#"{"callback":"ticket"}"#);
        let message = post(URL).header("content-type", "application/json").without("authorization").answer(204, "");
        instance.then([state("COMPLETED"), message]);
        let answer = instance.get(&place);
        ended(&answer);

        let requests = instance.script.requests();
        let message = requests.last().unwrap();
        assert_eq!(String::from_utf8_lossy(message.body()), answer.text(), "the state as in the response");
        let header = |name| message.headers().get(name).unwrap().to_str().unwrap();
        assert!(header("webhook-id").starts_with("sync_") && header("webhook-id").len() == 29);
        let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
        let now = (START + instance.script.elapsed()).as_secs();
        assert!(now.abs_diff(timestamp.unsigned_abs()) <= 1);
        let oracle = standardwebhooks::Webhook::new(SECRET).unwrap();
        let signature = oracle.sign(header("webhook-id"), timestamp, message.body()).unwrap();
        assert_eq!(header("webhook-signature"), signature);
        assert_eq!(line(&instance)["calls"][1]["call"], "POST callback");
        for told in instance.script.lines() {
            assert!(!told.contains("MfKQ9r8") && !told.contains("T0/B1"), "{told}");
        }

        instance.then([state("COMPLETED"), state("COMPLETED")]);
        ended(&instance.get(&place));
        instance.script.advance(Duration::from_secs(1));
        let waiting = instance.send_with(Method::GET, &place, &[("prefer", "wait=10")], "");
        ended(&waiting);
        if store.is_some() {
            instance.then([state("COMPLETED")]);
            ended(&instance.beside_with(&variables()).get(&place));
        }
    }
}

#[test]
fn each_attempt_is_counted_for_its_receiver() {
    let store = MemoryStore::new();
    let instance = over(Some(&store));
    let series = |instance: &Instance| {
        let text = instance.get("/metrics").text();
        let of_callbacks = text.lines().filter(|line| line.contains("callback") && !line.starts_with('#'));
        let counts: Vec<_> = of_callbacks.filter(|line| !line.contains("_seconds")).map(str::to_owned).collect();
        counts
    };
    let count =
        |name, outcome, count| format!(r#"idhook_callbacks_total{{callback="{name}",outcome="{outcome}"}} {count}"#);
    let none = |name| ["failed", "succeeded"].map(|outcome| count(name, outcome, 0));
    assert_eq!(series(&instance), [none("other"), none("ticket")].concat(), "each begins at 0");

    let place = started(&instance, r#"{"callback":"ticket"}"#);
    instance.then([state("COMPLETED"), post(URL).answer(401, "")]);
    ended(&instance.get(&place));
    assert_eq!(line(&instance)["calls"][1]["callback"], "ticket");
    assert_eq!(line(&instance)["calls"][0].get("callback"), None, "a target is no receiver");
    instance.script.advance(Duration::from_secs(60));
    instance.then([state("COMPLETED"), post(URL).hang()]);
    ended(&instance.get(&place));
    assert_eq!(line(&instance)["calls"][1]["callback"], "ticket");
    // The timer's request, which names no callback itself.
    instance.script.advance(Duration::from_secs(60));
    instance.then([state("COMPLETED"), post(URL).answer(204, "")]);
    let advanced = instance.send(Method::POST, "/vidm/default/v1/advance", "");
    assert_eq!(advanced.json()["syncs"][0]["open"], false, "{}", advanced.text());
    assert_eq!(line(&instance)["calls"][1]["callback"], "ticket");

    let call = |status| {
        format!(r#"idhook_upstream_calls_total{{target="callback/ticket",call="POST callback",status="{status}"}} 1"#)
    };
    let of_ticket =
        [count("ticket", "failed", 2), count("ticket", "succeeded", 1), call("204"), call("401"), call("none")];
    assert_eq!(series(&instance), [&none("other")[..], &of_ticket[..]].concat());
}

#[test]
fn concurrent_observers_send_one_message() {
    let store = MemoryStore::new();
    let instance = over(Some(&store));
    let place = started(&instance, r#"{"callback":"ticket"}"#);
    let other = instance.beside_with(&variables());
    instance.then([state("COMPLETED"), state("COMPLETED"), post(URL).takes(Duration::from_secs(2))]);
    let ask = |instance: &Instance| {
        let (instance, request) = (instance.same(), request(KEY, Method::GET, &place, &[], ""));
        async move { instance.ask(request).await }
    };
    let (one, two) = instance.script.run(join(ask(&instance), ask(&other)));
    ended(&one);
    ended(&two);
}

#[test]
fn failed_message_is_repeated_by_the_next_request() {
    for store in [Some(MemoryStore::new()), None] {
        let instance = over(store.as_ref());
        let place = started(&instance, r#"{"callback":["ticket"]}"#);
        let refused = || post(URL).fail(TransportErrorKind::Refused);
        for attempt in [
            vec![refused(), refused(), refused()],
            vec![post(URL).fail(TransportErrorKind::HostNotAllowed)],
            vec![post(URL).answer(500, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
            vec![post(URL).answer(307, "").answer_header("location", "https://elsewhere.example/")],
            vec![post(URL).hang()],
        ] {
            instance.then([state("COMPLETED")]);
            instance.then(attempt);
            let began = instance.script.elapsed();
            ended(&instance.get(&place));
            assert!(instance.script.elapsed() - began <= Duration::from_secs(6));
            assert!(instance.script.lines().last().unwrap().contains("POST callback"), "{}", line(&instance));
            assert!(!instance.script.lines().concat().contains("MfKQ9r8"));
        }
        instance.then([state("COMPLETED"), post(URL).answer(200, "")]);
        ended(&instance.get(&place));
        let id = |at: usize| instance.script.requests()[at].headers().get("webhook-id").cloned();
        assert!(id(6).is_some() && id(6) == id(instance.calls() - 1), "with the same id each time");
        instance.then([state("COMPLETED")]);
        ended(&instance.get(&place));
    }
}

#[test]
fn receiver_with_410_gets_no_more_messages() {
    let instance = over(None);
    let place = started(&instance, r#"{"callback":"ticket"}"#);
    instance.then([state("COMPLETED"), post(URL).answer(410, ""), state("COMPLETED")]);
    ended(&instance.get(&place));
    ended(&instance.get(&place));
    let instance = over(None);
    let place = started(&instance, r#"{"callback":""}"#);
    instance.then([state("COMPLETED")]);
    ended(&instance.get(&place));
}

#[test]
fn no_message_is_sent_after_a_day() {
    let instance = over(None);
    let place = started(&instance, r#"{"callback":"ticket"}"#);
    instance.script.advance(Duration::from_secs(24 * 3600));
    instance.then([logs_in("t2"), state("FAILED")]);
    assert_eq!(instance.get(&place).json()["status"], "failed");
}

#[test]
fn unknown_callback_starts_nothing() {
    let instance = over(None);
    for body in [r#"{"callback":"https://evil.example/"}"#, r#"{"callback":"Ticket"}"#, r#"{"callback":{"url":"x"}}"#] {
        let answer = instance.send(Method::POST, &format!("/vidm/default/v1/directories/{CORP}/syncs"), body);
        assert_eq!(answer.problem("request_invalid")["errors"][0]["pointer"], "/callback");
    }
}

/// Nobody sends messages in the name of another tenant's syncs, nor learns the names of its receivers.
#[test]
fn callback_is_for_its_targets_only() {
    let of = |targets: &Value| {
        let entry = json!({"name": "ticket", "url": URL, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "targets": targets});
        json!([entry]).to_string()
    };
    let path = format!("/vidm/default/v1/directories/{CORP}/syncs");
    let instance = Instance::with(&[("callbacks", &of(&json!(["vcf/default"])))], []);
    let problem = instance.send(Method::POST, &path, r#"{"callback":"ticket"}"#).problem("request_invalid");
    let unknown = instance.send(Method::POST, &path, r#"{"callback":"no-such"}"#).problem("request_invalid");
    assert_eq!(problem["errors"], unknown["errors"]);
    for here in [json!(["default"]), json!(["vidm/default"])] {
        let calls = [logs_in("t1"), lists(), idle(CORP), classic(CORP).answer(200, "{}")];
        let instance = Instance::with(&[("callbacks", &of(&here))], calls);
        assert_eq!(instance.send(Method::POST, &path, r#"{"callback":"ticket"}"#).status(), 202, "{here}");
    }
    for (targets, says) in [
        (json!([]), "this receiver may use no target"),
        (json!(["vidm/prd"]), "is not a target"),
        (json!(null), "is null"),
    ] {
        let error = configuration(&[("callbacks", &of(&targets))]).unwrap_err();
        assert!(format!("{error:?}").contains(says), "{says}: {error:?}");
    }
}
