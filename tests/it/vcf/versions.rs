//! A call that a version of SDDC Manager lacks is not sent once the version is known.

use std::time::Duration;

use idhook::error::{Error, ErrorCode};
use idhook::vcf::{Cache, Client, ProviderId};
use serde_json::json;

use crate::support::script::{Call, Script, get};
use crate::vcf::session::{login, target};

const ROOT: &str = "https://sddc.corp.example/v1";

fn managers(version: &str) -> Call {
    let list = json!({"elements": [{"fqdn": "sddc.corp.example", "version": version}]});
    get(format!("{ROOT}/sddc-managers")).answer(200, list.to_string())
}

/// A script in which the version was read, and the cache after that.
fn known(version: &str) -> (Script, Cache) {
    let (script, cache) = (Script::new([login(), managers(version)]), Cache::default());
    with(&script, &cache, async |client| client.sddc_managers().await.map(|_| ())).unwrap();
    (script, cache)
}

fn with<T>(
    script: &Script,
    cache: &Cache,
    work: impl AsyncFnOnce(Client<'_, Script>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (target, out) = (target(), script.outbound());
    script.run(work(Client::new(&target, cache, &out)))
}

#[track_caller]
fn lacks(error: Error, words: &[&str]) {
    assert_eq!((error.code(), error.target()), (ErrorCode::NotSupported, Some("mgmt")), "{error}");
    let text = format!("{} {}", error.detail(), error.hint_text().unwrap_or_default());
    for word in words {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn call_that_the_version_lacks_is_not_sent() {
    let id = ProviderId::parse("a").unwrap();
    // The script has no further call.
    let (script, cache) = known("5.0.0.0-21822418");
    let error = with(&script, &cache, async |client| client.prechecks(None).await).unwrap_err();
    lacks(error, &["5.0.0.0-21822418", "prechecks", "VCF 5.1", "dryRun"]);
    let error = with(&script, &cache, async |client| client.generate_sync_client_token(&id, None).await).unwrap_err();
    lacks(error, &["sync-client", "5.1"]);
    let error = with(&script, &cache, async |client| client.sddc_manager_oidc().await).unwrap_err();
    lacks(error, &["sddc-manager-oidc", "5.2"]);

    let (script, cache) = known("5.1.1.0-23480823");
    let error = with(&script, &cache, async |client| client.prechecks(Some("Okta")).await).unwrap_err();
    lacks(error, &["parameter type", "leave it out"]);

    let (script, cache) = known("4.4.1.0-19948546");
    let error = with(&script, &cache, async |client| client.identity_providers().await).unwrap_err();
    lacks(error, &["identity providers", "4.5", "vSphere Client"]);
}

#[test]
fn call_that_the_version_has_is_sent() {
    let (script, cache) = known("5.1.1.0-23480823");
    script.then([get(format!("{ROOT}/identity-broker/prechecks")).answer(200, r#"{"status":"SUCCESS"}"#)]);
    with(&script, &cache, async |client| client.prechecks(None).await).unwrap();
}

#[test]
fn unknown_version_is_not_read_first() {
    let prechecks = || get(format!("{ROOT}/identity-broker/prechecks")).answer(404, "{}");
    let (script, cache) = (Script::new([login(), prechecks()]), Cache::default());
    let error = with(&script, &cache, async |client| client.prechecks(None).await).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{error}");
    assert!(error.hint_text().unwrap().contains("since VCF 5.1"), "{error}");

    // A version that was read ten minutes ago is unknown: SDDC Manager may have been upgraded.
    let (script, cache) = known("5.0.0.0-21822418");
    script.advance(Duration::from_mins(10));
    script.then([prechecks().answer(200, r#"{"status":"SUCCESS"}"#)]);
    with(&script, &cache, async |client| client.prechecks(None).await).unwrap();
    // A text that is no version is unknown too.
    let (script, cache) = known("latest");
    script.then([prechecks().answer(200, r#"{"status":"SUCCESS"}"#)]);
    with(&script, &cache, async |client| client.prechecks(None).await).unwrap();
}
