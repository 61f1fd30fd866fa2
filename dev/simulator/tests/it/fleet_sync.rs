use crate::ops::{Ops, path_of, term};
use idhook_simulator::{
    Clocks, FleetVersion, LastSyncTime, LogOrder, LogWords, OnDemandSync, Outcome, RunningWord, SecondSync, SyncBody,
    SyncDuration, seeds,
};
use serde_json::{Value, json};
use std::time::Duration;

const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";

async fn ops() -> Ops {
    Ops::new(FleetVersion::V9_1_0).await
}

fn finish(ops: &Ops, outcome: Outcome) {
    ops.simulator.finish_fleet_sync(seeds::FLEET_CORP, outcome).unwrap();
}

#[tokio::test]
async fn finished_run_brings_a_new_group_and_its_members() {
    let ops = ops().await;
    let before = ops.last_log(seeds::FLEET_CORP).await;
    ops.simulator.add_ad_group("corp.example", NEW, &[seeds::FLEET_USER_DN]).unwrap();
    ops.simulator.add_ad_user("corp.example", "CN=Alan Turing,OU=Users,DC=corp,DC=example", "alan", &[NEW]).unwrap();
    let got = ops.sync(seeds::FLEET_CORP).await;
    assert_eq!((got.status, got.json()), (202, json!({"syncStatus": "IN_PROGRESS"})));
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["lastSyncStatus"], "IN_PROGRESS");
    assert_eq!(ops.last_log(seeds::FLEET_CORP).await["id"], before["id"]);
    let wanted = json!([term("DISPLAY_NAME", "EQUALS", &["gg-new"]), term("DOMAIN", "EQUALS", &["corp.example"])]);
    assert!(ops.groups(wanted.clone()).await.is_empty());
    finish(&ops, Outcome::Completed);
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["lastSyncStatus"], "COMPLETED");
    let log = ops.last_log(seeds::FLEET_CORP).await;
    assert_ne!(log["id"], before["id"]);
    assert_eq!((&log["success"], &log["syncResult"]), (&json!(true), &json!("COMPLETED")));
    assert_eq!((&log["syncDetails"]["groupsAdded"], &log["syncDetails"]["usersAdded"]), (&json!(1), &json!(1)));
    assert_eq!(ops.groups(wanted).await, ["gg-new"]);
    let groups = ops.simulator.fleet_groups("corp.example").unwrap();
    assert_eq!(groups.iter().find(|group| group.dn == NEW).unwrap().members, ["ada", "alan"]);
    let by_id = ops.get(&format!("{}/sync-logs/{}", path_of(seeds::FLEET_CORP), log["id"].as_str().unwrap())).await;
    assert_eq!(by_id, log);
    let run = &ops.simulator.fleet_sync_runs("corp.example").unwrap()[0];
    assert!(log["id"] == run.id.as_str() && run.groups.iter().any(|dn| dn == NEW), "{run:?}");
}

