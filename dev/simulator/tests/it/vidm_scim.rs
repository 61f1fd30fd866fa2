use crate::client::{API, Admin, encode};
use idhook_simulator::{ScimValues, seeds};
use serde_json::{Value, json};

const EXTENSION: &str = "urn:scim:schemas:extension:workspace:1.0";

async fn list(admin: &Admin, query: &str) -> crate::client::Got {
    admin.get(&format!("{API}/scim/Groups?{query}")).await
}

#[tokio::test]
async fn group_is_found_by_name_in_any_case_and_by_exact_dn() {
    let admin = Admin::new().await;
    assert_eq!(admin.groups("displayName eq \"GG-App@corp.example\"").await, [seeds::PRESENT_GROUP_NAME]);
    let by_dn = format!("distinguishedName eq \"{}\"", seeds::PRESENT_GROUP_DN);
    assert_eq!(admin.groups(&by_dn).await, [seeds::PRESENT_GROUP_NAME]);
    assert_eq!(admin.groups("displayName co \"gg-app\"").await.len(), 2);
    assert_eq!(admin.groups("displayName sw \"gg-app@\"").await.len(), 1);
    let either = "displayName eq \"gg-app@corp.example\" or displayName eq \"gg-picked@corp.example\"";
    assert_eq!(admin.groups(either).await.len(), 2);
    let both = format!("({either}) and domain eq \"lab.example\"");
    assert!(admin.groups(&both).await.is_empty());
}

#[tokio::test]
async fn quotes_and_backslashes_in_a_value_must_be_escaped() {
    let admin = Admin::new().await;
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let name = format!("displayName eq \"{}\"", escape(seeds::AWKWARD_GROUP_NAME));
    assert_eq!(admin.groups(&name).await, [seeds::AWKWARD_GROUP_NAME]);
    let dn = format!("distinguishedName eq \"{}\"", escape(seeds::AWKWARD_GROUP_DN));
    assert_eq!(admin.groups(&dn).await, [seeds::AWKWARD_GROUP_NAME]);
    let naive = encode(&format!("displayName eq \"{}\"", seeds::AWKWARD_GROUP_NAME));
    assert_eq!(list(&admin, &format!("filter={naive}")).await.status, 400);
}

