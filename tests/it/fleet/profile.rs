//! Adding groups to the sync profile: the writes, and that nothing is ever lost.

use http::Method;
use idhook::directory::GroupQuery;
use idhook::error::{Error, ErrorCode, Result};
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::fleet::{CORP, Fleet, PROVIDER, directory_url};
use crate::support::script::{Call, get, post};

const PROFILE: &str = include_str!("../../fixtures/fleet/sync_profile.json");
const FOUND: &str = include_str!("../../fixtures/fleet/directory_groups.json");
const BASE: &str = "OU=Groups,DC=corp,DC=example";
const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const GONE: &str = "CN=gg-gone,OU=Groups,DC=corp,DC=example";
const APP: &str = "CN=gg-app,OU=Groups,DC=corp,DC=example";
const BELOW_ALL: &str = "CN=x,OU=All,DC=corp,DC=example";
const USER: &str = "CN=jdoe,OU=Users,DC=corp,DC=example";

fn reads(profile: &Value) -> Call {
    get(directory_url("/sync-profile")).header("authorization", "OpsToken t::1").answer(200, profile.to_string())
}

fn looks_up(base: &str, name: &str, found: &Value) -> Call {
    let body = json!({"searchDn": base, "searchTerm": name}).to_string();
    post(directory_url("/groups/query")).body(body).answer(200, found.to_string())
}

/// The searches for a group that does not exist: by its name, and at its own distinguished name.
fn looks_up_gone() -> [Call; 2] {
    let none = json!({"ldapGroups": []});
    [looks_up(BASE, "gg-gone", &none), looks_at(GONE, &none)]
}

fn looks_at(dn: &str, found: &Value) -> Call {
    post(directory_url("/groups/query")).body(json!({"searchDn": dn}).to_string()).answer(200, found.to_string())
}

fn looks_up_new() -> Call {
    looks_up(BASE, "gg-new", &found())
}

fn writes(profile: &Value) -> Call {
    Call::new(Method::PUT, directory_url("/sync-profile"))
        .header("content-type", "application/json")
        .body(profile.to_string())
        // As in the vendor's example; it decides nothing.
        .answer(200, PROFILE)
}

fn lists(directory: &Value) -> Call {
    let url = format!(
        "https://ops.corp.example/suite-api/api/fleet-management/iam/identity-providers/{PROVIDER}/ldap-directories"
    );
    get(url).answer(200, json!({"ldapDirectories": [{"ldapConfigurationId": "other"}, directory]}).to_string())
}

fn before() -> Value {
    serde_json::from_str(PROFILE).unwrap()
}

fn found() -> Value {
    serde_json::from_str(FOUND).unwrap()
}

/// The profile with one more entry in a list.
fn with(mut profile: Value, list: &str, entry: &Value) -> Value {
    profile[list].as_array_mut().unwrap().push(entry.clone());
    profile
}

/// The profile without the entry at this place of a list.
fn without(mut profile: Value, list: &str, at: usize) -> Value {
    profile[list].as_array_mut().unwrap().remove(at);
    profile
}

fn new_entry() -> Value {
    found()["ldapGroups"][1].clone()
}

fn after() -> Value {
    with(before(), "ldapGroups", &new_entry())
}

/// Another writer's group, arriving while we work.
fn other_entry() -> Value {
    json!({"dn": format!("CN=other,{BASE}"), "baseDn": "DC=corp,DC=example", "objectGuid": "o"})
}

async fn add_with<R: idhook::runtime::Runtime>(
    client: idhook::fleet::Client<'_, R>,
    wanted: &[&str],
) -> Result<Vec<String>> {
    let wanted: Vec<_> = wanted.iter().map(|text| GroupQuery::parse(text).unwrap()).collect();
    let addition = client.profile_addition(PROVIDER, CORP, &wanted).await?;
    let not_found = addition.not_found().to_vec();
    client.add_to_profile(addition).await.map(|()| not_found)
}

