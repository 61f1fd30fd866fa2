//! A wrong password and callers that keep retrying: the number of logins for the account.

use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use http::Method;
use idhook::runtime::Clock as _;
use serde_json::Value;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, get, post};
use crate::support::vidm::{LIST, LOGIN, lists, logs_in};
use crate::support::webhook::{Instance, KEY, request};

const DIRECTORIES: &str = "/vidm/default/v1/directories";
const DOCTOR: &str = "/vidm/default/v1/doctor";
const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
const OAUTH: &str = "https://vidm.corp.example/SAAS/auth/oauthtoken";
const TOKENS: &str = "https://sddc.corp.example/v1/tokens";
const MINUTE: Duration = Duration::from_secs(60);
const WINDOW: Duration = Duration::from_secs(15 * 60);

fn rejects() -> Call {
    post(LOGIN).answer(401, r#"{"errors":[{"code":"invalid.credentials"}]}"#)
}

fn health() -> Call {
    get("https://vidm.corp.example/SAAS/API/1.0/REST/system/health").answer(200, r#"{"AllOk":"true"}"#)
}

/// Repeats a request every half minute for this long. The script limits the calls.
fn keeps_asking(instances: &[&Instance], path: &str, time: Duration) -> Value {
    let mut last = Value::Null;
    let end = instances[0].script.elapsed() + time;
    let mut at = 0;
    while instances[0].script.elapsed() < end {
        last = instances[at % instances.len()].get(path).problem("upstream_auth");
        instances[0].script.advance(MINUTE / 2);
        at += 1;
    }
    last
}

fn text(problem: &Value) -> String {
    format!("{} {}", problem["detail"].as_str().unwrap(), problem["hint"].as_str().unwrap())
}

#[test]
fn rejected_login_is_tried_once_more_only() {
    let store = MemoryStore::new();
    let oauth =
        [("vidm_username", ""), ("vidm_password", ""), ("vidm_client_id", "c"), ("vidm_client_secret", "secret")];
    let grant = [("vidm_client_id", "c"), ("vidm_client_secret", "secret"), ("vidm_domain", "corp.example")];
    for (path, uri, variables) in [
        (DIRECTORIES, LOGIN, &[][..]),
        (DIRECTORIES, OAUTH, &oauth[..]),
        (DIRECTORIES, OAUTH, &grant[..]),
        (PROVIDERS, TOKENS, &[][..]),
    ] {
        for shares in [false, true] {
            let rejects = || post(uri).answer(401, "");
            let instance = match shares {
                true => Instance::sharing(&store, variables, [rejects()]),
                false => Instance::with(variables, [rejects()]),
            };
            let others = [instance.beside_with(variables), instance.beside_with(variables)];
            let instances = if shares { vec![&instance, &others[0], &others[1]] } else { vec![&instance] };
            let told = keeps_asking(&instances, path, WINDOW - MINUTE);
            let words = text(&told);
            let line = instance.script.take_lines().pop().unwrap();
            assert!(line.contains("1 attempt since 2026-11-20T10:00:00.000Z"), "{line}");
            for word in ["1 attempt since 2026-11-20T10:00:00.000Z", "2026-11-20T10:15:00.000Z", "doctor?retry=true"] {
                assert!(words.contains(word), "{word} in {words}");
            }
            assert!(told["retryAfter"].as_u64().unwrap() <= 900);
            assert_eq!(told["upstream"]["status"], 401, "{told}");
            instance.script.advance(MINUTE);
            instance.then([rejects()]);
            let told = keeps_asking(&instances, path, WINDOW * 3);
            let words = text(&told);
            assert!(words.contains("2 attempts since") && words.contains("no further attempt is made"), "{words}");
            assert!(told.get("retryAfter").is_none() && told["retryable"] == false, "{told}");
            // A new instance, a day later.
            instance.script.advance(WINDOW * 96);
            if shares {
                instance.beside_with(variables).get(path).problem("upstream_auth");
            }
            assert_eq!(instance.calls(), 2);
            store.clear();
        }
    }
}

#[test]
fn store_does_not_confirm_guessed_passwords() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [rejects()]);
    instance.get(DIRECTORIES).problem("upstream_auth");
    let key = store.keys().into_iter().find(|key| key.contains(":login:vidm:")).unwrap();
    let credential = key.rsplit(':').next().unwrap();
    assert_eq!(credential.len(), 3, "16 bits of it: {key}");
}

