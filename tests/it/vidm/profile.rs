//! Adding groups to the sync profile: the writes, and that nothing is ever lost.

use http::Method;
use idhook::directory::GroupQuery;
use idhook::error::{Error, ErrorCode, Result};
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::script::{Call, get, post};
use crate::support::vidm::{CORP, Estate, LIST, classic, idle, lists, logs_in};
use crate::support::webhook::Instance;

const PROFILE: &str = include_str!("../../fixtures/vidm/sync_profile.json");
const FOUND: &str = include_str!("../../fixtures/vidm/directory_groups.json");
const BASE: &str = "OU=Groups,DC=corp,DC=example";
const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const GONE: &str = "CN=gg-gone,OU=Groups,DC=corp,DC=example";
const APP: &str = "CN=gg-app,OU=Groups,DC=corp,DC=example";
const BELOW_ALL: &str = "CN=x,OU=All,DC=corp,DC=example";
const GROUPS: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.groups+json";
const QUERY: &str = "application/vnd.vmware.horizon.manager.connector.management.ops.groupquery+json";

fn url(rest: &str) -> String {
    format!("https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/{rest}")
}

fn reads(profile: &Value) -> Call {
    get(url("syncprofile")).header("accept", GROUPS).answer(200, profile.to_string())
}

fn looks_up(dns: &[&str]) -> Call {
    let body = json!({ "searchDns": dns }).to_string();
    post(url("directorygroups")).header("content-type", QUERY).body(body).answer(200, FOUND)
}

fn writes(profile: &Value) -> Call {
    Call::new(Method::PUT, url("syncprofile")).header("content-type", GROUPS).body(profile.to_string())
}

fn before() -> Value {
    serde_json::from_str(PROFILE).unwrap()
}

/// The profile with one more selected entry.
fn with(mut profile: Value, entry: &Value) -> Value {
    let base = &mut profile["identityGroupInfo"][BASE];
    base["mappedGroupData"].as_array_mut().unwrap().push(entry.clone());
    base["numSelected"] = (base["numSelected"].as_u64().unwrap() + 1).into();
    profile
}

fn new_entry() -> Value {
    let found: Value = serde_json::from_str(FOUND).unwrap();
    let mut entry = found["identityGroups"][NEW]["mappedGroupData"][0].clone();
    entry["selected"] = true.into();
    entry
}

fn after() -> Value {
    with(before(), &new_entry())
}

/// Another writer's group, arriving while we work.
fn other_entry() -> Value {
    json!({"mappedGroup": {"dn": format!("CN=other,{BASE}"), "objectGuid": "o", "groupBaseDN": BASE}, "selected": true})
}

/// The profile without the group that was selected before.
fn without_app(mut profile: Value) -> Value {
    let base = &mut profile["identityGroupInfo"][BASE];
    base["mappedGroupData"].as_array_mut().unwrap().remove(0);
    base["numSelected"] = (base["numSelected"].as_u64().unwrap() - 1).into();
    profile
}

/// Adds the groups; returns those that are not found.
fn add(estate: &Estate, wanted: &[&str]) -> Result<Vec<String>> {
    let wanted: Vec<_> = wanted.iter().map(|text| GroupQuery::parse(text).unwrap()).collect();
    estate.run(async |client| {
        let addition = client.profile_addition(CORP, &wanted).await?;
        let not_found = addition.not_found().to_vec();
        client.add_to_profile(addition).await.map(|()| not_found)
    })
}

fn fails(calls: impl IntoIterator<Item = Call>) -> Error {
    let error = add(&Estate::warm(true).then(calls), &[NEW]).unwrap_err();
    assert_eq!(error.target(), Some("prod"));
    error
}

/// The calls before every write.
fn prepared() -> Vec<Call> {
    vec![reads(&before()), looks_up(&[NEW]), reads(&before())]
}

#[test]
fn new_group_is_written_with_the_existing_selection() {
    let estate = Estate::warm(true).then([
        reads(&before()),
        looks_up(&[NEW, GONE]),
        reads(&before()),
        writes(&after()).answer(200, "{}"),
        reads(&after()),
    ]);
    let done = add(&estate, &[NEW, APP, BELOW_ALL, GONE, "cn=GG-NEW, ou=groups,dc=corp,dc=example"]).unwrap();
    assert_eq!(done, [GONE]);
    assert!(estate.script.slept().is_empty(), "the ordinary case does not wait");
}

