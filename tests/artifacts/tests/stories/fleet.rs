//! Syncs of VCF Operations: started, joined, proven; whatever the server's unknown behaviour is.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use idhook_simulator::{
    Clocks, DisplayNames, EqualsCase, FleetSettings, FleetVersion, LastSyncTime, LogOrder, LogWords, Outcome, PageCap,
    ProfilePut, RunningWord, SecondSync, SyncBody, SyncDuration, UnauthorizedForm, UnknownId, seeds,
};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{FleetLogin, Scene, Setting, send};

stories! {
    all:
    group_is_proven_after_a_sync,
}

stories! {
    in_one_instance:
    members_of_a_new_group_are_proven,
    same_body_serves_vidm_and_fleet,
    hundred_starts_share_one_fleet_run,
    event_stream_reports_each_change_of_a_fleet_run,
    failed_run_reports_the_message_key,
    directories_that_cannot_be_synced_are_named,
    what_the_api_lacks_is_not_supported,
    api_token_logs_in,
    unknown_behaviour_never_hides_a_group,
}

const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
/// One that must be added to the sync profile.
const HANDMADE_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";
const NEW_NAME: &str = "gg-new@corp.example";
const SYNCS: &str = "/fleet/default/v1/directories/corp.example/syncs";

async fn fleet(artifact: Artifact) -> Scene {
    Scene::with(Setting::with_fleet(artifact)).await
}

/// Starts a sync and returns the path of its state.
async fn start(scene: &Scene, body: &Value) -> String {
    let started = scene.post(SYNCS, &body.to_string()).await;
    assert_eq!(started.status, 202, "{}", started.text);
    started.header("location").to_owned()
}

fn end(scene: &Scene) {
    scene.simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap();
}

/// The state of a sync once it has ended.
async fn ended(scene: &Scene, place: &str) -> Value {
    let wait = scene.request(Method::GET, place).bearer_auth(&scene.keys.all).header("prefer", "wait=20");
    send(wait).await.json()
}

async fn group_is_proven_after_a_sync(artifact: Artifact) {
    let scene = fleet(artifact).await;
    scene.simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[]).unwrap();
    let place = start(&scene, &json!({"groups": [NEW_NAME, "gg-missing@corp.example"]})).await;
    assert_eq!(scene.get(&place).await.json()["status"], "running");
    end(&scene);
    let state = ended(&scene, &place).await;
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("group_absent")), "{state}");
    let states: Vec<_> = state["groups"].as_array().unwrap().iter().map(|group| &group["state"]).collect();
    assert_eq!(states, ["present", "absent"], "{state}");
    let place = start(&scene, &json!({"groups": [NEW_NAME]})).await;
    end(&scene);
    assert_eq!(ended(&scene, &place).await["status"], "succeeded");
}

/// The members are what people wait for.
async fn members_of_a_new_group_are_proven(artifact: Artifact) {
    const MEMBER: &str = "CN=nora,OU=People,DC=corp,DC=example";
    let scene = fleet(artifact).await;
    scene.simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[]).unwrap();
    scene.simulator.add_ad_user(seeds::FLEET_CORP, MEMBER, "nora", &[NEW_GROUP]).unwrap();
    // Nobody has the name in the other domain.
    let body = json!({"groups": [NEW_NAME], "users": ["nora@corp.example", "nora@lab.example"]});
    let place = start(&scene, &body).await;
    end(&scene);
    let state = ended(&scene, &place).await;
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("user_absent")), "{state}");
    let states: Vec<_> = state["users"].as_array().unwrap().iter().map(|user| &user["state"]).collect();
    assert_eq!(states, ["present", "absent"], "{state}");
    let place = start(&scene, &json!({"users": ["nora@corp.example"]})).await;
    end(&scene);
    assert_eq!(ended(&scene, &place).await["status"], "succeeded");
}

