//! Nothing secret leaves: not in an answer, not in the log, whatever goes wrong.

use idhook_simulator::{Fault, FaultKind, credentials, seeds};
use reqwest::Method;

use crate::scene::{Answer, Scene, Setting, send};

const PATHS: [&str; 6] = [
    "/vidm/default/v1/directories",
    "/vidm/default/v1/groups?name=x",
    "/vidm/default/v1/health",
    "/vcf/default/v1/identity-providers",
    "/vcf/default/v1/identity-broker/sddc-manager-oidc",
    "/readyz",
];

/// Every secret there is: passwords and client secrets begin with `planted-`, tokens are JWTs.
#[track_caller]
fn no_secret(scene: &Scene, what: &str, text: &str) {
    for secret in
        [credentials::VIDM_PASSWORD, credentials::SDDC_PASSWORD, credentials::VIDM_CLIENT_SECRET, "planted-", "eyJ"]
    {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
    for key in [&scene.keys.all, &scene.keys.reader, &scene.keys.syncer, &scene.keys.elsewhere] {
        assert!(!text.contains(key.as_str()), "{what} shows a key: {text}");
    }
}

async fn everything(scene: &Scene) -> Vec<Answer> {
    let mut answers = Vec::new();
    for path in PATHS {
        answers.push(scene.get(path).await);
    }
    answers.push(scene.post(&format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP), "").await);
    let spec = r#"{"name":"n","ldap":{"type":"ActiveDirectory","domainName":"d.example","username":"u","password":"planted-in-body",
        "sourceDetails":{"usersBaseDn":"u","groupsBaseDn":"g","serverEndpoints":["ldaps://h"],"certChain":["planted-not-a-certificate"]}}}"#;
    answers.push(scene.post("/vcf/default/v1/identity-providers/x/identity-sources", spec).await);
    answers
        .push(scene.write(Method::PATCH, "/vcf/default/v1/identity-providers/x", r#"{"ldap":"planted-here"}"#).await);
    answers.push(send(scene.request(Method::GET, PATHS[0]).bearer_auth("planted-key")).await);
    answers.push(send(scene.request(Method::GET, PATHS[0]).header("x-request-id", "planted \"id")).await);
    answers
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    // Servers that echo what they were sent, in every form an error can have.
    let echo = format!(
        r#"{{"errors":[{{"code":"bad","message":"password {} of {}"}}],"message":"{}","errorCode":"E"}}"#,
        credentials::VIDM_PASSWORD.replace('\\', "\\\\").replace('"', "\\\""),
        credentials::VIDM_USERNAME,
        credentials::SDDC_PASSWORD.replace('\\', "\\\\").replace('"', "\\\""),
    );
    let page = format!("<html><title>{}</title>{}", credentials::VIDM_PASSWORD, credentials::SDDC_PASSWORD);
    let token = r#"{"sessionToken":["eyJhbGciOiJub25lIn0.e30.x"],"accessToken":{"eyJ":1}}"#.to_owned();
    let answer = |status, content_type: &str, body: &str| Some(Fault::answer(status, content_type, body).always());
    for fault in [
        None,
        answer(400, "application/json", &echo),
        answer(401, "application/json", &echo),
        answer(500, "application/json", &echo),
        answer(500, "text/html", &page),
        answer(404, "text/plain", &page),
        // Where a token belongs and is not what it should be.
        answer(200, "application/json", &token).map(|fault| fault.path("login")),
        answer(200, "application/json", &token).map(|fault| fault.path("tokens")),
        answer(200, "text/html", &page),
        Some(Fault::new(FaultKind::GarbageJson).always()),
        Some(Fault::new(FaultKind::Reset).always()),
    ] {
        let scene = Scene::new().await;
        let what = format!("{fault:?}").chars().take(60).collect::<String>();
        if let Some(fault) = fault {
            scene.simulator.add_fault(fault);
        }
        for answer in everything(&scene).await {
            no_secret(&scene, &what, &answer.text);
            no_secret(&scene, &what, &format!("{:?}", answer.headers));
        }
        no_secret(&scene, &format!("the log, {what}"), &scene.host.output());
        assert!(!scene.log().is_empty());
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_show_no_value() {
    let variables = vec![
        ("vidm_url", "https://u:planted-@h/x".to_owned()),
        ("targets", r#"{"vidm":{"a":{"url":{"planted-":1},"password":["planted-"]}}}"#.to_owned()),
        ("api_keys", r#"[{"name":"planted-","sha256":"planted-","scopes":["planted-"]}]"#.to_owned()),
        ("state_key", "planted-".to_owned()),
        ("request_timeout", "planted-".to_owned()),
    ];
    let scene = Scene::with(Setting { variables, ..Setting::default() }).await;
    let ready = scene.get("/readyz").await;
    ready.problem("not_configured");
    no_secret(&scene, "/readyz", &ready.text);
    no_secret(&scene, "the log", &scene.host.output());
}
