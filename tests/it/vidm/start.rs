//! Starting a sync: the number of calls, and the meaning of each rejection.

use std::time::Duration;

use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use idhook::vidm::SyncApi;

use crate::support::script::{get, post};
use crate::support::vidm::{
    CORP, Estate, LAB, LIST, LOCAL, LOGIN, NOBODY, classic, domains, lists, logs_in, start, v2,
};

#[test]
fn cold_by_name_is_three_calls_and_warm_is_one() {
    let estate = Estate::new([logs_in("t1"), lists(), classic(CORP).header("authorization", "HZN t1")]);
    assert!(!estate.start("corp.example").unwrap());

    let estate = estate.then([classic(CORP)]);
    estate.start("CORP.example").unwrap();
}

#[test]
fn warm_by_id_is_one_call() {
    let estate = Estate::warm(false).then([classic(NOBODY)]);
    estate.start(NOBODY).unwrap();
}

#[test]
fn cold_by_id_is_two_calls() {
    Estate::new([logs_in("t1"), classic(CORP)]).start(CORP).unwrap();
}

#[test]
fn safeguards_are_ignored_only_on_request() {
    let estate = Estate::warm(true).then([classic(CORP).body(r#"{"ignoreSafeguards":true}"#)]);
    estate.run(async |client| start(&client, CORP, true).await).unwrap();
}

#[test]
fn remembered_name_expires_after_ten_minutes() {
    let estate = Estate::new([logs_in(JWT), lists(), classic(CORP)]);
    estate.start("corp.example").unwrap();
    estate.script.advance(Duration::from_secs(590));
    let estate = estate.then([classic(CORP)]);
    estate.start("corp.example").unwrap();
    estate.script.advance(Duration::from_secs(11));
    let estate = estate.then([lists(), classic(CORP)]);
    estate.start("corp.example").unwrap();
}

/// A session token that lives eight hours.
const JWT: &str = "e30.eyJpYXQiOjAsImV4cCI6Mjg4MDB9.s";

#[test]
fn migrated_directory_uses_v2_first() {
    let estate = Estate::warm(true).then([v2(LAB)]);
    estate.start("Lab").unwrap();
}

#[test]
fn other_call_is_tried_once_and_remembered() {
    for status in [404, 405, 415] {
        // The list does not show a migration, so only the cache can know it the next time.
        let estate = Estate::warm(false).then([classic(CORP).answer(status, ""), lists(), v2(CORP)]);
        estate.start(CORP).unwrap();
        let estate = estate.then([v2(CORP)]);
        estate.start(CORP).unwrap();
    }
    // Just seen in the list, it is not located again.
    let estate = Estate::new([logs_in("t1"), lists(), classic(CORP).answer(404, ""), v2(CORP)]);
    estate.start("corp.example").unwrap();
}

#[test]
fn refusal_of_both_calls_is_not_a_missing_directory() {
    let page = "<html><title>HTTP Status 404</title></html>";
    let estate = Estate::warm(true).then([classic(CORP).answer(404, page), lists(), v2(CORP).answer(415, "")]);
    let error = estate.start("corp.example").unwrap_err();
    assert_eq!((error.code(), error.target()), (ErrorCode::UpstreamRejected, Some("prod")));
    assert!(error.detail().contains("/syncprofile/sync returned 404"), "{error}");
    assert!(error.hint_text().unwrap().contains("neither sync call"), "{error}");
}

#[test]
fn configured_sync_api_is_the_only_call() {
    let mut estate = Estate::warm(true).then([v2(CORP), classic(CORP).answer(404, ""), lists()]);
    estate.target.sync_api = SyncApi::V2;
    estate.start(CORP).unwrap();
    estate.target.sync_api = SyncApi::Classic;
    let error = estate.start(CORP).unwrap_err();
    assert!(error.hint_text().unwrap().contains("set the target's sync_api to auto"), "{error}");
}

#[test]
fn missing_directory_lists_those_that_exist() {
    let estate = Estate::warm(true).then([classic(NOBODY).answer(404, ""), lists()]);
    let error = estate.start(NOBODY).unwrap_err();
    assert_eq!((error.code(), error.target()), (ErrorCode::DirectoryNotFound, Some("prod")));
    assert_eq!(error.hint_text(), Some(r#"directories that can be synced: "corp.example", "Lab", "Tomorrow""#));
}

#[test]
fn stale_name_is_located_again() {
    // The directory was recreated with the same name.
    let anew = r#"{"items":[{"directoryId":"new","name":"corp.example","type":"ACTIVE_DIRECTORY_LDAP"}]}"#;
    let estate = Estate::warm(true).then([classic(CORP).answer(404, ""), get(LIST).answer(200, anew), classic("new")]);
    estate.start("corp.example").unwrap();
    // If the list fails then, the wrong id is not tried again.
    let estate = Estate::warm(true).then([classic(CORP).answer(404, ""), get(LIST).answer(500, "")]);
    assert_eq!(estate.start("corp.example").unwrap_err().code(), ErrorCode::UpstreamFailed);
    let estate = estate.then([get(LIST).answer(200, anew), classic("new")]);
    estate.start("corp.example").unwrap();
    // Or it is gone.
    let estate = Estate::warm(true).then([classic(CORP).answer(404, ""), get(LIST).answer(200, r#"{"items":[]}"#)]);
    assert_eq!(estate.start("corp.example").unwrap_err().code(), ErrorCode::DirectoryNotFound);
}

#[test]
fn unsyncable_directory_is_rejected_by_a_fresh_list() {
    // By name, by a cached name, and by id.
    for (estate, which) in [
        (Estate::new([logs_in("t1"), lists()]), "System Directory"),
        (Estate::warm(true).then([lists()]), "partners"),
        (Estate::warm(true).then([classic(LOCAL).answer(404, ""), lists()]), LOCAL),
    ] {
        let error = estate.start(which).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DirectoryNotSyncable, "{which}");
        assert!(error.hint_text().unwrap().contains("Active Directory or LDAP"), "{error}");
    }
    // A newly configured directory is not rejected because of an old entry.
    let local = r#"{"items":[{"directoryId":"a","name":"new","syncConfigurationEnabled":false}]}"#;
    let estate = Estate::new([logs_in("t1"), get(LIST).answer(200, local)]);
    estate.start("new").unwrap_err();
    let estate = estate.then([get(LIST).answer(200, local.replace("false", "true")), classic("a")]);
    estate.start("new").unwrap();
}

#[test]
fn directory_that_scripts_created_is_started_although_its_flag_is_off() {
    let list = r#"{"items":[{"directoryId":"a","name":"lax.rainpole.io","type":"ACTIVE_DIRECTORY_LDAP","syncConfigurationEnabled":false}]}"#;
    let estate = Estate::new([logs_in("t1"), get(LIST).answer(200, list), classic("a")]);
    estate.start("lax.rainpole.io").unwrap();
}

#[test]
fn already_running_is_not_an_error() {
    let running =
        r#"{"errors":[{"code":"sync.running","message":"A sync is already in progress.","parameters":null}]}"#;
    for (status, body) in [(409, ""), (409, running), (400, running)] {
        let estate = Estate::warm(true).then([classic(CORP).answer(status, body)]);
        assert!(estate.start("corp.example").unwrap(), "{status} {body}");
    }
}

#[test]
fn other_conflict_tries_the_other_call() {
    let body = r#"{"errors":[{"code":"conflict","message":"Not while the connector moves.","parameters":null}]}"#;
    let estate = Estate::warm(true).then([classic(CORP).answer(409, body), lists(), v2(CORP).answer(404, "")]);
    let error = estate.start("corp.example").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamRejected);
    assert!(error.detail().contains("Not while the connector moves."), "{error}");
}

#[test]
fn missing_permission_fails_at_once() {
    let forbidden = include_str!("../../fixtures/vidm/error_forbidden.json");
    let estate = Estate::warm(true).then([classic(CORP).answer(403, forbidden)]);
    let error = estate.start("corp.example").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamForbidden);
    assert!(error.hint_text().unwrap().contains("administrator"), "{error}");
}

#[test]
fn start_is_repeated_only_if_it_never_arrived() {
    let estate = Estate::warm(true).then([classic(CORP).fail(TransportErrorKind::ConnectTimeout), classic(CORP)]);
    estate.start("corp.example").unwrap();
    let estate = Estate::warm(true).then([classic(CORP).fail(TransportErrorKind::Timeout)]);
    let error = estate.start("corp.example").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout);
    assert!(error.hint_text().unwrap().contains("read the state") && !error.is_retryable(), "{error}");
}

#[test]
fn domain_locates_its_directory() {
    let estate = Estate::new([
        logs_in("t1"),
        lists(),
        // Asked in the list's order; one without an answer is skipped, and unsyncable ones are not asked.
        domains(CORP).answer(200, include_str!("../../fixtures/vidm/domains.json")),
        domains(LAB).answer(404, ""),
        domains("66666666-7777-4888-8999-000000000005").answer(200, r#"{"items":[]}"#),
        classic(CORP),
    ]);
    estate.start("EMEA.corp.example").unwrap();
    // Cached from then on.
    let estate = estate.then([classic(CORP)]);
    estate.start("EMEA.corp.example").unwrap();
}

#[test]
fn failing_directory_does_not_hide_the_one_with_the_domain() {
    let corp = || domains(CORP).answer(200, include_str!("../../fixtures/vidm/domains.json"));
    let other = || domains("66666666-7777-4888-8999-000000000005").answer(500, "");
    let estate =
        Estate::new([logs_in("t1"), lists(), corp(), domains(LAB).answer(200, "<html>"), other(), classic(CORP)]);
    estate.start("EMEA.corp.example").unwrap();
    // If none has the domain, the failed one may.
    let estate = Estate::new([logs_in("t1"), lists(), corp(), domains(LAB).answer(404, ""), other()]);
    assert_eq!(estate.start("nowhere.example").unwrap_err().code(), ErrorCode::UpstreamFailed);
}

#[test]
fn login_failures_say_nothing_about_the_sync() {
    let running = r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#;
    for (status, body) in [(400, running), (409, ""), (404, running), (405, "")] {
        // Nothing was started, the list is not read, and no other call is tried.
        let estate = Estate::new([post(LOGIN).answer(status, body)]);
        let error = estate.start(CORP).unwrap_err();
        assert!(error.code().status().is_server_error(), "{status}: {error}");
        let estate = Estate::new([post(LOGIN).answer(status, body)]);
        let error = estate.run(async |client| client.sync_state(CORP).await).unwrap_err();
        assert_eq!(error.evidence().unwrap().call, "POST /SAAS/API/1.0/REST/auth/system/login", "{status}");
        let estate = Estate::new([post(LOGIN).answer(status, body)]);
        estate.run(async |client| client.executions(CORP).await).unwrap_err();
        let estate = Estate::new([post(LOGIN).answer(status, body)]);
        estate.run(async |client| client.dry_run(CORP, false).await).unwrap_err();
    }
}

#[test]
fn upgrade_page_is_not_a_running_sync() {
    let page = "<html><title>Upgrade in progress</title></html>";
    let estate = Estate::warm(true).then([classic(CORP).answer(503, page)]);
    assert_eq!(estate.start("corp.example").unwrap_err().code(), ErrorCode::UpstreamBusy);
}

#[test]
fn shared_domain_is_ambiguous() {
    let list = r#"{"items":[{"directoryId":"a","name":"A"},{"directoryId":"b","name":"B","type":"LDAP_DIRECTORY"}]}"#;
    let both = r#"{"items":[{"name":"corp.example"}]}"#;
    let estate = Estate::new([
        logs_in("t1"),
        get(LIST).answer(200, list),
        domains("a").answer(200, both),
        domains("b").answer(200, both),
    ]);
    let error = estate.start("corp.example").unwrap_err();
    assert_eq!((error.code(), error.target()), (ErrorCode::DirectoryAmbiguous, Some("prod")));
    let candidates: Vec<_> = error.candidate_list().iter().map(|one| (one.id.as_str(), one.kind.as_deref())).collect();
    assert_eq!(candidates, [("a", None), ("b", Some("LDAP_DIRECTORY"))]);
}

#[test]
fn at_most_twenty_directories_are_queried_for_domains() {
    let items: Vec<_> = (0..30).map(|n| format!(r#"{{"directoryId":"d{n}","name":"n{n}"}}"#)).collect();
    let list = get(LIST).answer(200, format!("[{}]", items.join(",")));
    let asked = (0..20).map(|n| domains(&format!("d{n}")).answer(200, r#"{"items":[]}"#));
    let estate = Estate::new([logs_in("t1"), list].into_iter().chain(asked));
    assert_eq!(estate.start("other.example").unwrap_err().code(), ErrorCode::DirectoryNotFound);
}
