//! State that instances share: with a store in memory, on Redis, with a failed one, without one.

use std::time::Duration;

use idhook_host::{Host, KeyValue};
use idhook_simulator::{Outcome, credentials, seeds};
use reqwest::StatusCode;
use xtask::artifact::Artifact;
use xtask::ports::free_port;
use xtask::redis::Redis;

use crate::scene::{Scene, Setting, Stage};
use crate::secrets::{everything, no_secret};

/// A Redis server, if the feature `tools` is on.
pub(crate) fn redis() -> Option<Redis> {
    if cfg!(feature = "tools") { Redis::for_test().unwrap() } else { None }
}

stories! {
    in_spin:
    cold_instance_makes_one_call_after_another,
    two_hosts_on_one_redis_log_in_once,
    store_contents_are_unreadable,
    foreign_values_in_the_store_are_ignored,
    revoked_token_costs_one_login,
    new_instance_renews_sddc_managers_token_without_the_password,
    replaced_refresh_token_of_sddc_manager_is_revoked,
    wrong_password_is_tried_once_by_all_instances,
    redis_outage_loses_nothing,
    full_redis_still_shows_rejected_logins,
}

stories! {
    all:
    instances_work_without_a_store,
}

stories! {
    // Elsewhere a store call takes as long as the runtime allows.
    in_one_instance:
    missing_redis_costs_half_a_second,
}

const STORE: &str = "default";

fn syncs(directory: &str) -> String {
    format!("/vidm/default/v1/directories/{directory}/syncs")
}

/// Starts a sync and lets it end; returns the upstream calls of the start.
async fn sync(scene: &Scene, directory: &str) -> Vec<String> {
    scene.asked();
    let started = scene.post(&syncs(directory), "").await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.text);
    let asked = scene.asked();
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    // A request observes that it has ended.
    scene.get(&format!("/vidm/default/v1/directories/{}/sync", seeds::CORP)).await;
    scene.asked();
    asked
}

pub(crate) fn on(artifact: Artifact, key_value: KeyValue) -> Setting {
    Setting { key_value, ..Setting::of(artifact) }
}

/// The store in memory, and one on Redis if there is a server; the second value keeps it alive.
pub(crate) fn stores() -> Vec<(KeyValue, Option<Redis>)> {
    let mut stores = vec![(KeyValue::default(), None)];
    if let Some(redis) = redis() {
        stores.push((KeyValue::redis(&redis.url()).unwrap(), Some(redis)));
    }
    stores
}

async fn cold_instance_makes_one_call_after_another(artifact: Artifact) {
    for (key_value, _redis) in stores() {
        let mut scene = Scene::with(on(artifact, key_value)).await;
        assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4, "login, list, state, kick-off");
        scene.get("/vcf/default/v1/identity-providers").await;
        for directory in [seeds::CORP, seeds::CORP_NAME] {
            scene.restart().await;
            let asked = sync(&scene, directory).await;
            assert_eq!(asked.len(), 2, "state, kick-off: {asked:?}");
        }
        assert_eq!(scene.get("/vcf/default/v1/identity-providers").await.status, 200);
        assert_eq!(scene.asked().len(), 1, "SDDC Manager's token is shared too");
        assert!(scene.log().iter().all(|line| line.get("store").is_none()));
    }
}

async fn two_hosts_on_one_redis_log_in_once(artifact: Artifact) {
    let Some(redis) = redis() else { return };
    let mut scene = Scene::with(on(artifact, KeyValue::redis(&redis.url()).unwrap())).await;
    // A connection of its own, like another machine.
    let mut other = scene.another_host(|stage| stage.key_value = KeyValue::redis(&redis.url()).unwrap()).await;
    let mut logins = 0;
    for _ in 0..3 {
        logins += sync(&scene, seeds::CORP).await.iter().filter(|call| call.ends_with("/login")).count();
        std::mem::swap(&mut scene.host, &mut other);
    }
    assert_eq!(logins, 1);
}

/// What a person could read in these bytes. Sealed bytes are random: a few letters in a row, such as the beginning of a token, occur
/// by chance.
fn readable(bytes: &[u8]) -> String {
    let runs = bytes.split(|byte| !(b' '..=b'~').contains(byte)).filter(|run| run.len() >= 8);
    runs.map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n")
}

/// A key without the beginning of a token within one of its parts: most parts are digests, in which it occurs by chance. At the
/// beginning of a part it stays.
fn without_chance(key: &str) -> String {
    let parts = key.split(':').map(|part| match part.strip_prefix("eyJ") {
        Some(_) => part.to_owned(),
        None => part.replace("eyJ", ""),
    });
    parts.collect::<Vec<_>>().join(":")
}

