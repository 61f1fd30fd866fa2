//! Directories, syncs, groups, health.

use idhook_simulator::{Options as SimulatorOptions, Outcome, credentials, seeds};
use reqwest::Method;
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting, send};

stories! {
    all:
    main_job_works_over_http,
    main_job_works_over_https_with_a_private_ca,
    cold_start_makes_four_calls_and_warm_one,
    safeguards_stay_on_without_the_override_scope,
    tripped_safeguard_is_reported,
    directory_is_read_from_the_body,
    migrated_directory_uses_the_v2_call,
    unsuitable_directories_are_rejected,
    directories_are_filtered,
    all_logins_and_tenancies_work,
    json_profile_works_with_a_plain_json_server,
    groups_are_found_exactly,
    vidm_health_is_returned_typed,
    forged_id_is_rejected,
}

const DIRECTORIES: &str = "/vidm/default/v1/directories";

fn syncs(directory: &str) -> String {
    format!("{DIRECTORIES}/{directory}/syncs")
}

fn present(directory: &str) -> String {
    format!("{DIRECTORIES}/{directory}/sync")
}

/// The main job: list, start by name, watch it from running to succeeded; and its upstream calls.
async fn main_job(scene: &Scene) {
    let listed = scene.get(DIRECTORIES).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let listed = listed.json();
    let names: Vec<_> = listed["directories"].as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap()).collect();
    assert!(names.contains(&seeds::CORP_NAME) && names.contains(&"System Directory"), "{names:?}");

    let started = scene.post(&syncs(seeds::CORP_NAME), "").await;
    assert_eq!(started.status, 202, "{}", started.text);
    let document = started.json();
    assert_eq!(document["status"], "running");
    assert_eq!(
        document["directory"],
        json!({"id": seeds::CORP, "name": seeds::CORP_NAME, "type": "ACTIVE_DIRECTORY_LDAP"})
    );
    let place = started.header("location").to_owned();
    assert_eq!(document["links"]["self"], place.as_str());
    assert!(place.ends_with(document["id"].as_str().unwrap()));
    assert!(started.header("retry-after").parse::<u64>().unwrap() > 0);

    let running = scene.get(&place).await;
    assert_eq!((running.status.as_u16(), &running.json()["status"]), (200, &json!("running")), "{}", running.text);
    assert!(!running.header("retry-after").is_empty());
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let done = scene.get(&place).await;
    assert_eq!(done.json()["status"], "succeeded", "{}", done.text);
    assert_eq!(done.header("retry-after"), "", "a final state has no Retry-After");
    assert_eq!(done.json()["id"], document["id"]);
    assert_eq!(done.json()["requestedAt"], document["requestedAt"]);

    let present = scene.get(&format!("{DIRECTORIES}/{}/sync", seeds::CORP_NAME)).await;
    assert_eq!(present.json()["status"], "succeeded", "{}", present.text);
}

async fn main_job_works_over_http(artifact: Artifact) {
    main_job(&Scene::of(artifact).await).await;
}

async fn main_job_works_over_https_with_a_private_ca(artifact: Artifact) {
    main_job(&Scene::with(Setting { tls: true, ..Setting::of(artifact) }).await).await;
}

async fn cold_start_makes_four_calls_and_warm_one(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    assert_eq!(scene.post(&syncs(seeds::CORP_NAME), "{}").await.status, 202);
    let cold = scene.asked();
    assert_eq!(cold.len(), 4, "login, list, look, kick-off: {cold:?}");
    let finished = async || {
        scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
        assert_eq!(scene.get(&present(seeds::CORP)).await.json()["status"], "succeeded");
        scene.asked();
    };
    finished().await;

    assert_eq!(scene.post(&syncs(seeds::CORP_NAME), "{}").await.status, 202);
    // Whether a start observes first depends on the speed of the previous response; tests/it counts that with its own clock.
    let starts = || {
        let mut asked = scene.asked();
        if scene.remembers() {
            asked.retain(|call| !(call.starts_with("GET ") && call.ends_with("/syncprofile/sync")));
        }
        asked
    };
    let by_name = starts();
    if !scene.remembers() {
        assert_eq!(by_name, cold, "where nothing is remembered every start is a cold one");
    } else {
        assert_eq!(by_name.len(), 1, "the name is known by now: {by_name:?}");
    }
    finished().await;

    assert_eq!(scene.post(&syncs(seeds::CORP), "{}").await.status, 202);
    let by_id = starts();
    assert_eq!(by_id.len(), if scene.remembers() { 1 } else { 4 }, "{by_id:?}");
    assert!(by_id.last().unwrap().ends_with("/syncprofile/sync"), "{by_id:?}");
}