#[test]
fn changed_credential_is_tried_at_once() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [rejects()]);
    instance.get(DIRECTORIES).problem("upstream_auth");
    let changed = [("vidm_password", "another")];
    let mended = instance.beside_with(&changed);
    instance.then([post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), lists()]);
    assert_eq!(mended.get(DIRECTORIES).status(), 200);
    // The old one is still stored.
    instance.get(DIRECTORIES).problem("upstream_auth");
    assert_eq!(instance.calls(), 3);
}

#[test]
fn targets_with_the_same_account_share_its_attempts() {
    let targets = r#"{"vidm":{
        "again":{"url":"https://VIDM.corp.example:443","username":"SVC-sync","password":"pässword"},
        "bearer":{"url":"https://vidm.corp.example/","username":"svc-sync","password":"pässword","authorization_scheme":"Bearer"},
        "other":{"url":"https://vidm.corp.example","username":"svc-else","password":"pässword"},
        "tenant":{"url":"https://vidm.corp.example","tenant":"t","username":"svc-sync","password":"pässword"}},
      "vcf":{"again":{"url":"https://sddc.corp.example","username":"Administrator@VSPHERE.local","password":"VMw@re1!"}}}"#;
    let variables = [("targets", targets)];
    for store in [None, Some(MemoryStore::new())] {
        let instance = match &store {
            Some(store) => Instance::sharing(store, &variables, [rejects()]),
            None => Instance::with(&variables, [rejects()]),
        };
        for name in ["default", "again", "bearer", "default"] {
            let told = instance.get(&format!("/vidm/{name}/v1/directories")).problem("upstream_auth");
            assert_eq!(told["upstream"]["target"], name);
        }
        // Other accounts are not affected.
        instance.then([rejects(), post(LOGIN.replace("/SAAS/", "/SAAS/t/t/")).answer(401, "")]);
        instance.get("/vidm/other/v1/directories").problem("upstream_auth");
        instance.get("/vidm/tenant/v1/directories").problem("upstream_auth");
        instance.then([post(TOKENS).answer(401, "")]);
        for name in ["again", "default"] {
            instance.get(&format!("/vcf/{name}/v1/identity-providers")).problem("upstream_auth");
        }
        assert_eq!(instance.calls(), 4);
        // A token is shared too.
        instance.script.advance(WINDOW);
        instance.then([
            logs_in("t"),
            lists().header("authorization", "Bearer t"),
            lists().header("authorization", "HZN t"),
        ]);
        assert_eq!(instance.get("/vidm/bearer/v1/directories").status(), 200);
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
    }
}

#[test]
fn operator_allows_one_attempt_through_the_doctor() {
    for store in [None, Some(MemoryStore::new())] {
        let instance = match &store {
            Some(store) => Instance::sharing(store, &[], [rejects()]),
            None => Instance::new([rejects()]),
        };
        instance.get(DIRECTORIES).problem("upstream_auth");
        // The doctor itself makes no attempt.
        instance.then([health()]);
        assert_eq!(instance.get(DOCTOR).json()["ok"], false);
        instance.then([health(), rejects()]);
        let told = instance.get(&format!("{DOCTOR}?retry=true")).json();
        let login = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "login").unwrap();
        assert!(login["detail"].as_str().unwrap().contains("2 attempts since"), "{login}");
        instance.script.advance(WINDOW * 2);
        instance.get(DIRECTORIES).problem("upstream_auth");
        // After unlocking, another instance gets the request: all of them continue.
        instance.then([health(), logs_in("t"), lists()]);
        let other = if store.is_some() { instance.beside() } else { instance.same() };
        instance.then([get(STATE).answer(404, ""), get(GROUPS).answer(200, r#"{"totalResults":0}"#)]);
        other.get(&format!("{DOCTOR}?retry=true"));
        instance.then([lists()]);
        assert_eq!(instance.get(DIRECTORIES).status(), 200);
    }
    // It requires the scope admin and a boolean.
    let instance = Instance::new([]);
    assert_eq!(instance.send_as_reader(Method::GET, &format!("{DOCTOR}?retry=true"), "").status(), 403);
    instance.get(&format!("{DOCTOR}?retry=perhaps")).problem("request_invalid");
}

#[test]
fn rejection_counts_while_the_store_refuses_writes() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [rejects()]);
    instance.get(DIRECTORIES).problem("upstream_auth");
    store.set_fault(StoreFault::RefusesWrites);
    let others: Vec<_> = (0..4).map(|_| instance.beside()).collect();
    for (at, other) in others.iter().enumerate() {
        let told = other.get(DIRECTORIES).problem("upstream_auth");
        assert!(text(&told).contains("1 attempt since"), "{at}: {told}");
        other.script.take_lines();
    }
    // The second attempt could not be recorded, so every instance would make it.
    instance.script.advance(WINDOW);
    for other in others.iter().chain([&instance]) {
        let told = other.get(DIRECTORIES).problem("upstream_auth");
        let words = text(&told);
        assert!(words.contains("no further attempt is made while the store refuses writes"), "{words}");
        assert!(words.contains("let the store accept writes again"), "{words}");
        assert_eq!(told["retryAfter"], 10, "{told}");
    }
    let line = instance.script.take_lines().pop().unwrap();
    assert!(line.contains(r#""store":"increment: OOM command not allowed""#), "{line}");
    // An operator's permission could not be recorded either.
    instance.then([health()]);
    let told = instance.get(&format!("{DOCTOR}?retry=true")).json();
    assert!(told.to_string().contains("while the store refuses writes"), "{told}");
    assert_eq!(instance.calls(), 2, "a login and a health call");

    store.set_fault(StoreFault::None);
    instance.script.advance(MINUTE);
    instance.then([logs_in("t"), lists()]);
    assert_eq!(others[0].get(DIRECTORIES).status(), 200);
}

#[test]
fn older_contents_of_the_store_do_not_replace_a_rejection_that_it_refused() {
    // The password was changed while the store has a token that was valid.
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [logs_in("t1"), lists()]);
    assert_eq!(instance.get(DIRECTORIES).status(), 200);
    store.set_fault(StoreFault::RefusesWrites);
    let other = instance.beside();
    instance.then([lists().header("authorization", "HZN t1").answer(401, ""), rejects()]);
    for _ in 0..4 {
        let told = other.get(DIRECTORIES).problem("upstream_auth");
        assert!(text(&told).contains("1 attempt since"), "{told}");
        instance.script.advance(MINUTE / 4);
    }
    // As soon as another instance has recorded something, that counts.
    store.set_fault(StoreFault::None);
    instance.script.advance(MINUTE);
    let third = instance.beside();
    instance.then([lists().answer(401, ""), post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), lists()]);
    assert_eq!(third.get(DIRECTORIES).status(), 200);
    instance.then([lists().header("authorization", "HZN t2")]);
    assert_eq!(other.get(DIRECTORIES).status(), 200);
}

