//! Reads: one directory, the state of a sync, groups, health.

use idhook::directory::{DirectoryRef, GroupQuery, SyncReport, SyncStatus};
use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;

use crate::support::script::{Call, get, post};
use crate::support::vidm::{CORP, Estate, LAB, NOBODY, domains, lists};

const STATE: &str =
    "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/d/syncprofile/sync";
const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups";

#[test]
fn directory_is_found_by_id_name_and_domain() {
    let read =
        |estate: &Estate, which: &str| estate.run(async |client| client.directory(&DirectoryRef::parse(which)).await);
    for (which, id) in [(CORP, CORP), ("lab", LAB), (LAB, LAB)] {
        // Always a fresh list: the caller wants the current data.
        let estate = Estate::warm(true).then([lists()]);
        assert_eq!(read(&estate, which).unwrap().id, id);
    }
    let estate = Estate::warm(true).then([lists()]);
    assert_eq!(read(&estate, NOBODY).unwrap_err().code(), ErrorCode::DirectoryNotFound);
    let none = r#"{"items":[]}"#;
    let estate = Estate::warm(true).then([
        lists(),
        domains(CORP).answer(200, none),
        domains(LAB).answer(200, include_str!("../../fixtures/vidm/domains.json")),
        domains("66666666-7777-4888-8999-000000000005").answer(200, none),
    ]);
    assert_eq!(read(&estate, "CORP").unwrap().id, LAB);
}

fn state(call: Call) -> Result<SyncReport, idhook::error::Error> {
    Estate::warm(false).then([call]).run(async |client| client.sync_state("d").await)
}

#[test]
fn sync_state_is_read() {
    let report = state(get(STATE).answer(200, include_str!("../../fixtures/vidm/sync_state_wrapper.json"))).unwrap();
    assert_eq!((report.status, report.upstream_word.as_deref()), (SyncStatus::Running, Some("RUNNING")));
}

#[test]
fn missing_state_is_unknown() {
    for (status, word) in
        [(404, "no state reported (404)"), (405, "no state reported (405)"), (406, "no state reported (406)")]
    {
        let report = state(get(STATE).answer(status, "<html></html>")).unwrap();
        assert_eq!((report.status, report.upstream_word.as_deref()), (SyncStatus::Unknown, Some(word)));
    }
    let report = state(get(STATE).answer(204, "")).unwrap();
    assert_eq!((report.status, report.upstream_word.as_deref()), (SyncStatus::Unknown, Some("no content")));
}

#[test]
fn state_carries_the_servers_time() {
    let at = Some(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777));
    for status in [200, 404] {
        let call = get(STATE).answer(status, "RUNNING").answer_header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(state(call).unwrap().server_time, at);
        let call = get(STATE).answer(status, "RUNNING").answer_header("date", "yesterday");
        assert_eq!(state(call).unwrap().server_time, None);
    }
}

#[test]
fn failed_call_is_an_error() {
    assert_eq!(state(get(STATE).answer(403, "")).unwrap_err().code(), ErrorCode::UpstreamForbidden);
    assert_eq!(state(get(STATE).answer(500, "")).unwrap_err().code(), ErrorCode::UpstreamFailed);
}

fn find(query: &GroupQuery, call: Call) -> Vec<String> {
    let estate = Estate::warm(false).then([call]);
    let groups = estate.run(async |client| client.groups(query).await).unwrap();
    groups.into_iter().map(|group| group.id).collect()
}

#[test]
fn group_look_up_is_exact() {
    let answer = include_str!("../../fixtures/vidm/groups.json");
    let query = |filter: &str| get(format!("{GROUPS}?filter={filter}&startIndex=1&count=100")).answer(200, answer);
    // The response has more than requested, like that of a substring filter; only the exact group counts.
    let dn = GroupQuery::DistinguishedName("CN=GG-new,OU=Groups,DC=corp,DC=example".into());
    let filter = "distinguishedName%20eq%20%22CN%3DGG-new%2COU%3DGroups%2CDC%3Dcorp%2CDC%3Dexample%22";
    assert_eq!(find(&dn, query(filter)), ["g-1"]);
    let name = GroupQuery::Name("gg-new@lab.example".into());
    assert_eq!(find(&name, query("displayName%20eq%20%22gg-new%40lab.example%22")), ["g-3"]);
    let absent = GroupQuery::Name("gg-ne@corp.example".into());
    assert!(find(&absent, query("displayName%20eq%20%22gg-ne%40corp.example%22")).is_empty());
}

#[test]
fn group_that_cannot_be_proven_absent_is_an_error() {
    let query = GroupQuery::parse("\"A\" team@corp.example").unwrap();
    let search = || post(format!("{GROUPS}/.search")).answer(200, r#"{"totalResults":0,"Resources":[]}"#);
    let piece = get(format!("{GROUPS}?filter=displayName%20co%20%22team%40corp.example%22&startIndex=1&count=100"));
    let estate = Estate::warm(false).then([search(), piece.answer(200, r#"{"totalResults":0}"#)]);
    let error = estate.run(async |client| client.groups(&query).await).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.detail().contains("vIDM lists no such group, but"), "{error}");
}

#[test]
fn long_filter_is_sent_in_a_body() {
    let dn = format!("CN={},DC=corp,DC=example", "x".repeat(1_500));
    let body = format!(r#"{{"filter":"distinguishedName eq \"{dn}\"","startIndex":1,"count":100}}"#);
    let search = post(format!("{GROUPS}/.search"));
    let found =
        find(&GroupQuery::DistinguishedName(dn), search.body(body).answer(200, r#"{"totalResults":0,"Resources":[]}"#));
    assert!(found.is_empty());
}

#[test]
fn search_is_repeated_like_a_read() {
    let query = GroupQuery::DistinguishedName("x".repeat(2_000));
    let search = || post(format!("{GROUPS}/.search"));
    let estate = Estate::warm(false).then([
        search().fail(TransportErrorKind::Interrupted),
        search().answer(503, ""),
        search().answer(200, r#"{"totalResults":0,"Resources":[]}"#),
    ]);
    assert!(estate.run(async |client| client.groups(&query).await).unwrap().is_empty());
}

#[test]
fn health_needs_no_login() {
    let call = get("https://vidm.corp.example/SAAS/API/1.0/REST/system/health").without("authorization");
    let estate = Estate::new([call.answer(200, include_str!("../../fixtures/vidm/health.json"))]);
    let health = estate.run(async |client| client.health().await).unwrap();
    assert_eq!((health.all_ok, health.build_version.as_deref()), (Some(true), Some("3.3.7.0 Build 21173100")));
}