#[test]
fn selected_groups_cause_no_look_up_or_write() {
    let estate = Estate::warm(true).then([reads(&before())]);
    add(&estate, &[APP, BELOW_ALL]).unwrap();
    let estate = Estate::warm(true).then([reads(&before()), looks_up(&[GONE])]);
    assert_eq!(add(&estate, &[GONE]).unwrap(), [GONE]);
    add(&Estate::new([]), &[]).unwrap();
}

#[test]
fn concurrent_selection_stays_and_is_not_duplicated() {
    let theirs = with(before(), &other_entry());
    let ours = with(theirs.clone(), &new_entry());
    let estate = Estate::warm(true).then([
        reads(&before()),
        looks_up(&[NEW]),
        // While the connector searched.
        reads(&theirs),
        writes(&ours),
        reads(&ours),
    ]);
    add(&estate, &[NEW]).unwrap();
    let estate = Estate::warm(true).then([reads(&before()), looks_up(&[NEW]), reads(&after())]);
    add(&estate, &[NEW]).unwrap();
}

#[test]
fn names_without_dn_are_rejected() {
    let error = add(&Estate::new([]), &[NEW, "gg@corp.example", APP, "gg@corp.example"]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RequestInvalid);
    let fields: Vec<_> = error.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["/groups/1", "/groups/3"]);
    assert!(error.fields()[0].detail.contains("needs its distinguished name"), "{:?}", error.fields());
}

