use crate::ops::{Ops, path_of};
use idhook_simulator::{FleetVersion, UnknownId, seeds};
use serde_json::{Value, json};

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn realms_lead_to_their_directories() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let realms = ops.get("/ssorealms").await;
    assert_eq!(names(&realms["ssoRealms"]), ["Headquarters", "Branch", "New", "Cloud"]);
    let provider = |at: usize| realms["ssoRealms"][at].get("idpId").cloned();
    assert_eq!(provider(0), Some(json!(seeds::FLEET_PROVIDER)));
    assert_eq!(provider(2), None);
    let one = ops.get(&format!("/ssorealms/{}", seeds::FLEET_REALM)).await;
    assert_eq!(one, realms["ssoRealms"][0]);
    let list = ops.get(&format!("/identity-providers/{}/ldap-directories", seeds::FLEET_PROVIDER)).await;
    let expected = ["corp.example", "lab.example", "Cloud directory", "new.example", "fresh.example"];
    assert_eq!(names(&list["ldapDirectories"]), expected);
    let corp = &list["ldapDirectories"][0];
    assert_eq!((&corp["setupStatus"], &corp["lastSyncStatus"]), (&json!("COMPLETED"), &json!("COMPLETED")));
    assert_eq!((&corp["numberOfGroups"], &corp["numberOfUsers"]), (&json!(6), &json!(3)));
    assert_eq!(ops.directory(seeds::FLEET_INITIAL).await["setupStatus"], "INITIAL");
    assert_eq!(ops.directory(seeds::FLEET_NEVER_SYNCED).await["lastSyncStatus"], "UNKNOWN");
    let scim = ops.get(&format!("/identity-providers/{}/ldap-directories", seeds::FLEET_SCIM_PROVIDER)).await;
    assert_eq!(scim, json!({"ldapDirectories": []}));
}

#[tokio::test]
async fn sync_mode_appears_with_9_1_1() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    assert!(ops.directory(seeds::FLEET_CORP).await.get("syncMode").is_none());
    ops.switch(FleetVersion::V9_1_1);
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["syncMode"], "FULL_SYNC");
    assert_eq!(ops.directory(seeds::FLEET_ON_DEMAND).await["syncMode"], "ON_DEMAND");
}

#[tokio::test]
async fn brokers_are_filtered() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let vidbs = ops.get("/vidbs").await;
    assert_eq!(vidbs["vidbs"].as_array().unwrap().len(), 5);
    let realm = ops.get(&format!("/ssorealms/{}", seeds::FLEET_REALM)).await;
    let one = ops.get(&format!("/vidbs?vcfInstanceId={}", realm["vcfInstanceId"].as_str().unwrap())).await;
    assert_eq!(one["vidbs"][0]["id"], realm["vidbResourceId"]);
    let external = ops.get("/vidbs?deploymentType=EXTERNAL").await;
    assert_eq!(external["vidbs"][0]["id"], seeds::FLEET_FREE_BROKER);
}

#[tokio::test]
async fn unknown_ids_follow_the_settings() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let realm = format!("/ssorealms/{unknown}");
    let got = ops.at("GET", &realm, "").await;
    assert!(got.status == 400 && got.body.contains("InvalidParameter: ssoRealmId"), "{}", got.body);
    let directory = format!("{}/sync-logs", path_of(unknown));
    assert_eq!(ops.at("GET", &directory, "").await.status, 404);
    ops.simulator.configure_fleet(|settings| {
        settings.unknown_realm = UnknownId::NotFound;
        settings.unknown_id = UnknownId::InvalidParameter;
    });
    assert_eq!(ops.at("GET", &realm, "").await.status, 404);
    assert_eq!(ops.at("GET", &directory, "").await.status, 400);
    assert_eq!(ops.at("GET", "/ssorealms/no-uuid", "").await.status, 400);
    assert_eq!(ops.at("GET", "/nowhere", "").await.status, 404);
    assert_eq!(ops.at("DELETE", "/ssorealms", "").await.status, 405);
}

#[tokio::test]
async fn irregular_responses_have_the_faults_of_the_vendors_examples() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    ops.simulator.configure_fleet(|settings| settings.irregular = true);
    assert_eq!(ops.directory(seeds::FLEET_NEVER_SYNCED).await.get("lastSyncStatus"), None);
    let log = ops.last_log(seeds::FLEET_CORP).await;
    assert_eq!(log.get("syncResultMessageKey"), None);
    assert!(log["timeStamp"].as_u64() > log["syncDetails"]["syncEndTime"].as_u64());
    let logs = ops.get(&format!("{}/sync-logs", path_of(seeds::FLEET_CORP))).await;
    assert_eq!(logs["pageInfo"]["pageSize"], 0);
    assert_eq!(ops.get("/vidbs").await["vidbs"][0].get("displayName"), None);
    assert_eq!(ops.get("/ssorealms").await["ssoRealms"][2].get("vidbResourceId"), None);
    let path = format!("/ssorealms/{}/groups/query?page=0&pageSize=1", seeds::FLEET_REALM);
    let groups = ops.at("POST", &path, "{}").await.json();
    assert_eq!((groups.get("pageInfo"), groups["vidbGroups"][0].get("domainName")), (None, None));
    let url = format!("{}/suite-api/api/versions/current", ops.simulator.fleet_url());
    let version = crate::client::send("GET", &url, &[("accept", "application/json")], "").await.json();
    assert_eq!(version["description"], Value::Null);
    let error = ops.at("GET", "/ssorealms/no-uuid", "").await.json();
    assert!(error.get("httpStatusCode").is_none() && error["message"].is_string(), "{error}");
}