#[tokio::test]
async fn group_created_during_a_run_comes_with_the_next() {
    let ops = ops().await;
    ops.sync(seeds::FLEET_CORP).await;
    ops.simulator.add_ad_group(seeds::FLEET_CORP, NEW, &[]).unwrap();
    finish(&ops, Outcome::Completed);
    assert!(ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-new"])])).await.is_empty());
    ops.sync(seeds::FLEET_CORP).await;
    finish(&ops, Outcome::Completed);
    assert_eq!(ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-new"])])).await.len(), 1);
}

#[tokio::test]
async fn second_call_during_a_run_follows_the_setting() {
    let ops = ops().await;
    ops.sync(seeds::FLEET_CORP).await;
    assert_eq!(ops.sync(seeds::FLEET_CORP).await.status, 202);
    let runs = ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap();
    assert_eq!((runs.len(), runs[0].joined), (1, 1));
    ops.simulator.configure_fleet(|settings| settings.second_sync = SecondSync::Rejected);
    assert_eq!(ops.sync(seeds::FLEET_CORP).await.status, 409);
    ops.simulator.configure_fleet(|settings| settings.conflict_status = 400);
    assert_eq!(ops.sync(seeds::FLEET_CORP).await.status, 400);
    ops.simulator.configure_fleet(|settings| settings.second_sync = SecondSync::Queue);
    assert_eq!(ops.sync(seeds::FLEET_CORP).await.status, 202);
    ops.simulator.add_ad_group(seeds::FLEET_CORP, NEW, &[]).unwrap();
    finish(&ops, Outcome::Completed);
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["lastSyncStatus"], "IN_PROGRESS");
    finish(&ops, Outcome::Completed);
    let runs = ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap();
    assert_eq!(runs.iter().map(|run| run.groups.iter().any(|dn| dn == NEW)).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn failed_run_has_its_message_key_in_the_log() {
    let ops = ops().await;
    ops.simulator.configure_fleet(|settings| settings.sync_duration = SyncDuration::Fixed(Duration::ZERO));
    ops.simulator.fail_next_fleet_sync(seeds::FLEET_CORP, "ldap.server.unreachable").unwrap();
    ops.simulator.add_ad_group(seeds::FLEET_CORP, NEW, &[]).unwrap();
    ops.sync(seeds::FLEET_CORP).await;
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["lastSyncStatus"], "FAILED");
    let log = ops.last_log(seeds::FLEET_CORP).await;
    assert_eq!((&log["success"], &log["syncResultMessageKey"]), (&json!(false), &json!("ldap.server.unreachable")));
    assert!(ops.simulator.fleet_groups(seeds::FLEET_CORP).unwrap().iter().all(|group| group.dn != NEW));
    ops.sync(seeds::FLEET_CORP).await;
    assert_eq!(ops.last_log(seeds::FLEET_CORP).await["syncResultMessageKey"], "");
    ops.simulator.configure_fleet(|settings| settings.log_words = LogWords::MessageKeys);
    assert_eq!(ops.last_log(seeds::FLEET_CORP).await["syncResult"], "message.directory.sync.success");
}

#[tokio::test]
async fn body_of_the_start_follows_the_setting() {
    let ops = ops().await;
    let path = format!("{}/sync", path_of(seeds::FLEET_CORP));
    assert_eq!(ops.at("POST", &path, "{}").await.status, 400);
    ops.simulator.configure_fleet(|settings| settings.sync_body = SyncBody::Required);
    assert_eq!(ops.at("POST", &path, "").await.status, 415);
    assert_eq!(ops.at("POST", &path, "[]").await.status, 400);
    assert!(ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().is_empty());
    assert_eq!(ops.at("POST", &path, "{}").await.status, 202);
}

#[tokio::test]
async fn directories_that_cannot_be_synced_are_rejected() {
    let ops = Ops::new(FleetVersion::V9_1_1).await;
    assert_eq!(ops.sync(seeds::FLEET_INITIAL).await.status, 400);
    assert_eq!(ops.sync(seeds::FLEET_ON_DEMAND).await.status, 400);
    ops.simulator.configure_fleet(|settings| settings.on_demand_sync = OnDemandSync::Runs);
    assert_eq!(ops.sync(seeds::FLEET_ON_DEMAND).await.status, 202);
    ops.switch(FleetVersion::V9_1_0);
    assert_eq!(ops.sync(seeds::FLEET_ON_DEMAND).await.status, 404);
    assert_eq!(ops.sync(seeds::FLEET_LAB_SECOND).await.status, 404);
    assert_eq!(ops.sync("not-a-uuid").await.status, 400);
}

#[tokio::test]
async fn logs_are_paged_and_ordered() {
    let ops = ops().await;
    for _ in 0..4 {
        ops.sync(seeds::FLEET_CORP).await;
        finish(&ops, Outcome::Completed);
    }
    let runs: Vec<String> =
        ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().into_iter().map(|run| run.id).collect();
    let page = async |query: &str| ops.get(&format!("{}/sync-logs{query}", path_of(seeds::FLEET_CORP))).await;
    let ids = |body: &Value| {
        let rows = body["syncLogs"].as_array().unwrap();
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = page("?page=0&pageSize=2").await;
    assert_eq!(first["pageInfo"], json!({"totalCount": 5, "page": 0, "pageSize": 2}));
    assert_eq!(ids(&first), [runs[3].clone(), runs[2].clone()]);
    assert_eq!(ids(&page("?page=2&pageSize=2").await).len(), 1);
    ops.simulator.configure_fleet(|settings| settings.log_order = LogOrder::OldestFirst);
    assert_eq!(ids(&page("").await)[1..], runs);
    assert_eq!(ids(&page("?last=true").await), [runs[3].clone()]);
}

#[tokio::test]
async fn rows_can_appear_during_a_run_or_late() {
    let ops = ops().await;
    ops.simulator.configure_fleet(|settings| settings.log_row_during_run = true);
    ops.sync(seeds::FLEET_CORP).await;
    let log = ops.last_log(seeds::FLEET_CORP).await;
    assert_eq!((&log["success"], &log["syncResult"]), (&json!(false), &json!("IN_PROGRESS")));
    ops.simulator.configure_fleet(|settings| {
        settings.log_lag = Duration::from_mins(1);
        settings.status_lag = Duration::from_mins(1);
    });
    finish(&ops, Outcome::Completed);
    assert_ne!(ops.last_log(seeds::FLEET_CORP).await["id"], log["id"]);
    let late = ops.directory(seeds::FLEET_CORP).await;
    ops.simulator.configure_fleet(|settings| {
        settings.log_lag = Duration::ZERO;
        settings.status_lag = Duration::ZERO;
    });
    assert_eq!(ops.last_log(seeds::FLEET_CORP).await["id"], log["id"]);
    let now = ops.directory(seeds::FLEET_CORP).await;
    assert!(late["lastSyncDateTime"].as_u64().unwrap() < now["lastSyncDateTime"].as_u64().unwrap());
}

#[tokio::test]
async fn words_and_clocks_follow_the_settings() {
    let ops = ops().await;
    ops.simulator.configure_fleet(|settings| {
        settings.running_word = RunningWord::Started;
        settings.last_sync_time = LastSyncTime::Start;
        settings.clocks = Clocks { ahead: 3_600_000, date_ahead: Some(-7_200), ..Clocks::default() };
    });
    assert_eq!(ops.sync(seeds::FLEET_CORP).await.json()["syncStatus"], "STARTED");
    let row = ops.directory(seeds::FLEET_CORP).await;
    assert_eq!(row["lastSyncStatus"], "STARTED");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let ahead = u128::from(row["lastSyncDateTime"].as_u64().unwrap()) - now;
    assert!((3_590_000..=3_600_000).contains(&ahead), "{ahead}");
    let date = ops.at("GET", "/ssorealms", "").await.header("date").to_owned();
    let behind = std::time::SystemTime::now().duration_since(httpdate::parse_http_date(&date).unwrap()).unwrap();
    assert!((7_195..=7_205).contains(&behind.as_secs()), "{behind:?}");
}