#[test]
fn incomplete_profile_is_not_written() {
    let mut miscounted = before();
    miscounted["identityGroupInfo"][BASE]["numSelected"] = 2.into();
    let mut unlisted = before();
    unlisted["identityGroupInfo"][BASE].as_object_mut().unwrap().remove("mappedGroupData");
    let mut odd = before();
    odd["identityGroupInfo"][BASE]["mappedGroupData"][1]["selected"] = "no".into();
    let cut = PROFILE.get(..PROFILE.len() / 2).unwrap().to_owned();
    for (body, told) in [
        (miscounted.to_string(), "says that 2 groups are selected, but lists 1"),
        (unlisted.to_string(), "has no mappedGroupData"),
        (odd.to_string(), "does not say whether it is selected"),
        (r#"{"identityUserInfo":{},"syncSchedule":{}}"#.to_owned(), "it has no identityGroupInfo"),
        (cut, "it is not JSON"),
        (String::new(), "it is not JSON"),
        ("<html></html>".to_owned(), "it is an HTML page"),
    ] {
        let read = || get(url("syncprofile")).answer(200, body.clone());
        // At the first read, and at the one before the write.
        for calls in [vec![read()], vec![reads(&before()), looks_up(&[NEW]), read()]] {
            let error = fails(calls);
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
            assert!(
                error.detail().contains(told) && error.detail().ends_with("the sync profile was not changed"),
                "{error}"
            );
        }
    }
}

#[test]
fn failure_before_the_write_changes_nothing() {
    let whole = |rest: Vec<Call>| {
        let error = fails(rest);
        assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
        error.code()
    };
    assert_eq!(whole(vec![get(url("syncprofile")).answer(403, "")]), ErrorCode::UpstreamForbidden);
    for status in [404, 405] {
        let error = fails([get(url("syncprofile")).answer(status, "")]);
        assert_eq!(error.code(), ErrorCode::UpstreamRejected);
        assert!(error.hint_text().unwrap().contains("sync_profile"), "{error}");
    }
    let read = || reads(&before());
    let connector = |status: u16, body: &'static str| vec![read(), looks_up(&[NEW]).answer(status, body)];
    assert_eq!(whole(connector(500, "")), ErrorCode::UpstreamFailed);
    assert_eq!(whole(connector(200, "{}")), ErrorCode::UpstreamInvalid);
}

#[test]
fn rejected_write_is_reported() {
    for (status, code) in [(400, ErrorCode::UpstreamRejected), (403, ErrorCode::UpstreamForbidden)] {
        let mut calls = prepared();
        calls.push(writes(&after()).answer(status, ""));
        let error = fails(calls);
        assert_eq!(error.code(), code);
        assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
    }
    let mut calls = prepared();
    calls.push(writes(&after()).fail(TransportErrorKind::Tls));
    assert_eq!(fails(calls).code(), ErrorCode::UpstreamTls);
}

#[test]
fn uncertain_write_is_verified() {
    let broken = || writes(&after()).fail(TransportErrorKind::Interrupted);
    for write in [broken(), writes(&after()).answer(500, ""), writes(&after()).answer(503, "")] {
        // It was processed.
        let estate = Estate::warm(true).then(prepared()).then([write, reads(&after())]);
        add(&estate, &[NEW]).unwrap();
    }
    // It was not.
    let mut calls = prepared();
    calls.extend([broken(), reads(&before())]);
    let error = fails(calls);
    assert_eq!(error.code(), ErrorCode::UpstreamFailed);
    assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
    assert!(error.hint_text().unwrap().contains("reading it back"), "{error}");
    // It was processed incorrectly, and is repaired.
    let estate = Estate::warm(true).then(prepared()).then([
        broken(),
        reads(&without_app(before())),
        writes(&with_app_again(without_app(before()), true)),
        reads(&after()),
    ]);
    add(&estate, &[NEW]).unwrap();
}

/// A profile that lost `gg-app`, with it and optionally ours again, in the order of the repair.
fn with_app_again(profile: Value, ours: bool) -> Value {
    let app = before()["identityGroupInfo"][BASE]["mappedGroupData"][0].clone();
    let again = with(profile, &app);
    if ours { with(again, &new_entry()) } else { again }
}

#[test]
fn lost_update_is_detected_and_repaired() {
    // Another writer that had read before our write overwrote ours.
    let theirs = with(before(), &other_entry());
    let both = with(theirs.clone(), &new_entry());
    let estate =
        Estate::warm(true).then(prepared()).then([writes(&after()), reads(&theirs), writes(&both), reads(&both)]);
    add(&estate, &[NEW]).unwrap();
    assert_eq!(estate.script.slept(), [Duration::from_millis(250)]);

    // An earlier selection is gone.
    let lost = without_app(after());
    let estate = Estate::warm(true).then(prepared()).then([
        writes(&after()),
        reads(&lost),
        writes(&with_app_again(lost.clone(), false)),
        reads(&with_app_again(lost, false)),
    ]);
    add(&estate, &[NEW]).unwrap();

    // Everything below a base is no longer selected.
    let mut turned = after();
    turned["identityGroupInfo"]["OU=All,DC=corp,DC=example"]["selected"] = false.into();
    let estate =
        Estate::warm(true).then(prepared()).then([writes(&after()), reads(&turned), writes(&after()), reads(&after())]);
    add(&estate, &[NEW]).unwrap();
}

#[test]
fn concurrent_selections_between_writes_are_kept() {
    let lost_ours = with(before(), &other_entry());
    // The second round restores ours, and the next read has lost the other one.
    let both = with(lost_ours.clone(), &new_entry());
    let all = with(after(), &other_entry());
    let estate = Estate::warm(true).then(prepared()).then([
        writes(&after()),
        reads(&lost_ours),
        writes(&both),
        reads(&after()),
        writes(&all),
        reads(&all),
    ]);
    add(&estate, &[NEW]).unwrap();
}

#[test]
fn lasting_losses_are_reported_by_name() {
    // Ours is never accepted.
    let estate = Estate::warm(true).then(prepared());
    let rounds = (0..3).flat_map(|_| [writes(&after()), reads(&before())]);
    let error = add(&estate.then(rounds), &[NEW]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.detail().ends_with(&format!("still lacks groups: not selected: {NEW}")), "{error}");

    // One of theirs is lost each time.
    let lost = without_app(after());
    let mut calls = prepared();
    calls.push(writes(&after()));
    calls.push(reads(&lost));
    for _ in 0..2 {
        calls.extend([writes(&with_app_again(lost.clone(), false)), reads(&lost)]);
    }
    let error = fails(calls);
    assert!(error.detail().ends_with(&format!("selected before and missing now: {APP}")), "{error}");
    assert!(error.hint_text().unwrap().contains("before the next sync"), "{error}");
}

#[test]
fn unverified_write_is_reported_as_written() {
    for back in
        [get(url("syncprofile")).answer(500, ""), get(url("syncprofile")).answer(200, r#"{"identityGroupInfo":[]}"#)]
    {
        let mut calls = prepared();
        calls.extend([writes(&after()), back]);
        let error = fails(calls);
        assert!(error.detail().starts_with("the sync profile was written, but could not be read back"), "{error}");
        assert!(!error.detail().contains("not changed"), "{error}");
    }
}

#[test]
fn empty_selection_is_accepted_only_without_synced_groups() {
    let empty = json!({"identityGroupInfo": {}, "excludeNestedGroupMembers": false});
    let entry = new_entry();
    let first = json!({
        "identityGroupInfo": {BASE: {"mappedGroupData": [entry], "numSelected": 1, "numTotal": 1, "selected": false}},
        "excludeNestedGroupMembers": false,
    });
    const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups?\
         attributes=id%2CinternalGroupType%2CuserStoreUuid&startIndex=1&count=100";
    let groups = |total: usize, found: Value| {
        get(GROUPS).answer(200, json!({"totalResults": total, "Resources": found}).to_string())
    };
    let group = |fields: Value| json!([{"id": "g", "urn:scim:schemas:extension:workspace:1.0": fields}]);
    let prepared = || [reads(&empty), looks_up(&[NEW]), reads(&empty), lists()];
    // Others have groups, or they are of vIDM itself.
    for (total, none) in [
        (0, json!([])),
        (1, group(json!({"internalGroupType": "EXTERNAL", "userStoreUuid": "0c000000-0000-4000-8000-000000000003"}))),
        (1, group(json!({"internalGroupType": "ALL_USERS"}))),
    ] {
        let estate = Estate::warm(true).then(prepared()).then([groups(total, none), writes(&first), reads(&first)]);
        add(&estate, &[NEW]).unwrap();
    }
    // Synced groups exist, so some were selected: the profile is incomplete. A group without these attributes may be one, and so may one
    // that the response does not list.
    for (total, some) in [
        (1, group(json!({"internalGroupType": "EXTERNAL", "userStoreUuid": "0B000000-0000-4000-8000-000000000002"}))),
        (1, group(json!({"internalGroupType": "EXTERNAL"}))),
        (1, json!([{"id": "g"}])),
        (2, json!([])),
    ] {
        let error = fails(prepared().into_iter().chain([groups(total, some.clone())]));
        assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{some}");
        assert!(error.detail().contains("the profile is incomplete; the sync profile was not changed"), "{error}");
    }
    let error = fails(prepared().into_iter().chain([get(GROUPS).answer(400, "")]));
    assert_eq!(error.code(), ErrorCode::UpstreamRejected);
}

#[test]
fn directory_that_was_created_anew_is_located_again() {
    const ANEW: &str = "66666666-7777-4888-8999-00000000000a";
    let gone = || get(url("syncprofile")).answer(404, r#"{"errors":[{"code":"directory.not.found"}]}"#);
    let recreated = json!({"items": [{"directoryId": ANEW, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP"}]});
    let instance = Instance::new([logs_in("t1"), lists()]);
    instance.get("/vidm/default/v1/directories");
    instance.then([
        gone(),
        get(LIST).answer(200, recreated.to_string()),
        // The new directory's profile selects the group already. The observation before the start, and the start:
        get(url("syncprofile").replace(CORP, ANEW)).answer(200, PROFILE),
        idle(ANEW),
        classic(ANEW),
    ]);
    let order = json!({"groups": [APP], "addToProfile": true}).to_string();
    let answer = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", &order);
    assert_eq!((answer.status().as_u16(), &answer.json()["status"]), (202, &json!("running")), "{}", answer.text());
    // A directory that exists has no such profile, or this version has it elsewhere.
    let instance = Instance::new([logs_in("t1"), lists()]);
    instance.get("/vidm/default/v1/directories");
    instance.then([gone(), lists()]);
    let problem = instance.send(Method::POST, "/vidm/default/v1/directories/corp.example/syncs", &order);
    let problem = problem.problem("upstream_rejected");
    assert!(problem["hint"].as_str().unwrap().contains("no sync profile"), "{problem}");
}

#[test]
fn many_groups_are_looked_up_in_batches() {
    let dns: Vec<_> = (0..45).map(|n| format!("CN=g{n},{BASE}")).collect();
    let dns: Vec<_> = dns.iter().map(String::as_str).collect();
    let none = |dns: &[&str]| looks_up(dns).answer(200, r#"{"identityGroups":{}}"#);
    let estate = Estate::warm(true).then([reads(&before()), none(&dns[..20]), none(&dns[20..40]), none(&dns[40..])]);
    assert_eq!(add(&estate, &dns).unwrap(), dns);
}