#[test]
fn login_during_which_the_store_becomes_full_counts_once() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [rejects().takes(MINUTE / 30)]);
    let ask = instance.ask(request(KEY, Method::GET, DIRECTORIES, &[], ""));
    let becomes_full = async {
        instance.script.sleep(MINUTE / 60).await;
        store.set_fault(StoreFault::RefusesWrites);
    };
    instance.script.run(join(ask, becomes_full)).0.problem("upstream_auth");
    for _ in 0..4 {
        instance.script.advance(MINUTE * 10);
        instance.get(DIRECTORIES).problem("upstream_auth");
    }
    assert_eq!(instance.calls(), 1);
}

#[test]
fn attempt_that_the_store_claimed_but_did_not_record_is_not_made() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[], [rejects()]);
    instance.get(DIRECTORIES).problem("upstream_auth");
    instance.script.advance(WINDOW);
    store.set_fault(StoreFault::RefusesValues);
    for _ in 0..3 {
        let told = instance.beside().get(DIRECTORIES).problem("upstream_auth");
        assert!(text(&told).contains("1 attempt since"), "{told}");
        instance.script.advance(MINUTE);
    }
    assert_eq!(instance.calls(), 1);
}

#[test]
fn store_that_always_refused_writes_costs_one_attempt_for_each_instance() {
    let store = MemoryStore::new();
    let instance = Instance::sharing(&store, &[("state_key", STATE_KEY)], []);
    store.set_fault(StoreFault::RefusesWrites);
    for instance in [&instance, &instance.beside_with(&[("state_key", STATE_KEY)])] {
        instance.then([rejects()]);
        for _ in 0..3 {
            let told = instance.get(DIRECTORIES).problem("upstream_auth");
            assert!(text(&told).contains("1 attempt since"), "{told}");
            instance.script.advance(WINDOW);
        }
    }
    // A correct password is used.
    let mended = instance.beside_with(&[("state_key", STATE_KEY), ("vidm_password", "another")]);
    instance.then([post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), lists()]);
    assert_eq!(mended.get(DIRECTORIES).status(), 200);
}

const STATE_KEY: &str = "q2nX8cJ0m4vTzR7yLw5eKpUa3HsDgB6f";

const STATE: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/66666666-7777-4888-8999-000000000002/syncprofile/sync";
const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups?filter=displayName%20eq%20%22idhook-doctor%40corp.example%22&startIndex=1&count=100";

