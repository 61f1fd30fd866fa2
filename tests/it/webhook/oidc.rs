//! Callers with a token of an issuer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use http::Request;
use idhook::http::TransportErrorKind;
use idhook::runtime::Clock as _;
use idhook::webhook::Body;
use serde_json::{Value, json};

use crate::support::issuer::{AUDIENCE, GITHUB, discovered, job, keys_are_read};
use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, get};
use crate::support::signer::{keys, signed, token, with};
use crate::support::vidm::{lists, logs_in};
use crate::support::webhook::{Answer, Instance};

const PATH: &str = "/vidm/default/v1/directories";

fn entry(more: &Value) -> Value {
    let entry = json!({
        "name": "deploy", "issuer": GITHUB, "audience": AUDIENCE,
        "claims": {"repository": "acme/infra", "ref": ["refs/heads/main", "refs/heads/next"]}, "scopes": ["vidm:read"],
    });
    with(entry, more)
}

fn instance(calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::with(&[("oidc_callers", &json!([entry(&json!({}))]).to_string())], calls)
}

fn request(path: &str, token: &str) -> Request<Body> {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    request
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::Whole(Bytes::new()))
        .unwrap()
}

fn lists_with(instance: &Instance, token: &str) -> Answer {
    instance.send_request(request(PATH, token))
}

#[test]
fn job_with_a_token_needs_no_key_and_its_issuer_is_asked_once() {
    let instance = instance([discovered(), keys_are_read(&["1"]), logs_in("t"), lists(), lists(), lists()]);
    assert_eq!(lists_with(&instance, &token("1", &job())).status(), 200);
    // The keys are kept: neither another RSA token nor one of the other algorithm reads them again.
    assert_eq!(lists_with(&instance, &token("1", &with(job(), &json!({"ref": "refs/heads/next"})))).status(), 200);
    assert_eq!(lists_with(&instance, &token("ec", &job())).status(), 200);
    let line: Value = serde_json::from_str(&instance.script.take_lines()[0]).unwrap();
    assert_eq!((&line["caller"], &line["subject"]), (&json!("deploy"), &json!("repo:acme/infra:environment:prod")));
    assert_eq!(line["calls"][0]["call"], "GET /.well-known/openid-configuration", "{line}");
    assert_eq!(line["calls"][1]["call"], "GET jwks_uri", "{line}");
    assert!(!line.to_string().contains("eyJ"), "{line}");
}

#[test]
fn token_with_other_claims_is_nobody_and_only_the_log_says_why() {
    let instance = instance([discovered(), keys_are_read(&["1"])]);
    let rejected = |more: Value, code: &str| {
        let problem = lists_with(&instance, &token("1", &with(job(), &more))).problem(code);
        assert!(problem["hint"].as_str().unwrap().contains("oidc_callers"), "{problem}");
        assert!(!problem.to_string().contains("deploy") && !problem.to_string().contains("acme"), "{problem}");
        instance.script.take_lines().remove(0)
    };
    let line = rejected(json!({"repository": "mallory/infra"}), "forbidden");
    assert!(line.contains("oidc_callers[0] (deploy): the claim repository differs"), "{line}");
    assert!(line.contains("GET jwks_uri"), "the calls to the issuer: {line}");
    let line = rejected(json!({"ref": "refs/pull/7/merge", "sub": "repo:acme/infra:pull_request"}), "forbidden");
    assert!(line.contains("the claim ref differs") && line.contains("repo:acme/infra:pull_request"), "{line}");
    assert!(!line.contains("\"caller\""), "{line}");
    let line = rejected(json!({"aud": "https://vault.example"}), "unauthenticated");
    assert!(line.contains("oidc_callers[0] (deploy): the audience differs"), "{line}");
}

