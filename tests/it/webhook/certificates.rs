//! Callers with a client certificate, which a proxy has verified.

use http::Request;
use idhook::webhook::{Body, ClientAddress};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::script::Call;
use crate::support::vidm::{lists, logs_in};
use crate::support::webhook::{Answer, Instance, KEY};

const PATH: &str = "/vidm/default/v1/directories";
const PROXY_KEY: &str = "the key of the proxy";
const HEADERS: &str = include_str!("../../fixtures/certificates/headers.txt");
const PLAIN: &str = include_str!("../../fixtures/certificates/plain.pem");

/// The header of the certificate of `CN=aria,OU=Automation,O=Corp`, as HAProxy sends it.
fn aria() -> &'static str {
    HEADERS.lines().find_map(|line| line.strip_prefix("haproxy ")).unwrap()
}

/// A certificate on one line.
fn one_line(pem: &str) -> String {
    pem.replace('\n', " ")
}

fn digest(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn callers() -> String {
    json!([
        {"name": "runner", "subject": "CN=runner,O=Corp", "scopes": ["vidm:read", "vidm:sync"]},
        {"name": "aria", "subject": "CN=aria,OU=Automation,O=Corp", "scopes": ["vidm:read"], "targets": ["vidm/default"]},
    ])
    .to_string()
}

fn instance(calls: impl IntoIterator<Item = Call>) -> Instance {
    Instance::with(&[("certificate_callers", &callers()), ("proxy_key_sha256", &digest(PROXY_KEY))], calls)
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::Whole("".into())).unwrap()
}

fn get(instance: &Instance, headers: &[(&str, &str)]) -> Answer {
    instance.send_request(request(PATH, headers))
}

fn last_line(instance: &Instance) -> Value {
    serde_json::from_str(instance.script.take_lines().last().unwrap()).unwrap()
}

