//! A wrong password and callers that keep retrying: the number of logins for the account.

use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use http::Method;
use idhook::runtime::Clock as _;
use serde_json::Value;

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, get, post};
use crate::support::vidm::{LIST, LOGIN, lists, logs_in};
use crate::support::webhook::{Door, KEY, request};

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
fn keeps_asking(doors: &[&Door], path: &str, time: Duration) -> Value {
    let mut last = Value::Null;
    let end = doors[0].script.elapsed() + time;
    let mut at = 0;
    while doors[0].script.elapsed() < end {
        last = doors[at % doors.len()].get(path).problem("upstream_auth");
        doors[0].script.advance(MINUTE / 2);
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
            let door = match shares {
                true => Door::sharing(&store, variables, [rejects()]),
                false => Door::with(variables, [rejects()]),
            };
            let others = [door.beside_with(variables), door.beside_with(variables)];
            let doors = if shares { vec![&door, &others[0], &others[1]] } else { vec![&door] };
            let told = keeps_asking(&doors, path, WINDOW - MINUTE);
            let words = text(&told);
            let line = door.script.take_lines().pop().unwrap();
            assert!(line.contains("1 attempt since 2026-11-20T10:00:00.000Z"), "{line}");
            for word in ["1 attempt since 2026-11-20T10:00:00.000Z", "2026-11-20T10:15:00.000Z", "doctor?retry=true"] {
                assert!(words.contains(word), "{word} in {words}");
            }
            assert!(told["retryAfter"].as_u64().unwrap() <= 900);
            assert_eq!(told["upstream"]["status"], 401, "{told}");
            door.script.advance(MINUTE);
            door.then([rejects()]);
            let told = keeps_asking(&doors, path, WINDOW * 3);
            let words = text(&told);
            assert!(words.contains("2 attempts since") && words.contains("no further attempt is made"), "{words}");
            assert!(told.get("retryAfter").is_none() && told["retryable"] == false, "{told}");
            // A new instance, a day later.
            door.script.advance(WINDOW * 96);
            if shares {
                door.beside_with(variables).get(path).problem("upstream_auth");
            }
            assert_eq!(door.calls(), 2);
            store.clear();
        }
    }
}

#[test]
fn store_does_not_confirm_guessed_passwords() {
    let store = MemoryStore::new();
    let door = Door::sharing(&store, &[], [rejects()]);
    door.get(DIRECTORIES).problem("upstream_auth");
    let key = store.keys().into_iter().find(|key| key.contains(":login:vidm:")).unwrap();
    let credential = key.rsplit(':').next().unwrap();
    assert_eq!(credential.len(), 3, "16 bits of it: {key}");
}