#[test]
fn forged_tokens_are_rejected() {
    let instance = instance([discovered(), keys_are_read(&["1"])]);
    let rejected = |token: &str, says: &str| {
        let problem = lists_with(&instance, token).problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{says}: {problem}");
        assert!(problem["hint"].is_string(), "{problem}");
    };
    // Neither of these needs the keys.
    rejected(&signed("1", &json!({"alg": "none"}), &job()), "signed with none");
    rejected(&signed("1", &json!({"alg": "HS256", "kid": "1"}), &job()), "signed with HS256");
    rejected(&signed("1", &json!({"alg": "RS256", "kid": "1", "crit": ["x"]}), &job()), "extensions");
    rejected(&token("1", &with(job(), &json!({"exp": 1_795_168_700}))), "expired at 2026-11-20T09:58:20");
    rejected(&token("1", &with(job(), &json!({"nbf": 1_795_168_900}))), "not valid before");
    assert_eq!(instance.script.requests().len(), 0);
    // The claims of one token with the signature of another, and a key given with the token itself.
    let (good, evil) = (token("1", &job()), token("1", &with(job(), &json!({"sub": "x"}))));
    let swapped = format!("{}.{}", good.rsplit_once('.').unwrap().0, evil.rsplit_once('.').unwrap().1);
    rejected(&swapped, "its signature is wrong");
    rejected(&signed("ec", &json!({"alg": "RS256", "kid": "1"}), &job()), "its signature is wrong");
    rejected(&signed("ec", &json!({"alg": "RS256", "kid": "ec"}), &job()), "has no key \"ec\" for RS256");
    rejected(
        &signed("1", &json!({"alg": "RS256", "kid": "x", "jku": "https://mallory.example/keys"}), &job()),
        "has no key \"x\"",
    );
}

