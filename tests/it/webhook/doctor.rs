//! The doctor: its calls, its findings, and that it continues as far as possible.

use http::Method;
use idhook::http::TransportErrorKind;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vidm::{CORP, LAB, LIST, LOGIN, executions, idle, lists, logs_in, sync_state};
use crate::support::webhook::Instance;
use crate::vcf::session::login;

const VIDM: &str = "/vidm/default/v1/doctor";
const FRESH: &str = "/vidm/default/v1/doctor?staleAfter=2h";
const VCF: &str = "/vcf/default/v1/doctor";
const HEALTH: &str = include_str!("../../fixtures/vidm/health.json");
const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const FEDERATED: &str = include_str!("../../fixtures/vcf/identity-provider-federated.answer.json");
/// An error that echoes a password.
const ECHO: &str = r#"{"errors":[{"code":"x","message":"bad password pässword"}]}"#;
const ROOT: &str = "https://sddc.corp.example/v1/identity-providers";

fn health() -> Call {
    get("https://vidm.corp.example/SAAS/API/1.0/REST/system/health").without("authorization").answer(200, HEALTH)
}

fn state() -> Call {
    let path = "jersey/manager/api/connectormanagement/directoryconfigs";
    get(format!("https://vidm.corp.example/SAAS/{path}/{CORP}/syncprofile/sync"))
        .answer(200, r#"{"syncStatus":{"status":"COMPLETED"}}"#)
}

fn groups() -> Call {
    let query = "filter=displayName%20eq%20%22idhook-doctor%40corp.example%22&startIndex=1&count=100";
    get(format!("https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups?{query}"))
        .answer(200, r#"{"totalResults":0}"#)
}

/// The version of SDDC Manager.
fn managers(version: &str) -> Call {
    let one = json!({"id": "i", "fqdn": "sddc.corp.example", "version": version});
    get("https://sddc.corp.example/v1/sddc-managers").answer(200, json!({"elements": [one]}).to_string())
}

fn wsas() -> Call {
    get("https://sddc.corp.example/v1/wsas").answer(200, include_str!("../../fixtures/vcf/wsas.answer.json"))
}

/// The calls about SDDC Manager itself.
fn itself() -> [Call; 2] {
    [managers("5.2.1.0-24307856"), wsas()]
}

/// The doctor's findings.
#[derive(Debug)]
struct Findings(Vec<Value>);

impl std::ops::Index<&str> for Findings {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.0.iter().find(|check| check["check"] == name).unwrap()
    }
}

/// Whether no check failed, and all checks in order.
fn examined(instance: &Instance, path: &str) -> (bool, Findings) {
    let answer = instance.get(path);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let told = answer.json();
    let checks = told["checks"].as_array().unwrap();
    let order = if path == VIDM {
        "configuration reach tls health login media_types permission directories sync_state groups"
    } else if path == FRESH {
        "configuration reach tls health login media_types permission directories sync_state groups freshness"
    } else {
        "configuration reach tls login version permission identity_providers embedded_provider external_provider certificates scim_token workspace_one_access"
    };
    let names: Vec<_> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(names.join(" "), order);
    for check in checks {
        assert!(check["ms"].is_u64() && check["detail"].is_string(), "{check}");
        let needs_hint = check["result"] == "failed" && !check["detail"].as_str().unwrap().contains("400");
        assert!(!needs_hint || check["hint"].is_string(), "no hint: {check}");
    }
    (told["ok"].as_bool().unwrap(), Findings(checks.clone()))
}

/// The names of the checks of each result.
fn of<'f>(checks: &'f Findings, result: &str) -> Vec<&'f str> {
    let checks = checks.0.iter().filter(|check| check["result"] == result);
    checks.map(|check| check["check"].as_str().unwrap()).collect()
}

fn says(check: &Value, words: &[&str]) {
    let text = format!("{} {}", check["detail"].as_str().unwrap(), check["hint"].as_str().unwrap_or_default());
    for word in words {
        assert!(text.contains(word), "{word} in {check}");
    }
}