#[test]
fn concurrent_instances_make_one_attempt() {
    for takes in [0, 2, 9, 20] {
        let store = MemoryStore::new();
        let instance = Instance::sharing(&store, &[], [rejects().takes(Duration::from_secs(takes))]);
        let instances: Vec<_> = (0..4).map(|_| instance.beside()).chain([instance.same()]).collect();
        let ask = || request(KEY, Method::GET, DIRECTORIES, &[], "");
        let answers = instance.script.run(join_all(instances.iter().map(|instance| instance.ask(ask()))));
        for answer in answers {
            answer.problem("upstream_auth");
        }
        assert_eq!(instance.calls(), 1, "{takes} s");
        assert_eq!(store.counters().iter().filter(|key| key.contains(":login:")).count(), 0);
        // The same with the second attempt.
        instance.script.advance(WINDOW);
        instance.then([rejects().takes(Duration::from_secs(takes))]);
        instance.script.run(join_all(instances.iter().map(|instance| instance.ask(ask()))));
        assert_eq!(instance.calls(), 2, "{takes} s");
    }
}

#[test]
fn revoked_token_leads_to_one_login_of_all_instances() {
    let store = MemoryStore::new();
    let revoked = || get(LIST).header("authorization", "HZN t1").answer(401, "");
    let fresh = || lists().header("authorization", "HZN t2");
    let instance = Instance::sharing(&store, &[], [logs_in("t1"), lists()]);
    instance.get(DIRECTORIES);
    let other = instance.beside();
    instance.then([lists()]);
    other.get(DIRECTORIES);
    instance.then([revoked(), revoked(), logs_in("t2").takes(Duration::from_secs(8)), fresh(), fresh()]);
    let ask = || request(KEY, Method::GET, DIRECTORIES, &[], "");
    let (one, two) = instance.script.run(join(instance.ask(ask()), other.ask(ask())));
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
}

#[test]
fn aborted_attempt_counts() {
    for shares in [false, true] {
        let slow = || rejects().takes(Duration::from_secs(5));
        let store = MemoryStore::new();
        let instance = if shares { Instance::sharing(&store, &[], [slow()]) } else { Instance::new([slow()]) };
        let impatient = |instance: &Instance| {
            let request = request(KEY, Method::GET, DIRECTORIES, &[], "");
            instance.script.run(async {
                let (ask, gives_up) =
                    (Box::pin(instance.ask(request)), Box::pin(instance.script.sleep(Duration::from_secs(2))));
                matches!(select(ask, gives_up).await, Either::Right(_))
            })
        };
        assert!(impatient(&instance));
        instance.then([slow()]);
        instance.script.advance(MINUTE);
        assert!(impatient(&instance));
        for _ in 0..10 {
            instance.script.advance(MINUTE);
            let told = instance.get(DIRECTORIES).problem("upstream_busy");
            assert!(text(&told).contains("2 attempts since"), "{told}");
        }
        instance.script.advance(WINDOW);
        instance.then([rejects()]);
        instance.get(DIRECTORIES).problem("upstream_auth");
        assert_eq!(instance.calls(), 3);
        instance.get(DIRECTORIES).problem("upstream_auth");
    }
}

#[test]
fn login_page_is_tried_once_per_window() {
    let page = || post(LOGIN).answer(403, "<html><title>Blocked by policy</title></html>");
    let instance = Instance::new([page()]);
    for round in 0..4 {
        for _ in 0..10 {
            let told = instance.get(DIRECTORIES).problem("upstream_invalid");
            assert!(text(&told).contains("Blocked by policy") && text(&told).contains("gateway"), "{told}");
            instance.script.advance(MINUTE);
        }
        instance.script.advance(WINDOW);
        assert_eq!(instance.calls(), round + 1);
        instance.then([page()]);
    }
    instance.get(DIRECTORIES);
    instance.script.advance(WINDOW);
    instance.then([logs_in("t"), lists()]);
    assert_eq!(instance.get(DIRECTORIES).status(), 200);
}

#[test]
fn failing_server_does_not_count_as_rejection() {
    let instance = Instance::new([rejects()]);
    instance.get(DIRECTORIES).problem("upstream_auth");
    instance.script.advance(WINDOW);
    // It does not use up the remaining attempt.
    instance.then([post(LOGIN).answer(502, ""), post(LOGIN).answer(503, ""), post(LOGIN).answer(400, "no"), rejects()]);
    for code in ["upstream_failed", "upstream_busy", "upstream_invalid", "upstream_auth", "upstream_auth"] {
        instance.get(DIRECTORIES).problem(code);
    }
}
