//! A caller proves itself with a client certificate that a proxy has verified.

use reqwest::Method;
use ring::digest::{SHA256, digest};
use serde_json::json;
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    caller_with_a_certificate_from_the_proxy_needs_no_key,
}

const DIRECTORIES: &str = "/vidm/default/v1/directories";
const PROXY_KEY: &str = "the key of the proxy";
/// Headers for one certificate, as real proxies sent them.
const HEADERS: &str = include_str!("../../../fixtures/certificates/headers.txt");

async fn lists(scene: &Scene, certificate: &str, proxy_key: &str) -> Answer {
    let request = scene.request(Method::GET, DIRECTORIES);
    send(request.header("Client-Cert", certificate).header("X-Idhook-Proxy-Key", proxy_key)).await
}

async fn caller_with_a_certificate_from_the_proxy_needs_no_key(artifact: Artifact) {
    let callers = json!([{"name": "aria", "subject": "CN=aria,OU=Automation,O=Corp", "scopes": ["vidm:read"]}]);
    let digest: String =
        digest(&SHA256, PROXY_KEY.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let variables = vec![("certificate_callers", callers.to_string()), ("proxy_key_sha256", digest)];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    for line in HEADERS.lines() {
        let (proxy, certificate) = line.split_once(' ').unwrap();
        let answer = lists(&scene, certificate, PROXY_KEY).await;
        assert_eq!(answer.status, 200, "{proxy}: {}", answer.text);
        let line = scene.log().pop().unwrap();
        assert_eq!((&line["caller"], &line["subject"]), (&json!("aria"), &json!("CN=aria,OU=Automation,O=Corp")));
        let problem = lists(&scene, certificate, "guess").await.problem("unauthenticated");
        assert!(problem["detail"].as_str().unwrap().contains("does not come from the configured proxy"), "{problem}");
    }
}
