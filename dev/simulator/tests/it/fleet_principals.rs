use crate::client::Got;
use crate::ops::{Ops, path_of, term};
use idhook_simulator::{DisplayNames, EqualsCase, FleetVersion, KnownPrincipal, LikeTerms, Outcome, PageCap, seeds};
use serde_json::{Value, json};

const UNPICKED: &str = "CN=gg-unpicked,OU=Picked,DC=corp,DC=example";

async fn query(ops: &Ops, path: &str, body: &Value) -> Got {
    ops.at("POST", &format!("/ssorealms/{}{path}", seeds::FLEET_REALM), &body.to_string()).await
}

#[tokio::test]
async fn groups_are_found_by_name_and_domain() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let corp = term("DOMAIN", "EQUALS", &["corp.example"]);
    let names = ["gg-app", "gg-\"quoted\", été", "gg-missing"];
    let found = ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &names), corp])).await;
    assert_eq!(found, ["gg-app", "gg-\"quoted\", été"]);
    assert!(
        ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-app"]), term("DOMAIN", "EQUALS", &["x"])]))
            .await
            .is_empty()
    );
    // The vendor's example has both terms under anyOf, which finds every group of the domain.
    let any = json!({"searchTerms": {"anyOf": [term("DISPLAY_NAME", "EQUALS", &["gg-app"]), corp]}});
    let got = query(&ops, "/groups/query?page=0&pageSize=50", &any).await.json();
    assert_eq!(got["pageInfo"]["totalCount"], 6);
    assert_eq!(ops.groups(json!([term("DISPLAY_NAME", "NOT_EMPTY", &[])])).await.len(), 6);
    assert!(ops.groups(json!([term("ROLES", "NOT_EMPTY", &[])])).await.is_empty());
    let without_roles =
        query(&ops, "/groups/query?page=0&pageSize=50", &json!({"filters": "HAS_NO_ROLE"})).await.json();
    assert_eq!(without_roles["pageInfo"]["totalCount"], 6);
}

#[tokio::test]
async fn comparison_and_names_follow_the_settings() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let equals = json!([term("DISPLAY_NAME", "EQUALS", &["GG-APP"])]);
    assert!(ops.groups(equals.clone()).await.is_empty());
    ops.simulator.configure_fleet(|settings| settings.equals = EqualsCase::Ignored);
    assert_eq!(ops.groups(equals).await, ["gg-app"]);
    assert_eq!(ops.groups(json!([term("DISPLAY_NAME", "LIKE", &["G-APP"])])).await.len(), 2);
    ops.simulator.configure_fleet(|settings| settings.like = LikeTerms::Asterisk);
    assert_eq!(ops.groups(json!([term("DISPLAY_NAME", "LIKE", &["g*-admins"])])).await, ["gg-app-admins"]);
    ops.simulator.configure_fleet(|settings| settings.display_names = DisplayNames::WithDomain);
    assert!(ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-app"])])).await.is_empty());
    let found = ops.groups(json!([term("DISPLAY_NAME", "EQUALS", &["gg-app@corp.example"])])).await;
    assert_eq!(found, ["gg-app@corp.example"]);
}

#[tokio::test]
async fn dn_and_id_are_searchable_from_9_1_1() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let by_dn = json!({"searchTerms": {"allOf": [term("DN", "EQUALS", &[seeds::AWKWARD_GROUP_DN])]}});
    assert_eq!(query(&ops, "/groups/query?page=0&pageSize=50", &by_dn).await.status, 400);
    ops.switch(FleetVersion::V9_1_1);
    let got = query(&ops, "/groups/query?page=0&pageSize=50", &by_dn).await.json();
    assert_eq!(
        (&got["pageInfo"]["totalCount"], &got["vidbGroups"][0]["groupName"]),
        (&json!(1), &json!("gg-\"quoted\", été"))
    );
    let id = got["vidbGroups"][0]["groupId"].as_str().unwrap();
    assert_eq!(ops.groups(json!([term("ID", "EQUALS", &[id])])).await.len(), 1);
    ops.simulator.configure_fleet(|settings| settings.ignores_dn = true);
    assert!(ops.groups(json!([term("DN", "EQUALS", &["CN=none,DC=corp,DC=example"])])).await.len() > 1);
}