#[test]
fn healthy_vidm_passes_every_check() {
    let instance = Instance::new([health(), logs_in("t"), lists(), state(), groups()]);
    let (ok, checks) = examined(&instance, VIDM);
    assert!(ok, "{checks:?}");
    assert_eq!(
        of(&checks, "ok"),
        [
            "configuration",
            "reach",
            "tls",
            "health",
            "login",
            "media_types",
            "permission",
            "directories",
            "sync_state",
            "groups"
        ]
    );
    says(&checks["health"], &["3.3.7.0 Build 21173100"]);
    says(&checks["login"], &["logged in"]);
    says(&checks["directories"], &["5 in total", "corp.example"]);
    says(&checks["sync_state"], &["corp.example", "COMPLETED"]);
    // Only reads and the login.
    for request in instance.script.requests() {
        assert!(request.method() == Method::GET || request.uri() == LOGIN, "{request:?}");
    }
    // The second time the token is cached.
    instance.then([health(), lists(), state(), groups()]);
    let (_, checks) = examined(&instance, VIDM);
    says(&checks["login"], &["earlier login"]);
}

#[test]
fn connection_failures_are_distinguished() {
    for (kind, check, tries, words) in [
        (TransportErrorKind::Dns, "reach", 3, ["does not resolve", "vidm.corp.example"]),
        (TransportErrorKind::Refused, "reach", 3, ["no connection", "firewall"]),
        (TransportErrorKind::HostNotAllowed, "reach", 1, ["does not allow", "allowed_outbound_hosts"]),
        (TransportErrorKind::Timeout, "reach", 3, ["in time", "timeouts"]),
        (TransportErrorKind::Tls, "tls", 1, ["not trusted", "ca_roots_file"]),
    ] {
        let instance = Instance::new((0..tries).map(|_| health().fail(kind)));
        let (ok, checks) = examined(&instance, VIDM);
        assert!(!ok);
        assert_eq!(of(&checks, "failed"), [check]);
        assert_eq!(of(&checks, "ok").len() + of(&checks, "skipped").len(), 9, "{checks:?}");
        says(&checks[check], &words);
        says(&checks["groups"], &[&format!("{check} failed")]);
    }
}

#[test]
fn rejected_login_skips_later_checks() {
    let instance = Instance::new([health(), post(LOGIN).answer(401, ECHO)]);
    let (ok, checks) = examined(&instance, VIDM);
    assert!(!ok);
    assert_eq!(of(&checks, "failed"), ["login"]);
    assert_eq!(of(&checks, "skipped"), ["media_types", "permission", "directories", "sync_state", "groups"]);
    says(&checks["login"], &["System Domain"]);
    assert!(!format!("{checks:?}").contains("pässword"), "{checks:?}");
    // Within 15 minutes no login is tried, and the finding is the same.
    instance.then([health()]);
    let (_, checks) = examined(&instance, VIDM);
    assert_eq!(of(&checks, "failed"), ["login"]);
}

#[test]
fn echoed_password_is_removed() {
    let instance = Instance::new([health(), logs_in("t"), get(LIST).answer(400, ECHO), groups()]);
    let (_, checks) = examined(&instance, VIDM);
    assert_eq!(of(&checks, "failed"), ["directories"]);
    says(&checks["directories"], &["bad password …"]);
    assert!(!format!("{checks:?}").contains("pässword"), "{checks:?}");
}

#[test]
fn media_types_and_permissions_fail_separately() {
    for (status, check, words) in [
        (406, "media_types", "vidm_profile"),
        (415, "media_types", "media_types.directories"),
        (403, "permission", "administrator role"),
        (404, "directories", "URL"),
    ] {
        let instance = Instance::new([health(), logs_in("t"), get(LIST).answer(status, ""), groups()]);
        let (ok, checks) = examined(&instance, VIDM);
        assert!(!ok);
        assert_eq!(of(&checks, "failed"), [check], "{status}");
        says(&checks[check], &[words]);
        assert_eq!(checks["groups"]["result"], "ok");
        assert_eq!(checks["sync_state"]["result"], "skipped");
    }
    let instance = Instance::new([health(), logs_in("t"), lists(), state(), groups().answer(403, "")]);
    let (ok, checks) = examined(&instance, VIDM);
    assert!(!ok);
    assert_eq!(of(&checks, "failed"), ["groups"]);
}

