//! The proof of a sync's groups: present, absent or unknown, whatever vIDM's SCIM supports; and names that are rejected
//! before a start.
//!
//! A small vIDM model, with the SCIM of each test; other tests check the calls of the sync protocol.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use idhook::directory::SyncStatus;
use idhook::embedded::{SyncOrder, Vidm};
use idhook::error::ErrorCode;
use idhook::http::TransportError;
use idhook::runtime::Clock as _;
use idhook::sync::SyncDocument;
use serde_json::{Value, json};

use crate::support::script::Script;
use crate::support::server::{self, Served};
use crate::support::vidm::{CORP, DIRECTORIES};
use crate::support::webhook::Instance;

/// SCIM's response to a filter.
type Scim = fn(&str) -> (u16, String);

struct Server {
    clock: Script,
    began: Cell<Option<Duration>>,
    kick_offs: Cell<u32>,
    scim: Scim,
}

impl Server {
    fn answers(&self, request: &Request<Bytes>) -> (u16, String) {
        let path = request.uri().path();
        if path.ends_with("/login") {
            return (200, json!({"sessionToken": "t"}).to_string());
        }
        if path.ends_with("/directoryconfigs") {
            return (200, DIRECTORIES.to_owned());
        }
        if path.ends_with("/syncprofile/sync") && request.method() == Method::POST {
            self.began.set(Some(self.clock.elapsed()));
            self.kick_offs.set(self.kick_offs.get() + 1);
            return (200, "{}".to_owned());
        }
        if path.ends_with("/syncprofile/sync") {
            let Some(began) = self.began.get() else { return (200, json!({"status": "COMPLETED"}).to_string()) };
            let millis = u64::try_from((crate::support::script::START + began).as_millis()).unwrap();
            let is_over = self.clock.elapsed() >= began + Duration::from_secs(2);
            let status = if is_over { "COMPLETED" } else { "RUNNING" };
            return (200, json!({"status": status, "startTime": millis}).to_string());
        }
        if path.ends_with("/scim/Groups") || path.ends_with("/scim/Users") {
            let query = request.uri().query().unwrap();
            let filter = query.split('&').find_map(|pair| pair.strip_prefix("filter=")).unwrap();
            return (self.scim)(&decoded_once(filter));
        }
        if path.ends_with("/scim/Groups/.search") {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            return (self.scim)(body["filter"].as_str().unwrap());
        }
        (404, json!({"errors": [{"code": "not.found", "message": "no such call in this version"}]}).to_string())
    }
}

/// The text that a server reads if it decodes once.
fn decoded_once(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let hex = String::from_utf8(vec![*high, *low]).unwrap();
                bytes.push(u8::from_str_radix(&hex, 16).unwrap());
                tail
            }
            (b'+', tail) => {
                bytes.push(b' ');
                tail
            }
            (byte, tail) => {
                bytes.push(byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).unwrap()
}