/// The same workflow serves both during a migration.
async fn same_body_serves_vidm_and_fleet(artifact: Artifact) {
    let scene = fleet(artifact).await;
    scene.simulator.add_directory_group(seeds::CORP, NEW_GROUP).unwrap();
    scene.simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[]).unwrap();
    let body = json!({"directory": "corp.example", "groups": [NEW_NAME]}).to_string();
    let mut fields = Vec::new();
    for product in ["vidm", "fleet"] {
        let started = scene.post(&format!("/{product}/default/v1/syncs"), &body).await;
        assert_eq!(started.status, 202, "{}", started.text);
        match product {
            "vidm" => scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap(),
            _ => end(&scene),
        }
        let mut state = ended(&scene, started.header("location")).await;
        assert_eq!(state["status"], "succeeded", "{product}: {state}");
        // VCF Operations does not report when a run began.
        state.as_object_mut().unwrap().remove("startedAt");
        fields.push(state.as_object().unwrap().keys().cloned().collect::<Vec<_>>());
    }
    assert_eq!(fields[0], fields[1]);
}

async fn hundred_starts_share_one_fleet_run(artifact: Artifact) {
    let scene = fleet(artifact).await;
    scene.simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[]).unwrap();
    let body = json!({"groups": [NEW_NAME]});
    let places = join_all((0..100).map(|_| start(&scene, &body))).await;
    // The first run lasted until here, however busy the machine is.
    let duration = SyncDuration::Fixed(Duration::from_secs(1));
    scene.simulator.configure_fleet(|settings| settings.sync_duration = duration);
    end(&scene);
    for state in join_all(places.iter().map(|place| ended(&scene, place))).await {
        assert_eq!(state["status"], "succeeded", "{state}");
    }
    // Callers that came when the first had begun need a second one.
    let runs = scene.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len();
    assert!(runs <= 2, "{runs} runs");
}

async fn event_stream_reports_each_change_of_a_fleet_run(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let place = start(&scene, &json!({"groups": [seeds::PRESENT_GROUP_NAME]})).await;
    let request = scene.request(Method::GET, &place).bearer_auth(&scene.keys.all).header("accept", "text/event-stream");
    let mut response = request.send().await.unwrap();
    let (mut text, mut is_ended) = (String::new(), false);
    while let Some(piece) = response.chunk().await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&piece));
        if text.contains("running") && !is_ended {
            end(&scene);
            is_ended = true;
        }
    }
    let states = text.split("\n\n").filter_map(|event| event.split_once("event: state\ndata: ").map(|(_, data)| data));
    let states: Vec<Value> = states.map(|data| serde_json::from_str(data).unwrap()).collect();
    let words: Vec<_> = states.iter().map(|state| &state["status"]).collect();
    assert_eq!(words, ["running", "succeeded"], "{text}");
    assert_eq!(states[1]["groups"][0]["state"], "present", "{text}");
}

async fn failed_run_reports_the_message_key(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let place = start(&scene, &json!({})).await;
    let outcome = Outcome::Failed("ldap.server.unreachable".to_owned());
    scene.simulator.finish_fleet_sync(seeds::FLEET_CORP, outcome).unwrap();
    let state = scene.get(&place).await;
    assert_eq!(state.json()["status"], "failed", "{}", state.text);
    assert!(state.text.contains("ldap.server.unreachable"), "{}", state.text);
}

async fn directories_that_cannot_be_synced_are_named(artifact: Artifact) {
    let scene = fleet(artifact).await;
    let start =
        async |directory: &str| scene.post(&format!("/fleet/default/v1/directories/{directory}/syncs"), "{}").await;
    start("lab.example").await.problem("directory_ambiguous");
    start("new.example").await.problem("directory_not_syncable");
    start("nowhere.example").await.problem("directory_not_found");
    assert_eq!(start(seeds::FLEET_LAB_SECOND).await.status, 202);
    assert_eq!(start("cloud.example").await.status, 202, "found by its domain");
    let list = scene.get("/fleet/default/v1/directories").await;
    assert_eq!(list.status, 200, "{}", list.text);
}

