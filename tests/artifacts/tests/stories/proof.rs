//! Groups are proven whatever this vIDM's SCIM supports, and a failed proof does not fail the run.

use idhook_simulator::{Outcome, ScimValues, VidmSettings, seeds};
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::Scene;

stories! {
    all:
    awkward_groups_are_proven_with_any_scim,
    users_are_proven_in_one_call_however_they_are_written,
    rejected_look_up_does_not_affect_other_groups,
    invalid_group_names_start_nothing,
}

/// DNs in every spelling that needs care, and the names in vIDM.
const AWKWARD: [(&str, &str); 6] = [
    ("CN=Sales\\, EMEA,OU=Groups,DC=corp,DC=example", "Sales, EMEA@corp.example"),
    ("CN=100% a\\+b,OU=Groups,DC=corp,DC=example", "100% a+b@corp.example"),
    ("CN=gg München,OU=Groups,DC=corp,DC=example", "gg München@corp.example"),
    ("CN=R&D (東京),OU=Groups,DC=corp,DC=example", "R&D (東京)@corp.example"),
    (seeds::AWKWARD_GROUP_DN, seeds::AWKWARD_GROUP_NAME),
    ("CN=gg plain,OU=Groups,DC=corp,DC=example", "gg plain@corp.example"),
];

/// The state after a run for these groups.
async fn state(scene: &Scene, groups: &[&str]) -> Value {
    let place = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let started = scene.post(&place, &json!({ "groups": groups }).to_string()).await;
    assert_eq!(started.status, 202, "{}", started.text);
    let place = started.header("location").to_owned();
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let state = scene.get(&place).await;
    assert_eq!(state.status, 200, "{}", state.text);
    state.json()
}

async fn awkward_groups_are_proven_with_any_scim(artifact: Artifact) {
    let settings: [fn(&mut VidmSettings); 5] = [
        |_| {},
        |settings| settings.scim_values = ScimValues::Literal,
        |settings| settings.scim_search = false,
        |settings| settings.scim_first_is_zero = true,
        |settings| settings.scim_page_limit = Some(1),
    ];
    for (at, set) in settings.into_iter().enumerate() {
        let scene = Scene::of(artifact).await;
        scene.simulator.configure_vidm(set);
        for (dn, _) in AWKWARD.iter().filter(|(dn, _)| *dn != seeds::AWKWARD_GROUP_DN) {
            scene.simulator.add_directory_group(seeds::CORP, dn).unwrap();
        }
        let dns = AWKWARD.map(|(dn, _)| dn);
        let names = AWKWARD.map(|(_, name)| name);
        let all: Vec<_> = dns.into_iter().chain(names).collect();
        let state = state(&scene, &all).await;
        assert_eq!(state["status"], "succeeded", "{at}: {state}");
    }
}

async fn users_are_proven_in_one_call_however_they_are_written(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let sync = async |users: &[&str]| {
        let started = scene.post(&place, &json!({ "users": users }).to_string()).await;
        assert_eq!(started.status, 202, "{}", started.text);
        scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        started.header("location").to_owned()
    };
    let states = |state: &Value| -> Vec<Value> {
        state["users"].as_array().unwrap().iter().map(|user| user["state"].clone()).collect()
    };
    for account in ["nora", "o'neil", "zoë + 100%"] {
        scene.simulator.add_directory_user(seeds::CORP, account).unwrap();
    }
    let plain = ["nora@corp.example", "olaf@corp.example"];
    let first = sync(&plain).await;
    scene.simulator.clear_calls();
    let state = scene.get(&first).await.json();
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("user_absent")), "{state}");
    assert_eq!(states(&state), ["present", "absent"], "{state}");
    let lookups = scene.simulator.calls().iter().filter(|call| call.path().contains("/scim/Users")).count();
    assert_eq!(lookups, 1 + 3, "two users cost one call, and the absent one is looked up by itself in each form");

    // A later run brings the user, and the first request finds it as well.
    scene.simulator.add_directory_user(seeds::CORP, "olaf").unwrap();
    let second = sync(&plain).await;
    for place in [second, first] {
        assert_eq!(scene.get(&place).await.json()["status"], "succeeded", "{place}");
    }
    let hostile =
        ["o'neil@corp.example", "zoë + 100%@corp.example", "x\" or userName pr@corp.example", "*@corp.example"];
    let state = scene.get(&sync(&hostile).await).await.json();
    assert_eq!(states(&state)[..2], ["present", "present"], "{state}");
    assert!(states(&state)[2..].iter().all(|state| state != "present"), "{state}");
}

async fn rejected_look_up_does_not_affect_other_groups(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.simulator.configure_vidm(|settings| settings.scim_rejects = vec!["Zürich".to_owned()]);
    let found = state(&scene, &[seeds::PRESENT_GROUP_NAME, "Zürich@corp.example"]).await;
    assert_eq!(found["status"], "unknown", "{found}");
    assert_eq!((&found["groups"][0]["state"], &found["groups"][1]["state"]), (&json!("present"), &json!("unknown")));
    assert!(found["message"].as_str().unwrap().contains("the run succeeded"), "{found}");
    assert!(found["groups"][1]["detail"].as_str().unwrap().contains("400"), "{found}");

    let scene = Scene::of(artifact).await;
    scene.simulator.configure_vidm(|settings| settings.scim_hides = 1);
    let found = state(&scene, &["gg-nobody@corp.example"]).await;
    assert_eq!((&found["status"], &found["groups"][0]["state"]), (&json!("unknown"), &json!("unknown")), "{found}");
}

async fn invalid_group_names_start_nothing(artifact: Artifact) {
    const TWO: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example CN=gg-b,OU=Groups,DC=corp,DC=example";
    let scene = Scene::of(artifact).await;
    for group in ["gg-app", TWO, "gg-a@corp.example;gg-b@corp.example", "System.Object[]"] {
        let place = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
        let problem = scene.post(&place, &json!({"groups": [group]}).to_string()).await.problem("request_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/groups/0", "{problem}");
    }
    scene.get("/vidm/default/v1/groups?name=gg-app").await.problem("request_invalid");
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 0);
}
