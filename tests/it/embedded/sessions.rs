//! idhook as functions: the same scenario as over HTTP, without HTTP.

use std::rc::Rc;
use std::time::Duration;

use idhook::config::{VcfSettings, VidmSettings};
use idhook::directory::SyncStatus;
use idhook::embedded::{self, ChangeOptions, DeleteOptions, SyncOrder, Timeouts, UpdateOptions, Vcf, Vidm};
use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use idhook::vcf::IdentitySourceSpec;
use idhook::vidm::DirectoryFilter;
use serde_json::{Value, json};

use crate::support::script::{Call, Script, get};
use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::Shared;
use crate::vcf::session::login;

pub(crate) const PRESENT: &str = "CN=gg-app,OU=Groups,DC=corp,DC=example";
const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const SOURCE: &str = include_str!("../../fixtures/vcf/identity-source-add.request.json");
pub(crate) const PROVIDER: &str = "b9103988-c8a4-4f66-8076-42c93d480bbe";

fn vidm(calls: impl IntoIterator<Item = Call>) -> (Rc<Script>, Vidm<Shared>) {
    let script = Rc::new(Script::new(calls));
    let settings = json!({"url": "https://vidm.corp.example", "username": "svc-sync", "password": "pässword"});
    (Rc::clone(&script), Vidm::from_json(Shared(script), settings).unwrap())
}

pub(crate) fn vcf(calls: impl IntoIterator<Item = Call>) -> (Rc<Script>, Vcf<Shared>) {
    let script = Rc::new(Script::new(calls));
    let settings = VcfSettings {
        url: Some("https://sddc.corp.example".to_owned()),
        username: Some("administrator@vsphere.local".to_owned()),
        password: Some(idhook::secret::Secret::new("VMw@re1!")),
        ..VcfSettings::default()
    };
    (Rc::clone(&script), Vcf::new(Shared(script), settings, Timeouts::default()).unwrap())
}

/// The directory's state, as vIDM reports it.
fn state(body: &Value) -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{CORP}/syncprofile/sync"
    ))
    .answer(200, body.to_string())
}

/// An accepted kick-off at the beginning of the script.
fn kicked_off() -> Call {
    let now = std::time::SystemTime::UNIX_EPOCH + crate::support::script::START;
    classic(CORP).answer(200, "{}").answer_header("date", &httpdate::fmt_http_date(now))
}

/// The search for [`PRESENT`], which exists.
pub(crate) fn proof() -> Call {
    let group = json!({"id": "g1", "displayName": "gg-app@corp.example",
        "urn:scim:schemas:extension:workspace:1.0": {"distinguishedName": PRESENT}});
    get("https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups?filter=distinguishedName%20eq%20%22CN%3Dgg-app%2COU%3DGroups%2CDC%3Dcorp%2CDC%3Dexample%22&startIndex=1&count=100")
        .answer(200, json!({"totalResults": 1, "Resources": [group]}).to_string())
}

fn began(script: &Script, ago: u64) -> u64 {
    use idhook::runtime::Clock as _;
    let now = script.now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap() - ago * 1000
}

#[test]
fn started_sync_is_awaited_and_proven_with_one_login() {
    let (script, vidm) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let order: SyncOrder = embedded::read(json!({"groups": [PRESENT]})).unwrap();
    let started = script.run(vidm.start_sync("corp.example", order)).unwrap();
    assert_eq!((started.status, started.retry_after), (SyncStatus::Running, Some(2)));
    assert_eq!(started.directory.name.as_deref(), Some("corp.example"));
    let id = started.id.clone().unwrap();

    let now = began(&script, 0);
    script.then([
        state(&json!({"status": "RUNNING", "startTime": now})),
        // Transient failures are retried.
        state(&json!({})).fail(TransportErrorKind::Refused),
        state(&json!({})).fail(TransportErrorKind::Refused),
        state(&json!({})).fail(TransportErrorKind::Refused),
        state(&json!({"status": "COMPLETED", "startTime": now})),
        proof(),
    ]);
    let done = script.run(vidm.wait_for_sync(&id, Duration::from_secs(60))).unwrap();
    assert_eq!((done.status, done.id.as_deref(), done.retry_after), (SyncStatus::Succeeded, Some(id.as_str()), None));
    let told = serde_json::to_value(&done).unwrap();
    assert_eq!(
        told["groups"][0],
        json!({"requested": PRESENT, "state": "present", "id": "g1", "displayName": "gg-app@corp.example"})
    );
    assert!(told.get("links").is_none(), "embedded use has no routes: {told}");
    let logins = script.requests().iter().filter(|request| request.uri().path().ends_with("/login")).count();
    assert_eq!(logins, 1);
}