async fn what_the_api_lacks_is_not_supported(artifact: Artifact) {
    let scene = fleet(artifact).await;
    scene.post(SYNCS, r#"{"ignoreSafeguards":true}"#).await.problem("not_supported");
    scene.post(SYNCS, r#"{"dryRun":true}"#).await.problem("not_supported");
    let scene = fleet(artifact).await;
    scene.simulator.configure_fleet(|settings| settings.version = FleetVersion::V9_0);
    scene.post(SYNCS, "{}").await.problem("not_supported");
}

async fn api_token_logs_in(artifact: Artifact) {
    let setting = Setting { fleet: Some(FleetLogin::ApiToken), ..Setting::of(artifact) };
    let scene = Scene::with(setting).await;
    let place = start(&scene, &json!({"groups": ["gg-app@corp.example"]})).await;
    end(&scene);
    assert_eq!(ended(&scene, &place).await["status"], "succeeded");
    let schemes: Vec<_> = scene.simulator.calls().into_iter().filter_map(|call| call.authorization).collect();
    assert!(!schemes.is_empty() && schemes.iter().all(|scheme| scheme == "Bearer"), "{schemes:?}");
}

/// Behaviour that is neither documented nor measured: either way the group is found, and no other group is lost.
async fn unknown_behaviour_never_hides_a_group(artifact: Artifact) {
    type Change = fn(&mut FleetSettings);
    let unknown: [(&str, Change); 22] = [
        ("9.1.1", |settings| settings.version = FleetVersion::V9_1_1),
        ("irregular", |settings| settings.irregular = true),
        ("body required", |settings| settings.sync_body = SyncBody::Required),
        ("queue", |settings| settings.second_sync = SecondSync::Queue),
        ("conflict", |settings| settings.second_sync = SecondSync::Rejected),
        ("started", |settings| settings.running_word = RunningWord::Started),
        ("row during run", |settings| settings.log_row_during_run = true),
        ("oldest first", |settings| settings.log_order = LogOrder::OldestFirst),
        ("message keys", |settings| settings.log_words = LogWords::MessageKeys),
        ("start time", |settings| settings.last_sync_time = LastSyncTime::Start),
        ("late status", |settings| settings.status_lag = Duration::from_millis(300)),
        ("late rows", |settings| settings.log_lag = Duration::from_millis(300)),
        ("ahead", |settings| settings.clocks = Clocks { ahead: 7_200_000, ..Clocks::default() }),
        ("behind", |settings| settings.clocks = Clocks { ahead: -7_200_000, date_ahead: None, ..Clocks::default() }),
        ("merge", |settings| settings.profile_put = ProfilePut::Merge),
        ("put syncs", |settings| settings.profile_put_syncs = true),
        ("with domain", |settings| settings.display_names = DisplayNames::WithDomain),
        ("any case", |settings| settings.equals = EqualsCase::Ignored),
        ("short pages", |settings| settings.page_cap = PageCap::Shortened(1)),
        ("small pages", |settings| settings.page_cap = PageCap::Rejected(50)),
        ("html 401", |settings| settings.unauthorized = UnauthorizedForm::Html),
        ("ids", |settings| {
            settings.unknown_realm = UnknownId::NotFound;
            settings.unknown_id = UnknownId::InvalidParameter;
        }),
    ];
    let play = async |(name, change): (&str, Change)| {
        let scene = fleet(artifact).await;
        scene.simulator.configure_fleet(|settings| {
            settings.sync_duration = SyncDuration::Fixed(Duration::from_millis(200));
            change(settings);
        });
        for dn in [NEW_GROUP, HANDMADE_GROUP] {
            scene.simulator.add_ad_group(seeds::FLEET_CORP, dn, &[]).unwrap();
        }
        let before = scene.simulator.fleet_groups(seeds::FLEET_CORP).unwrap().len();
        let by_name = ended(&scene, &start(&scene, &json!({"groups": [NEW_NAME]})).await).await;
        let added = json!({"groups": [HANDMADE_GROUP, seeds::AWKWARD_GROUP_DN], "addToProfile": true});
        let by_dn = ended(&scene, &start(&scene, &added).await).await;
        let groups = scene.simulator.fleet_groups(seeds::FLEET_CORP).unwrap().len();
        let is_good = by_name["status"] == "succeeded" && by_dn["status"] == "succeeded" && groups == before + 2;
        (!is_good).then(|| format!("{name}: {before} and {groups} groups, {by_name}, {by_dn}"))
    };
    let played = stream::iter(unknown.map(play)).buffer_unordered(8).collect::<Vec<_>>().await;
    let faults: Vec<String> = played.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