#[test]
fn changed_credential_is_tried_at_once() {
    let store = MemoryStore::new();
    let door = Door::sharing(&store, &[], [rejects()]);
    door.get(DIRECTORIES).problem("upstream_auth");
    let changed = [("vidm_password", "another")];
    let mended = door.beside_with(&changed);
    door.then([post(LOGIN).answer(200, r#"{"sessionToken":"t2"}"#), lists()]);
    assert_eq!(mended.get(DIRECTORIES).status(), 200);
    // The old one is still stored.
    door.get(DIRECTORIES).problem("upstream_auth");
    assert_eq!(door.calls(), 3);
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
        let door = match &store {
            Some(store) => Door::sharing(store, &variables, [rejects()]),
            None => Door::with(&variables, [rejects()]),
        };
        for name in ["default", "again", "bearer", "default"] {
            let told = door.get(&format!("/vidm/{name}/v1/directories")).problem("upstream_auth");
            assert_eq!(told["upstream"]["target"], name);
        }
        // Other accounts are not affected.
        door.then([rejects(), post(LOGIN.replace("/SAAS/", "/SAAS/t/t/")).answer(401, "")]);
        door.get("/vidm/other/v1/directories").problem("upstream_auth");
        door.get("/vidm/tenant/v1/directories").problem("upstream_auth");
        door.then([post(TOKENS).answer(401, "")]);
        for name in ["again", "default"] {
            door.get(&format!("/vcf/{name}/v1/identity-providers")).problem("upstream_auth");
        }
        assert_eq!(door.calls(), 4);
        // A token is shared too.
        door.script.advance(WINDOW);
        door.then([
            logs_in("t"),
            lists().header("authorization", "Bearer t"),
            lists().header("authorization", "HZN t"),
        ]);
        assert_eq!(door.get("/vidm/bearer/v1/directories").status(), 200);
        assert_eq!(door.get(DIRECTORIES).status(), 200);
    }
}

#[test]
fn operator_allows_one_attempt_through_the_doctor() {
    for store in [None, Some(MemoryStore::new())] {
        let door = match &store {
            Some(store) => Door::sharing(store, &[], [rejects()]),
            None => Door::new([rejects()]),
        };
        door.get(DIRECTORIES).problem("upstream_auth");
        // The doctor itself makes no attempt.
        door.then([health()]);
        assert_eq!(door.get(DOCTOR).json()["ok"], false);
        door.then([health(), rejects()]);
        let told = door.get(&format!("{DOCTOR}?retry=true")).json();
        let login = told["checks"].as_array().unwrap().iter().find(|check| check["check"] == "login").unwrap();
        assert!(login["detail"].as_str().unwrap().contains("2 attempts since"), "{login}");
        door.script.advance(WINDOW * 2);
        door.get(DIRECTORIES).problem("upstream_auth");
        // After unlocking, another instance gets the request: all of them continue.
        door.then([health(), logs_in("t"), lists()]);
        let other = if store.is_some() { door.beside() } else { door.same() };
        door.then([get(STATE).answer(404, ""), get(GROUPS).answer(200, r#"{"totalResults":0}"#)]);
        other.get(&format!("{DOCTOR}?retry=true"));
        door.then([lists()]);
        assert_eq!(door.get(DIRECTORIES).status(), 200);
    }
    // It requires the scope admin and a boolean.
    let door = Door::new([]);
    assert_eq!(door.send_as_reader(Method::GET, &format!("{DOCTOR}?retry=true"), "").status(), 403);
    door.get(&format!("{DOCTOR}?retry=perhaps")).problem("request_invalid");
}

const STATE: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/66666666-7777-4888-8999-000000000002/syncprofile/sync";
const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups?filter=displayName%20eq%20%22idhook-doctor%40corp.example%22&startIndex=1&count=100";

#[test]
fn concurrent_instances_make_one_attempt() {
    for takes in [0, 2, 9, 20] {
        let store = MemoryStore::new();
        let door = Door::sharing(&store, &[], [rejects().takes(Duration::from_secs(takes))]);
        let doors: Vec<_> = (0..4).map(|_| door.beside()).chain([door.same()]).collect();
        let ask = || request(KEY, Method::GET, DIRECTORIES, &[], "");
        let answers = door.script.run(join_all(doors.iter().map(|door| door.ask(ask()))));
        for answer in answers {
            answer.problem("upstream_auth");
        }
        assert_eq!(door.calls(), 1, "{takes} s");
        assert_eq!(store.counters().iter().filter(|key| key.contains(":login:")).count(), 0);
        // The same with the second attempt.
        door.script.advance(WINDOW);
        door.then([rejects().takes(Duration::from_secs(takes))]);
        door.script.run(join_all(doors.iter().map(|door| door.ask(ask()))));
        assert_eq!(door.calls(), 2, "{takes} s");
    }
}

#[test]
fn revoked_token_leads_to_one_login_of_all_instances() {
    let store = MemoryStore::new();
    let revoked = || get(LIST).header("authorization", "HZN t1").answer(401, "");
    let fresh = || lists().header("authorization", "HZN t2");
    let door = Door::sharing(&store, &[], [logs_in("t1"), lists()]);
    door.get(DIRECTORIES);
    let other = door.beside();
    door.then([lists()]);
    other.get(DIRECTORIES);
    door.then([revoked(), revoked(), logs_in("t2").takes(Duration::from_secs(8)), fresh(), fresh()]);
    let ask = || request(KEY, Method::GET, DIRECTORIES, &[], "");
    let (one, two) = door.script.run(join(door.ask(ask()), other.ask(ask())));
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
}

#[test]
fn aborted_attempt_counts() {
    for shares in [false, true] {
        let slow = || rejects().takes(Duration::from_secs(5));
        let store = MemoryStore::new();
        let door = if shares { Door::sharing(&store, &[], [slow()]) } else { Door::new([slow()]) };
        let impatient = |door: &Door| {
            let request = request(KEY, Method::GET, DIRECTORIES, &[], "");
            door.script.run(async {
                let (ask, gives_up) =
                    (Box::pin(door.ask(request)), Box::pin(door.script.sleep(Duration::from_secs(2))));
                matches!(select(ask, gives_up).await, Either::Right(_))
            })
        };
        assert!(impatient(&door));
        door.then([slow()]);
        door.script.advance(MINUTE);
        assert!(impatient(&door));
        for _ in 0..10 {
            door.script.advance(MINUTE);
            let told = door.get(DIRECTORIES).problem("upstream_busy");
            assert!(text(&told).contains("2 attempts since"), "{told}");
        }
        door.script.advance(WINDOW);
        door.then([rejects()]);
        door.get(DIRECTORIES).problem("upstream_auth");
        assert_eq!(door.calls(), 3);
        door.get(DIRECTORIES).problem("upstream_auth");
    }
}

#[test]
fn login_page_is_tried_once_per_window() {
    let page = || post(LOGIN).answer(403, "<html><title>Blocked by policy</title></html>");
    let door = Door::new([page()]);
    for round in 0..4 {
        for _ in 0..10 {
            let told = door.get(DIRECTORIES).problem("upstream_invalid");
            assert!(text(&told).contains("Blocked by policy") && text(&told).contains("gateway"), "{told}");
            door.script.advance(MINUTE);
        }
        door.script.advance(WINDOW);
        assert_eq!(door.calls(), round + 1);
        door.then([page()]);
    }
    door.get(DIRECTORIES);
    door.script.advance(WINDOW);
    door.then([logs_in("t"), lists()]);
    assert_eq!(door.get(DIRECTORIES).status(), 200);
}

#[test]
fn failing_server_does_not_count_as_rejection() {
    let door = Door::new([rejects()]);
    door.get(DIRECTORIES).problem("upstream_auth");
    door.script.advance(WINDOW);
    // It does not use up the remaining attempt.
    door.then([post(LOGIN).answer(502, ""), post(LOGIN).answer(503, ""), post(LOGIN).answer(400, "no"), rejects()]);
    for code in ["upstream_failed", "upstream_busy", "upstream_invalid", "upstream_auth", "upstream_auth"] {
        door.get(DIRECTORIES).problem(code);
    }
}