#[test]
fn caller_with_a_certificate_needs_no_key() {
    let instance = instance([logs_in("t"), lists()]);
    let through = [("client-cert", aria()), ("x-idhook-proxy-key", PROXY_KEY)];
    assert_eq!(get(&instance, &through).status(), 200);
    let line = last_line(&instance);
    assert_eq!((&line["caller"], &line["subject"]), (&json!("aria"), &json!("CN=aria,OU=Automation,O=Corp")));
    assert!(!line.to_string().contains("MII") && !line.to_string().contains(PROXY_KEY), "{line}");
    // It may do what its entry says, and no more.
    let start = Request::post("/vidm/default/v1/directories/x/syncs");
    let start = through.iter().fold(start, |request, (name, value)| request.header(*name, *value));
    let problem = instance.send_request(start.body(Body::Whole("{}".into())).unwrap()).problem("forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("caller aria lacks the scope vidm:sync"), "{problem}");
    instance.send_request(request("/vcf/default/v1/identity-providers", &through)).problem("forbidden");
}

#[test]
fn certificate_without_the_proxys_key_is_not_believed() {
    let instance = instance([]);
    let without: [&[(&str, &str)]; 5] = [
        &[("client-cert", aria())],
        &[("client-cert", aria()), ("x-idhook-proxy-key", "")],
        &[("client-cert", aria()), ("x-idhook-proxy-key", "guess")],
        &[("client-cert", aria()), ("x-idhook-proxy-key", &digest(PROXY_KEY))],
        // The client's own header beside that of the proxy: which is which is unknown.
        &[("client-cert", aria()), ("x-idhook-proxy-key", "guess"), ("x-idhook-proxy-key", PROXY_KEY)],
    ];
    for headers in without {
        let answer = get(&instance, headers);
        assert_eq!(answer.status(), 401, "{headers:?}");
        let problem = answer.problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains("does not come from the configured proxy"), "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("x-idhook-proxy-key"), "{problem}");
        let line = last_line(&instance);
        assert_eq!((&line["caller"], &line["subject"]), (&Value::Null, &Value::Null), "nothing unproven is logged");
    }
    let twice = [("client-cert", "x"), ("client-cert", aria()), ("x-idhook-proxy-key", PROXY_KEY)];
    let problem = get(&instance, &twice).problem("request_invalid");
    assert!(problem.to_string().contains("client-cert occurs more than once"), "{problem}");
}

#[test]
fn header_means_nothing_unless_callers_with_certificates_are_configured() {
    let instance = Instance::new([]);
    let problem =
        get(&instance, &[("client-cert", aria()), ("x-idhook-proxy-key", PROXY_KEY)]).problem("unauthenticated");
    assert_eq!(problem["detail"], "no API key came with the request");
    // Another header than the configured one is none.
    let variables = [
        ("certificate_callers", callers()),
        ("proxy_key_sha256", digest(PROXY_KEY)),
        ("client_certificate_header", "X-Forwarded-Client-Cert".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let instance = Instance::with(&variables, [logs_in("t"), lists()]);
    let key = ("x-idhook-proxy-key", PROXY_KEY);
    get(&instance, &[("client-cert", aria()), key]).problem("unauthenticated");
    assert_eq!(get(&instance, &[("x-forwarded-client-cert", aria()), key]).status(), 200);
}

#[test]
fn certificate_of_nobody_is_rejected_and_only_the_log_says_why() {
    let instance = instance([]);
    let key = ("x-idhook-proxy-key", PROXY_KEY);
    let plain = one_line(PLAIN);
    let answer = get(&instance, &[("client-cert", &plain), key]);
    assert_eq!(answer.status(), 401);
    assert!(
        answer.header("www-authenticate").contains("Basic"),
        "a person with a browser's certificate may send a key"
    );
    let problem = answer.problem("unauthenticated");
    assert!(
        problem["detail"].as_str().unwrap().contains("CN=Größe\\, Müller,O=Corp, is that of no caller"),
        "{problem}"
    );
    assert!(!problem.to_string().contains("aria") && !problem.to_string().contains("subject differs"), "{problem}");
    let line = last_line(&instance);
    assert_eq!(line["problems"][1], "certificate_callers[1] (aria): the subject differs", "{line}");
    assert_eq!((&line["caller"], &line["subject"]), (&Value::Null, &json!("CN=Größe\\, Müller,O=Corp")));
    for (header, says) in [("nonsense", "has no readable certificate"), ("Hash=8f4a", "has no Cert")] {
        let problem = get(&instance, &[("client-cert", header), key]).problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(says) && problem["hint"].is_string(), "{problem}");
    }
    // No certificate is no mistake.
    for headers in [&[key][..], &[("client-cert", " "), key]] {
        let problem = get(&instance, headers).problem("unauthenticated");
        assert_eq!(problem["detail"], "no API key came with the request");
    }
}

#[test]
fn key_and_signature_count_before_the_certificate() {
    let instance = instance([logs_in("t"), lists(), lists()]);
    let through = [("client-cert", aria()), ("x-idhook-proxy-key", PROXY_KEY)];
    let [certificate, proxy] = through;
    assert_eq!(get(&instance, &[("x-api-key", KEY), certificate, proxy]).status(), 200);
    assert_eq!(last_line(&instance)["caller"], "all");
    get(&instance, &[("x-api-key", "wrong"), certificate, proxy]).problem("unauthenticated");
    // A key needs no proxy, and a made-up certificate beside it changes nothing.
    assert_eq!(get(&instance, &[("x-api-key", KEY), ("client-cert", "x")]).status(), 200);
}

#[test]
fn address_in_the_proxys_header_counts_only_beside_its_key() {
    let keys =
        json!([{"name": "ci", "sha256": digest("key of ci"), "scopes": ["vidm:read"], "from": ["10.20.0.0/16"]}]);
    let variables = [
        ("api_keys", keys.to_string()),
        ("client_address_header", "X-Real-IP".to_owned()),
        ("proxy_key_sha256", digest(PROXY_KEY)),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let instance = Instance::with(&variables, [logs_in("t"), lists()]);
    let from = |host: &str, proxy_key: Option<&str>| {
        let mut headers = vec![("x-api-key", "key of ci"), ("x-real-ip", "10.20.0.1")];
        headers.extend(proxy_key.map(|key| ("x-idhook-proxy-key", key)));
        let mut request = request(PATH, &headers);
        let mut of_host = http::HeaderMap::new();
        of_host.insert("spin-client-addr", host.parse().unwrap());
        request.extensions_mut().insert(ClientAddress::of_spin(&of_host).unwrap());
        let answer = instance.send_request(request);
        (answer.status().as_u16(), last_line(&instance)["forwarded_for"].clone())
    };
    assert_eq!(from("192.0.2.1:80", Some(PROXY_KEY)), (200, json!("10.20.0.1")));
    assert_eq!(from("192.0.2.1:80", Some("guess")), (403, Value::Null), "the client wrote the header itself");
    assert_eq!(from("192.0.2.1:80", None), (403, Value::Null));
    // This may be the proxy's own address: a client can make some proxies drop the key (`Connection: X-Idhook-Proxy-Key`).
    assert_eq!(from("10.20.9.9:80", None), (403, Value::Null), "the address is unknown");
}
