use crate::client::{Admin, DIRECTORIES};
use idhook_simulator::{Outcome, SyncDuration, seeds};
use serde_json::{Value, json};

const GROUPS: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.groups+json";
const QUERY: &str = "application/vnd.vmware.horizon.manager.connector.management.ops.groupquery+json";
const NEW: &str = "CN=gg-new,OU=Picked,DC=corp,DC=example";

fn path(part: &str) -> String {
    format!("{DIRECTORIES}/{}/{part}", seeds::CORP)
}

async fn look_up(admin: &Admin, dn: &str) -> Value {
    let body = json!({"searchDns": [dn]}).to_string();
    let got = admin.send("POST", &path("directorygroups"), &[("content-type", QUERY)], &body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()["identityGroups"][dn].clone()
}

async fn put(admin: &Admin, groups: &Value) -> u16 {
    let body = json!({"identityGroupInfo": groups, "excludeNestedGroupMembers": false}).to_string();
    admin.send("PUT", &path("syncprofile"), &[("content-type", GROUPS), ("accept", GROUPS)], &body).await.status
}

async fn run(admin: &Admin) {
    admin.simulator.set_sync_duration(SyncDuration::Manual);
    admin.sync(seeds::CORP, "").await;
    admin.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
}

#[tokio::test]
async fn a_group_is_looked_up_added_to_the_profile_and_synced() {
    let admin = Admin::new().await;
    admin.simulator.add_directory_group(seeds::CORP, NEW).unwrap();
    let found = look_up(&admin, NEW).await;
    assert_eq!(found["mappedGroupData"][0]["mappedGroup"]["horizonName"], "gg-new");
    assert_eq!(found["mappedGroupData"][0]["mappedGroup"]["groupBaseDN"], "OU=Picked,DC=corp,DC=example");
    assert_eq!(found["mappedGroupData"][0]["selected"], false);

    let selected = || admin.simulator.selected(seeds::CORP).unwrap().into_iter().collect::<Vec<_>>();
    let before = ["*,OU=Groups,DC=corp,DC=example", "CN=gg-picked,OU=Picked,DC=corp,DC=example"];
    assert_eq!(selected(), before);
    let mut groups = admin.get(&path("syncprofile")).await.json()["identityGroupInfo"].clone();
    let mut data = found["mappedGroupData"].clone();
    data[0]["selected"] = json!(true);
    groups[NEW] = json!({"mappedGroupData": data, "selected": false});
    assert_eq!(put(&admin, &groups).await, 200);
    assert_eq!(selected(), [before[0], NEW, before[1]]);
    run(&admin).await;
    let run = admin.simulator.runs(seeds::CORP).unwrap().remove(0);
    assert!(run.groups.contains(&NEW.to_owned()) && run.began <= run.ended.unwrap(), "{run:?}");
    assert_eq!(admin.groups("displayName eq \"gg-new@corp.example\"").await.len(), 1);
    assert_eq!(admin.groups("displayName eq \"gg-app@corp.example\"").await.len(), 1);
}

#[tokio::test]
async fn a_put_replaces_the_set_and_the_next_run_removes_what_is_gone() {
    let admin = Admin::new().await;
    assert_eq!(admin.groups("displayName eq \"gg-picked@corp.example\"").await.len(), 1);
    let only = json!({seeds::CORP_ALL_SELECTED: {"mappedGroupData": [], "selected": true}});
    assert_eq!(put(&admin, &only).await, 200);
    run(&admin).await;
    assert!(admin.groups("displayName eq \"gg-picked@corp.example\"").await.is_empty());
    assert_eq!(admin.groups("displayName eq \"gg-app@corp.example\"").await.len(), 1);
    assert_eq!(admin.status().await["groupsRemoved"], 1);
}

#[tokio::test]
async fn container_query_returns_all_its_groups() {
    let admin = Admin::new().await;
    let found = look_up(&admin, seeds::CORP_PICKED).await;
    assert_eq!((&found["numTotal"], &found["numSelected"]), (&json!(2), &json!(1)));
    assert_eq!(look_up(&admin, "OU=Nowhere,DC=corp,DC=example").await["numTotal"], 0);
}

#[tokio::test]
async fn profile_requires_its_media_types_and_shapes() {
    let admin = Admin::new().await;
    let json = [("content-type", "application/json")];
    let body = r#"{"searchDns":[]}"#;
    assert_eq!(admin.send("POST", &path("directorygroups"), &json, body).await.status, 415);
    assert_eq!(admin.send("PUT", &path("syncprofile"), &json, "{}").await.status, 415);
    let groups = [("content-type", GROUPS)];
    for broken in ["{}", r#"{"identityGroupInfo":{"DC=x":{"mappedGroupData":[{"selected":true}]}}}"#] {
        assert_eq!(admin.send("PUT", &path("syncprofile"), &groups, broken).await.status, 400, "{broken}");
    }
    let all = [("accept", "application/json")];
    assert_eq!(admin.send("GET", &path("syncprofile"), &all, "").await.status, 406);
    let system = format!("{DIRECTORIES}/{}/syncprofile", seeds::SYSTEM_DIRECTORY);
    assert_eq!(admin.get(&system).await.status, 404);
}

#[tokio::test]
async fn users_and_schedule_are_parts_of_the_same_url() {
    let admin = Admin::new().await;
    let base = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile";
    let users = format!("{base}.users+json");
    let body = r#"{"identityUserInfo":{"OU=People,DC=corp,DC=example":{"selected":true}}}"#;
    assert_eq!(admin.send("PUT", &path("syncprofile"), &[("content-type", &users)], body).await.status, 200);
    let schedule = format!("{base}.syncschedule+json");
    let body = r#"{"frequency":"fifteenMinutes"}"#;
    assert_eq!(admin.send("PUT", &path("syncprofile"), &[("content-type", &schedule)], body).await.status, 200);
    let profile = admin.get(&path("syncprofile")).await.json();
    assert_eq!(profile["syncSchedule"]["frequency"], "fifteenMinutes");
    assert_eq!(profile["identityUserInfo"]["OU=People,DC=corp,DC=example"]["selected"], true);
}