#[test]
fn new_key_of_the_issuer_is_found_within_a_minute_whoever_sends_unknown_ones() {
    let instance = instance([discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    let of = |id: &str| token(id, &with(job(), &json!({"exp": 1_795_172_400})));
    assert_eq!(lists_with(&instance, &of("1")).status(), 200);
    for _ in 0..50 {
        lists_with(&instance, &of("2")).problem("unauthenticated");
        instance.script.advance(Duration::from_secs(1));
    }
    instance.script.advance(Duration::from_secs(10));
    instance.script.then([discovered(), keys_are_read(&["1", "2"]), lists(), lists()]);
    assert_eq!(lists_with(&instance, &of("2")).status(), 200);
    assert_eq!(lists_with(&instance, &of("1")).status(), 200);
}

#[test]
fn new_key_without_a_name_is_found_too() {
    let modulus = URL_SAFE_NO_PAD.encode([vec![0xC0; 255], vec![1]].concat());
    let old = json!({"keys": [{"kty": "RSA", "n": modulus, "e": "AQAB"}]}).to_string();
    let new = keys(&["1"]);
    let read = |keys: String| get(format!("{GITHUB}/.well-known/jwks")).answer(200, keys);
    let instance = instance([discovered(), read(old)]);
    let token = signed("1", &json!({"alg": "RS256"}), &job());
    for _ in 0..3 {
        let problem = lists_with(&instance, &token).problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains("its signature is wrong"), "{problem}");
    }
    instance.script.advance(Duration::from_secs(61));
    instance.then([discovered(), read(new), logs_in("t"), lists()]);
    assert_eq!(lists_with(&instance, &token).status(), 200);
}

/// Anybody can send such tokens, and disconnect at once.
#[test]
fn aborted_reading_of_the_keys_counts_if_there_are_older_ones() {
    let slow = || discovered().takes(Duration::from_secs(2));
    let instance = instance([slow()]);
    let gives_up = |token: &str| {
        instance.script.run(async {
            let ask = Box::pin(instance.ask(request(PATH, token)));
            let gives_up = Box::pin(instance.script.sleep(Duration::from_millis(50)));
            matches!(select(ask, gives_up).await, Either::Right(_))
        })
    };
    let late = |id: &str| token(id, &with(job(), &json!({"exp": 1_795_172_400})));
    assert!(gives_up(&late("unknown")));
    // Without any keys, the next request reads them.
    instance.then([discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    assert_eq!(lists_with(&instance, &late("1")).status(), 200);
    instance.script.advance(Duration::from_secs(61));
    instance.then([slow(), lists()]);
    assert!(gives_up(&late("unknown")));
    for _ in 0..5 {
        lists_with(&instance, &late("unknown")).problem("unauthenticated");
    }
    assert_eq!(lists_with(&instance, &late("1")).status(), 200);
    instance.script.advance(Duration::from_secs(61));
    instance.then([discovered(), keys_are_read(&["1", "2"]), lists()]);
    assert_eq!(lists_with(&instance, &late("2")).status(), 200);
}

#[test]
fn issuer_that_is_down_is_named_and_left_alone_for_a_while() {
    let down = || get(format!("{GITHUB}/.well-known/openid-configuration")).fail(TransportErrorKind::HostNotAllowed);
    let instance = instance([down()]);
    for _ in 0..3 {
        let answer = lists_with(&instance, &token("1", &job()));
        let problem = answer.problem("upstream_unreachable");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("the keys of https://token.actions.githubusercontent.com could not be read"),
            "{problem}"
        );
        assert!(problem["hint"].as_str().unwrap().contains("outbound_host1"), "{problem}");
        assert_eq!((answer.status().as_u16(), answer.header("retry-after")), (502, "10"));
    }
    let called = instance.script.take_lines().into_iter().map(|line| line.contains("\"calls\":"));
    assert_eq!(called.collect::<Vec<_>>(), [true, false, false], "the log has the call that was made");
    instance.script.advance(Duration::from_secs(10));
    instance.script.then([discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    assert_eq!(lists_with(&instance, &token("1", &job())).status(), 200);
}

#[test]
fn issuer_that_does_not_respond_is_called_once_by_all_instances() {
    let store = MemoryStore::new();
    let callers = json!([entry(&json!({}))]).to_string();
    let variables = [("oidc_callers", callers.as_str())];
    let one = Instance::sharing(&store, &variables, [discovered().hang()]);
    let told = lists_with(&one, &token("1", &job())).problem("upstream_timeout");
    for _ in 0..3 {
        let other = Instance::sharing(&store, &variables, []);
        let answer = lists_with(&other, &token("1", &job()));
        let problem = answer.problem("upstream_timeout");
        assert_eq!((&problem["detail"], &problem["hint"]), (&told["detail"], &told["hint"]));
        assert_eq!(answer.header("retry-after"), "10");
    }
    // Instances do not share a failure that may be their own fault.
    let other = MemoryStore::new();
    let down = || get(format!("{GITHUB}/.well-known/openid-configuration")).fail(TransportErrorKind::HostNotAllowed);
    for _ in 0..2 {
        let instance = Instance::sharing(&other, &variables, [down()]);
        lists_with(&instance, &token("1", &job())).problem("upstream_unreachable");
    }
    one.script.advance(Duration::from_secs(10));
    let other = one.beside_with(&variables);
    one.then([discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    assert_eq!(lists_with(&other, &token("1", &job())).status(), 200);
}

#[test]
fn known_keys_survive_an_issuer_that_is_down_for_some_hours() {
    let instance = instance([discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    let late = token("1", &with(job(), &json!({"exp": 1_795_268_800})));
    assert_eq!(lists_with(&instance, &late).status(), 200);
    let down = || get(format!("{GITHUB}/.well-known/openid-configuration")).fail(TransportErrorKind::Tls);
    instance.script.advance(Duration::from_secs(3599));
    instance.script.then([logs_in("t2"), lists()]);
    assert_eq!(lists_with(&instance, &late).status(), 200, "fresh");
    instance.script.advance(Duration::from_secs(2));
    instance.script.then([down(), lists(), lists()]);
    assert_eq!(lists_with(&instance, &late).status(), 200, "old, but usable");
    assert_eq!(lists_with(&instance, &late).status(), 200, "the issuer is left alone");
    instance.script.advance(Duration::from_secs(5 * 3600));
    instance.script.then([down()]);
    lists_with(&instance, &late).problem("upstream_tls");
}

#[test]
fn concurrent_tokens_read_the_keys_once() {
    let calls =
        [discovered().takes(Duration::from_millis(200)), keys_are_read(&["1"]).takes(Duration::from_millis(200))];
    let instance = instance(calls.into_iter().chain([logs_in("t")]).chain((0..100).map(|_| lists())));
    let tokens: Vec<_> = (0..100).map(|_| token("1", &job())).collect();
    let answers = join_all(tokens.iter().map(|token| instance.ask(request(PATH, token))));
    assert!(instance.script.run(answers).iter().all(|answer| answer.status() == 200));
}

#[test]
fn issuer_that_does_not_respond_costs_five_seconds_once() {
    let instance = instance([discovered().hang()]);
    let waiting = token("1", &job());
    for _ in 0..2 {
        let problem = lists_with(&instance, &waiting).problem("upstream_timeout");
        assert!(problem["detail"].as_str().unwrap().contains("did not respond within 5 s"), "{problem}");
    }
    assert!(instance.script.slept().iter().sum::<Duration>() < Duration::from_secs(6));
}

#[test]
fn instances_share_the_keys_through_the_store() {
    let store = MemoryStore::new();
    let callers = json!([entry(&json!({}))]).to_string();
    let variables = [("oidc_callers", callers.as_str())];
    let one = Instance::sharing(&store, &variables, [discovered(), keys_are_read(&["1"]), logs_in("t"), lists()]);
    assert_eq!(lists_with(&one, &token("1", &job())).status(), 200);
    let two = Instance::sharing(&store, &variables, [lists()]);
    assert_eq!(lists_with(&two, &token("1", &job())).status(), 200);
    assert!(store.keys().iter().any(|key| key.contains(":oidc:")), "{:?}", store.keys());
    // The keys were just read: a token with an unknown one has them read once a minute, by all instances together.
    lists_with(&Instance::sharing(&store, &variables, []), &token("9", &job())).problem("unauthenticated");
    lists_with(&two, &token("9", &job())).problem("unauthenticated");
    two.script.advance(Duration::from_secs(61));
    two.script.then([discovered(), keys_are_read(&["1"])]);
    // Those that follow call neither the issuer nor the store.
    for calls in [None, Some(0), Some(0)] {
        store.calls();
        lists_with(&two, &token("9", &job())).problem("unauthenticated");
        assert!(calls.is_none_or(|calls| store.calls() == calls));
    }
    let dump = format!("{:?}", store.dump());
    assert!(!dump.contains("githubusercontent") && !dump.contains("AQAB"), "{dump}");
}

#[test]
fn documents_in_another_form_are_not_used() {
    let configuration = || get(format!("{GITHUB}/.well-known/openid-configuration"));
    let document = |issuer: &str, keys: &str| json!({"issuer": issuer, "jwks_uri": keys}).to_string();
    for (calls, says) in [
        (vec![configuration().answer(200, document("https://mallory.example", GITHUB))], "its issuer is another one"),
        (
            vec![configuration().answer(200, document(GITHUB, "https://mallory.example/keys"))],
            "its jwks_uri is at another host",
        ),
        (
            vec![configuration().answer(200, document(GITHUB, "http://token.actions.githubusercontent.com/k"))],
            "another host",
        ),
        (vec![configuration().answer(200, "<html>sign in</html>")], "HTML page"),
        (vec![configuration().answer(403, r#"{"message":"system:anonymous cannot get path"}"#)], "403"),
        (
            vec![discovered(), get(format!("{GITHUB}/.well-known/jwks")).answer(200, r#"{"keys":[]}"#)],
            "not a JSON Web Key Set",
        ),
        (vec![discovered(), get(format!("{GITHUB}/.well-known/jwks")).answer(302, "")], "302"),
    ] {
        let answer = lists_with(&instance(calls), &token("1", &job()));
        let problem = answer.problem("upstream_invalid");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{says}: {problem}");
        // The caller is unknown: the response's text is not for it.
        assert!(!problem.to_string().contains("anonymous") && !problem.to_string().contains("sign in"), "{problem}");
    }
}

#[test]
fn cluster_with_a_configured_key_address_is_read_with_one_call() {
    const CLUSTER: &str = "https://kubernetes.default.svc.cluster.local";
    let entry = entry(&json!({
        "name": "workload", "issuer": CLUSTER, "keysUrl": "https://10.0.0.1:6443/openid/v1/jwks",
        "claims": {"/kubernetes.io/namespace": "ci", "/kubernetes.io/serviceaccount/name": "deployer"},
    }));
    let read = get("https://10.0.0.1:6443/openid/v1/jwks").answer(200, keys(&["1"]));
    let instance = Instance::with(&[("oidc_callers", &json!([entry]).to_string())], [read, logs_in("t"), lists()]);
    // As the API server writes them.
    let claims = json!({
        "aud": [AUDIENCE], "exp": 1_795_172_400, "iat": 1_795_168_800, "nbf": 1_795_168_800, "iss": CLUSTER, "jti": "0c1c3d7f",
        "kubernetes.io": {"namespace": "ci", "node": {"name": "n1"}, "pod": {"name": "p"}, "serviceaccount": {"name": "deployer"}},
        "sub": "system:serviceaccount:ci:deployer",
    });
    assert_eq!(lists_with(&instance, &signed("1", &json!({"alg": "RS256", "kid": "1"}), &claims)).status(), 200);
    let other =
        with(claims, &json!({"kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "deployer"}}}));
    lists_with(&instance, &token("1", &other)).problem("forbidden");
}

/// Their name has `http://` unless somebody changed it; it is only compared.
#[test]
fn tokens_of_ad_fs_are_read_with_a_configured_key_address() {
    const TRUST: &str = "http://fs.corp.example/adfs/services/trust";
    let entry = entry(&json!({
        "name": "service", "issuer": TRUST, "keysUrl": "https://fs.corp.example/adfs/discovery/keys", "claims": {"appid": "7d4f"},
    }));
    let read = get("https://fs.corp.example/adfs/discovery/keys").answer(200, keys(&["1"]));
    let instance = Instance::with(&[("oidc_callers", &json!([entry]).to_string())], [read, logs_in("t"), lists()]);
    let claims = with(job(), &json!({"iss": TRUST, "appid": "7d4f", "ver": "1.0"}));
    assert_eq!(lists_with(&instance, &token("1", &claims)).status(), 200);
}

#[test]
fn first_entry_that_fits_is_the_caller_with_its_scopes_targets_and_networks() {
    let callers = json!([
        entry(
            &json!({"name": "next", "claims": {"repository": "acme/infra", "ref": "refs/heads/next"}, "scopes": ["vcf:read"]})
        ),
        entry(&json!({"name": "main", "targets": ["vidm/default"]})),
        entry(&json!({"name": "inside", "claims": {"repository": "acme/tools"}, "from": ["10.0.0.0/8"]})),
    ]);
    let callers = callers.to_string();
    let calls = [discovered(), keys_are_read(&["1"]), logs_in("t"), lists()];
    let instance = Instance::with(&[("oidc_callers", callers.as_str())], calls);
    assert_eq!(lists_with(&instance, &token("1", &job())).status(), 200);
    let lacks =
        lists_with(&instance, &token("1", &with(job(), &json!({"ref": "refs/heads/next"})))).problem("forbidden");
    assert_eq!(lacks["detail"], "caller next lacks the scope vidm:read", "{lacks}");
    assert!(lacks["hint"].as_str().unwrap().contains("oidc_callers"), "{lacks}");
    let path = "/vcf/default/v1/identity-providers";
    let other = instance.send_request(request(path, &token("1", &job()))).problem("forbidden");
    assert_eq!(other["detail"], "caller main lacks the scope vcf:read", "{other}");
    let outside =
        lists_with(&instance, &token("1", &with(job(), &json!({"repository": "acme/tools"})))).problem("forbidden");
    assert!(outside["detail"].as_str().unwrap().contains("address is unknown"), "{outside}");
}

#[test]
fn token_of_an_unknown_issuer_is_recognised() {
    let foreign = token("1", &with(job(), &json!({"iss": "https://mallory.example"})));
    for instance in [instance([]), Instance::new([])] {
        for path in [PATH, "/vcf/default/v1/identity-providers"] {
            let problem = instance.send_request(request(path, &foreign)).problem("unauthenticated");
            assert!(problem["detail"].as_str().unwrap().contains("of an issuer that is not configured"), "{problem}");
            assert!(problem["hint"].as_str().unwrap().contains("oidc_callers"), "{problem}");
        }
    }
}