#[tokio::test]
async fn pages_are_required_sorted_and_capped() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    for bad in ["", "?page=0", "?page=a&pageSize=1", "?page=0&pageSize=0", "?page=0&pageSize=1&sortBy=SIZE"] {
        assert_eq!(query(&ops, &format!("/groups/query{bad}"), &json!({})).await.status, 400, "{bad}");
    }
    let sorted = "/groups/query?page=1&pageSize=2&sortBy=DISPLAYNAME&sortOrder=DESCENDING";
    let got = query(&ops, sorted, &json!({})).await.json();
    let names: Vec<&str> =
        got["vidbGroups"].as_array().unwrap().iter().map(|group| group["displayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["gg-nested", "gg-app-admins"]);
    assert_eq!(got["pageInfo"]["sortBy"], "DISPLAYNAME");
    ops.simulator.configure_fleet(|settings| settings.page_cap = PageCap::Shortened(4));
    let got = query(&ops, "/groups/query?page=0&pageSize=50", &json!({})).await.json();
    assert_eq!((&got["pageInfo"]["pageSize"], got["vidbGroups"].as_array().unwrap().len()), (&json!(4), 4));
    ops.simulator.configure_fleet(|settings| settings.page_cap = PageCap::Rejected(4));
    assert_eq!(query(&ops, "/groups/query?page=0&pageSize=5", &json!({})).await.status, 400);
    for bad in [
        json!({"filters": "SOME"}),
        json!({"searchTerms": {"allOf": [term("SHOE_SIZE", "EQUALS", &["1"])]}}),
        json!({"searchTerms": {"allOf": [term("DOMAIN", "IS", &["1"])]}}),
        json!({"searchTerms": {"allOf": [term("DOMAIN", "EQUALS", &[])]}}),
        json!({"searchTerms": {"allOf": {}}}),
    ] {
        assert_eq!(query(&ops, "/groups/query?page=0&pageSize=1", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn users_and_members_are_listed() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let ada = json!({"searchTerms": {"allOf": [term("USERNAME", "EQUALS", &["ada"]), term("DOMAIN", "EQUALS", &["corp.example"])]}});
    let got = query(&ops, "/users/query?page=0&pageSize=50", &ada).await.json();
    assert_eq!((&got["pageInfo"]["totalCount"], &got["vidbUsers"][0]["lastName"]), (&json!(1), &json!("Lovelace")));
    let groups = ops.simulator.fleet_groups(seeds::FLEET_CORP).unwrap();
    let nested = groups.iter().find(|group| group.dn == seeds::FLEET_NESTED_GROUP_DN).unwrap();
    let path = format!("/groups/{}/members/query?page=0&pageSize=50&sortBy=FIRSTNAME", nested.id);
    let got = query(&ops, &path, &json!({})).await.json();
    // The members of the inner group are members of the outer one.
    let members: Vec<&str> =
        got["vidbUsers"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect();
    assert_eq!(members, ["ada", "grace", "jgross"]);
    let unknown = format!("/groups/{}/members/query?page=0&pageSize=50", seeds::FLEET_CORP);
    assert_eq!(query(&ops, &unknown, &json!({})).await.status, 404);
}

async fn provision(ops: &Ops, directory: &str, dn: &str, kind: &str) -> Got {
    let body = json!({"dn": dn, "principalType": kind}).to_string();
    ops.at("POST", &format!("{}/principals", path_of(directory)), &body).await
}

#[tokio::test]
async fn single_principal_comes_and_goes_without_a_sync() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    assert_eq!(provision(&ops, seeds::FLEET_CORP, UNPICKED, "GROUP").await.status, 404);
    ops.switch(FleetVersion::V9_1_1);
    let got = provision(&ops, seeds::FLEET_CORP, UNPICKED, "GROUP").await;
    assert_eq!((got.status, &got.json()["name"]), (201, &json!("gg-unpicked")));
    let id = got.json()["principalId"].as_str().unwrap().to_owned();
    assert_eq!(ops.groups(json!([term("DN", "EQUALS", &[UNPICKED])])).await.len(), 1);
    assert_eq!(provision(&ops, seeds::FLEET_CORP, UNPICKED, "GROUP").await.json()["principalId"], id.as_str());
    ops.sync(seeds::FLEET_CORP).await;
    ops.simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap();
    assert_eq!(ops.groups(json!([term("ID", "EQUALS", &[&id])])).await.len(), 1);
    let path = format!("{}/principals/{id}", path_of(seeds::FLEET_CORP));
    assert_eq!(ops.at("DELETE", &path, "").await.status, 204);
    assert_eq!(ops.at("DELETE", &path, "").await.status, 404);
    assert!(ops.groups(json!([term("ID", "EQUALS", &[&id])])).await.is_empty());
}

#[tokio::test]
async fn single_principals_follow_the_settings() {
    let ops = Ops::new(FleetVersion::V9_1_1).await;
    let missing = "CN=gg-missing,OU=Picked,DC=corp,DC=example";
    assert_eq!(provision(&ops, seeds::FLEET_CORP, missing, "GROUP").await.status, 404);
    assert_eq!(provision(&ops, seeds::FLEET_CORP, seeds::FLEET_NON_COMPLIANT_DN, "GROUP").await.status, 400);
    assert_eq!(provision(&ops, seeds::FLEET_CORP, UNPICKED, "APICLIENT").await.status, 400);
    ops.simulator.configure_fleet(|settings| {
        settings.principals.known = KnownPrincipal::Conflict;
        settings.principals.kept_by_runs = false;
    });
    assert_eq!(provision(&ops, seeds::FLEET_CORP, seeds::PRESENT_GROUP_DN, "GROUP").await.status, 409);
    assert_eq!(provision(&ops, seeds::FLEET_CORP, UNPICKED, "GROUP").await.status, 201);
    ops.sync(seeds::FLEET_CORP).await;
    ops.simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap();
    assert!(ops.groups(json!([term("DN", "EQUALS", &[UNPICKED])])).await.is_empty());
    ops.simulator.configure_fleet(|settings| settings.principals.with_full_sync = false);
    assert_eq!(provision(&ops, seeds::FLEET_CORP, UNPICKED, "GROUP").await.status, 400);
    let on_demand = "CN=gg-one,OU=Groups,DC=ondemand,DC=example";
    assert_eq!(provision(&ops, seeds::FLEET_ON_DEMAND, on_demand, "GROUP").await.status, 201);
}

#[tokio::test]
async fn groups_of_a_user_are_listed_from_9_1_1() {
    let ops = Ops::new(FleetVersion::V9_1_0).await;
    let ada = json!({"searchTerms": {"allOf": [term("USERNAME", "EQUALS", &["ada"])]}});
    let id = query(&ops, "/users/query?page=0&pageSize=50", &ada).await.json()["vidbUsers"][0]["userId"].clone();
    let path = format!("/ssorealms/{}/users/{}/groups", seeds::FLEET_REALM, id.as_str().unwrap());
    assert_eq!(ops.at("GET", &path, "").await.status, 404);
    ops.switch(FleetVersion::V9_1_1);
    let got = ops.get(&path).await;
    let names: Vec<&str> =
        got["vidbGroups"].as_array().unwrap().iter().map(|group| group["displayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["gg-app", "gg-nested"]);
}
