use crate::client::{API, Admin, DIRECTORIES, SYNC, SYNC_V2, V1};
use idhook_simulator::{AlreadyRunning, Outcome, Simulator, StatusShape, SyncDuration, seeds};
use serde_json::{Value, json};
use std::time::Duration;

const OFF: &str = r#"{"ignoreSafeguards":false}"#;
const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";

async fn manual() -> Admin {
    let admin = Admin::new().await;
    admin.simulator.set_sync_duration(SyncDuration::Manual);
    admin
}

fn finish(simulator: &Simulator, outcome: Outcome) {
    simulator.finish_sync(seeds::CORP, outcome).unwrap();
}

async fn v2(admin: &Admin, directory: &str) -> crate::client::Got {
    let path = format!("{API}/connectormanagement/directoryconfigurations/{directory}/sync/v2");
    admin.send("POST", &path, &[("content-type", SYNC_V2), ("accept", SYNC_V2)], OFF).await
}

#[tokio::test]
async fn finished_run_brings_a_new_group_into_scim() {
    let admin = manual().await;
    admin.simulator.add_directory_group("corp.example", NEW).unwrap();
    let got = admin.sync(seeds::CORP, OFF).await;
    assert_eq!((got.status, got.body.as_str(), got.header("content-type")), (200, "{}", V1));
    assert_eq!(admin.status().await["status"], "RUNNING");
    assert!(admin.groups("displayName eq \"gg-new@corp.example\"").await.is_empty());
    finish(&admin.simulator, Outcome::Completed);
    let status = admin.status().await;
    assert_eq!((&status["status"], &status["groupsAdded"]), (&json!("COMPLETED"), &json!(1)));
    assert!(status["endTime"].as_u64().unwrap() >= status["startTime"].as_u64().unwrap());
    assert_eq!(admin.groups("displayName eq \"gg-new@corp.example\"").await.len(), 1);
}

#[tokio::test]
async fn a_timed_run_ends_by_itself() {
    let admin = Admin::new().await;
    admin.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(60)));
    admin.sync(seeds::CORP, OFF).await;
    assert_eq!(admin.status().await["status"], "RUNNING");
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(admin.status().await["status"], "COMPLETED");
}

#[tokio::test]
async fn group_created_during_a_run_comes_with_the_next() {
    let admin = manual().await;
    admin.sync(seeds::CORP, OFF).await;
    admin.simulator.add_directory_group(seeds::CORP, NEW).unwrap();
    finish(&admin.simulator, Outcome::Completed);
    assert!(admin.groups("displayName sw \"gg-new@\"").await.is_empty());
    admin.sync(seeds::CORP, OFF).await;
    finish(&admin.simulator, Outcome::Completed);
    assert_eq!(admin.groups("displayName sw \"gg-new@\"").await.len(), 1);
}

#[tokio::test]
async fn group_outside_the_profile_is_never_imported() {
    let admin = manual().await;
    admin.simulator.add_directory_group(seeds::CORP, "CN=gg-new,OU=Picked,DC=corp,DC=example").unwrap();
    admin.simulator.add_directory_group(seeds::CORP, "CN=gg-new,OU=Elsewhere,DC=corp,DC=example").unwrap();
    admin.sync(seeds::CORP, OFF).await;
    finish(&admin.simulator, Outcome::Completed);
    assert!(admin.groups("displayName sw \"gg-new@\"").await.is_empty());
}

#[tokio::test]
async fn kick_off_requires_its_media_types() {
    let admin = manual().await;
    let path = format!("{DIRECTORIES}/{}/syncprofile/sync", seeds::CORP);
    let kick_off = async |headers: &[(&str, &str)]| admin.send("POST", &path, headers, OFF).await.status;
    assert_eq!(kick_off(&[("content-type", "application/json"), ("accept", V1)]).await, 415);
    assert_eq!(kick_off(&[("accept", V1)]).await, 415);
    assert_eq!(kick_off(&[("content-type", SYNC), ("accept", "application/json")]).await, 406);
    assert_eq!(admin.simulator.runs_started(seeds::CORP).unwrap(), 0);
    admin.simulator.configure_vidm(|settings| settings.strict_media_types = false);
    assert_eq!(kick_off(&[("content-type", "application/json"), ("accept", "application/json")]).await, 200);
}