async fn store_contents_are_unreadable(artifact: Artifact) {
    for (key_value, _redis) in stores() {
        let scene = Scene::with(on(artifact, key_value.clone())).await;
        everything(&scene).await;
        sync(&scene, seeds::CORP_NAME).await;
        let keys = key_value.keys(STORE).await.unwrap();
        assert!(keys.len() >= 3, "two tokens and a list: {keys:?}");
        for key in keys {
            assert!(key.starts_with("idhook:"), "{key}");
            let value = key_value.get(STORE, &key).await.unwrap().unwrap();
            let text = readable(&value);
            no_secret(&scene, &key, &text);
            no_secret(&scene, "a key", &without_chance(&key));
            for word in ["HZN", "Bearer", seeds::CORP, seeds::CORP_NAME, credentials::VIDM_USERNAME] {
                assert!(!text.contains(word), "{key} shows {word}");
            }
        }
    }
}

async fn foreign_values_in_the_store_are_ignored(artifact: Artifact) {
    let key_value = KeyValue::default();
    let mut scene = Scene::with(on(artifact, key_value.clone())).await;
    sync(&scene, seeds::CORP_NAME).await;
    let keys = key_value.keys(STORE).await.unwrap();
    let mut values = Vec::new();
    for key in keys.iter().filter(|key| key.contains(":login:") || key.contains(":directories:")) {
        values.push((key.clone(), key_value.get(STORE, key).await.unwrap().unwrap()));
    }
    assert_eq!(values.len(), 2, "{keys:?}");
    // Each value under the next key.
    for (at, (key, _)) in values.iter().enumerate() {
        key_value.set(STORE, key, values[(at + 1) % values.len()].1.clone()).await.unwrap();
    }
    scene.restart().await;
    assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
    for (key, value) in &values {
        key_value.set(STORE, key, value[..value.len() / 2].to_vec()).await.unwrap();
    }
    scene.restart().await;
    assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
}

async fn revoked_token_costs_one_login(artifact: Artifact) {
    let mut scene = Scene::with(on(artifact, KeyValue::default())).await;
    sync(&scene, seeds::CORP).await;
    scene.simulator.expire_tokens();
    scene.restart().await;
    let asked = sync(&scene, seeds::CORP).await;
    assert_eq!(asked.len(), 4, "state is refused; login, state, kick-off: {asked:?}");
    scene.restart().await;
    assert_eq!(sync(&scene, seeds::CORP).await.len(), 2);
}

async fn new_instance_renews_sddc_managers_token_without_the_password(artifact: Artifact) {
    const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
    for (key_value, _redis) in stores() {
        let mut scene = Scene::with(on(artifact, key_value)).await;
        // Within the margin before its expiry a token is not used again.
        scene.simulator.configure_sddc(|settings| settings.access_lifetime = Duration::from_secs(30));
        for expected in
            ["POST /v1/tokens", "PATCH /v1/tokens/access-token/refresh", "PATCH /v1/tokens/access-token/refresh"]
        {
            assert_eq!(scene.get(PROVIDERS).await.status, 200);
            assert_eq!(scene.asked(), [expected, "GET /v1/identity-providers"]);
            scene.restart().await;
        }
        scene.simulator.expire_refresh_tokens();
        assert_eq!(scene.get(PROVIDERS).await.status, 200);
        let refresh = "PATCH /v1/tokens/access-token/refresh";
        assert_eq!(scene.asked(), [refresh, refresh, "POST /v1/tokens", "GET /v1/identity-providers"]);
    }
}

async fn replaced_refresh_token_of_sddc_manager_is_revoked(artifact: Artifact) {
    const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
    let mut scene = Scene::with(on(artifact, KeyValue::default())).await;
    scene.get(PROVIDERS).await;
    scene.asked();
    scene.restart().await;
    scene.simulator.expire_tokens();
    assert_eq!(scene.get(PROVIDERS).await.status, 200);
    let mut asked = scene.asked();
    assert_eq!(asked[..2], ["GET /v1/identity-providers", "POST /v1/tokens"]);
    // Both at once.
    asked[2..].sort();
    assert_eq!(asked[2..], ["DELETE /v1/tokens/refresh-token", "GET /v1/identity-providers"]);
}

