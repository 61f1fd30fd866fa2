//! The gate: clients of SDDC Manager with an API key of idhook in place of the password.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idhook_simulator::{credentials, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::artifact::Artifact;
use xtask::caller::Caller;

use crate::scene::{Scene, Setting, send};

stories! {
    all:
    requests_of_powervcf_run_through_the_gate,
    removed_key_ends_its_tokens_on_every_instance,
    key_without_the_scope_gets_403,
}

const REQUESTS: &str = include_str!("../../../fixtures/vcf/powervcf.requests.txt");
const SOURCE: &str = include_str!("../../../fixtures/vcf/identity-source-add.request.json");
const PROVIDER: &str = include_str!("../../../fixtures/vcf/identity-provider-add.request.json");

/// One request of the fixture.
struct Recorded {
    cmdlet: &'static str,
    method: Method,
    path: &'static str,
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

fn recorded() -> Vec<Recorded> {
    let read = |text: &'static str| {
        let text = text.trim_start_matches('\n');
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let cmdlet = lines.next().unwrap();
        let mut words = lines.next().unwrap().split(' ');
        let (method, path) = (words.next().unwrap().parse().unwrap(), words.next().unwrap());
        let status = words.next().unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).collect();
        Recorded { cmdlet, method, path, status, headers, body: body.trim_end_matches('\n') }
    };
    REQUESTS.split("\n%%").map(read).collect()
}

/// How many of PowerVCF's requests pass, and the cmdlets whose request does not.
#[cfg(feature = "tools")]
pub(crate) fn requests_of_powervcf() -> (usize, Vec<&'static str>) {
    let recorded = recorded();
    let refused: Vec<_> = recorded.iter().filter(|one| one.status >= 400).collect();
    let names = refused.iter().map(|one| one.cmdlet.trim_start_matches("# ")).collect();
    (recorded.len() - refused.len(), names)
}

/// The state of PowerVCF between its cmdlets: the words of the fixture and their values.
type Known = BTreeMap<&'static str, String>;

fn filled(text: &str, known: &Known) -> String {
    known.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// Keeps what PowerVCF takes from the response, as it takes it.
fn remember(recorded: &Recorded, text: &str, known: &mut Known) {
    let json = || serde_json::from_str::<Value>(text).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    match recorded.path {
        "/v1/tokens" => {
            known.insert("TOKEN", word(&json()["accessToken"]));
            known.insert("REFRESH", word(&json()["refreshToken"]["id"]));
        }
        "/v1/tokens/access-token/refresh" => {
            known.insert("TOKEN", word(&json()));
        }
        "/v1/sddc-managers" => {
            // `^(\d+\.\d+\.\d+\.\d+)`
            let version = word(&json()["elements"][0]["version"]);
            let numbers: Vec<_> = version.split('-').next().unwrap().split('.').map(str::parse::<u32>).collect();
            assert!(numbers.len() == 4 && numbers.iter().all(Result::is_ok), "{version}");
        }
        "/v1/identity-providers" if recorded.method == Method::GET => {
            let list = json();
            let elements = list["elements"].as_array().unwrap();
            let embedded = elements.iter().find(|one| one["type"] == "Embedded").unwrap();
            known.insert("EMBEDDED", word(&embedded["id"]));
        }
        "/v1/identity-providers" => {
            known.insert("EXTERNAL", word(&json()["id"]));
        }
        _ => {}
    }
    if let Some(token) = known.get("TOKEN") {
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        assert!(token.starts_with("eyJ") && claims["exp"].is_u64(), "PowerVCF takes no other token: {token}");
    }
}

async fn requests_of_powervcf_run_through_the_gate(artifact: Artifact) {
    let variables = vec![("gate", "default".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let own = [SOURCE, PROVIDER, scene.keys.all.as_str()].map(str::to_owned);
    for root in ["/vcf/default", ""] {
        let mut known: Known = ["SOURCE", "PROVIDER", "KEY"].into_iter().zip(own.clone()).collect();
        let mut seen = String::new();
        for one in recorded() {
            let url = format!("{}{root}{}", scene.host.url(), filled(one.path, &known));
            let mut request = scene.client.request(one.method.clone(), url);
            for (name, value) in &one.headers {
                request = request.header(*name, filled(value, &known));
            }
            let response = request.body(filled(one.body, &known)).send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            assert_eq!(status, one.status, "{root} {}: {text}", one.cmdlet);
            if status < 400 {
                remember(&one, &text, &mut known);
            } else {
                assert!(serde_json::from_str::<Value>(&text).unwrap()["errorCode"].is_string(), "{text}");
            }
            seen.push_str(&text);
        }
        assert!(!seen.contains(credentials::SDDC_PASSWORD) && !seen.contains(credentials::SDDC_USERNAME), "{seen}");
        let logins = scene.simulator.exchanges().into_iter().filter(|one| one.path_and_query == "/v1/tokens");
        let theirs: Vec<Value> = logins.map(|one| serde_json::from_slice(&one.response).unwrap()).collect();
        assert!(!theirs.is_empty());
        for pair in theirs {
            assert!(!seen.contains(pair["accessToken"].as_str().unwrap()), "SDDC Manager's token stays in idhook");
        }
        for line in scene.log() {
            let hidden = ["TOKEN", "REFRESH", "KEY"].map(|word| &known[word]);
            assert!(hidden.iter().all(|secret| !line.to_string().contains(*secret)), "{line}");
            assert_eq!(line["caller"], if line["status"] == 405 { Value::Null } else { json!("all") }, "{line}");
        }
    }
}

/// The access token and the refresh token's id, quoted, of a login with this key.
async fn log_in(scene: &Scene, key: &str) -> (String, String) {
    let body = json!({ "username": "any", "password": key }).to_string();
    let answer = send(scene.request(Method::POST, "/vcf/default/v1/tokens").body(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let pair = answer.json();
    (pair["accessToken"].as_str().unwrap().to_owned(), pair["refreshToken"]["id"].to_string())
}

async fn removed_key_ends_its_tokens_on_every_instance(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let (token, id) = log_in(&scene, &scene.keys.all).await;
    let list = "/vcf/default/v1/identity-providers";
    assert_eq!(send(scene.request(Method::GET, list).bearer_auth(&token)).await.status, 200);
    let other = Caller::new("all", &["vcf:read"]).unwrap();
    let host =
        scene.another_host(|stage| drop(stage.variables.insert("api_keys".to_owned(), other.api_keys.clone()))).await;
    let asks = |method: Method, path: &str| scene.client.request(method, format!("{}{path}", host.url()));
    let dead = asks(Method::GET, list).bearer_auth(&token).send().await.unwrap();
    assert_eq!(dead.status(), 401);
    assert_eq!(dead.json::<Value>().await.unwrap()["errorCode"], "TOKEN_EXPIRED");
    let dead = asks(Method::PATCH, "/vcf/default/v1/tokens/access-token/refresh").body(id).send().await.unwrap();
    assert_eq!(dead.status(), 404);
}

async fn key_without_the_scope_gets_403(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let (token, _) = log_in(&scene, &scene.keys.reader).await;
    let list = format!("{}/vcf/default/v1/identity-providers/{}", scene.host.url(), seeds::EMBEDDED_PROVIDER);
    let answer = scene.client.get(list).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let error: Value = answer.json().await.unwrap();
    assert!(error["message"].as_str().unwrap().contains("vcf:read"), "{error}");
    assert_eq!(scene.asked(), [""; 0]);
}
