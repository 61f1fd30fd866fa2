//! The library component, called from Python (wasmtime) and from Node (jco) as a user would call it.

use std::time::Duration;

use idhook::error::ErrorCode;
use idhook_simulator::{
    Fault, FaultKind, Options as SimulatorOptions, Outcome, RetryAfter, Simulator, SyncDuration, credentials, seeds,
};
use serde_json::{Value, json};
use xtask::build;

use crate::tools::driver::Driver;

mod host;
mod readme;

pub(crate) use host::{Host, WASMTIME};

/// A group that the next run brings.
const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const PASSWORD: &str = "planted-in-a-spec";
/// How long a run takes unless a story says otherwise.
const FAST: SyncDuration = SyncDuration::Fixed(Duration::from_millis(300));

async fn simulator() -> Simulator {
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    simulator.set_sync_duration(FAST);
    simulator
}

fn vidm(url: String) -> Value {
    json!({"url": url, "username": credentials::VIDM_USERNAME, "password": credentials::VIDM_PASSWORD})
}

fn vcf(url: String) -> Value {
    json!({"url": url, "username": credentials::SDDC_USERNAME, "password": credentials::SDDC_PASSWORD})
}

fn source() -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory", "domainAlias": "R", "username": "svc@research.example", "password": PASSWORD,
            "sourceDetails": {"usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": ["ldap://dc01"]}
        },
        "extra": {"aFieldOfTomorrow": {"kept": [true, null]}}
    })
}

fn adfs() -> Value {
    json!({
        "name": "My ADFS", "type": "AD_FS",
        "ldap": {
            "domainName": "external-idp.com", "username": "u@domain.com", "password": PASSWORD,
            "sourceDetails": {"usersBaseDn": "u", "groupsBaseDn": "g", "serverEndpoints": ["ldap://dns01.domain.com"]}
        },
        "oidc": {"clientId": "id", "clientSecret": PASSWORD, "discoveryEndpoint": "https://domain.com/.well-known/openid-configuration"}
    })
}

fn logins(simulator: &Simulator) -> usize {
    simulator.calls().iter().filter(|call| call.method == "POST" && call.path().ends_with("/login")).count()
}