#[test]
fn wait_returns_the_last_state_when_time_is_up() {
    let (script, vidm) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let id = script.run(vidm.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    let now = began(&script, 0);
    script.then([
        state(&json!({"status": "RUNNING", "startTime": now})),
        state(&json!({"status": "RUNNING", "startTime": now})),
    ]);
    let still = script.run(vidm.wait_for_sync(&id, Duration::from_secs(2))).unwrap();
    assert_eq!(still.status, SyncStatus::Running);
}

#[test]
fn waits_and_watches_look_for_the_last_time_at_their_end() {
    const LIMIT: Duration = Duration::from_secs(20);
    let (script, vidm) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let id = script.run(vidm.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    // After 0, 1, 2.5, 4.75, 8.1 and 13.2 s; the next regular look would be after 20.8 s.
    let add_looks = || {
        let now = began(&script, 0);
        let status = |status: &str| state(&json!({"status": status, "startTime": now}));
        script.then((0..6).map(|_| status("RUNNING")).chain([status("COMPLETED")]));
    };
    let took = |before: usize| script.slept().split_off(before).iter().sum::<Duration>();
    let before = script.slept().len();
    add_looks();
    let ended = script.run(vidm.wait_for_sync(&id, LIMIT)).unwrap();
    assert_eq!(ended.status, SyncStatus::Succeeded);
    assert_eq!(took(before), LIMIT - Duration::from_secs(1));

    script.advance(Duration::from_secs(60));
    script.then([idle(CORP), kicked_off()]);
    let id = script.run(vidm.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    let before = script.slept().len();
    add_looks();
    let mut watch = vidm.watch_sync(&id, LIMIT).unwrap();
    let mut next = || script.run(watch.next(&vidm)).map(|seen| seen.unwrap().status);
    assert_eq!([next(), next(), next()], [Some(SyncStatus::Running), Some(SyncStatus::Succeeded), None]);
    assert_eq!(took(before), LIMIT);
}

/// An upstream that names a time is left alone until then.
#[test]
fn wait_that_the_upstream_requires_is_not_cut() {
    let (script, vidm) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let id = script.run(vidm.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    let now = began(&script, 0);
    let busy = || state(&json!({})).answer(429, "").answer_header("retry-after", "90");
    let running = || state(&json!({"status": "RUNNING", "startTime": now}));
    script.then([running(), busy()]);
    let still = script.run(vidm.wait_for_sync(&id, Duration::from_secs(30))).unwrap();
    assert_eq!(still.status, SyncStatus::Running);
    script.then([running(), busy()]);
    let mut watch = vidm.watch_sync(&id, Duration::from_secs(30)).unwrap();
    assert_eq!(script.run(watch.next(&vidm)).unwrap().unwrap().status, SyncStatus::Running);
    assert_eq!(script.run(watch.next(&vidm)).unwrap().unwrap_err().code, ErrorCode::UpstreamBusy);
    assert!(script.run(watch.next(&vidm)).is_none());
}

#[test]
fn ids_are_valid_in_another_session() {
    let (script, first) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let id = script.run(first.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    assert!(!id.contains("pässword"));
    let (script, other) = vidm([]);
    script.advance(Duration::from_secs(20));
    let now = began(&script, 5);
    script.then([logs_in("t"), state(&json!({"status": "COMPLETED", "startTime": now}))]);
    assert_eq!(script.run(other.sync(&id)).unwrap().status, SyncStatus::Succeeded);
    for id in ["", "AXsid", "ZQ", &id[1..]] {
        assert_eq!(script.run(other.sync(id)).unwrap_err().code, ErrorCode::SyncNotFound, "{id}");
    }
}

#[test]
fn watch_reports_each_change_once_and_ends() {
    let (script, vidm) = vidm([logs_in("t"), lists(), idle(CORP), kicked_off()]);
    let id = script.run(vidm.start_sync(CORP, SyncOrder::default())).unwrap().id.unwrap();
    let now = began(&script, 0);
    let running = json!({"status": "RUNNING", "startTime": now});
    script.then([state(&running), state(&running), state(&json!({"status": "COMPLETED", "startTime": now}))]);
    let mut watch = vidm.watch_sync(&id, Duration::from_secs(60)).unwrap();
    let mut next = || script.run(watch.next(&vidm)).map(|seen| seen.unwrap().status);
    assert_eq!([next(), next(), next()], [Some(SyncStatus::Running), Some(SyncStatus::Succeeded), None]);

    // A lasting transient failure is reported at the end of the watch; a permanent one ends it.
    script.advance(Duration::from_secs(5));
    let mut watch = vidm.watch_sync(&id, Duration::from_secs(3)).unwrap();
    script.then((0..9).map(|_| state(&running).fail(TransportErrorKind::Refused)));
    let failed = script.run(watch.next(&vidm)).unwrap().unwrap_err();
    assert_eq!(failed.code, ErrorCode::UpstreamUnreachable, "{failed}");
    assert!(script.run(watch.next(&vidm)).is_none());
    let mut watch = vidm.watch_sync(&id, Duration::from_secs(60)).unwrap();
    script.then([state(&running).answer(403, r#"{"code": "access.denied"}"#)]);
    assert_eq!(script.run(watch.next(&vidm)).unwrap().unwrap_err().code, ErrorCode::UpstreamForbidden);
    assert!(script.run(watch.next(&vidm)).is_none());
}

#[test]
fn mistakes_in_settings_are_reported_by_name() {
    let open = |settings: Value| Vidm::from_json(Shared(Rc::new(Script::new([]))), settings).map(|_| ()).unwrap_err();
    let told = |settings: Value| {
        let problem = open(settings);
        assert_eq!(problem.code, ErrorCode::RequestInvalid);
        problem.errors.iter().map(|e| e.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(json!({})), ["/url", "/username"]);
    assert_eq!(told(json!({"url": "vidm", "clientId": "c", "syncApi": "v3"})), ["/syncApi", "/url", "/clientSecret"]);
    assert_eq!(told(json!({"url": "https://v", "pasword": "hunter2"})), ["/pasword"]);
    assert!(!format!("{}", open(json!({"password": ["hunter2"]}))).contains("hunter2"));
    let timeouts =
        json!({"url": "https://v", "username": "u", "password": "p", "timeouts": {"connect": 0, "operation": 601}});
    assert_eq!(told(timeouts), ["/timeouts/connect", "/timeouts/operation"]);
    assert_eq!(told(json!({"timeouts": {"conect": 1}})), ["/timeouts/conect"]);
    let full = json!({"url": "https://v", "username": "u", "password": "p", "domain": "d", "clientId": "c", "clientSecret": "s",
        "authorizationScheme": null, "mediaTypes": {}, "timeouts": {"firstByte": 5}});
    assert!(Vidm::from_json(Shared(Rc::new(Script::new([]))), full).is_ok());
    let problem = Vcf::new(Shared(Rc::new(Script::new([]))), VcfSettings::default(), Timeouts::default());
    let errors = problem.map(|_| ()).unwrap_err().errors;
    let fields: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(fields, ["/url", "/username"]);
    let named = VidmSettings { url: Some("https://v".to_owned()), ..VidmSettings::default() };
    assert!(Vidm::new(Shared(Rc::new(Script::new([]))), named, Timeouts::default()).is_err(), "no credentials");
}

#[test]
fn invalid_orders_start_nothing() {
    let (script, vidm) = vidm([]);
    let order = |groups: &[&str], add_to_profile| SyncOrder {
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        add_to_profile,
        users: Vec::new(),
        ignore_safeguards: false,
    };
    let problem = script.run(vidm.start_sync(CORP, order(&["gg@corp.example", "CN=a,DC=b"], true))).unwrap_err();
    assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (400, "/groups/0"));
    let problem = script.run(vidm.start_sync(CORP, order(&[" "], true))).unwrap_err();
    assert_eq!(problem.errors[0].pointer, "/groups");
    let unknown = embedded::read::<SyncOrder>(json!({"group": ["CN=a"], "addToProfile": "yes"})).unwrap_err();
    let pointers: Vec<_> = unknown.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(pointers, ["/addToProfile", "/group"]);
}

#[test]
fn echoed_secrets_are_removed() {
    let (script, vidm) =
        vidm([logs_in("t"), lists().answer(400, json!({"code": "bad", "message": "no pässword for you"}).to_string())]);
    let problem = script.run(vidm.directories(&DirectoryFilter::default())).unwrap_err();
    let upstream = problem.upstream.clone().unwrap();
    assert_eq!(
        (problem.code, upstream.status, upstream.target.as_deref()),
        (ErrorCode::UpstreamRejected, Some(400), Some("vidm"))
    );
    assert!(!serde_json::to_string(&problem).unwrap().contains("pässword"), "{problem:?}");
    assert!(!format!("{vidm:?}").contains("pässword"));
}

#[test]
fn put_checks_and_creates_a_source() {
    let (script, vcf) = vcf([]);
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["ldap"].as_object_mut().unwrap().remove("domainName");
    let spec: IdentitySourceSpec = embedded::read(spec).unwrap();
    let put = |options| vcf.put_identity_source(PROVIDER, "corp.example", spec.clone(), options);
    let listed: Value = serde_json::from_str(PROVIDERS).unwrap();
    let embedded = || {
        get(format!("https://sddc.corp.example/v1/identity-providers/{PROVIDER}"))
            .answer(200, listed["elements"][0].to_string())
    };
    script.then([login(), embedded()]);
    let would = script.run(put(ChangeOptions { dry_run: true, ..ChangeOptions::default() })).unwrap();
    assert_eq!(
        serde_json::to_value(&would).unwrap(),
        json!({"outcome": "created", "dryRun": true, "domainName": "corp.example"})
    );
    assert!(!would.is_created());
    script.then([
        embedded(),
        crate::support::script::post(format!(
            "https://sddc.corp.example/v1/identity-providers/{PROVIDER}/identity-sources"
        ))
        .answer(202, ""),
        embedded(),
        embedded(),
        embedded(),
    ]);
    let created = script.run(put(ChangeOptions::default())).unwrap();
    // The script still shows the provider without the new source.
    assert!(created.is_created() && created.verified == Some(false), "{created:?}");

    let mut another = spec.clone();
    another.ldap.as_mut().unwrap().domain_name = Some("other.example".to_owned());
    let refused = script.run(vcf.put_identity_source(PROVIDER, "corp.example", another, ChangeOptions::default()));
    assert_eq!(refused.unwrap_err().errors[0].pointer, "/ldap/domainName");
    let refused = script.run(vcf.add_identity_source(PROVIDER, IdentitySourceSpec::default())).unwrap_err();
    assert!(refused.errors.iter().any(|e| e.pointer == "/ldap"), "{refused:?}");
}

#[test]
fn hostile_ids_are_request_invalid_before_any_call() {
    let (script, vcf) = vcf([]);
    for text in ["", "..", "../credentials", "..%2Fcredentials", "a?b", "müller.example", "corp.css"] {
        let spec = || serde_json::from_str::<IdentitySourceSpec>(SOURCE).unwrap();
        for problem in [
            script.run(vcf.identity_provider(text)).unwrap_err(),
            script.run(vcf.delete_identity_provider(text, DeleteOptions::default())).unwrap_err(),
            script.run(vcf.delete_identity_source(PROVIDER, text, DeleteOptions::default())).unwrap_err(),
            script.run(vcf.update_identity_source(text, "corp.example", spec(), UpdateOptions::default())).unwrap_err(),
            script.run(vcf.update_identity_source(PROVIDER, text, spec(), UpdateOptions::default())).unwrap_err(),
            script.run(vcf.put_identity_source(text, "corp.example", spec(), ChangeOptions::default())).unwrap_err(),
            script.run(vcf.put_identity_source(PROVIDER, text, spec(), ChangeOptions::default())).unwrap_err(),
            script.run(vcf.add_identity_source(text, spec())).unwrap_err(),
            script.run(vcf.generate_sync_client_token(text, None)).unwrap_err(),
        ] {
            assert_eq!(problem.code, ErrorCode::RequestInvalid, "{text:?}: {problem}");
        }
    }
}
