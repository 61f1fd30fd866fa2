//! Other services' webhooks: signed by them, unchanged, turned into syncs.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idhook::shared_state::hmac;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use xtask::artifact::Artifact;
use xtask::key::Made;

use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    github_push_starts_a_sync_and_a_forged_one_does_not,
    gitlab_and_standard_webhooks_are_authenticated,
}

struct Hooks {
    scene: Scene,
    github: String,
    gitlab: String,
    standard: String,
}

impl Hooks {
    async fn new(artifact: Artifact) -> Self {
        let [github, gitlab, standard] = ["github", "gitlab", "standard"]
            .map(|scheme| Made::new(scheme, &[], &["vidm/default"], Some(scheme)).unwrap());
        let senders = json!([github.entry, gitlab.entry, standard.entry]).to_string();
        let on_push = |header: &str, event: &str| json!([{"header": header, "equals": event}, {"pointer": "/ref", "equals": "refs/heads/main"}]);
        let hooks = json!([
            {"name": "github", "senders": ["github"], "directory": {"pointer": "/repository/name"}, "on": on_push("X-GitHub-Event", "push")},
            {"name": "gitlab", "senders": ["gitlab"], "directory": {"pointer": "/project/name"}, "on": on_push("X-Gitlab-Event", "Push Hook")},
            {"name": "any", "senders": ["standard", "all"], "directory": "corp.example"},
        ]);
        let variables = vec![("webhook_secrets", senders), ("hooks", hooks.to_string())];
        let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
        Self { scene, github: github.secret, gitlab: gitlab.secret, standard: standard.secret }
    }

    fn post(&self, hook: &str) -> RequestBuilder {
        self.scene.request(Method::POST, &format!("/hooks/{hook}")).header("content-type", "application/json")
    }

    async fn github(&self, event: &str, secret: &str, body: &str) -> Answer {
        let tag: String = hmac(secret.as_bytes(), body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let request =
            self.post("github").header("x-github-event", event).header("x-hub-signature-256", format!("sha256={tag}"));
        send(request.body(body.to_owned())).await
    }

    fn standard(&self, request: RequestBuilder, sent: u64, body: &str) -> RequestBuilder {
        let key = STANDARD.decode(self.standard.strip_prefix("whsec_").unwrap()).unwrap();
        let tag = STANDARD.encode(hmac(&key, format!("msg_1.{sent}.{body}").as_bytes()));
        let request = request.header("webhook-id", "msg_1").header("webhook-timestamp", sent.to_string());
        request.header("webhook-signature", format!("v1a,AAAA v1,{tag}"))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn github_push_starts_a_sync_and_a_forged_one_does_not(artifact: Artifact) {
    let hooks = Hooks::new(artifact).await;
    let push = json!({"ref": "refs/heads/main", "repository": {"name": "corp.example"}, "head_commit": {"message": "${HOME}"}});
    let (push, secret) = (push.to_string(), hooks.github.as_str());
    let ping = hooks.github("ping", secret, "{\"zen\":\"…\"}").await;
    assert_eq!((ping.status.as_u16(), ping.json()), (200, json!({"pong": true})));
    let skipped = hooks.github("push", secret, &push.replace("main", "topic")).await;
    assert_eq!((skipped.status.as_u16(), &skipped.json()["skipped"]), (200, &json!(true)), "{}", skipped.text);
    let forged = hooks.github("push", "another secret", &push).await;
    forged.problem("signature_invalid");
    assert_eq!(forged.status, 401);
    assert_eq!(hooks.scene.asked(), [""; 0], "nothing so far was worth a call");

    let started = hooks.github("push", secret, &push).await;
    assert_eq!(started.status, 202, "{}", started.text);
    assert_eq!(started.json()["directory"]["name"], "corp.example");
    let state = hooks.scene.get(started.header("location")).await;
    assert_eq!((state.status.as_u16(), &state.json()["status"]), (200, &json!("running")));
    let callers: Vec<_> = hooks.scene.log().iter().map(|line| line["caller"].clone()).collect();
    assert_eq!(callers, [json!("github"), json!("github"), json!(null), json!("github"), json!("all")]);
    assert!(!hooks.scene.host.output().contains(secret));
}

async fn gitlab_and_standard_webhooks_are_authenticated(artifact: Artifact) {
    let hooks = Hooks::new(artifact).await;
    let push =
        json!({"object_kind": "push", "ref": "refs/heads/main", "project": {"name": "corp.example"}}).to_string();
    let by_gitlab = |token: &str| {
        let request = hooks.post("gitlab").header("x-gitlab-event", "Push Hook").header("x-gitlab-token", token);
        send(request.body(push.clone()))
    };
    by_gitlab("another token").await.problem("signature_invalid");
    let started = by_gitlab(&hooks.gitlab).await;
    assert_eq!(started.status, 202, "{}", started.text);

    let body = r#"{"type":"group.created","data":{}}"#;
    let late = send(hooks.standard(hooks.post("any"), now() - 600, body).body(body)).await;
    assert!(late.problem("signature_invalid")["detail"].as_str().unwrap().contains("seconds behind"));
    let changed = send(hooks.standard(hooks.post("any"), now(), "{}").body(body)).await;
    changed.problem("signature_invalid");
    let joined = send(hooks.standard(hooks.post("any"), now(), body).body(body)).await;
    assert_eq!(joined.status, 202, "{}", joined.text);
    // A signed sender may use the ordinary routes within its scopes; this one has no vidm:read.
    let listing = hooks.scene.request(Method::GET, "/vidm/default/v1/directories");
    send(hooks.standard(listing, now(), "")).await.problem("forbidden");
    // A key may call a hook that lists it.
    let by_key = send(hooks.post("any").bearer_auth(&hooks.scene.keys.all).body("")).await;
    assert_eq!(by_key.status, 202, "{}", by_key.text);
}