async fn safeguards_stay_on_without_the_override_scope(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    assert_eq!(scene.post(&syncs(seeds::CORP), "").await.status, 202);
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    assert!(!scene.simulator.runs(seeds::CORP).unwrap()[0].ignore_safeguards);

    let request = scene.request(Method::POST, &syncs(seeds::CORP)).bearer_auth(&scene.keys.syncer);
    let refused = send(request.body(r#"{"ignoreSafeguards":"true"}"#)).await;
    assert!(refused.problem("forbidden")["detail"].as_str().unwrap().contains("vidm:override"));
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1, "nothing was started");

    assert_eq!(scene.post(&syncs(seeds::CORP), r#"{"ignoreSafeguards":true}"#).await.status, 202);
    let runs = scene.simulator.runs(seeds::CORP).unwrap();
    assert!(runs.iter().any(|run| run.ignore_safeguards));
    assert!(scene.log().iter().any(|line| line["ignore_safeguards"] == json!(true)), "it leaves a mark in the log");
}

async fn tripped_safeguard_is_reported(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = scene.post(&syncs(seeds::CORP), "").await.header("location").to_owned();
    scene.simulator.finish_sync(seeds::CORP, Outcome::SafeguardsTripped).unwrap();
    let state = scene.get(&place).await.json();
    assert_eq!((&state["status"], &state["reason"]), (&json!("failed"), &json!("safeguard_tripped")), "{state}");
}

async fn directory_is_read_from_the_body(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let started = scene.post("/vidm/default/v1/syncs", r#"{"directory":"CORP.example"}"#).await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert_eq!(started.json()["directory"]["id"], seeds::CORP);
    let missing = scene.post("/vidm/default/v1/syncs", "{}").await;
    assert_eq!(missing.problem("request_invalid")["errors"][0]["pointer"], "/directory");
}

async fn migrated_directory_uses_the_v2_call(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let started = scene.post(&syncs(seeds::CLOUD_NAME), "").await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert!(scene.simulator.runs(seeds::CLOUD).unwrap()[0].v2);
    // By id nothing is known about it, and the wrong call is tried first; the next start uses the right one.
    let scene = Scene::of(artifact).await;
    let started = scene.post(&syncs(seeds::CLOUD), "").await;
    assert_eq!(started.status, 202, "{}", started.text);
    scene.simulator.finish_sync(seeds::CLOUD, Outcome::Completed).unwrap();
    assert_eq!(scene.get(&present(seeds::CLOUD)).await.json()["status"], "succeeded");
    scene.asked();
    assert_eq!(scene.post(&syncs(seeds::CLOUD), "").await.status, 202);
    let asked = scene.asked();
    assert!(asked.last().unwrap().starts_with("POST "), "{asked:?}");
    if scene.remembers() {
        assert_eq!(asked.len(), 2, "state, kick-off: {asked:?}");
    }
}

async fn unsuitable_directories_are_rejected(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let unknown = scene.post(&syncs("nowhere.example"), "").await;
    let problem = unknown.problem("directory_not_found");
    assert!(problem["hint"].as_str().unwrap().contains(seeds::CORP_NAME), "the hint names what there is: {problem}");
    let unknown = scene.post(&syncs("99999999-0000-4000-8000-000000000000"), "").await;
    assert_eq!(unknown.status, 404);
    unknown.problem("directory_not_found");

    let ambiguous = scene.post(&syncs(seeds::LAB_NAME), "").await;
    assert_eq!(ambiguous.status, 409);
    let ids: Vec<_> = ambiguous.problem("directory_ambiguous")["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&seeds::LAB_FIRST.to_owned()) && ids.contains(&seeds::LAB_SECOND.to_owned()));

    for name in ["System%20Directory", seeds::DELETING] {
        let refused = scene.get(&format!("{DIRECTORIES}/{name}")).await;
        assert_eq!(refused.status, 200, "reading it is no harm: {}", refused.text);
    }
    scene.post(&syncs("System%20Directory"), "").await.problem("directory_not_syncable");
}

async fn directories_are_filtered(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let names = async |query: &str| {
        let answer = scene.get(&format!("{DIRECTORIES}?{query}")).await;
        let listed = answer.json()["directories"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
        listed.iter().map(|d| d["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("name=corp.EXAMPLE").await, [seeds::CORP_NAME]);
    assert!(names("type=LOCAL_DIRECTORY").await.contains(&"System Directory".to_owned()));
    assert!(!names("syncable=true").await.contains(&"System Directory".to_owned()));
    assert_eq!(names(&format!("domain={}", seeds::CORP_NAME)).await, [seeds::CORP_NAME]);
    assert_eq!(names("name=nowhere").await, [""; 0]);
    scene.get(&format!("{DIRECTORIES}?syncable=perhaps")).await.problem("request_invalid");
}

async fn all_logins_and_tenancies_work(artifact: Artifact) {
    let client = [
        ("vidm_client_id", credentials::VIDM_CLIENT_ID.to_owned()),
        ("vidm_client_secret", credentials::VIDM_CLIENT_SECRET.to_owned()),
    ];
    let account = [
        ("vidm_username", credentials::VIDM_DOMAIN_USERNAME.to_owned()),
        ("vidm_password", credentials::VIDM_DOMAIN_PASSWORD.to_owned()),
        ("vidm_domain", credentials::VIDM_DOMAIN.to_owned()),
    ];
    let nobody = [("vidm_username", String::new()), ("vidm_password", String::new())];
    let bearer = [("vidm_authorization_scheme", "Bearer".to_owned())];
    let tenant = [("vidm_tenant", "corp".to_owned())];
    for (what, variables) in [
        ("system login", Vec::new()),
        ("system login with Bearer", bearer.to_vec()),
        ("client credentials", [client.as_slice(), &nobody].concat()),
        ("password grant", [client.as_slice(), &account].concat()),
        ("tenant in path", tenant.to_vec()),
        ("tenant in path, client credentials", [client.as_slice(), &nobody, &tenant].concat()),
    ] {
        let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
        let started = scene.post(&syncs(seeds::CORP_NAME), "").await;
        assert_eq!(started.status, 202, "{what}: {}", started.text);
    }
}

async fn json_profile_works_with_a_plain_json_server(artifact: Artifact) {
    let mut simulator = SimulatorOptions::default();
    simulator.vidm.strict_media_types = false;
    let variables = vec![("vidm_profile", "json".to_owned())];
    let scene = Scene::with(Setting { simulator, variables: variables.clone(), ..Setting::of(artifact) }).await;
    let started = scene.post(&syncs(seeds::CORP_NAME), "").await;
    assert_eq!(started.status, 202, "{}", started.text);

    // A 3.3 server rejects these types, and the hint names the setting.
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let refused = scene.get(DIRECTORIES).await;
    assert!(refused.problem("upstream_rejected")["hint"].as_str().unwrap().contains("profile"), "{}", refused.text);
}

async fn groups_are_found_exactly(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let ask = async |name: &str, value: &str| {
        let request = scene.request(Method::GET, "/vidm/default/v1/groups").bearer_auth(&scene.keys.reader);
        let answer = send(request.query(&[(name, value)])).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    for (name, value) in [
        ("name", seeds::PRESENT_GROUP_NAME),
        ("dn", seeds::PRESENT_GROUP_DN),
        ("name", seeds::AWKWARD_GROUP_NAME),
        ("dn", seeds::AWKWARD_GROUP_DN),
    ] {
        let found = ask(name, value).await;
        assert_eq!(found["present"], true, "{value}: {found}");
        assert_eq!(found["groups"].as_array().unwrap().len(), 1, "{value}: {found}");
    }
    assert_eq!(ask("name", "gg-ap@corp.example").await, json!({"present": false, "groups": []}));
    scene.get("/vidm/default/v1/groups").await.problem("request_invalid");
}

async fn vidm_health_is_returned_typed(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let health = scene.get("/vidm/default/v1/health").await;
    assert_eq!(health.status, 200, "{}", health.text);
    assert_eq!(health.json()["allOk"], true, "{}", health.text);
    assert_eq!(scene.asked().len(), 1, "no login is needed");
}

async fn forged_id_is_rejected(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let place = scene.post(&syncs(seeds::CORP), "").await.header("location").to_owned();
    scene.asked();
    let (mut changed, last) = (place.clone(), place.len() - 10);
    let other = if changed.as_bytes()[last] == b'A' { "B" } else { "A" };
    changed.replace_range(last..=last, other);
    for path in [changed.as_str(), "/vidm/default/v1/syncs/AAAA", "/vidm/default/v1/syncs/%00"] {
        let answer = scene.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text);
    }
    scene.get(&changed).await.problem("sync_not_found");
    assert_eq!(scene.asked(), [""; 0], "no upstream call was made");

    // An instance with the same configuration reads the id; one with another key does not.
    let other = Scene::with(Setting {
        variables: vec![("state_key", "1fd28b8d51a2b5e4d7c9a60f3c8be417".to_owned())],
        ..Setting::of(artifact)
    })
    .await;
    other.get(&place).await.problem("sync_not_found");
}
