use crate::ops::{Ops, path_of, term};
use idhook_simulator::{FleetVersion, Outcome, ProfilePut, seeds};
use serde_json::{Value, json};

const UNPICKED: &str = "CN=gg-unpicked,OU=Picked,DC=corp,DC=example";

async fn ops() -> Ops {
    Ops::new(FleetVersion::V9_1_0).await
}

fn path() -> String {
    format!("{}/sync-profile", path_of(seeds::FLEET_CORP))
}

async fn sync(ops: &Ops) {
    ops.sync(seeds::FLEET_CORP).await;
    ops.simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap();
}

async fn put(ops: &Ops, profile: &Value) -> crate::client::Got {
    ops.at("PUT", &path(), &profile.to_string()).await
}

/// The entries of Active Directory below a base DN whose name begins with a term.
async fn lookup(ops: &Ops, kind: &str, search_dn: &str, term: &str) -> Vec<Value> {
    let body = json!({"searchDn": search_dn, "searchTerm": term}).to_string();
    let got = ops.at("POST", &format!("{}/{kind}/query", path_of(seeds::FLEET_CORP)), &body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let name = if kind == "groups" { "ldapGroups" } else { "ldapUsers" };
    got.json()[name].as_array().unwrap().clone()
}

#[tokio::test]
async fn group_that_was_looked_up_and_added_comes_with_the_next_run() {
    let ops = ops().await;
    let mut profile = ops.get(&path()).await;
    let found = lookup(&ops, "groups", seeds::CORP_PICKED, "GG-UNPICKED").await;
    assert_eq!((found.len(), &found[0]["dn"]), (1, &json!(UNPICKED)));
    profile["ldapGroups"].as_array_mut().unwrap().push(found[0].clone());
    let got = put(&ops, &profile).await;
    assert_eq!((got.status, got.json()), (200, profile));
    sync(&ops).await;
    assert_eq!(ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-unpicked"])])).await.len(), 1);
    assert_eq!(ops.simulator.fleet_selected(seeds::FLEET_CORP).unwrap().len(), 3);
}

#[tokio::test]
async fn put_replaces_or_merges_and_may_start_a_run() {
    let ops = ops().await;
    let mut profile = ops.get(&path()).await;
    let old = profile["ldapGroups"].take();
    profile["ldapGroups"] = json!([{"baseDn": seeds::CORP_PICKED, "dn": UNPICKED}]);
    ops.simulator.configure_fleet(|settings| settings.profile_put = ProfilePut::Merge);
    assert_eq!(put(&ops, &profile).await.json()["ldapGroups"].as_array().unwrap().len(), 3);
    assert_eq!(put(&ops, &profile).await.json()["ldapGroups"].as_array().unwrap().len(), 3);
    ops.simulator.configure_fleet(|settings| settings.profile_put = ProfilePut::Replace);
    put(&ops, &profile).await;
    assert_eq!(ops.simulator.fleet_selected(seeds::FLEET_CORP).unwrap().into_iter().collect::<Vec<_>>(), [UNPICKED]);
    assert!(ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().is_empty());
    // A client that writes only its own group loses the others.
    sync(&ops).await;
    assert_eq!(ops.groups(json!([])).await, ["gg-unpicked"]);
    ops.simulator.configure_fleet(|settings| settings.profile_put_syncs = true);
    profile["ldapGroups"] = old;
    put(&ops, &profile).await;
    put(&ops, &profile).await;
    let runs = ops.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap();
    assert_eq!((runs.len(), runs[1].joined), (2, 0));
    assert_eq!(ops.directory(seeds::FLEET_CORP).await["lastSyncStatus"], "IN_PROGRESS");
}

#[tokio::test]
async fn profile_that_violates_the_schema_is_rejected() {
    let ops = ops().await;
    let profile = ops.get(&path()).await;
    let with = |pointer: &str, value: Value| {
        let mut changed = profile.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let mut without = profile.clone();
    without.as_object_mut().unwrap().remove("userAttributeMappings");
    for bad in [
        without,
        with("/ldapGroups", json!([{"dn": UNPICKED}])),
        with("/ldapGroups", json!([{"baseDn": "DC=corp,DC=example"}])),
        with("/ldapGroups", json!([{"baseDn": "DC=a", "dn": UNPICKED, "id": seeds::FLEET_CORP}])),
        with("/ldapUsers", json!([{"baseDn": "DC=a", "dn": "CN=a"}])),
        with("/syncSchedule/frequency", json!("SOMETIMES")),
        with("/userAttributeMappings", json!([{"attributeName": "userName"}])),
        json!([]),
    ] {
        assert_eq!(put(&ops, &bad).await.status, 400, "{bad}");
    }
    assert_eq!(ops.get(&path()).await, profile);
}

#[tokio::test]
async fn non_compliant_group_is_shown_and_never_imported() {
    let ops = ops().await;
    let found = lookup(&ops, "groups", "DC=corp,DC=example", "gg-broken").await;
    assert_eq!(found[0]["compliant"], false);
    assert_eq!(found[0]["validationResult"]["invalidAttributes"], json!(["sAMAccountName"]));
    let mut profile = ops.get(&path()).await;
    profile["ldapGroups"].as_array_mut().unwrap().push(found[0].clone());
    assert_eq!(put(&ops, &profile).await.status, 200);
    sync(&ops).await;
    assert!(ops.groups(json!([term("DISPLAY_NAME", "LIKE", &["gg-broken"])])).await.is_empty());
}

#[tokio::test]
async fn lookup_matches_the_beginning_of_the_name_below_its_base() {
    let ops = ops().await;
    let names = async |base: &str, term: &str| {
        let found = lookup(&ops, "groups", base, term).await;
        found.iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("OU=Groups,DC=corp,DC=example", "gg-app").await, ["gg-app", "gg-app-admins"]);
    assert!(names("OU=Groups,DC=corp,DC=example", "app").await.is_empty());
    assert_eq!(names(seeds::CORP_PICKED, "").await.len(), 3);
    assert_eq!(names("DC=corp,DC=example", "gg-\"quoted\", é").await, ["gg-\"quoted\", été"]);
    let users = lookup(&ops, "users", "DC=corp,DC=example", "ada").await;
    assert_eq!((users.len(), &users[0]["name"]), (1, &json!("Ada Lovelace")));
    let path = format!("{}/groups/query", path_of(seeds::FLEET_CORP));
    assert_eq!(ops.at("POST", &path, r#"{"searchTerm":"a"}"#).await.status, 400);
}

#[tokio::test]
async fn search_dn_is_optional_with_on_demand() {
    let ops = Ops::new(FleetVersion::V9_1_1).await;
    let query = async |id: &str| ops.at("POST", &format!("{}/groups/query", path_of(id)), "{}").await;
    assert_eq!(query(seeds::FLEET_CORP).await.status, 400);
    let got = query(seeds::FLEET_ON_DEMAND).await;
    assert_eq!((got.status, &got.json()["ldapGroups"][0]["roleAssignments"]), (200, &json!(false)));
}