/// Adds the groups; returns those that are not found.
fn add(fleet: &Fleet, wanted: &[&str]) -> Result<Vec<String>> {
    fleet.run(async |client| add_with(client, wanted).await)
}

fn fails(calls: impl IntoIterator<Item = Call>) -> Error {
    let error = add(&Fleet::with_login(calls), &[NEW]).unwrap_err();
    assert_eq!(error.target(), Some("nine"));
    error
}

/// The calls before every write.
fn prepared() -> Vec<Call> {
    vec![reads(&before()), looks_up_new(), reads(&before())]
}

fn prepared_and(calls: impl IntoIterator<Item = Call>) -> Vec<Call> {
    prepared().into_iter().chain(calls).collect()
}

#[test]
fn new_group_is_written_with_everything_else() {
    let [by_name, by_dn] = looks_up_gone();
    let fleet = Fleet::with_login([
        reads(&before()),
        looks_up_new(),
        by_name,
        by_dn,
        reads(&before()),
        writes(&after()),
        reads(&after()),
    ]);
    let done = add(&fleet, &[NEW, APP, BELOW_ALL, GONE, "cn=GG-NEW, ou=groups,dc=corp,dc=example"]).unwrap();
    assert_eq!(done, [GONE]);
    assert!(fleet.script.slept().is_empty(), "the ordinary case does not wait");
}

#[test]
fn selected_groups_cause_no_look_up_or_write() {
    let fleet = Fleet::with_login([reads(&before())]);
    add(&fleet, &[APP, BELOW_ALL]).unwrap();
    let [by_name, by_dn] = looks_up_gone();
    let fleet = Fleet::with_login([reads(&before()), by_name, by_dn]);
    assert_eq!(add(&fleet, &[GONE]).unwrap(), [GONE]);
    add(&Fleet::new([]), &[]).unwrap();
}

#[test]
fn search_uses_the_plain_name_below_the_parent() {
    let dn = "CN=R\\+D\\, \\C3\\A9,OU=Sales\\2C EMEA,DC=corp,DC=example";
    let parent = "OU=Sales\\, EMEA,DC=corp,DC=example";
    let entry = json!({"dn": format!("cn=R\\+D\\, É,{parent}")});
    let other = json!({"dn": format!("CN=R\\+D\\, é2,{parent}"), "compliant": false});
    let mut ours = entry.clone();
    ours["baseDn"] = parent.into();
    let selected = with(before(), "ldapGroups", &ours);
    let fleet = Fleet::with_login([
        reads(&before()),
        // The beginning matches other groups too.
        looks_up(parent, "R+D, é", &json!({"ldapGroups": [other, entry]})),
        reads(&before()),
        writes(&selected),
        reads(&selected),
    ]);
    add(&fleet, &[dn]).unwrap();
    // A name of one part is in no directory.
    let fleet = Fleet::with_login([reads(&before())]);
    assert_eq!(add(&fleet, &["CN=gg"]).unwrap(), ["CN=gg"]);
}