#[tokio::test]
async fn a_resource_has_the_workspace_extension() {
    let admin = Admin::new().await;
    let filter = encode("displayName eq \"gg-app@corp.example\"");
    let got = list(&admin, &format!("filter={filter}")).await.json();
    let group = &got["Resources"][0];
    assert_eq!((&got["totalResults"], &got["schemas"][0]), (&json!(1), &json!("urn:scim:schemas:core:1.0")));
    assert_eq!(group[EXTENSION]["distinguishedName"], seeds::PRESENT_GROUP_DN);
    assert_eq!(group[EXTENSION]["internalGroupType"], "EXTERNAL");
    assert!(group["externalId"].is_string() && group["meta"]["created"].is_string());
    let got = list(&admin, &format!("filter={filter}&attributes=displayName")).await.json();
    assert_eq!(got["Resources"][0].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn members_are_listed_unless_attributes_are_requested() {
    let admin = Admin::new().await;
    admin.simulator.configure_vidm(|settings| settings.scim_members = 3);
    let filter = encode(&format!("distinguishedName eq \"{}\"", seeds::PRESENT_GROUP_DN));
    let got = list(&admin, &format!("filter={filter}")).await.json();
    assert_eq!(got["Resources"][0]["members"].as_array().unwrap().len(), 3);
    let asked = list(&admin, &format!("filter={filter}&attributes=id,displayName,distinguishedName")).await.json();
    let group = &asked["Resources"][0];
    assert!(group.get("members").is_none(), "{group}");
    assert_eq!(group[EXTENSION]["distinguishedName"], seeds::PRESENT_GROUP_DN);
}

#[tokio::test]
async fn no_match_is_an_empty_list() {
    let admin = Admin::new().await;
    let got = list(&admin, &format!("filter={}", encode("displayName eq \"nobody\""))).await;
    assert_eq!((got.status, &got.json()["totalResults"], &got.json()["Resources"]), (200, &json!(0), &json!([])));
}

#[tokio::test]
async fn status_depends_on_the_mistake_in_the_query() {
    let admin = Admin::new().await;
    for (query, status) in [
        (format!("filter={}", encode("displayName ne \"x\"")), 400),
        (format!("filter={}", encode("displayName pr")), 400),
        (format!("filter={}", encode("shoeSize eq \"x\"")), 400),
        ("attributes=shoeSize".to_owned(), 400),
        ("sortBy=shoeSize".to_owned(), 400),
        ("count=many".to_owned(), 404),
        ("startIndex=-1".to_owned(), 404),
    ] {
        let got = list(&admin, &query).await;
        assert_eq!(got.status, status, "{query}");
        got.code();
    }
}

#[tokio::test]
async fn pages_begin_with_zero_or_one_and_may_be_smaller_than_asked_for() {
    let admin = Admin::new().await;
    let ids = |got: &Value| {
        got["Resources"].as_array().unwrap().iter().map(|group| group["id"].to_string()).collect::<Vec<_>>()
    };
    let all = list(&admin, "").await.json();
    let total = usize::try_from(all["totalResults"].as_u64().unwrap()).unwrap();
    assert!(total >= 4);
    assert_eq!(ids(&list(&admin, "startIndex=0&count=2").await.json()), ids(&all)[..2]);
    assert_eq!(ids(&list(&admin, "startIndex=1&count=2").await.json()), ids(&all)[..2]);
    assert_eq!(ids(&list(&admin, "startIndex=3&count=1").await.json()), ids(&all)[2..3]);
    admin.simulator.configure_vidm(|settings| settings.scim_page_limit = Some(1));
    let got = list(&admin, "count=10000").await.json();
    assert_eq!((&got["itemsPerPage"], &got["totalResults"]), (&json!(1), &json!(total)));
}

#[tokio::test]
async fn list_without_count_has_twenty_entries() {
    let admin = Admin::new().await;
    for number in 0..30 {
        let dn = format!("CN=gg-{number},OU=Groups,DC=corp,DC=example");
        admin.simulator.add_directory_group(seeds::CORP, &dn).unwrap();
    }
    admin.simulator.set_sync_duration(idhook_simulator::SyncDuration::Fixed(std::time::Duration::ZERO));
    admin.sync(seeds::CORP, "").await;
    assert_eq!(list(&admin, "").await.json()["itemsPerPage"], 20);
}

#[tokio::test]
async fn a_long_filter_is_posted_to_search() {
    let admin = Admin::new().await;
    let path = format!("{API}/scim/Groups/.search?locale=en");
    let body = json!({"filter": "(displayName co \"gg-app\")", "attributes": "id,displayName", "count": 1}).to_string();
    let got = admin.send("POST", &path, &[("content-type", "application/json")], &body).await;
    assert_eq!((got.status, &got.json()["totalResults"], &got.json()["itemsPerPage"]), (200, &json!(2), &json!(1)));
    assert_eq!(admin.send("POST", &path, &[("content-type", "text/plain")], &body).await.status, 415);
}

#[tokio::test]
async fn literal_values_hold_what_is_written() {
    let admin = Admin::new().await;
    admin.simulator.configure_vidm(|settings| settings.scim_values = ScimValues::Literal);
    for (attribute, value) in
        [("displayName", seeds::AWKWARD_GROUP_NAME), ("distinguishedName", seeds::AWKWARD_GROUP_DN)]
    {
        let filter = format!("{attribute} eq \"{value}\"");
        assert_eq!(admin.groups(&filter).await, [seeds::AWKWARD_GROUP_NAME], "{filter}");
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        assert!(admin.groups(&format!("{attribute} eq \"{escaped}\"")).await.is_empty(), "{escaped}");
    }
}

#[tokio::test]
async fn filter_that_is_encoded_twice_finds_nothing() {
    let admin = Admin::new().await;
    let twice = encode(&encode("displayName eq \"gg-app@corp.example\""));
    let got = list(&admin, &format!("filter={twice}")).await;
    assert_eq!((got.status, &got.json()["totalResults"]), (200, &json!(0)));
}

#[tokio::test]
async fn scim_omits_groups_as_configured() {
    let admin = Admin::new().await;
    let filter = encode("displayName eq \"gg-app@corp.example\"");
    admin.simulator.configure_vidm(|settings| settings.scim_hides = 1);
    let got = list(&admin, &format!("filter={filter}")).await.json();
    assert_eq!((&got["totalResults"], got["Resources"].as_array().unwrap().len()), (&json!(2), 1));
    admin.simulator.configure_vidm(|settings| {
        settings.scim_hides = 0;
        settings.scim_first_is_zero = true;
    });
    let held = async |start: u32| {
        let got = list(&admin, &format!("filter={filter}&startIndex={start}")).await.json();
        got["Resources"].as_array().unwrap().len()
    };
    assert_eq!((held(0).await, held(1).await), (1, 0));
    admin.simulator.configure_vidm(|settings| {
        settings.scim_rejects = vec!["gg-app".to_owned()];
        settings.scim_search = false;
    });
    assert_eq!(list(&admin, &format!("filter={filter}")).await.status, 400);
    let body = json!({"filter": "displayName eq \"x\""}).to_string();
    let path = format!("{API}/scim/Groups/.search");
    assert_eq!(admin.send("POST", &path, &[("content-type", "application/json")], &body).await.status, 404);
}

#[tokio::test]
async fn user_comes_with_a_run_and_is_found_by_name() {
    let admin = Admin::new().await;
    admin.simulator.set_sync_duration(idhook_simulator::SyncDuration::Fixed(std::time::Duration::ZERO));
    admin.simulator.add_directory_user("corp.example", "ada").unwrap();
    let find = async |filter: &str| admin.get(&format!("{API}/scim/Users?filter={}", encode(filter))).await;
    assert_eq!(find(r#"userName eq "ada""#).await.json()["totalResults"], 0);
    admin.sync(idhook_simulator::seeds::CORP, "").await;
    admin.status().await;
    let found = find(r#"userName eq "ADA" or userPrincipalName eq "ada@corp.example""#).await.json();
    assert_eq!((&found["totalResults"], &found["Resources"][0]["userName"]), (&json!(1), &json!("ada")));
    assert_eq!(find(r#"displayName eq "ada""#).await.status, 400);
    let groups = admin.get(&format!("{API}/scim/Groups?filter={}", encode(r#"userName eq "ada""#))).await;
    assert_eq!(groups.status, 400);
}
