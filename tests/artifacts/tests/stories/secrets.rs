//! Secrets never leave: not in a response, not in the log, whatever fails.

use idhook_simulator::{Fault, FaultKind, credentials, seeds};
use reqwest::Method;
use xtask::artifact::Artifact;

use crate::scene::{Answer, Scene, Setting, send};

stories! {
    all:
    secrets_are_not_shown,
    no_form_of_a_password_is_returned,
    joined_blanks_and_quoting_codes_show_no_secret,
    token_of_a_call_is_not_returned,
    configuration_mistakes_show_no_value,
}

const PATHS: [&str; 6] = [
    "/vidm/default/v1/directories",
    "/vidm/default/v1/groups?name=x@corp.example",
    "/vidm/default/v1/health",
    "/vcf/default/v1/identity-providers",
    "/vcf/default/v1/identity-broker/sddc-manager-oidc",
    "/readyz",
];

/// All secrets: passwords and client secrets begin with `planted-`, tokens are JWTs.
#[track_caller]
pub(crate) fn no_secret(scene: &Scene, what: &str, text: &str) {
    for secret in
        [credentials::VIDM_PASSWORD, credentials::SDDC_PASSWORD, credentials::VIDM_CLIENT_SECRET, "planted-", "eyJ"]
    {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
    for key in [&scene.keys.all, &scene.keys.reader, &scene.keys.syncer, &scene.keys.elsewhere] {
        assert!(!text.contains(key.as_str()), "{what} shows a key: {text}");
    }
}

pub(crate) async fn everything(scene: &Scene) -> Vec<Answer> {
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

async fn secrets_are_not_shown(artifact: Artifact) {
    // Servers that echo their input, in every form of an error.
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
        // An invalid value where a token is expected.
        answer(200, "application/json", &token).map(|fault| fault.path("login")),
        answer(200, "application/json", &token).map(|fault| fault.path("tokens")),
        answer(200, "text/html", &page),
        Some(Fault::new(FaultKind::GarbageJson).always()),
        Some(Fault::new(FaultKind::Reset).always()),
    ] {
        let scene = Scene::of(artifact).await;
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

/// A secret in the forms in which a server may echo it, in several kinds of error bodies.
fn echoes(secret: &str) -> Vec<(&'static str, String)> {
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let json = serde_json::to_string(secret).unwrap();
    let json = json.trim_matches('"');
    let unicode: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let base64 = base64(format!("svc-idhook:{secret}").as_bytes());
    let vendor = |said: &str| {
        format!(r#"{{"errors":[{{"code":"bad","message":"{said}"}}],"message":"{said}","errorCode":"E"}}"#)
    };
    vec![
        ("unchanged", secret.to_owned()),
        ("escaped as JSON", vendor(json)),
        ("escaped as JSON, all of it", vendor(&unicode)),
        (
            "JSON within JSON",
            vendor(serde_json::to_string(&format!(r#"{{"password":"{json}"}}"#)).unwrap().trim_matches('"')),
        ),
        ("percent-encoded", format!("password={percent}&x=1")),
        ("form-encoded", vendor(&format!("password={}", percent.to_lowercase().replace("%20", "+")))),
        ("in base64", vendor(&format!("Authorization: Basic {base64}"))),
        ("cut at the end of the excerpt", format!("{}{secret}", "x".repeat(590 - secret.len() / 2))),
        (
            "as the vendor's code",
            vendor("m").replace("\"bad\"", &format!("\"{json}\"")).replace("\"E\"", &format!("\"{json}\"")),
        ),
        ("in a title", format!("<html><title>{secret}</title>")),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|at| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize])).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// No eight consecutive characters of `secret`, in any encoding: plain, without its blanks, or in base64.
#[track_caller]
fn no_piece(what: &str, secret: &str, text: &str) {
    let encoded = base64(format!("svc-idhook:{secret}").as_bytes());
    let core = &encoded[16..];
    for secret in [secret.to_owned(), secret.split_whitespace().collect::<Vec<_>>().join(" "), core.to_owned()] {
        let letters: Vec<char> = secret.chars().collect();
        for piece in letters.windows(8).map(|piece| piece.iter().collect::<String>()) {
            assert!(!text.contains(&piece), "{what} shows {piece}: {text}");
        }
    }
}

async fn no_form_of_a_password_is_returned(artifact: Artifact) {
    for (part, secret, path) in [
        ("login", credentials::VIDM_PASSWORD, "/vidm/default/v1/directories"),
        ("directoryconfigs", credentials::VIDM_PASSWORD, "/vidm/default/v1/directories"),
        ("tokens", credentials::SDDC_PASSWORD, "/vcf/default/v1/identity-providers"),
        ("identity-providers", credentials::SDDC_PASSWORD, "/vcf/default/v1/identity-providers"),
    ] {
        for (form, body) in echoes(secret) {
            for status in [400, 404, 500] {
                let what = format!("{part} {status}, {form}");
                let scene = Scene::of(artifact).await;
                scene.simulator.add_fault(Fault::answer(status, "application/json", &body).path(part).always());
                let answer = scene.get(path).await;
                assert_eq!(answer.header("content-type"), "application/problem+json", "{what}: {}", answer.text);
                no_piece(&what, secret, &answer.text);
                no_piece(&format!("the log, {what}"), secret, &scene.host.output());
            }
        }
    }
}

async fn joined_blanks_and_quoting_codes_show_no_secret(artifact: Artifact) {
    // The login uses the simulator's own tenant, so another secret replaces the password: the state key.
    let secret = "planted  qzvx   jkwq  yzkx   vbqj";
    for body in [secret.to_owned(), format!(r#"{{"errors":[{{"code":"planted-in-a-code","message":"{secret}"}}]}}"#)] {
        let variables = vec![
            ("state_key", secret.to_owned()),
            (
                "targets",
                r#"{"vcf":{"x":{"url":"https://x.invalid","username":"u@local","password":"planted-in-a-code"}}}"#
                    .to_owned(),
            ),
        ];
        let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
        scene.simulator.add_fault(Fault::answer(400, "application/json", &body).path("directoryconfigs").always());
        let answer = scene.get("/vidm/default/v1/directories").await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
        no_piece("the answer", secret, &answer.text);
        no_piece("the log", secret, &scene.host.output());
        no_secret(&scene, "the answer", &answer.text);
        no_secret(&scene, "the log", &scene.host.output());
    }
}

async fn token_of_a_call_is_not_returned(artifact: Artifact) {
    let scene = Scene::of(artifact).await;
    let token = "s3ssion.t0ken-value";
    let login = format!(r#"{{"sessionToken":"{token}"}}"#);
    scene.simulator.add_fault(Fault::answer(200, "application/json", &login).path("login").always());
    for body in [
        format!("no such session: HZN {token}"),
        format!(r#"{{"errors":[{{"code":"{token}","message":"x {token}"}}]}}"#),
    ] {
        scene.simulator.add_fault(Fault::answer(403, "application/json", &body).path("directoryconfigs"));
        let answer = scene.get("/vidm/default/v1/directories").await;
        answer.problem("upstream_forbidden");
        assert!(!answer.text.contains(token) && !scene.host.output().contains(token), "{}", answer.text);
    }
}

async fn configuration_mistakes_show_no_value(artifact: Artifact) {
    let variables = vec![
        ("vidm_url", "https://u:planted-@h/x".to_owned()),
        ("targets", r#"{"vidm":{"a":{"url":{"planted-":1},"password":["planted-"]}}}"#.to_owned()),
        ("api_keys", r#"[{"name":"planted-","sha256":"planted-","scopes":["planted-"]}]"#.to_owned()),
        ("webhook_secrets", r#"[{"name":"planted-","scheme":"github","secrets":["planted-"],"scopes":[]}]"#.to_owned()),
        ("state_key", "planted-".to_owned()),
        ("request_timeout", "planted-".to_owned()),
    ];
    let scene = Scene::with(Setting { variables, ..Setting::of(artifact) }).await;
    let ready = scene.get("/readyz").await;
    ready.problem("not_configured");
    no_secret(&scene, "/readyz", &ready.text);
    no_secret(&scene, "the log", &scene.host.output());
}