#[test]
fn group_that_is_not_found_by_its_common_name_is_found_at_its_dn() {
    // The search may compare the account name, which can be another one.
    let none = json!({"ldapGroups": []});
    let found = json!({"ldapGroups": [new_entry()]});
    let calls = vec![reads(&before()), looks_up(BASE, "gg-new", &none), looks_at(NEW, &found)];
    let fleet = Fleet::with_login(calls.into_iter().chain([reads(&before()), writes(&after()), reads(&after())]));
    assert!(add(&fleet, &[NEW]).unwrap().is_empty());
    for (status, code) in [(400, None), (404, None), (403, Some(ErrorCode::UpstreamForbidden))] {
        let rejected = looks_at(GONE, &none).answer(status, r#"{"message":"searchTerm must not be null"}"#);
        let [by_name, _] = looks_up_gone();
        let done = add(&Fleet::with_login([reads(&before()), by_name, rejected]), &[GONE]);
        assert_eq!(done.as_ref().err().map(Error::code), code, "{status}");
        assert!(done.is_err() || done.is_ok_and(|not_found| not_found == [GONE]));
    }
}

#[test]
fn concurrent_selection_stays_and_is_not_duplicated() {
    let theirs = with(before(), "ldapGroups", &other_entry());
    let ours = with(theirs.clone(), "ldapGroups", &new_entry());
    let fleet = Fleet::with_login([
        reads(&before()),
        looks_up_new(),
        // While VCF Operations searched.
        reads(&theirs),
        writes(&ours),
        reads(&ours),
    ]);
    add(&fleet, &[NEW]).unwrap();
    let fleet = Fleet::with_login([reads(&before()), looks_up_new(), reads(&after())]);
    add(&fleet, &[NEW]).unwrap();
}

#[test]
fn names_without_dn_are_rejected() {
    let error = add(&Fleet::new([]), &[NEW, "gg@corp.example", APP, "gg@corp.example"]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RequestInvalid);
    let fields: Vec<_> = error.fields().iter().map(|field| field.pointer.as_str()).collect();
    assert_eq!(fields, ["/groups/1", "/groups/3"]);
}

#[test]
fn non_compliant_groups_are_rejected_before_the_write() {
    let odd = |name: &str, result: Value| {
        let entry =
            json!({"dn": format!("CN={name},{BASE}"), "baseDn": BASE, "compliant": false, "validationResult": result});
        looks_up(BASE, name, &json!({"ldapGroups": [entry]}))
    };
    let fleet = Fleet::with_login([
        reads(&before()),
        odd("one", json!({"invalidAttributes": ["objectGUID"], "duplicateId": false})),
        looks_up_new(),
        odd("two", json!({"duplicateId": true})),
    ]);
    let wanted = [format!("CN=one,{BASE}"), APP.to_owned(), NEW.to_owned(), format!("CN=two,{BASE}")];
    let error = add(&fleet, &wanted.iter().map(String::as_str).collect::<Vec<_>>()).unwrap_err();
    assert_eq!((error.code(), error.target()), (ErrorCode::RequestInvalid, Some("nine")));
    assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
    let [one, two] = error.fields() else { panic!("{error:?}") };
    assert_eq!((one.pointer.as_str(), two.pointer.as_str()), ("/groups/0", "/groups/3"));
    assert!(one.detail.contains("invalid attributes: objectGUID"), "{one:?}");
    assert!(two.detail.contains("its object id is a duplicate"), "{two:?}");
}

#[test]
fn incomplete_profile_is_not_written() {
    let mut unmapped = before();
    unmapped.as_object_mut().unwrap().remove("userAttributeMappings");
    let mut nameless = before();
    nameless["ldapGroups"][0].as_object_mut().unwrap().remove("dn");
    let mut odd = before();
    odd["ldapGroups"][1]["selectAll"] = "yes".into();
    let cut = PROFILE.get(..PROFILE.len() / 2).unwrap().to_owned();
    for (body, why) in [
        (unmapped.to_string(), "it has no list userAttributeMappings"),
        (nameless.to_string(), "its group 0 has no dn"),
        (odd.to_string(), "neither true nor false"),
        ("{}".to_owned(), "it has no list userAttributeMappings"),
        (cut, "it is not JSON"),
        (String::new(), "it is not JSON"),
        ("<html></html>".to_owned(), "it is an HTML page"),
    ] {
        let read = || get(directory_url("/sync-profile")).answer(200, body.clone());
        // At the first read, and at the one before the write.
        for calls in [vec![read()], vec![reads(&before()), looks_up_new(), read()]] {
            let error = fails(calls);
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
            assert!(
                error.detail().contains(why) && error.detail().ends_with("the sync profile was not changed"),
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
    let vendors = r#"{"message":"no such directory","httpStatusCode":404}"#;
    let read = |status: u16, body: &'static str| vec![get(directory_url("/sync-profile")).answer(status, body)];
    assert_eq!(whole(read(403, "")), ErrorCode::UpstreamForbidden);
    assert_eq!(whole(read(400, vendors)), ErrorCode::UpstreamRejected);
    assert_eq!(whole(read(404, vendors)), ErrorCode::UpstreamRejected);
    // Another server's page says nothing about the directory.
    assert_eq!(whole(read(404, "")), ErrorCode::UpstreamInvalid);
    let search = |status: u16, body: &'static str| vec![reads(&before()), looks_up_new().answer(status, body)];
    assert_eq!(whole(search(500, "")), ErrorCode::UpstreamFailed);
    assert_eq!(whole(search(200, "[]")), ErrorCode::UpstreamInvalid);
}

#[test]
fn rejected_write_is_reported() {
    for (status, code) in [(400, ErrorCode::UpstreamRejected), (403, ErrorCode::UpstreamForbidden)] {
        let error = fails(prepared_and([writes(&after()).answer(status, "")]));
        assert_eq!(error.code(), code);
        assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
    }
    let error = fails(prepared_and([writes(&after()).fail(TransportErrorKind::Tls)]));
    assert_eq!(error.code(), ErrorCode::UpstreamTls);
}

#[test]
fn write_that_was_not_sent_is_not_doubted() {
    let error = fails(prepared_and([writes(&after()).fail(TransportErrorKind::NotSent)]));
    assert_eq!(error.code(), ErrorCode::UpstreamTimeout);
    assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
}

#[test]
fn uncertain_write_is_verified() {
    let broken = || writes(&after()).fail(TransportErrorKind::Interrupted);
    let refused = r#"{"message":"not now","apiErrorCode":1501}"#;
    for write in [
        broken(),
        writes(&after()).answer(500, ""),
        writes(&after()).answer(503, ""),
        writes(&after()).answer(200, "<html></html>"),
        writes(&after()).answer(200, refused),
        writes(&after()).answer(204, ""),
        writes(&after()).answer(202, "[]"),
    ] {
        // It was processed.
        let fleet = Fleet::with_login(prepared_and([write, reads(&after())]));
        add(&fleet, &[NEW]).unwrap();
    }
    // It was not.
    for (write, code) in
        [(broken(), ErrorCode::UpstreamFailed), (writes(&after()).answer(200, refused), ErrorCode::UpstreamRejected)]
    {
        let error = fails(prepared_and([write, reads(&before())]));
        assert_eq!(error.code(), code);
        assert!(error.detail().ends_with("the sync profile was not changed"), "{error}");
        assert!(error.hint_text().unwrap().contains("reading it back"), "{error}");
    }
    // It was processed incorrectly, and is repaired.
    let damaged = without(before(), "ldapGroups", 0);
    let repaired = with(with(damaged.clone(), "ldapGroups", &before()["ldapGroups"][0]), "ldapGroups", &new_entry());
    let fleet = Fleet::with_login(prepared_and([broken(), reads(&damaged), writes(&repaired), reads(&repaired)]));
    add(&fleet, &[NEW]).unwrap();
}

#[test]
fn lost_update_is_detected_and_repaired() {
    // Another writer that had read before our write overwrote ours.
    let theirs = with(before(), "ldapGroups", &other_entry());
    let both = with(theirs.clone(), "ldapGroups", &new_entry());
    let fleet = Fleet::with_login(prepared_and([writes(&after()), reads(&theirs), writes(&both), reads(&both)]));
    add(&fleet, &[NEW]).unwrap();
    assert_eq!(fleet.script.slept(), [Duration::from_millis(250)]);

    // An earlier selection is gone: a group, everything below a base, a user.
    for (list, at) in [("ldapGroups", 0), ("ldapGroups", 1), ("ldapUsers", 0)] {
        let lost = without(after(), list, at);
        let repaired = with(lost.clone(), list, &before()[list][at]);
        let fleet =
            Fleet::with_login(prepared_and([writes(&after()), reads(&lost), writes(&repaired), reads(&repaired)]));
        add(&fleet, &[NEW]).unwrap();
    }
}

#[test]
fn concurrent_selections_between_writes_are_kept() {
    let lost_ours = with(before(), "ldapGroups", &other_entry());
    // The second round restores ours, and the next read has lost the other one.
    let both = with(lost_ours.clone(), "ldapGroups", &new_entry());
    let all = with(after(), "ldapGroups", &other_entry());
    let fleet = Fleet::with_login(prepared_and([
        writes(&after()),
        reads(&lost_ours),
        writes(&both),
        reads(&after()),
        writes(&all),
        reads(&all),
    ]));
    add(&fleet, &[NEW]).unwrap();
}

#[test]
fn lasting_losses_are_reported_by_name() {
    // Ours is never accepted.
    let rounds = (0..3).flat_map(|_| [writes(&after()), reads(&before())]);
    let error = fails(prepared_and(rounds));
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.detail().ends_with(&format!("still lacks groups: not selected: {NEW}")), "{error}");

    // One of theirs is lost each time.
    for (list, name) in [("ldapGroups", APP), ("ldapUsers", USER)] {
        let lost = without(after(), list, 0);
        let again = with(lost.clone(), list, &before()[list][0]);
        let rounds = [writes(&after()), reads(&lost), writes(&again), reads(&lost), writes(&again), reads(&lost)];
        let error = fails(prepared_and(rounds));
        assert!(error.detail().ends_with(&format!("selected before and missing now: {name}")), "{error}");
        assert!(error.hint_text().unwrap().contains("removes them from VCF Operations"), "{error}");
    }
}

#[test]
fn unverified_write_is_reported_as_written() {
    for back in [
        get(directory_url("/sync-profile")).answer(500, ""),
        get(directory_url("/sync-profile")).answer(200, r#"{"userAttributeMappings":[],"ldapGroups":{}}"#),
    ] {
        let error = fails(prepared_and([writes(&after()), back]));
        assert!(error.detail().starts_with("the sync profile was written, but could not be read back"), "{error}");
        assert!(!error.detail().contains("not changed"), "{error}");
    }
}

#[test]
fn empty_selection_is_accepted_only_without_synced_groups() {
    let empty = json!({"userAttributeMappings": [], "syncSchedule": {"frequency": "MANUALLY"}});
    let mut first = empty.clone();
    first["ldapGroups"] = json!([new_entry()]);
    let prepared = |listed: &Value| vec![reads(&empty), looks_up_new(), reads(&empty), lists(listed)];
    for listed in [
        json!({"ldapConfigurationId": CORP, "numberOfGroups": 0, "lastSyncStatus": "COMPLETED"}),
        // Never synced.
        json!({"ldapConfigurationId": CORP.to_uppercase()}),
    ] {
        let fleet = Fleet::with_login(prepared(&listed).into_iter().chain([writes(&first), reads(&first)]));
        add(&fleet, &[NEW]).unwrap();
    }
    // Synced groups exist, or may exist, so some were selected: the profile is incomplete.
    for listed in [
        json!({"ldapConfigurationId": CORP, "numberOfGroups": 1}),
        json!({"ldapConfigurationId": CORP, "lastSyncDateTime": 1_753_340_064_646_u64}),
        json!({"ldapConfigurationId": CORP, "lastSyncStatus": "FAILED"}),
    ] {
        let error = fails(prepared(&listed));
        assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
        let why =
            "although VCF Operations has synced groups: the profile is incomplete; the sync profile was not changed";
        assert!(error.detail().contains(why), "{error}");
    }
    // Without certainty nothing is written.
    assert_eq!(fails(prepared(&json!({}))).code(), ErrorCode::DirectoryNotFound);
    let mut calls = prepared(&json!({}));
    let last = calls.pop().unwrap().answer(500, "");
    assert_eq!(fails(calls.into_iter().chain([last])).code(), ErrorCode::UpstreamFailed);
}