impl server::Server for Server {
    fn clock(&self) -> &Script {
        &self.clock
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<(u16, String), TransportError> {
        Ok(self.answers(request))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

fn vidm(scim: Scim) -> (Rc<Server>, Vidm<Served<Server>>) {
    let server = Rc::new(Server { clock: Script::new([]), began: Cell::default(), kick_offs: Cell::default(), scim });
    let settings = json!({"url": "https://vidm.corp.example", "username": "svc-sync", "password": "pässword"});
    (Rc::clone(&server), Vidm::from_json(Served(Rc::clone(&server)), settings).unwrap())
}

/// The state of a sync for these groups after its run.
fn state(scim: Scim, groups: &[&str]) -> idhook::embedded::Result<SyncDocument> {
    let (server, vidm) = vidm(scim);
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    let order = SyncOrder { groups, ..SyncOrder::default() };
    let id = server.clock.run(vidm.start_sync(CORP, order)).unwrap().id.unwrap();
    server.clock.advance(Duration::from_secs(30));
    server.clock.run(vidm.sync(&id))
}

/// The states of the groups, as words.
fn states(document: &SyncDocument) -> Vec<String> {
    let shown = serde_json::to_value(document).unwrap();
    let groups = shown["groups"].as_array().unwrap();
    groups.iter().map(|group| group["state"].as_str().unwrap().to_owned()).collect()
}

fn none() -> (u16, String) {
    (200, json!({"totalResults": 0, "Resources": []}).to_string())
}

fn one(name: &str, dn: &str) -> (u16, String) {
    let group = json!({"id": "g1", "displayName": name,
        "urn:scim:schemas:extension:workspace:1.0": {"distinguishedName": dn}});
    (200, json!({"totalResults": 1, "Resources": [group]}).to_string())
}

fn rejected() -> (u16, String) {
    (400, json!({"errors": [{"code": "invalid.filter", "message": "The filter is invalid."}]}).to_string())
}

/// The state of a sync for these groups and users after its run.
fn state_of(scim: Scim, groups: &[&str], users: &[&str]) -> idhook::embedded::Result<Value> {
    let (server, vidm) = vidm(scim);
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let order = SyncOrder { groups: owned(groups), users: owned(users), ..SyncOrder::default() };
    let begun = server.clock.run(vidm.start_sync(CORP, order)).unwrap();
    assert!(serde_json::to_value(&begun).unwrap().get("users").is_none(), "nobody was looked up yet");
    server.clock.advance(Duration::from_secs(30));
    server.clock.run(vidm.sync(&begun.id.unwrap())).map(|document| serde_json::to_value(document).unwrap())
}

#[test]
fn requested_users_decide_like_groups() {
    let scim: Scim = |filter| match filter {
        _ if filter.contains("gg-new") => one("gg-new@corp.example", ""),
        _ if filter.contains("userName eq \"jdoe\"") => {
            let user = json!({"id": "u1", "userName": "jdoe", "displayName": "John Doe",
                "urn:scim:schemas:extension:workspace:1.0": {"domain": "corp.example"}});
            (200, json!({"totalResults": 1, "Resources": [user]}).to_string())
        }
        _ if filter.contains("odd") => rejected(),
        _ => none(),
    };
    let (group, user) = ("gg-new@corp.example", "jdoe@corp.example");
    let present = json!([{"requested": user, "state": "present", "id": "u1", "displayName": "John Doe"}]);
    for (groups, users, status, reason) in [
        (&[group] as &[_], &[user] as &[_], "succeeded", Value::Null),
        (&[], &[user], "succeeded", Value::Null),
        (&[group], &[user, "asmith@corp.example"], "failed", json!("user_absent")),
        (&[], &["asmith@corp.example"], "failed", json!("user_absent")),
        (&["gg-other@corp.example"], &["asmith@corp.example"], "failed", json!("group_absent")),
        (&[group], &["odd@corp.example"], "unknown", Value::Null),
    ] {
        let found = state_of(scim, groups, users).unwrap();
        assert_eq!((&found["status"], &found["reason"]), (&json!(status), &reason), "{groups:?} {users:?}: {found}");
        assert_eq!(found["users"].as_array().map(Vec::len), Some(users.len()));
        assert_eq!(found["groups"].as_array().map(Vec::len), Some(groups.len()));
        assert!(users != [user] || found["users"] == present, "{found}");
        assert!(reason != json!("user_absent") || found["hint"].as_str().unwrap().contains("user"), "{found}");
    }
    let without = state_of(scim, &[group], &[]).unwrap();
    assert!(without.get("users").is_none(), "{without}");
}

/// Clients compare `requested` with what they sent.
#[test]
fn names_are_repeated_as_the_request_has_them() {
    let scim: Scim = |filter| match filter.contains("gg-new") {
        true => one("gg-new@corp.example", ""),
        false => none(),
    };
    let groups = [" gg-new@corp.example\n", "CN=gg-old, OU=Groups, DC=corp, DC=example"];
    let found = state_of(scim, &groups, &["jdoe@corp.example "]).unwrap();
    let told: Vec<_> =
        found["groups"].as_array().unwrap().iter().map(|one| (&one["requested"], &one["state"])).collect();
    assert_eq!(told, [(&json!(groups[0]), &json!("present")), (&json!(groups[1]), &json!("absent"))]);
    assert_eq!(found["users"][0]["requested"], "jdoe@corp.example ");
}

#[test]
fn user_that_vidm_shows_later_is_found_by_the_next_request() {
    thread_local!(static IS_THERE: Cell<bool> = const { Cell::new(false) });
    let (server, vidm) = vidm(|_| match IS_THERE.get() {
        true => {
            let user = json!({"id": "u1", "userName": "jdoe", "urn:scim:schemas:extension:workspace:1.0": {"domain": "corp.example"}});
            (200, json!({"totalResults": 1, "Resources": [user]}).to_string())
        }
        false => none(),
    });
    let order = SyncOrder { users: vec!["jdoe@corp.example".to_owned()], ..SyncOrder::default() };
    let id = server.clock.run(vidm.start_sync(CORP, order)).unwrap().id.unwrap();
    let next = |is_there| {
        IS_THERE.set(is_there);
        server.clock.advance(Duration::from_secs(30));
        let document = server.clock.run(vidm.sync(&id)).unwrap();
        (document.status, serde_json::to_value(&document).unwrap()["users"][0]["state"].clone())
    };
    assert_eq!(next(false), (SyncStatus::Failed, json!("absent")));
    assert_eq!(next(false), (SyncStatus::Failed, json!("absent")));
    assert_eq!(next(true), (SyncStatus::Succeeded, json!("present")));
}

#[test]
fn rejected_filter_does_not_affect_other_groups() {
    let scim: Scim = |filter| match filter {
        _ if filter.contains('ü') => rejected(),
        _ if filter.contains("gg-new") => one("gg-new@corp.example", ""),
        _ => none(),
    };
    let found = state(scim, &["gg-new@corp.example", "Zürich@corp.example"]).unwrap();
    assert_eq!((found.status, states(&found)), (SyncStatus::Unknown, vec!["present".to_owned(), "unknown".to_owned()]));
    let message = found.message.as_deref().unwrap();
    assert!(message.contains("the run succeeded") && message.contains("1 of 2"), "{message}");
    let detail = found.groups[1].detail.as_deref().unwrap();
    assert!(detail.contains("400") && detail.contains("The filter is invalid."), "{detail}");
    // One absent group decides.
    let found = state(scim, &["gg-other@corp.example", "Zürich@corp.example"]).unwrap();
    assert_eq!((found.status, states(&found)), (SyncStatus::Failed, vec!["absent".to_owned(), "unknown".to_owned()]));
    // The only group.
    let found = state(scim, &["Zürich@corp.example"]).unwrap();
    assert_eq!((found.status, states(&found)), (SyncStatus::Unknown, vec!["unknown".to_owned()]));
}

#[test]
fn denied_scim_error_reports_the_runs_success() {
    for body in [r#"{"errors":[{"code":"forbidden","message":"User is not authorized"}]}"#, "<html>"] {
        let scim: Scim = match body {
            "<html>" => |_| (403, "<html><title>403</title>".to_owned()),
            _ => |_| (403, r#"{"errors":[{"code":"forbidden","message":"User is not authorized"}]}"#.to_owned()),
        };
        let problem = state(scim, &["gg-a@corp.example", "gg-b@corp.example"]).unwrap_err();
        assert!(problem.detail.starts_with("the run succeeded, but the groups could not be looked up"), "{problem:?}");
        assert!(problem.hint.is_some(), "{problem:?}");
    }
}

#[test]
fn names_with_escapes_are_found_on_any_server() {
    const SALES: &str = r"CN=Sales\, EMEA,OU=Groups,DC=corp,DC=example";
    const TEAM: &str = r#"Team "A"@corp.example"#;
    // A server that unescapes.
    let unescapes: Scim = |filter| match filter {
        r#"distinguishedName eq "CN=Sales\\, EMEA,OU=Groups,DC=corp,DC=example""# => one("s@corp.example", SALES),
        r#"displayName eq "Team \"A\"@corp.example""# => one(TEAM, ""),
        _ => none(),
    };
    // A server that reads every character literally.
    let literal: Scim = |filter| match filter {
        r#"distinguishedName eq "CN=Sales\, EMEA,OU=Groups,DC=corp,DC=example""# => one("s@corp.example", SALES),
        r#"displayName eq "Team "A"@corp.example""# | r#"displayName sw "Team""# => one(TEAM, ""),
        _ => none(),
    };
    // A server that finds them only by prefix, and rejects other filters.
    let by_prefix: Scim = |filter| match filter {
        r#"distinguishedName sw "CN=Sales""# => one("s@corp.example", SALES),
        r#"displayName sw "Team""# => one(TEAM, ""),
        _ => rejected(),
    };
    for scim in [unescapes, literal, by_prefix] {
        for names in [&[SALES][..], &[TEAM], &[SALES, TEAM], &[r"cn=Sales\2C EMEA, ou=Groups, dc=corp, dc=example"]] {
            let found = state(scim, names).unwrap();
            assert_eq!(found.status, SyncStatus::Succeeded, "{names:?}: {found:?}");
        }
    }
    // An empty result is no proof.
    let found = state(|_| none(), &[SALES]).unwrap();
    assert_eq!((found.status, states(&found)), (SyncStatus::Unknown, vec!["unknown".to_owned()]));
    assert!(found.groups[0].detail.as_deref().unwrap().contains("contains \" or \\"), "{found:?}");
}

#[test]
fn awkward_names_arrive_at_a_server_that_decodes_once() {
    // Each is found only if its filter arrives unchanged, by either call.
    let scim: Scim = |filter| match filter.strip_prefix("displayName eq \"").and_then(|rest| rest.strip_suffix('"')) {
        Some(name) => one(name, ""),
        None => none(),
    };
    for name in ["gg new", "100%", "100%25", "a+b", "a, b", "Zürich", "東京", "a&b=c#d", "a/b?c", "(a)", "a'b", "𝒢"]
    {
        let name = format!("{name}@corp.example");
        let found = state(scim, &[&name]).unwrap();
        assert_eq!((found.status, states(&found)), (SyncStatus::Succeeded, vec!["present".to_owned()]), "{name}");
    }
}

#[test]
fn fewer_groups_than_the_total_are_unknown() {
    let scim: Scim = |_| (200, json!({"totalResults": 1, "Resources": []}).to_string());
    let found = state(scim, &["gg-new@corp.example"]).unwrap();
    assert_eq!((found.status, states(&found)), (SyncStatus::Unknown, vec!["unknown".to_owned()]));
    assert!(found.groups[0].detail.as_deref().unwrap().contains("its pages contain 0"), "{found:?}");
}

#[test]
fn hint_for_an_absent_group_names_what_is_odd() {
    for (name, told) in [
        ("CN=R&amp;D,OU=Groups,DC=corp,DC=example", "contains \"&amp;\": the sender escaped it for XML"),
        ("CN=gg-M&#252;nchen,OU=Groups,DC=corp,DC=example", "contains \"&#252;\""),
        ("gg\u{200b}new@corp.example", "contains U+200B, which is invisible"),
        ("gg\u{a0}new@corp.example", "contains U+00A0"),
        ("gg-M?nchen@corp.example", "contains \"?\""),
        ("gg-Mu\u{308}nchen@corp.example", "contains combining characters"),
        ("%GROUP%@corp.example", "looks like an unreplaced template"),
    ] {
        let found = state(|_| none(), &[name]).unwrap();
        assert_eq!(found.status, SyncStatus::Failed, "{name}");
        let hint = found.hint.as_deref().unwrap();
        assert!(hint.starts_with("check the name") && hint.contains(told) && hint.contains("base DN"), "{hint}");
        assert!(found.groups[0].detail.as_deref().unwrap().contains(told), "{found:?}");
    }
    let found = state(|_| none(), &["gg-new@corp.example"]).unwrap();
    assert!(found.hint.as_deref().unwrap().starts_with("the group is not under a base DN"), "{found:?}");
}

#[test]
fn invalid_group_names_start_nothing() {
    const SEVERAL: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example CN=gg-b,OU=Groups,DC=corp,DC=example";
    let (server, vidm) = vidm(|_| none());
    for (group, told) in [
        ("gg-app", "has no domain: write \"gg-app@corp.example\""),
        (SEVERAL, "several names"),
        ("gg-a@corp.example,gg-b@corp.example", "several names"),
        ("System.Object[]", "a list or an object"),
    ] {
        let order = SyncOrder { groups: vec![group.to_owned()], ..SyncOrder::default() };
        let problem = server.clock.run(vidm.start_sync("corp.example", order)).unwrap_err();
        assert_eq!((problem.code, problem.errors[0].pointer.as_str()), (ErrorCode::RequestInvalid, "/groups/0"));
        assert!(problem.errors[0].detail.contains(told), "{problem:?}");
        let problem = server.clock.run(vidm.groups(group)).unwrap_err();
        assert_eq!(problem.code, ErrorCode::RequestInvalid, "{problem:?}");
    }
    assert_eq!(server.kick_offs.get(), 0);

    let hooks =
        json!([{"name": "event", "senders": ["all"], "directory": "corp.example", "groups": {"pointer": "/groups"}}]);
    let instance = Instance::with(&[("hooks", &hooks.to_string())], []);
    for (path, body, pointer) in [
        (
            "/vidm/default/v1/directories/corp.example/syncs",
            json!({"groups": ["gg@corp.example", "gg-app"]}),
            "/groups/1",
        ),
        ("/vidm/default/v1/syncs", json!({"directory": "corp.example", "groups": [SEVERAL]}), "/groups/0"),
        (
            "/vidm/default/v1/directories/corp.example/syncs",
            json!({"inputs": {"customProperties": {"groups": SEVERAL, "addToProfile": "true"}}}),
            "/inputs/customProperties/groups",
        ),
        ("/hooks/event", json!({"groups": ["gg-app"]}), "/groups"),
    ] {
        let answer = instance.send(Method::POST, path, &body.to_string());
        let problem = answer.problem("request_invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for query in
        ["name=gg-app", "name=System.Object%5B%5D", "dn=gg-app%40corp.example", "dn=CN%3Da,DC%3Dx;CN%3Db,DC%3Dx"]
    {
        let answer = instance.get(&format!("/vidm/default/v1/groups?{query}"));
        let problem = answer.problem("request_invalid");
        assert!(problem["detail"].to_string().contains(&query[..2]), "{problem}");
    }
    assert_eq!(instance.calls(), 0);
}