async fn wrong_password_is_tried_once_by_all_instances(artifact: Artifact) {
    let wrong = vec![("vidm_password", "planted-wrong".to_owned())];
    let mut scene = Scene::with(Setting { variables: wrong, ..on(artifact, KeyValue::default()) }).await;
    for _ in 0..3 {
        let refused = scene.get("/vidm/default/v1/directories").await;
        refused.problem("upstream_auth");
        scene.restart().await;
    }
    assert_eq!(scene.asked().len(), 1);
    // Once corrected, it is used at once.
    let mended = |stage: &mut Stage| {
        stage.variables.insert("vidm_password".to_owned(), credentials::VIDM_PASSWORD.to_owned());
    };
    scene.host = scene.another_host(mended).await;
    assert_eq!(scene.get("/vidm/default/v1/directories").await.status, 200);
}

async fn instances_work_without_a_store(artifact: Artifact) {
    let none = vec![("store", "none".to_owned())];
    let untouched = KeyValue::default();
    for setting in [on(artifact, KeyValue::denied()), Setting { variables: none, ..on(artifact, untouched.clone()) }] {
        let mut scene = Scene::with(setting).await;
        assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
        let again = if artifact.keeps_instances() { 2 } else { 4 };
        assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), again);
        scene.restart().await;
        assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
        assert!(scene.log().iter().all(|line| line.get("store").is_none()), "no store is nothing to complain of");
    }
    assert!(untouched.keys(STORE).await.unwrap().is_empty());
}

/// Whether each of the host's log lines reports a failure of the store.
pub(crate) fn troubled(host: &Host) -> Vec<bool> {
    let lines = host.output();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.map(|line| line.get("store").is_some()).collect()
}

async fn missing_redis_costs_half_a_second(artifact: Artifact) {
    let nowhere = KeyValue::redis(&format!("redis://127.0.0.1:{}/0", free_port().unwrap())).unwrap();
    let scene = Scene::with(on(artifact, nowhere)).await;
    let begun = std::time::Instant::now();
    assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
    assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 2);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let troubled = troubled(&scene.host);
    assert!(troubled[0], "it is reported");
    assert!(!troubled[1..].contains(&true), "and then the store is left alone for a while: {troubled:?}");
}

async fn redis_outage_loses_nothing(artifact: Artifact) {
    let Some(redis) = redis() else { return };
    let mut scene = Scene::with(on(artifact, KeyValue::redis(&redis.url()).unwrap())).await;
    sync(&scene, seeds::CORP_NAME).await;
    let mut other = scene.another_host(|_| {}).await;
    drop(redis);
    let asked = sync(&scene, seeds::CORP_NAME).await.len();
    assert_eq!(asked, if artifact.keeps_instances() { 2 } else { 4 }, "an instance remembers");
    std::mem::swap(&mut scene.host, &mut other);
    assert_eq!(sync(&scene, seeds::CORP_NAME).await.len(), 4);
    let troubled = troubled(&scene.host);
    assert!(troubled[0] && (troubled[1..].contains(&true) != artifact.keeps_instances()), "{troubled:?}");
}

async fn full_redis_still_shows_rejected_logins(artifact: Artifact) {
    let Some(redis) = redis() else { return };
    let wrong = vec![("vidm_password", "planted-wrong".to_owned())];
    let on = on(artifact, KeyValue::redis(&redis.url()).unwrap());
    let mut scene = Scene::with(Setting { variables: wrong, ..on }).await;
    scene.get("/vidm/default/v1/directories").await.problem("upstream_auth");
    redis.fill().unwrap();
    for _ in 0..4 {
        scene.restart().await;
        scene.get("/vidm/default/v1/directories").await.problem("upstream_auth");
    }
    assert_eq!(scene.asked().len(), 1, "one attempt by all instances");
}

#[tokio::test]
async fn redis_counter_has_the_format_of_spin() {
    let Some(redis) = redis() else { return };
    let stores = KeyValue::redis(&redis.url()).unwrap();
    assert_eq!(stores.increment(STORE, "n", 3).await.unwrap(), 3);
    assert_eq!(stores.increment(STORE, "n", 39).await.unwrap(), 42);
    assert_eq!(stores.get(STORE, "n").await.unwrap().unwrap(), b"42");
    stores.set(STORE, "text", "x").await.unwrap();
    assert!(stores.increment(STORE, "text", 1).await.is_err());
    let mut keys = KeyValue::redis(&redis.url()).unwrap().keys(STORE).await.unwrap();
    keys.sort();
    assert_eq!(keys, ["n", "text"], "keys are bare");
}