/// Each story over each host.
macro_rules! hosts {
    ($($story:ident,)+) => {
        $(mod $story {
            #[tokio::test(flavor = "multi_thread")]
            async fn python() {
                super::$story(super::Host::Python).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn node() {
                super::$story(super::Host::Node).await;
            }
        })+
    };
}

hosts! {
    a_sync_with_proof_of_a_group,
    library_reads_vidm,
    put_creates_sources_and_providers,
    library_calls_the_identity_broker,
    groups_are_ensured_or_the_error_says_why_not,
    each_fault_has_its_code,
    library_verifies_tls,
}

async fn a_sync_with_proof_of_a_group(host: Host) {
    let simulator = simulator().await;
    let Some(mut binding) = host.driver(None) else { return };
    let settings = vidm(simulator.vidm_url());
    binding.open("vidm", &settings).unwrap();
    assert_eq!(simulator.calls().len(), 0, "a session logs in when it first has to");

    simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let started = binding.call("startSync", json!([seeds::CORP_NAME, {"groups": [GROUP]}])).unwrap();
    assert_eq!((&started["status"], &started["retryAfter"]), (&json!("running"), &json!(2)), "{started}");
    assert_eq!(started["directory"]["name"], seeds::CORP_NAME);
    let id = &started["id"];
    let done = binding.call("waitForSync", json!([id, {"timeoutSeconds": 60}])).unwrap();
    assert_eq!((&done["status"], &done["id"]), (&json!("succeeded"), id), "{done}");
    let group = &done["groups"][0];
    assert_eq!((&group["requested"], &group["state"]), (&json!(GROUP), &json!("present")), "{done}");
    assert_eq!(group["displayName"], "gg-new@corp.example", "{done}");
    assert!(done["finishedAt"].is_string() && done["counts"]["groups"]["added"].is_u64(), "{done}");
    assert!(done.get("reason").is_none() && done.get("retryAfter").is_none(), "{done}");
    assert_eq!(logins(&simulator), 1, "one login for many calls");

    // Another process knows the sync by its id.
    let mut other = host.driver(None).unwrap();
    other.open("vidm", &settings).unwrap();
    assert_eq!(other.call("sync", json!([id])).unwrap()["status"], "succeeded");
    drop(other);

    // How a sync fails is no error.
    let absent = binding.call("startSync", json!([seeds::CORP, {"groups": ["gg-nobody@corp.example"]}])).unwrap();
    let absent = binding.call("waitForSync", json!([absent["id"], {"timeoutSeconds": 60}])).unwrap();
    assert_eq!((&absent["status"], &absent["reason"]), (&json!("failed"), &json!("group_absent")), "{absent}");
    assert!(absent["hint"].as_str().unwrap().contains("base DN"), "{absent}");
    simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let stopped = binding.call("startSync", json!([seeds::CORP])).unwrap();
    let stopped = binding.call("waitForSync", json!([stopped["id"], {"timeoutSeconds": 60}])).unwrap();
    assert_eq!(stopped["reason"], "safeguard_tripped", "{stopped}");
    let forced = binding.call("startSync", json!([seeds::CORP, {"ignoreSafeguards": true}])).unwrap();
    let forced = binding.call("waitForSync", json!([forced["id"], {"timeoutSeconds": 60}])).unwrap();
    assert_eq!(forced["status"], "succeeded", "{forced}");

    // Where the time is up first, it is told how it stands.
    simulator.set_sync_duration(SyncDuration::Manual);
    let goes_on = binding.call("startSync", json!([seeds::CORP])).unwrap();
    let goes_on = binding.call("waitForSync", json!([goes_on["id"], {"timeoutSeconds": 0.2}])).unwrap();
    assert_eq!(goes_on["status"], "running", "{goes_on}");
    assert_eq!(logins(&simulator), 2);
}

async fn groups_are_ensured_or_the_error_says_why_not(host: Host) {
    let simulator = simulator().await;
    let Some(mut binding) = host.driver(None) else { return };
    binding.open("vidm", &vidm(simulator.vidm_url())).unwrap();
    simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let mut ensure =
        |groups: Value, options: Value| binding.call("ensureGroups", json!([seeds::CORP_NAME, groups, options]));

    let done = ensure(json!([GROUP]), json!({"timeoutSeconds": 20})).unwrap();
    assert_eq!((&done["status"], &done["groups"][0]["state"]), (&json!("succeeded"), &json!("present")), "{done}");

    let absent = ensure(json!([GROUP, "CN=gg-nobody,OU=Groups,DC=corp,DC=example"]), Value::Null).unwrap_err();
    assert_eq!((&absent["code"], &absent["status"]), (&json!("group_absent"), &json!(409)), "{absent}");
    assert!(absent["detail"].as_str().unwrap().contains("gg-nobody") && absent["hint"].is_string(), "{absent}");
    assert_eq!(absent["sync"]["groups"][1]["state"], "absent", "{absent}");

    simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let stopped = ensure(json!([GROUP]), Value::Null).unwrap_err();
    assert_eq!((&stopped["code"], &stopped["sync"]["status"]), (&json!("safeguard_tripped"), &json!("failed")));
    simulator.set_safeguards_trip(seeds::CORP, false).unwrap();

    simulator.set_sync_duration(SyncDuration::Manual);
    let late = ensure(json!([GROUP]), json!({"timeoutSeconds": 0.5})).unwrap_err();
    assert_eq!((&late["code"], &late["retryable"]), (&json!("sync_timeout"), &json!(true)), "{late}");
    assert_eq!(ensure(json!([]), Value::Null).unwrap_err()["errors"][0]["pointer"], "/groups");
    assert_eq!(ensure(json!([" "]), Value::Null).unwrap_err()["errors"][0]["pointer"], "/groups/0");
    // The error leads on to the sync.
    simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let later = binding.call("waitForSync", json!([late["sync"]["id"], {"timeoutSeconds": 20}])).unwrap();
    assert_eq!(later["status"], "succeeded", "{later}");
}

async fn library_reads_vidm(host: Host) {
    let simulator = simulator().await;
    simulator.configure_vidm(|settings| settings.dry_run = Some(json!({"added": 1, "list": [null, {}]})));
    let Some(mut binding) = host.driver(None) else { return };
    binding.open("vidm", &vidm(simulator.vidm_url())).unwrap();

    let all = binding.call("directories", json!([])).unwrap();
    let corp = all.as_array().unwrap().iter().find(|directory| directory["id"] == seeds::CORP).unwrap();
    assert_eq!((&corp["type"], &corp["syncable"]), (&json!("ACTIVE_DIRECTORY_LDAP"), &json!(true)));
    assert!(corp["_links"]["self"].is_object(), "what has no name is handed over: {corp}");
    assert_eq!(&binding.call("directory", json!([seeds::CORP_NAME])).unwrap(), corp);
    let some = binding.call("directories", json!([{"domain": "corp.example", "syncable": true}])).unwrap();
    assert_eq!(some, json!([corp]));
    let ambiguous = binding.call("directory", json!([seeds::LAB_NAME])).unwrap_err();
    assert_eq!((&ambiguous["code"], &ambiguous["status"]), (&json!("directory_ambiguous"), &json!(409)));
    let candidates: Vec<_> = ambiguous["candidates"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(candidates, [seeds::LAB_FIRST, seeds::LAB_SECOND]);

    let latest = binding.call("latestSync", json!([seeds::CORP])).unwrap();
    assert!(latest.get("id").is_none() && latest["status"].is_string(), "{latest}");
    let history = binding.call("syncHistory", json!([seeds::CORP])).unwrap();
    assert_eq!(
        (&history["directory"]["id"], &history["syncs"][0]["status"]),
        (&json!(seeds::CORP), &json!("succeeded"))
    );
    let dry = binding.call("dryRun", json!([seeds::CORP, {"ignoreSafeguards": true}])).unwrap();
    assert_eq!(dry["result"], json!({"added": 1, "list": [null, {}]}), "{dry}");

    for name in [seeds::AWKWARD_GROUP_DN, seeds::AWKWARD_GROUP_NAME] {
        let groups = binding.call("groups", json!([name])).unwrap();
        assert_eq!(groups[0]["displayName"], seeds::AWKWARD_GROUP_NAME, "{groups}");
    }
    assert_eq!(binding.call("groups", json!(["gg-nobody@corp.example"])).unwrap(), json!([]));
    let health = binding.call("health", json!([])).unwrap();
    assert_eq!((&health["allOk"], &health["checks"]["ServiceReadOnlyMode"]), (&json!(true), &json!(false)), "{health}");
    assert!(health["checks"]["StatusDate"].is_string(), "{health}");
}

async fn put_creates_sources_and_providers(host: Host) {
    let simulator = simulator().await;
    let Some(mut binding) = host.driver(None) else { return };
    binding.open("vcf", &vcf(simulator.sddc_url())).unwrap();
    let listed = binding.call("identityProviders", json!([])).unwrap();
    let embedded = listed["elements"][0]["id"].clone();
    assert_eq!(embedded, seeds::EMBEDDED_PROVIDER);
    let domain = "research.example";

    let put = |binding: &mut Driver, spec: Value, options: Value| {
        binding.call("putIdentitySource", json!([embedded, domain, spec, options])).unwrap()
    };
    let dry = put(&mut binding, source(), json!({"dryRun": true}));
    assert_eq!((&dry["outcome"], &dry["dryRun"]), (&json!("created"), &json!(true)), "{dry}");
    assert_eq!(put(&mut binding, source(), Value::Null)["outcome"], "created");
    let again = put(&mut binding, source(), Value::Null);
    assert_eq!(again["outcome"], "unchanged", "{again}");
    assert!(again["notCompared"].as_array().unwrap().contains(&json!("/aFieldOfTomorrow")), "{again}");
    let mut spec = source();
    spec.as_object_mut().unwrap().remove("extra");
    let same = put(&mut binding, spec.clone(), Value::Null);
    assert_eq!((&same["outcome"], &same["secretsCompared"]), (&json!("unchanged"), &json!(false)), "{same}");
    assert_eq!(same["notCompared"], json!(["/ldap/password"]));
    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["ldap://dc02"]);
    let moved = put(&mut binding, spec.clone(), Value::Null);
    let change =
        json!({"pointer": "/ldap/sourceDetails/serverEndpoints", "from": ["ldap://dc01"], "to": ["ldap://dc02"]});
    assert_eq!(moved["changes"], json!([change]), "{moved}");
    let forced = put(&mut binding, spec.clone(), json!({"force": true}));
    assert_eq!((&forced["outcome"], &forced["changes"]), (&json!("updated"), &json!([])), "{forced}");

    spec["ldap"]["domainName"] = json!(domain);
    let update = json!([embedded, domain, spec]);
    assert_eq!(binding.call("updateIdentitySource", update).unwrap(), Value::Null);
    let shown = binding.call("identityProvider", json!([embedded])).unwrap();
    let is_research = |source: &&Value| source["domainNames"] == json!([domain]);
    let shown = shown["identitySources"].as_array().unwrap().iter().find(is_research).unwrap().clone();
    assert_eq!(shown["ldap"]["sourceDetails"]["serverEndpoints"], json!(["ldap://dc02"]), "{shown}");
    assert_eq!(binding.call("deleteIdentitySource", json!([embedded, domain])).unwrap(), Value::Null);
    let gone = binding.call("deleteIdentitySource", json!([embedded, domain])).unwrap_err();
    assert_eq!((&gone["code"], &gone["upstream"]["status"]), (&json!("not_found"), &json!(404)), "{gone}");
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let details = &mut spec["ldap"]["sourceDetails"];
    details["certChain"] = json!([std::fs::read_to_string(ca.path()).unwrap()]);
    details["serverEndpoints"] = json!(["ldaps://dc02"]);
    let added = binding.call("addIdentitySource", json!([embedded, spec])).unwrap();
    assert_eq!((&added["domainName"], added.get("outcome")), (&json!(domain), None), "{added}");
    assert!(added["certificates"][0]["expiresInDays"].as_i64() > Some(0), "{added}");

    let added = binding.call("addIdentityProvider", json!([adfs()])).unwrap();
    let id = added["id"].clone();
    assert_eq!(binding.call("identityProvider", json!([id])).unwrap()["name"], "My ADFS");
    let twice = binding.call("addIdentityProvider", json!([adfs()])).unwrap_err();
    assert_eq!((&twice["code"], &twice["status"]), (&json!("upstream_rejected"), &json!(422)), "{twice}");
    assert!(twice["upstream"]["code"].is_string() && twice["upstream"]["reference"].is_string(), "{twice}");
    assert_eq!(binding.call("putIdentityProvider", json!([adfs()])).unwrap()["outcome"], "unchanged");
    assert_eq!(binding.call("updateIdentityProvider", json!([id, adfs()])).unwrap(), Value::Null);
    assert_eq!(binding.call("deleteIdentityProvider", json!([id])).unwrap(), Value::Null);
    assert_eq!(binding.call("identityProvider", json!([id])).unwrap_err()["code"], "not_found");

    let tokens = simulator.calls().iter().filter(|call| call.path() == "/v1/tokens").count();
    assert_eq!(tokens, 1, "one login for many calls");
}

async fn library_calls_the_identity_broker(host: Host) {
    let simulator = simulator().await;
    simulator.configure_sddc(|settings| {
        settings.precheck =
            json!({"status": "WARNING", "details": [{"type": "T", "message": "m", "more": 1}], "when": 2});
    });
    let Some(mut binding) = host.driver(None) else { return };
    binding.open("vcf", &vcf(simulator.sddc_url())).unwrap();
    let federated = include_str!("../../../../fixtures/vcf/identity-provider-federated.request.json");
    let federated: Value = serde_json::from_str(federated).unwrap();
    let id = binding.call("addIdentityProvider", json!([federated])).unwrap()["id"].clone();
    let provider = binding.call("identityProvider", json!([id])).unwrap();
    assert_eq!(provider["fedIdp"]["directoryList"][0]["defaultDomain"], "corp.example", "{provider}");
    assert_eq!(provider["fedIdp"]["syncClientTokenTTL"], 15_552_000, "{provider}");

    let made = binding.call("generateSyncClientToken", json!([id, {"ttlSeconds": 3600}])).unwrap();
    assert!(made["token"].is_string() && made["expireIn"] == 3600, "{made}");
    let refused = binding.call("generateSyncClientToken", json!([id, {"ttlSeconds": 0}])).unwrap_err();
    assert_eq!(refused["code"], "request_invalid", "{refused}");
    let checks = binding.call("prechecks", json!([])).unwrap();
    assert_eq!(checks["details"], json!([{"type": "T", "message": "m", "more": 1}]), "{checks}");
    assert_eq!((&checks["status"], &checks["when"]), (&json!("WARNING"), &json!(2)));
    assert!(binding.call("sddcManagerOidc", json!([])).unwrap()["oidcClientId"].is_string());
}

async fn each_fault_has_its_code(host: Host) {
    let simulator = simulator().await;
    let Some(mut binding) = host.driver(None) else { return };
    let mut settings = vidm(simulator.vidm_url());
    // Node knows no time-out of a single answer: there the operation's ends it.
    settings["timeouts"] = json!({"firstByte": 0.3, "operation": 4});
    binding.open("vidm", &settings).unwrap();
    let busy = |status, seconds| FaultKind::Busy { status, retry_after: RetryAfter::Seconds(seconds) };
    let answer = |status, content_type: &str, body: &str| FaultKind::Answer {
        status,
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    };
    let forbidden = r#"{"errors":[{"code":"forbidden","message":"no"}]}"#;
    for (kind, code, status, retryable) in [
        (FaultKind::Reset, "upstream_failed", 502, true),
        (FaultKind::Delay { milliseconds: 60_000 }, "upstream_timeout", 504, true),
        (busy(503, 120), "upstream_busy", 503, true),
        (FaultKind::Html { status: 500 }, "upstream_failed", 502, true),
        (FaultKind::Html { status: 404 }, "upstream_invalid", 502, false),
        (FaultKind::CutBody, "upstream_failed", 502, true),
        (FaultKind::GarbageJson, "upstream_invalid", 502, false),
        (answer(403, "application/json", forbidden), "upstream_forbidden", 502, false),
    ] {
        simulator.add_fault(Fault::new(kind.clone()).path("directoryconfigs").always());
        let error = binding.call("directories", json!([])).unwrap_err();
        assert_eq!((&error["code"], &error["status"]), (&json!(code), &json!(status)), "{kind:?}: {error}");
        assert_eq!(error["retryable"], retryable, "{kind:?}: {error}");
        let call = error["upstream"]["call"].as_str().unwrap();
        assert!(call.starts_with("GET /SAAS/") && error["detail"].is_string(), "{error}");
        if code == "upstream_busy" {
            assert_eq!(error["retryAfter"], 120, "{error}");
        }
        simulator.clear_faults();
        assert!(binding.call("directories", json!([])).is_ok(), "it goes on when the fault is gone");
    }

    assert_eq!(binding.call("directory", json!(["nope"])).unwrap_err()["code"], "directory_not_found");
    assert_eq!(binding.call("startSync", json!(["System Directory"])).unwrap_err()["code"], "directory_not_syncable");
    assert_eq!(binding.call("sync", json!(["AXsid"])).unwrap_err()["code"], "sync_not_found");
    let wrong = binding.call("startSync", json!([seeds::CORP, {"groups": ["gg"], "addToProfile": true}])).unwrap_err();
    assert_eq!((&wrong["code"], &wrong["errors"][0]["pointer"]), (&json!("request_invalid"), &json!("/groups/0")));

    let nowhere = xtask::ports::free_port().unwrap();
    binding.open("vidm", &vidm(format!("http://127.0.0.1:{nowhere}"))).unwrap();
    assert_eq!(binding.call("health", json!([])).unwrap_err()["code"], "upstream_unreachable");
    settings["password"] = json!("planted-wrong");
    binding.open("vidm", &settings).unwrap();
    let refused = binding.call("directories", json!([])).unwrap_err();
    assert_eq!(refused["code"], "upstream_auth", "{refused}");
    assert!(!refused.to_string().contains("planted") && refused["hint"].is_string(), "{refused}");
    let unset = binding.open("vidm", &json!({"url": "https://v/x", "clientId": "i"})).unwrap_err();
    let pointers: Vec<_> = unset["errors"].as_array().unwrap().iter().map(|field| &field["pointer"]).collect();
    assert_eq!((&unset["code"], pointers), (&json!("request_invalid"), vec![&json!("/url"), &json!("/clientSecret")]));

    binding.open("vcf", &vcf(simulator.sddc_url())).unwrap();
    let empty = json!({"ldap": {"sourceDetails": {"serverEndpoints": ["http://dc02"]}}});
    let wrong = binding.call("addIdentitySource", json!(["x", empty])).unwrap_err();
    let pointers: Vec<_> = wrong["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    for pointer in ["/name", "/ldap/password", "/ldap/sourceDetails/serverEndpoints/0"] {
        assert!(pointers.contains(&pointer), "{pointer} in {wrong}");
    }
}

async fn library_verifies_tls(host: Host) {
    let simulator = simulator().await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let Some(mut binding) = host.driver(Some(ca.path())) else { return };
    binding.open("vidm", &vidm(simulator.vidm_tls_url())).unwrap();
    let answer = binding.call("health", json!([]));
    match host {
        // It has the public roots and takes no others.
        Host::Python => assert_eq!(answer.unwrap_err()["code"], "upstream_tls"),
        Host::Node => assert_eq!(answer.unwrap()["allOk"], true),
    }
    if host == Host::Node {
        let mut binding = host.driver(None).unwrap();
        binding.open("vidm", &vidm(simulator.vidm_tls_url())).unwrap();
        assert_eq!(binding.call("health", json!([])).unwrap_err()["code"], "upstream_tls");
    }
}

/// Every code is a case, or one of those about HTTP.
#[test]
fn library_has_the_error_codes_of_the_webhook() {
    const HTTP: [&str; 14] = [
        "unresolved_placeholder",
        "unauthenticated",
        "signature_invalid",
        "forbidden",
        "route_not_found",
        "target_not_found",
        "method_not_allowed",
        "request_timeout",
        "idempotency_key_reused",
        "idempotency_key_in_flight",
        "body_too_large",
        "unsupported_media_type",
        "rate_limited",
        "overloaded",
    ];
    let wit = std::fs::read_to_string(build::root().join("wit/types.wit")).unwrap();
    let cases = wit.split_once("enum error-code {").unwrap().1.split_once("\n  }").unwrap().0;
    let cases = cases.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("///"));
    let mut told: Vec<_> = cases.map(|case| case.trim_end_matches(',').replace('-', "_")).collect();
    told.extend(HTTP.map(str::to_owned));
    told.sort_unstable();
    let mut codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    codes.sort_unstable();
    assert_eq!(told, codes);
}
