//! The doctor of VCF Operations: the certificates of its identity providers.

use serde_json::{Value, json};

use crate::support::fleet::{PROVIDER, directories, get_iam, group_query, logs_in, realms, version};
use crate::support::script::{Call, get};
use crate::support::webhook::Instance;

const VALID: &str = include_str!("../../fixtures/vcf/chain.pem");
const EXPIRED: &str = include_str!("../../fixtures/vcf/expired.pem");

/// Whether no check failed, and the check `certificates`, if the provider is answered like this.
fn certificates(provider: Call) -> (Value, Value) {
    let node = get("https://ops.corp.example/suite-api/api/deployment/node/status")
        .without("authorization")
        .answer(200, r#"{"status":"ONLINE"}"#);
    let groups = |operator| group_query(&["idhook-doctor"], operator, &json!([]));
    let instance = Instance::new([
        node,
        logs_in("t1"),
        version(9, 1, 1),
        realms(),
        directories("COMPLETED", 1),
        groups("EQUALS"),
        groups("LIKE"),
        provider,
    ]);
    let diagnosis = instance.get("/fleet/default/v1/doctor").json();
    let check = diagnosis["checks"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(check["check"], "certificates", "{diagnosis}");
    (diagnosis["ok"].clone(), check)
}

fn provider(chain: &[&str]) -> Call {
    let provider = json!({"id": PROVIDER, "name": "Corp AD", "certificateChain": chain});
    get_iam(&format!("/identity-providers/{PROVIDER}")).answer(200, provider.to_string())
}

#[test]
fn certificates_of_providers_are_checked_for_expiry() {
    for (chain, ok, result, words) in [
        (&[] as &[&str], true, "ok", "no identity provider has a certificate"),
        (
            &[VALID],
            true,
            "ok",
            "2 in total; first to expire: CN=Corp Issuing CA,DC=corp,DC=example of Corp AD expires in 1502",
        ),
        (&[VALID, EXPIRED], false, "failed", "CN=Corp Old CA,DC=corp,DC=example of Corp AD expired 2334 days ago"),
        (&["???"], true, "warning", "a certificate of Corp AD is not readable"),
    ] {
        let (healthy, check) = certificates(provider(chain));
        assert_eq!((healthy, &check["result"]), (json!(ok), &json!(result)), "{check}");
        assert!(check["detail"].as_str().unwrap().starts_with(words), "{check}");
    }
}

#[test]
fn rejected_provider_is_a_warning() {
    let (ok, check) = certificates(get_iam(&format!("/identity-providers/{PROVIDER}")).answer(403, ""));
    assert_eq!((ok, &check["result"]), (json!(true), &json!("warning")), "{check}");
    assert!(check["detail"].as_str().unwrap().contains("USA"), "{check}");
}