#[test]
fn degraded_vidm_is_a_warning() {
    let local = r#"{"items":[{"directoryId":"a","type":"LOCAL_DIRECTORY","name":"System Directory"}]}"#;
    let instance =
        Instance::new([health().answer(404, "<title>x"), logs_in("t"), get(LIST).answer(200, local), groups()]);
    let (ok, checks) = examined(&instance, VIDM);
    assert!(ok, "{checks:?}");
    assert_eq!(of(&checks, "warning"), ["health", "directories"]);
    assert_eq!(of(&checks, "skipped"), ["sync_state"]);
    says(&checks["directories"], &["none can be synced", "vidm_tenant"]);

    let odd = [health(), logs_in("t"), lists(), state().answer(200, r#"{"status":"PERCOLATING"}"#), groups()];
    let (ok, checks) = examined(&Instance::new(odd), VIDM);
    assert!(ok);
    assert_eq!(of(&checks, "warning"), ["sync_state"]);
    says(&checks["sync_state"], &["PERCOLATING", "media_types.sync_state"]);

    let sick = HEALTH
        .replace(r#""AllOk": "true""#, r#""AllOk": "false""#)
        .replace(r#""MessagingConnectionOk": "true""#, r#""MessagingConnectionOk": "false""#);
    let (ok, checks) =
        examined(&Instance::new([health().answer(200, sick), logs_in("t"), lists(), state(), groups()]), VIDM);
    assert!(!ok);
    assert_eq!(of(&checks, "failed"), ["health"]);
    says(&checks["health"], &["failed checks: MessagingConnectionOk"]);
}

#[test]
fn healthy_sddc_manager_passes_every_check() {
    let [managers, wsas] = itself();
    let instance = Instance::new([login(), get(ROOT).answer(200, PROVIDERS), managers, wsas]);
    let (ok, checks) = examined(&instance, VCF);
    assert!(ok, "{checks:?}");
    assert_eq!(of(&checks, "ok").len(), 11);
    says(&checks["version"], &["SDDC Manager 5.2.1.0-24307856"]);
    says(
        &checks["workspace_one_access"],
        &["https://vidm.corp.example (3.3.7.0-21173100, ACTIVE), configured as vidm/default"],
    );
    assert!(checks["workspace_one_access"].get("hint").is_none());
    assert_eq!(of(&checks, "skipped"), ["scim_token"]);
    says(&checks["embedded_provider"], &["Embedded IDP", "inactive", "embedded-ids.com"]);
    says(&checks["external_provider"], &["Microsoft ADFS", "active"]);
    says(&checks["certificates"], &["no identity source has a certificate"]);
}

#[test]
fn version_decides_what_the_doctor_suggests() {
    let examine = |more: Vec<Call>, variables: &[(&str, &str)]| {
        let calls = [login(), get(ROOT).answer(200, PROVIDERS)].into_iter().chain(more);
        let (ok, checks) = examined(&Instance::with(variables, calls), VCF);
        assert!(ok, "{checks:?}");
        checks
    };
    // VCF 9 does not know vIDM, so that is not asked for.
    let checks = examine(vec![managers("9.1.0.0.24957454")], &[]);
    assert_eq!(of(&checks, "warning"), ["version"]);
    says(&checks["version"], &["deprecated since VCF 9.0", "PUT /fleet/{target}/v1/identity-providers", "fleet_url"]);
    says(&checks["workspace_one_access"], &["since VCF 9"]);
    let checks = examine(vec![managers("9.0.1.0.24957454")], &[]);
    assert!(of(&checks, "warning").is_empty());
    says(&checks["version"], &["VCF 9.1 has their replacement"]);

    let elsewhere = [("vidm_url", "https://other.corp.example")];
    let checks = examine(vec![managers("5.0.0.0-21822418"), wsas()], &elsewhere);
    says(
        &checks["workspace_one_access"],
        &[
            "https://vidm.corp.example",
            "not configured",
            "vidm_url=https://vidm.corp.example",
            "allowed_outbound_hosts",
        ],
    );
    // Neither is necessary.
    let checks = examine(vec![managers("").answer(403, ""), wsas().answer(404, "")], &[]);
    assert_eq!(of(&checks, "warning"), ["version"]);
    assert_eq!(of(&checks, "skipped"), ["scim_token", "workspace_one_access"]);
    let checks = examine(vec![managers("unknown"), wsas().answer(200, "{}")], &[]);
    assert_eq!(of(&checks, "warning"), ["version"]);
    says(&checks["workspace_one_access"], &["knows none"]);
}

#[test]
fn refresh_token_without_password_is_a_warning() {
    let variables = [("vcf_username", ""), ("vcf_password", ""), ("vcf_refresh_token", "a-refresh-token")];
    let refresh = || Call::new(Method::PATCH, "https://sddc.corp.example/v1/tokens/access-token/refresh");
    let [managers, wsas] = itself();
    let list = get(ROOT).answer(200, PROVIDERS);
    let instance = Instance::with(&variables, [refresh().answer(200, "a.b.c"), list, managers, wsas]);
    let (ok, checks) = examined(&instance, VCF);
    assert!(ok);
    assert_eq!(of(&checks, "warning"), ["login"]);
    says(&checks["login"], &["logged in; the target has a refresh token and no password", "vcf_refresh_token"]);

    let instance = Instance::with(&variables, [refresh().answer(404, "{}"), refresh().answer(404, "{}")]);
    let (ok, checks) = examined(&instance, VCF);
    assert!(!ok);
    assert_eq!(of(&checks, "failed"), ["login"]);
    says(&checks["login"], &["rejected the configured refresh token", "POST /v1/tokens"]);
    assert!(!format!("{checks:?}").contains("a-refresh-token"), "{checks:?}");
}

#[test]
fn unusable_sddc_manager_fails_the_right_check() {
    let tokens = || post("https://sddc.corp.example/v1/tokens");
    let list = |status| vec![login(), get(ROOT).answer(status, ""), managers("5.2.1.0-24307856")];
    for (calls, check, words) in [
        (vec![tokens().fail(TransportErrorKind::HostNotAllowed)], "reach", "allowed_outbound_hosts"),
        (vec![tokens().fail(TransportErrorKind::Tls)], "tls", "ca_roots_file"),
        (vec![tokens().answer(401, "")], "login", "administrator@vsphere.local"),
        (list(403), "permission", "administrator role"),
        (list(404), "identity_providers", "URL"),
    ] {
        let instance = Instance::new(calls);
        let (ok, checks) = examined(&instance, VCF);
        assert!(!ok);
        assert_eq!(of(&checks, "failed"), [check]);
        says(&checks[check], &[words]);
        assert_eq!(checks["scim_token"]["result"], "skipped");
    }
}

#[test]
fn expiring_credentials_warn_in_time() {
    let certificate = |pem: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(pem)
    };
    let chain =
        [include_str!("../../fixtures/vcf/chain.pem"), include_str!("../../fixtures/vcf/expired.pem")].map(certificate);
    let with = |chain: &[String], expire_at: &str| {
        let mut list: Value = serde_json::from_str(PROVIDERS).unwrap();
        list["elements"][0]["identitySources"][2]["ldap"]["sourceDetails"]["certChain"] = json!(chain);
        let mut federated: Value = serde_json::from_str(FEDERATED).unwrap();
        federated["fedIdp"]["syncClientTokenInfo"]["expireAt"] = json!(expire_at);
        list["elements"][1] = federated;
        let [managers, wsas] = itself();
        let instance = Instance::new([login(), get(ROOT).answer(200, list.to_string()), managers, wsas]);
        let (ok, checks) = examined(&instance, VCF);
        assert!(!format!("{checks:?}").contains("c2NpbQ"), "the token is not shown: {checks:?}");
        (ok, checks)
    };
    // The script's clock begins at 2026-11-20T10:00:00Z.
    let (ok, checks) = with(&chain[..1], "2027-05-20T10:00:00Z");
    assert!(ok);
    says(
        &checks["certificates"],
        &["2 in total", "CN=Corp Issuing CA,DC=corp,DC=example of embedded-ids.com expires in 1502 days"],
    );
    says(&checks["scim_token"], &["expires in 181 days"]);
    let (ok, checks) = with(&[], "2026-12-19T10:00:00Z");
    assert!(ok);
    assert_eq!(of(&checks, "warning"), ["scim_token"]);
    says(&checks["scim_token"], &["expires in 29 days", "sync-client"]);
    let (ok, checks) = with(&chain, "2026-11-19T10:00:00Z");
    assert!(!ok);
    assert_eq!(of(&checks, "failed"), ["certificates", "scim_token"]);
    says(
        &checks["certificates"],
        &["CN=Corp Old CA,DC=corp,DC=example of embedded-ids.com expired 2334 days ago", "certChain"],
    );
    assert!(
        !checks["certificates"]["detail"].as_str().unwrap().contains("Root"),
        "only certificates that expire soon: {checks:?}"
    );
    let (ok, checks) = with(&[], "some day");
    assert!(ok);
    says(&checks["scim_token"], &["some day"]);
}

#[test]
fn doctor_requires_admin_scope_and_a_target() {
    let instance = Instance::new([]);
    for path in [VIDM, VCF] {
        let refused = instance.send_as_reader(Method::GET, path, "");
        assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("admin"));
        assert_eq!(instance.get(&path.replace("default", "nowhere")).status(), 404);
        instance.get(&path.replace("default", "nowhere")).problem("target_not_found");
    }
}

#[test]
fn plain_http_is_a_warning() {
    let variables = [("vcf_url", "http://sddc.corp.example")];
    let plain = |call: &str| format!("http://sddc.corp.example/v1/{call}");
    let tokens = include_str!("../../fixtures/vcf/tokens.answer.json");
    let instance = Instance::with(
        &variables,
        [
            post(plain("tokens")).answer(201, tokens),
            get(plain("identity-providers")).answer(200, PROVIDERS),
            get(plain("sddc-managers")).answer(200, r#"{"elements":[{"version":"5.2.1.0-24307856"}]}"#),
            get(plain("wsas")).answer(200, "{}"),
        ],
    );
    let (ok, checks) = examined(&instance, VCF);
    assert!(ok);
    assert_eq!(of(&checks, "warning"), ["tls"]);
    says(&checks["tls"], &["https://"]);
}

/// A directory of the fixture whose kind is unknown to idhook: it may have syncs.
const TOMORROW: &str = "66666666-7777-4888-8999-000000000005";

#[test]
fn stale_directory_fails_the_doctor_only_on_request() {
    let instance = Instance::new([health(), logs_in("t1"), lists(), state(), groups()]);
    // Each directory with syncs costs a call.
    instance.then([idle(CORP), idle(LAB), idle(TOMORROW)]);
    let (ok, checks) = examined(&instance, FRESH);
    assert_eq!((ok, &checks["freshness"]["result"]), (true, &json!("ok")), "{checks:?}");
    let old = || {
        let failed = sync_state(LAB).answer(200, r#"{"status":"FAILED"}"#);
        let never = [sync_state(TOMORROW).answer(204, ""), executions(TOMORROW).answer(404, "")];
        [health(), lists(), state(), groups(), idle(CORP), failed].into_iter().chain(never)
    };
    instance.then(old());
    let (ok, checks) = examined(&instance, FRESH);
    assert_eq!((ok, &checks["freshness"]["result"]), (false, &json!("failed")), "{checks:?}");
    let detail = "no successful sync within 2h: Lab (the last sync failed), Tomorrow (never synced)";
    assert_eq!(checks["freshness"]["detail"], detail);
    instance.then(old());
    assert_eq!(instance.get(&format!("{FRESH}&strict=true")).status(), 503);
    // An hour is too long for this one.
    instance.then([health(), lists(), state(), groups(), idle(CORP), idle(LAB), idle(TOMORROW)]);
    let checks = instance.get(&format!("{VIDM}?staleAfter=59m")).json();
    let checks = checks["checks"].as_array().unwrap().clone();
    assert!(
        checks.last().unwrap()["detail"].as_str().unwrap().contains("corp.example (last sync 1h ago)"),
        "{checks:?}"
    );
    // Without the option there is neither the check nor a call.
    instance.then([health(), lists(), state(), groups()]);
    assert!(examined(&instance, VIDM).0);
    instance.get(&format!("{VIDM}?staleAfter=5")).problem("request_invalid");
    instance.get(&format!("{VCF}?staleAfter=2h")).problem("request_invalid");
}

#[test]
fn freshness_is_skipped_if_an_earlier_check_failed() {
    let refused = post(LOGIN).answer(401, ECHO);
    let (_, checks) = examined(&Instance::new([health(), refused]), FRESH);
    assert_eq!(checks["freshness"]["result"], "skipped");
}