#[tokio::test]
async fn the_safeguards_flag_is_a_boolean_or_its_text_or_absent() {
    let admin = manual().await;
    for (body, ignored) in
        [("", false), ("{}", false), (r#"{"ignoreSafeguards":"true"}"#, true), (r#"{"ignoreSafeguards":true}"#, true)]
    {
        assert_eq!(admin.sync(seeds::CORP, body).await.status, 200, "{body}");
        let runs = admin.simulator.runs(seeds::CORP).unwrap();
        assert_eq!(runs.last().unwrap().ignore_safeguards, ignored, "{body}");
        finish(&admin.simulator, Outcome::Completed);
    }
    for body in [r#"{"ignoreSafeguards":1}"#, r#"{"ignoreSafeguards":"maybe"}"#, "not json", "[]"] {
        assert_eq!(admin.sync(seeds::CORP, body).await.status, 400, "{body}");
    }
    assert_eq!(admin.simulator.runs_started(seeds::CORP).unwrap(), 4);
}

#[tokio::test]
async fn safeguards_stop_a_run_that_does_not_ignore_them() {
    let admin = manual().await;
    admin.simulator.set_sync_duration(SyncDuration::Fixed(Duration::ZERO));
    admin.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    admin.simulator.add_directory_group(seeds::CORP, NEW).unwrap();
    assert_eq!(admin.sync(seeds::CORP, OFF).await.status, 200);
    let status = admin.status().await;
    assert_eq!(status["status"], "FAILED");
    assert!(status["message"].as_str().unwrap().starts_with("Failed to complete sync. Please check safeguards"));
    assert!(admin.groups("displayName sw \"gg-new@\"").await.is_empty());
    admin.sync(seeds::CORP, r#"{"ignoreSafeguards":true}"#).await;
    assert_eq!(admin.status().await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_run_can_be_made_to_fail() {
    let admin = manual().await;
    admin.simulator.set_sync_duration(SyncDuration::Fixed(Duration::ZERO));
    admin.simulator.fail_next_sync(seeds::CORP, "The connector is down.").unwrap();
    admin.sync(seeds::CORP, OFF).await;
    let status = admin.status().await;
    assert_eq!((&status["status"], &status["message"]), (&json!("FAILED"), &json!("The connector is down.")));
    admin.sync(seeds::CORP, OFF).await;
    assert_eq!(admin.status().await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_second_kick_off_joins_or_conflicts() {
    let admin = manual().await;
    admin.sync(seeds::CORP, OFF).await;
    assert_eq!(admin.sync(seeds::CORP, OFF).await.status, 200);
    assert_eq!(admin.simulator.runs_started(seeds::CORP).unwrap(), 1);
    assert_eq!(admin.simulator.runs(seeds::CORP).unwrap()[0].joined, 1);
    admin.simulator.configure_vidm(|settings| settings.already_running = AlreadyRunning::Conflict);
    let got = admin.sync(seeds::CORP, OFF).await;
    assert_eq!((got.status, got.code().as_str()), (409, "sync.already.running"));
}

#[tokio::test]
async fn each_directory_takes_its_own_kick_off() {
    let admin = manual().await;
    assert_eq!(admin.sync(seeds::LAB_FIRST, OFF).await.status, 200);
    assert_eq!(v2(&admin, seeds::LAB_FIRST).await.status, 404);
    assert_eq!(v2(&admin, seeds::CORP).await.status, 200);
    assert!(admin.simulator.runs(seeds::CORP).unwrap()[0].v2);
    let got = admin.sync(seeds::CLOUD, OFF).await;
    assert_eq!((got.status, got.code().as_str()), (409, "directory.migrated"));
    assert_eq!(v2(&admin, seeds::CLOUD).await.status, 200);
}

#[tokio::test]
async fn unsyncable_directory_is_rejected_with_a_reason() {
    let admin = manual().await;
    assert_eq!(admin.sync(seeds::SYSTEM_DIRECTORY, OFF).await.status, 400);
    assert_eq!(admin.sync(seeds::JIT, OFF).await.status, 400);
    assert_eq!(admin.sync(seeds::DELETING, OFF).await.code(), "directory.deleting");
    assert_eq!(admin.sync("00000000-0000-4000-8000-000000000000", OFF).await.code(), "not.found");
}

#[tokio::test]
async fn before_a_kick_off_the_status_is_that_of_the_last_scheduled_run() {
    let admin = manual().await;
    assert_eq!(admin.status().await["status"], "COMPLETED");
    assert_eq!(admin.simulator.runs_started(seeds::CORP).unwrap(), 0);
    admin.simulator.configure_vidm(|settings| settings.status_lag = Duration::from_millis(60));
    admin.sync(seeds::CORP, OFF).await;
    assert_eq!(admin.status().await["status"], "COMPLETED");
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(admin.status().await["status"], "RUNNING");
}

#[tokio::test]
async fn status_has_every_documented_shape() {
    let admin = manual().await;
    let shape = |shape: StatusShape| admin.simulator.configure_vidm(|settings| settings.status_shape = shape);
    admin.sync(seeds::CORP, OFF).await;
    shape(StatusShape::Nested);
    assert_eq!(admin.status().await, json!({"syncStatus": {"status": "RUNNING", "message": null}}));
    shape(StatusShape::Broker);
    let status = admin.status().await;
    assert_eq!((&status["syncResult"], &status["syncDetails"]["syncEndTime"]), (&json!("IN_PROGRESS"), &Value::Null));
    shape(StatusShape::Word("PENDING_REVIEW".to_owned()));
    assert_eq!(admin.status().await["status"], "PENDING_REVIEW");
    let path = format!("{DIRECTORIES}/{}/syncprofile/sync", seeds::CORP);
    shape(StatusShape::Empty);
    let got = admin.get(&path).await;
    assert_eq!((got.status, got.body.as_str()), (200, ""));
    shape(StatusShape::NotFound);
    assert_eq!(admin.get(&path).await.status, 404);
}

#[tokio::test]
async fn the_executions_have_ended_and_are_newest_first_unless_told_otherwise() {
    let admin = manual().await;
    admin.sync(seeds::CORP, OFF).await;
    let path = format!("{DIRECTORIES}/{}/syncexecutions", seeds::CORP);
    let words = async || {
        let items = admin.get(&path).await.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(words().await, ["COMPLETED"]);
    admin.simulator.configure_vidm(|settings| settings.executions_have_active = true);
    assert_eq!(words().await, ["RUNNING", "COMPLETED"]);
    admin.simulator.configure_vidm(|settings| settings.executions_newest_first = false);
    assert_eq!(words().await, ["COMPLETED", "RUNNING"]);
}

#[tokio::test]
async fn a_dry_run_is_unknown_unless_configured() {
    let admin = manual().await;
    let path = format!("{DIRECTORIES}/{}/syncprofile/dryrun", seeds::CORP);
    assert_eq!(admin.send("POST", &path, &[("content-type", SYNC)], OFF).await.status, 404);
    admin.simulator.configure_vidm(|settings| settings.dry_run = Some(json!({"groupsToAdd": 1})));
    let got = admin.send("POST", &path, &[("content-type", SYNC)], OFF).await;
    assert_eq!((got.status, got.json()), (200, json!({"groupsToAdd": 1})));
}
