use crate::client::{API, Admin, DIRECTORIES, LIST};
use idhook_simulator::seeds;
use serde_json::Value;

async fn items(admin: &Admin, query: &str) -> Vec<Value> {
    admin.get(&format!("{DIRECTORIES}{query}")).await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn list_has_the_vendors_media_type_for_any_wildcard() {
    let admin = Admin::new().await;
    for accept in [&[][..], &[("accept", LIST)], &[("accept", "*/*")], &[("accept", "text/html, */*;q=0.1")]] {
        let got = admin.send("GET", DIRECTORIES, accept, "").await;
        assert_eq!((got.status, got.header("content-type")), (200, LIST));
    }
}

#[tokio::test]
async fn accept_json_is_406_unless_relaxed() {
    let admin = Admin::new().await;
    let accept = [("accept", "application/json")];
    let got = admin.send("GET", DIRECTORIES, &accept, "").await;
    assert_eq!((got.status, got.header("content-type")), (406, "text/html;charset=utf-8"));
    admin.simulator.configure_vidm(|settings| settings.strict_media_types = false);
    let got = admin.send("GET", DIRECTORIES, &accept, "").await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/json"));
}

#[tokio::test]
async fn every_seed_exists_with_its_pitfalls() {
    let admin = Admin::new().await;
    let items = items(&admin, "").await;
    let by_id = |id: &str| items.iter().find(|item| item["directoryId"] == id).unwrap_or_else(|| panic!("{id}"));
    assert_eq!(by_id(seeds::SYSTEM_DIRECTORY)["type"], "LOCAL_DIRECTORY");
    assert_eq!(by_id(seeds::SYSTEM_DIRECTORY)["syncConfigurationEnabled"], false);
    assert_eq!(by_id(seeds::CORP)["type"], "ACTIVE_DIRECTORY_LDAP");
    assert_eq!(by_id(seeds::CORP)["syncConfigurationEnabled"], true);
    assert_eq!(by_id(seeds::LAB_FIRST)["name"], by_id(seeds::LAB_SECOND)["name"]);
    assert_eq!(by_id(seeds::DELETING)["deleteInProgress"], true);
    assert_eq!(by_id(seeds::CLOUD)["migratedToEnterpriseService"], true);
    for field in ["userstoreId", "countDomains", "_links", "unifiedSettings"] {
        assert!(by_id(seeds::CORP).get(field).is_some(), "{field}");
    }
}

#[tokio::test]
async fn jit_directories_are_listed_only_on_request() {
    let admin = Admin::new().await;
    let has_jit = |items: &[Value]| items.iter().any(|item| item["directoryId"] == seeds::JIT);
    assert!(!has_jit(&items(&admin, "").await));
    assert!(!has_jit(&items(&admin, "?includeJitDirectories=false").await));
    assert!(has_jit(&items(&admin, "?includeJitDirectories=true").await));
}

#[tokio::test]
async fn one_directory_its_domains_and_its_connectors() {
    let admin = Admin::new().await;
    let one = format!("{DIRECTORIES}/{}", seeds::CORP);
    let got = admin.get(&one).await;
    assert_eq!(got.json()["directoryConfigId"], seeds::CORP);
    assert_eq!(got.json()["baseDN"], "DC=corp,DC=example");
    let domains = admin.get(&format!("{one}/domains")).await.json();
    assert!(domains["items"][0]["_links"]["self"]["href"].as_str().unwrap().contains("/domains/"));
    assert!(admin.get(&format!("{one}/connectors")).await.json()["items"][0]["instanceId"].is_string());
    let instances = admin.get(&format!("{API}/connectormanagement/connectorinstances")).await.json();
    assert!(instances["items"][0]["host"].is_string());
    let got = admin.get(&format!("{DIRECTORIES}/00000000-0000-4000-8000-000000000000")).await;
    assert_eq!((got.status, got.code().as_str()), (404, "not.found"));
}
