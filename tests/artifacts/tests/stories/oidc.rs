//! A caller proves itself with a token of an issuer on this machine.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::Uri;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};
use crate::signer::{keys, signed, token, with};

stories! {
    all:
    caller_with_a_token_of_an_issuer_needs_no_key,
    issuer_that_is_not_allowed_is_named_with_the_fix,
}

const DIRECTORIES: &str = "/vidm/default/v1/directories";
const AUDIENCE: &str = "https://idhook.example";

/// An issuer, and the paths that were requested of it.
struct Issuer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/ci", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (keeps, name) = (Arc::clone(&asked), url.clone());
        let app = Router::new().fallback(async move |uri: Uri| {
            keeps.lock().unwrap().push(uri.path().to_owned());
            match uri.path() {
                "/realms/ci/.well-known/openid-configuration" => {
                    json!({"issuer": name, "jwks_uri": format!("{name}/keys")}).to_string()
                }
                _ => keys(&["1"]),
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    async fn scene(&self, artifact: Artifact, allowed: bool) -> Scene {
        let callers = json!([{
            "name": "deploy", "issuer": self.url, "audience": AUDIENCE, "claims": {"sub": ["job-1", "job-2"]}, "scopes": ["vidm:read"],
        }]);
        let mut variables = vec![("oidc_callers", callers.to_string())];
        if allowed && artifact.manifest().is_some() {
            let origin = self.url.strip_suffix("/realms/ci").unwrap();
            variables.push(("outbound_host1", origin.to_owned()));
        }
        Scene::with(Setting { variables, ..Setting::of(artifact) }).await
    }

    fn job(&self) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let end = (now + Duration::from_mins(5)).as_secs();
        json!({"iss": self.url, "aud": AUDIENCE, "sub": "job-1", "exp": end, "nbf": now.as_secs()})
    }
}

async fn lists(scene: &Scene, token: &str) -> Answer {
    send(scene.request(Method::GET, DIRECTORIES).bearer_auth(token)).await
}

async fn caller_with_a_token_of_an_issuer_needs_no_key(artifact: Artifact) {
    let issuer = Issuer::start().await;
    let scene = issuer.scene(artifact, true).await;
    for token in [token("1", &issuer.job()), token("ec", &with(issuer.job(), &json!({"sub": "job-2"})))] {
        let answer = lists(&scene, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let line = scene.log().pop().unwrap();
    assert_eq!((&line["caller"], &line["subject"]), (&json!("deploy"), &json!("job-2")));
    let asked = issuer.asked.lock().unwrap().clone();
    let once = ["/realms/ci/.well-known/openid-configuration", "/realms/ci/keys"];
    assert!(asked == once || !scene.remembers() && asked == [once, once].concat(), "{asked:?}");

    let scope =
        send(scene.request(Method::POST, "/vidm/default/v1/syncs").bearer_auth(token("1", &issuer.job()))).await;
    assert!(scope.problem("forbidden")["detail"].as_str().unwrap().contains("caller deploy lacks the scope vidm:sync"));
    lists(&scene, &token("1", &with(issuer.job(), &json!({"sub": "job-3"})))).await.problem("forbidden");
    for (wrong, says) in [
        (token("1", &with(issuer.job(), &json!({"aud": "https://other.example"}))), "another audience"),
        (token("1", &with(issuer.job(), &json!({"exp": 1_700_000_000}))), "expired at 2023-11-14"),
        (signed("ec", &json!({"alg": "RS256", "kid": "1"}), &issuer.job()), "its signature is wrong"),
        (signed("1", &json!({"alg": "none"}), &issuer.job()), "signed with none"),
    ] {
        let problem = lists(&scene, &wrong).await.problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{says}: {problem}");
    }
}

async fn issuer_that_is_not_allowed_is_named_with_the_fix(artifact: Artifact) {
    // Only Spin has a list of hosts.
    if artifact.manifest().is_none() {
        return;
    }
    let issuer = Issuer::start().await;
    let scene = issuer.scene(artifact, false).await;
    let problem = lists(&scene, &token("1", &issuer.job())).await.problem("upstream_unreachable");
    assert!(problem["detail"].as_str().unwrap().contains(&issuer.url), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("outbound_host1"), "{problem}");
    assert!(issuer.asked.lock().unwrap().is_empty());
    // Callers with keys are not affected.
    assert_eq!(scene.get(DIRECTORIES).await.status, 200);
}
