//! Keys that may be used from some addresses only.

use http::Request;
use idhook::webhook::{Body, ClientAddress};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::vidm::{lists, logs_in};
use crate::support::webhook::{Answer, Instance};

const KEY: &str = "the key of the runner";
const PATH: &str = "/vidm/default/v1/directories";

fn keys(from: &Value) -> String {
    let digest: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    json!([{"name": "ci", "sha256": digest, "scopes": ["vidm:read"], "from": from}]).to_string()
}

/// A request with the key, from the address that the host reports, with this header.
fn get(instance: &Instance, host: Option<&str>, forwarded: Option<&str>) -> Answer {
    let mut request = Request::get(PATH).header("x-api-key", KEY);
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    // Only the binding for Spin reads this header, of which Spin writes the last value.
    let mut request = request.header("spin-client-addr", "10.20.0.1:1").body(Body::Whole("".into())).unwrap();
    if let Some(host) = host {
        let mut headers = http::HeaderMap::new();
        headers.insert("spin-client-addr", host.parse().unwrap());
        request.extensions_mut().insert(ClientAddress::of_spin(&headers).unwrap());
    }
    instance.send_request(request)
}

#[test]
fn key_is_valid_only_from_its_networks() {
    let keys = keys(&json!(["10.20.0.0/16", "2001:db8::/32"]));
    let instance = Instance::with(&[("api_keys", &keys)], [logs_in("t"), lists(), lists(), lists()]);
    for host in ["10.20.30.40:5000", "[2001:db8::7]:5000", "[::ffff:10.20.0.1]:5000"] {
        assert_eq!(get(&instance, Some(host), None).status(), 200, "{host}");
    }
    // Without client_address_header no header of the caller counts.
    let elsewhere = get(&instance, Some("192.0.2.7:5000"), Some("10.20.0.1"));
    let problem = elsewhere.problem("forbidden");
    assert_eq!(problem["detail"], "caller ci is not allowed from the address 192.0.2.7");
    assert!(problem["hint"].as_str().unwrap().contains("api_keys"), "{problem}");
    let unknown = get(&instance, None, Some("10.20.0.1")).problem("forbidden");
    assert!(unknown["detail"].as_str().unwrap().contains("is unknown") && unknown["hint"].is_string(), "{unknown}");
}

#[test]
fn address_is_the_one_that_the_proxy_added() {
    let keys = keys(&json!(["10.20.0.0/16"]));
    let variables = [("api_keys", keys.as_str()), ("client_address_header", "X-Forwarded-For")];
    let instance = Instance::with(&variables, [logs_in("t"), lists()]);
    assert_eq!(get(&instance, Some("192.0.2.1:80"), Some("192.0.2.7, 10.20.0.1")).status(), 200);
    for forwarded in [Some("10.20.0.1, 192.0.2.7"), Some("10.20.0.1, nonsense"), None] {
        // The proxy's own address does not count, even if it is in the network.
        get(&instance, Some("10.20.0.9:80"), forwarded).problem("forbidden");
    }
}

#[test]
fn wrong_networks_are_reported() {
    let errors = |from: Value| {
        let error = crate::support::webhook::configuration(&[("api_keys", &keys(&from))]).unwrap_err();
        format!("{error:?}")
    };
    for (from, says) in [
        (json!([]), "is an empty list"),
        (json!(["10.20.0.5/16"]), "the address has bits beyond the prefix"),
        (json!(["10.20.0.0/16", "office"]), "use an address or a network"),
    ] {
        let text = errors(from);
        assert!(text.contains(says), "{says}: {text}");
    }
}
