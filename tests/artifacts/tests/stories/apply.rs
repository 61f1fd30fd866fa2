//! The whole job in one call over the built components. Every call to `/v1/users`, `/v1/roles` and `/v1/sso-domains` is
//! compared with the vendor's OpenAPI document at the end of a story.

use std::time::Duration;

use idhook_simulator::{EntityNames, Fault, Options as SimulatorOptions, Server, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting};
use crate::vcf::{behind_nginx, source};

stories! {
    all:
    whole_job_is_planned_done_and_then_unchanged,
    whole_job_behind_nginx_with_qualified_names_on_9_1,
    group_that_appears_late_is_awaited,
    failed_step_is_continued_by_a_second_run,
    roles_change_and_end,
}

const PATH: &str = "/vcf/default/v1/apply";

fn job() -> Value {
    json!({
        "identitySource": source("research.example"),
        "roles": [
            {"group": format!("{}@research.example", seeds::VCF_GROUP), "role": "ADMIN"},
            {"group": format!("{}@{}", seeds::VCF_OPERATORS, seeds::LDAPS_SOURCE_DOMAIN), "role": "OPERATOR"}
        ]
    })
}

fn steps(document: &Value) -> Vec<String> {
    let word = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let steps = document["steps"].as_array().unwrap_or_else(|| panic!("no steps: {document}"));
    steps.iter().map(|step| format!("{} {}", word(step, "step"), word(step, "outcome"))).collect()
}

async fn apply(scene: &Scene, query: &str, body: &Value) -> Answer {
    let answer = scene.write(Method::POST, &format!("{PATH}{query}"), &body.to_string()).await;
    assert!(!answer.text.contains("planted-sddc-api-key"), "{}", answer.text);
    answer
}

async fn the_job_is_done(scene: &Scene) {
    let plan = apply(scene, "?dryRun=true", &job()).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    assert_eq!(steps(&plan.json()), ["ensure wouldCreate", "verify skipped", "roles wouldCreate", "roles unchanged"]);
    assert!(scene.asked_once_in().iter().all(|call| call.starts_with("GET ")));

    let done = apply(scene, "", &job()).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(steps(&done.json()), ["ensure created", "verify passed", "roles created", "roles unchanged"]);
    let writes: Vec<_> = scene.asked_once_in().into_iter().filter(|call| !call.starts_with("GET ")).collect();
    let sources = format!("POST /v1/identity-providers/{}/identity-sources", seeds::EMBEDDED_PROVIDER);
    assert_eq!(writes, [sources.as_str(), "POST /v1/users"]);

    let again = apply(scene, "", &job()).await.json();
    assert_eq!(steps(&again), ["ensure unchanged", "verify passed", "roles unchanged", "roles unchanged"]);
    assert_eq!(scene.asked_once_in().len(), 3);
}

async fn whole_job_is_planned_done_and_then_unchanged(artifact: Artifact) {
    the_job_is_done(&Scene::of(artifact).await).await;
}

async fn whole_job_behind_nginx_with_qualified_names_on_9_1(artifact: Artifact) {
    let mut simulator: SimulatorOptions = behind_nginx();
    simulator.sddc.entity_names = EntityNames::OfDomain;
    simulator.sddc.version = "9.1.0.0-24957454".to_owned();
    the_job_is_done(&Scene::with(Setting { tls: true, simulator, ..Setting::of(artifact) }).await).await;
}

async fn group_that_appears_late_is_awaited(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    scene.simulator.configure_sddc(|settings| settings.group_delay = Duration::from_millis(1500));
    let done = apply(&scene, "", &job()).await;
    assert_eq!(steps(&done.json()), ["ensure created", "verify passed", "roles created", "roles unchanged"]);
    let searches = scene.asked().iter().filter(|call| call.ends_with("/entities")).count();
    assert!(searches > 1, "{searches}");
}

async fn failed_step_is_continued_by_a_second_run(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let body = r#"{"errorCode":"USERS_LOCKED","message":"Users are locked."}"#;
    let fault = Fault::answer(400, "application/json", body).on(Server::Sddc).method("POST").path("/v1/users");
    scene.simulator.add_fault(fault.times(1));
    let problem = apply(&scene, "", &job()).await.problem("upstream_rejected");
    assert_eq!(steps(&problem), ["ensure created", "verify passed", "roles failed", "roles skipped"]);
    assert_eq!(problem["upstream"]["code"], "USERS_LOCKED");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("already in place: identity source research.example"), "{hint}");
    let done = apply(&scene, "", &job()).await.json();
    assert_eq!(steps(&done), ["ensure unchanged", "verify passed", "roles created", "roles unchanged"]);
}

async fn roles_change_and_end(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let group = format!("{}@{}", seeds::VCF_OPERATORS, seeds::LDAPS_SOURCE_DOMAIN);
    let role = |role: &str, state: &str| json!({"roles": [{"group": group, "role": role, "state": state}]});
    for (body, expected) in [
        (role("ADMIN", "present"), "roles updated"),
        (role("ADMIN", "present"), "roles unchanged"),
        (role("VIEWER", "absent"), "roles unchanged"),
        (role("ADMIN", "absent"), "roles removed"),
        (role("ADMIN", "absent"), "roles unchanged"),
    ] {
        let answer = apply(&scene, "", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(steps(&answer.json()), [expected], "{body}");
    }
    let nobody = json!({"roles": [{"group": format!("gg-vcf@{}", seeds::LDAPS_SOURCE_DOMAIN), "role": "ADMIN"}]});
    let problem = apply(&scene, "", &nobody).await.problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains("has no group \"gg-vcf\""), "{problem}");
}
