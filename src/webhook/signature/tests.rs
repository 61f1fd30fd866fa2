use proptest::prelude::*;
use standardwebhooks::Webhook as Oracle;

use super::*;
use crate::config::Config;

const ID: &str = STANDARD_FAMILY.id;
const TIMESTAMP: &str = STANDARD_FAMILY.timestamp;
const SIGNATURE: &str = STANDARD_FAMILY.signature;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const FORMER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The example of GitHub's documentation.
const HUB_SECRET: &str = "It's a Secret to Everybody";
const HUB_BODY: &[u8] = b"Hello, World!";
const HUB_TAG: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const NOW: u64 = 1_795_168_800;

fn configured(senders: &str) -> Config {
    Config::parse(|name| match name {
        "vcf_url" => Some("https://s".to_owned()),
        "vcf_username" | "vcf_password" => Some("user@vsphere.local".to_owned()),
        "webhook_secrets" => Some(senders.to_owned()),
        _ => None,
    })
    .unwrap()
}

fn all() -> Config {
    configured(
        &serde_json::json!([
            {"name": "n8n", "scheme": "standard", "secrets": [SECRET, FORMER], "scopes": ["vidm:sync"]},
            {"name": "octo", "scheme": "github", "secrets": ["the former one, ended", HUB_SECRET], "scopes": ["vidm:sync"]},
            {"name": "fox", "scheme": "gitlab",
             "secrets": ["a gitlab token that is long", "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="], "scopes": ["vidm:sync"]},
        ])
        .to_string(),
    )
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn request(method: Method, headers: &[(&'static str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn prove<'c>(claim: Claim<'c>, body: &[u8]) -> Result<Caller<'c>, Error> {
    match claim {
        Claim::Proven(caller) => Ok(caller),
        Claim::Signed(signed) => signed.prove(body),
    }
}

/// The sender, or the error's detail.
fn told(config: &Config, request: &Parts, now: u64, body: &[u8]) -> Result<String, String> {
    match claim(request, &config.senders, at(now)).and_then(|claim| prove(claim.unwrap(), body)) {
        Ok(caller) => Ok(caller.name().to_owned()),
        Err(e) => {
            assert_eq!(e.code(), ErrorCode::SignatureInvalid);
            assert!(e.hint_text().is_some());
            for name in ["n8n", "octo", "fox", SECRET, HUB_SECRET, "long"] {
                assert!(!e.detail().contains(name), "{e}");
            }
            Err(e.detail().to_owned())
        }
    }
}

fn standard(secret: &str, id: &str, sent: u64, body: &[u8]) -> String {
    Oracle::new(secret).unwrap().sign(id, sent.try_into().unwrap(), body).unwrap()
}

fn posted(id: &str, sent: &str, signature: &str) -> Parts {
    request(Method::POST, &[(ID, id), (TIMESTAMP, sent), (SIGNATURE, signature)])
}

#[test]
fn standard_webhooks_example_is_accepted() {
    let config = configured(
        &serde_json::json!([{"name": "svix", "scheme": "standard", "secrets": [FORMER], "scopes": ["vidm:sync"]}])
            .to_string(),
    );
    let request =
        posted("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    assert_eq!(told(&config, &request, 1_649_367_600, body).as_deref(), Ok("svix"));
}

#[test]
fn signatures_of_the_reference_are_accepted() {
    let config = all();
    let body = "{\"directory\":\"cörp\"}".as_bytes();
    for (secret, name) in
        [(SECRET, "n8n"), (FORMER, "n8n"), ("whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=", "fox")]
    {
        let signature = standard(secret, "msg_1", NOW, body);
        assert_eq!(told(&config, &posted("msg_1", &NOW.to_string(), &signature), NOW, body).as_deref(), Ok(name));
        // Several signatures of several versions, one of them valid.
        let many = format!("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw v1,AAAA v1,{} {signature}", "A".repeat(43) + "=");
        assert_eq!(told(&config, &posted("msg_1", &NOW.to_string(), &many), NOW, body).as_deref(), Ok(name));
        for changed in [
            posted("msg_2", &NOW.to_string(), &signature),
            posted("msg_1", &(NOW + 1).to_string(), &signature),
            posted("msg_1", &NOW.to_string(), &standard(secret, "msg_1", NOW, b"{}")),
        ] {
            assert_eq!(
                told(&config, &changed, NOW, body),
                Err("no configured secret matches the signature".to_owned())
            );
        }
    }
}

#[test]
fn timestamps_are_accepted_within_five_minutes() {
    let config = all();
    for (sent, fits) in [
        (NOW - 300, Ok("n8n")),
        (NOW + 300, Ok("n8n")),
        (NOW - 301, Err("webhook-timestamp is 301 seconds behind the clock here; 300 are allowed")),
        (NOW + 412, Err("webhook-timestamp is 412 seconds ahead of the clock here; 300 are allowed")),
    ] {
        let request = posted("m", &sent.to_string(), &standard(SECRET, "m", sent, b""));
        assert_eq!(told(&config, &request, NOW, b"").as_deref().map_err(String::as_str), fits, "{sent}");
    }
}

#[test]
fn github_example_is_accepted() {
    let config = all();
    let with = |value: &str| request(Method::POST, &[(HUB, value)]);
    for value in [format!("sha256={HUB_TAG}"), format!("sha256={}", HUB_TAG.to_uppercase())] {
        assert_eq!(told(&config, &with(&value), NOW, HUB_BODY).as_deref(), Ok("octo"));
        assert!(
            told(&config, &with(&value), NOW, b"Hello, World?").unwrap_err().contains("no configured secret matches")
        );
    }
    for value in ["", "sha256=", HUB_TAG, &format!("sha1={HUB_TAG}"), &format!("sha256={HUB_TAG}0")] {
        assert!(told(&config, &with(value), NOW, HUB_BODY).unwrap_err().contains("x-hub-signature-256 is"), "{value}");
    }
    // The older header alone is not enough.
    let older = request(Method::POST, &[("x-hub-signature", "sha1=2ba1f5e4e1c3f4f5f3bd5f7c1c7b8b0f0f4f5a5b")]);
    assert!(claim(&older, &config.senders, at(NOW)).unwrap().is_none());
}

#[test]
fn gitlab_token_and_signature_are_accepted() {
    let config = all();
    let with = |token: &str| request(Method::POST, &[(TOKEN, token)]);
    let known = with("a gitlab token that is long");
    assert!(matches!(claim(&known, &config.senders, at(NOW)), Ok(Some(Claim::Proven(_)))), "no body is needed");
    for token in ["", "a gitlab token", "a gitlab token that is longer", HUB_SECRET, SECRET] {
        assert!(
            told(&config, &with(token), NOW, b"{}").unwrap_err().contains("no configured secret matches"),
            "{token}"
        );
    }
    // GitLab sends both if both are set: one valid one is enough.
    let signature = standard(SECRET, "m", NOW, b"{}");
    let both = |token: &'static str| {
        request(Method::POST, &[(TOKEN, token), (ID, "m"), (TIMESTAMP, &NOW.to_string()), (SIGNATURE, &signature)])
    };
    assert_eq!(told(&config, &both("a gitlab token that is long"), NOW, b"{}").as_deref(), Ok("fox"));
    assert_eq!(told(&config, &both("another"), NOW, b"{}").as_deref(), Ok("n8n"));
}

#[test]
fn malformed_signature_headers_are_rejected() {
    let config = all();
    let now = NOW.to_string();
    let signature = standard(SECRET, "m", NOW, b"");
    for (id, sent, signature) in [
        ("", now.as_str(), signature.as_str()),
        ("a.b", &now, &signature),
        ("m", "", &signature),
        ("m", "+1795168800", &signature),
        ("m", "1795168800.0", &signature),
        ("m", "-1", &signature),
        ("m", "99999999999999999999999", &signature),
        ("m", &now, ""),
        ("m", &now, "v1"),
        ("m", &now, "v1,"),
        ("m", &now, "v1,AAAA"),
        ("m", &now, "v1a,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
        ("m", &now, &signature[3..]),
    ] {
        let told = told(&config, &posted(id, sent, signature), NOW, b"").unwrap_err();
        assert!(told.contains("malformed"), "{id} {sent} {signature}: {told}");
    }
    let missing = request(Method::POST, &[(ID, "m"), (SIGNATURE, &signature)]);
    assert!(told(&config, &missing, NOW, b"").unwrap_err().contains("webhook-timestamp"));
    let twice =
        request(Method::POST, &[(ID, "m"), (TIMESTAMP, &now), (SIGNATURE, &signature), (SIGNATURE, &signature)]);
    assert!(told(&config, &twice, NOW, b"").unwrap_err().contains("repeated"));
}

#[test]
fn unconfigured_scheme_and_missing_signature_are_rejected() {
    let only = |scheme: &str, secret: &str| {
        let sender =
            serde_json::json!([{"name": "only", "scheme": scheme, "secrets": [secret], "scopes": ["vidm:sync"]}]);
        configured(&sender.to_string())
    };
    let hub = request(Method::POST, &[(HUB, &format!("sha256={HUB_TAG}"))]);
    assert!(told(&only("standard", SECRET), &hub, NOW, HUB_BODY).unwrap_err().contains("with this scheme"));
    let token = request(Method::POST, &[(TOKEN, HUB_SECRET)]);
    assert!(told(&only("github", HUB_SECRET), &token, NOW, b"").unwrap_err().contains("with this scheme"));
    // A secret of one scheme is not valid in another.
    let standard = posted("m", &NOW.to_string(), &standard(SECRET, "m", NOW, b""));
    assert!(told(&only("github", SECRET), &standard, NOW, b"").unwrap_err().contains("with this scheme"));
    assert!(told(&only("gitlab", HUB_SECRET), &standard, NOW, b"").unwrap_err().contains("with this scheme"));
    assert!(claim(&request(Method::POST, &[(ID, "m")]), &all().senders, at(NOW)).unwrap().is_none());
}

#[test]
fn requests_without_body_need_the_dated_scheme() {
    let config = all();
    let signature = standard(SECRET, "m", NOW, b"");
    let dated = [(ID, "m"), (TIMESTAMP, &NOW.to_string()), (SIGNATURE, signature.as_str())];
    let over_something = standard(SECRET, "m", NOW, b"{}");
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(told(&config, &request(method.clone(), &dated), NOW, b"").as_deref(), Ok("n8n"));
        let wrong = [dated[0], dated[1], (SIGNATURE, over_something.as_str())];
        assert!(
            told(&config, &request(method, &wrong), NOW, b"").unwrap_err().contains("no configured secret matches")
        );
    }
    assert!(told(&config, &request(Method::DELETE, &dated), NOW, b"").unwrap_err().contains("DELETE cannot be signed"));
    for (name, value) in [(HUB, format!("sha256={HUB_TAG}")), (TOKEN, "a gitlab token that is long".to_owned())] {
        for method in [Method::GET, Method::DELETE] {
            let told = told(&config, &request(method, &[(name, &value)]), NOW, b"").unwrap_err();
            assert!(told.contains("cannot be signed with this scheme"), "{told}");
        }
    }
}

proptest! {
    /// The reference implementation accepts exactly what is accepted here. It uses the real time.
    #[test]
    fn the_oracle_agrees(
        body in "\\PC{0,40}",
        signed in "\\PC{0,40}",
        same in any::<bool>(),
        key in prop::sample::select(vec![SECRET, FORMER, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]),
        id in "[a-zA-Z0-9_-]{1,20}",
        off in -310i64..310,
        noise in "(v1a?,[A-Za-z0-9+/]{43}= ){0,2}",
    ) {
        let config = configured(
            &serde_json::json!([{"name": "n8n", "scheme": "standard", "secrets": [SECRET], "scopes": ["vidm:sync"]}]).to_string(),
        );
        let now = SystemTime::now();
        // Not at the edges: the oracle reads its clock a moment later.
        prop_assume!((off.abs() - 300).abs() > 5);
        let sent = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().saturating_add_signed(off);
        let signed = if same { &body } else { &signed };
        let signature = format!("{noise}{}", standard(key, &id, sent, signed.as_bytes()));
        let request = posted(&id, &sent.to_string(), &signature);
        let ours = claim(&request, &config.senders, now).and_then(|claim| prove(claim.unwrap(), body.as_bytes()));
        let oracle = Oracle::new(SECRET).unwrap().verify(body.as_bytes(), &request.headers);
        prop_assert_eq!(ours.is_ok(), oracle.is_ok(), "{:?} {:?}", ours, oracle.err());
    }
}

#[test]
fn svix_headers_are_accepted_but_not_mixed() {
    let config = all();
    let signature = Oracle::new(SECRET).unwrap().sign("msg_1", NOW.try_into().unwrap(), b"{}").unwrap();
    let now = NOW.to_string();
    let svix = [("svix-id", "msg_1"), ("svix-timestamp", now.as_str()), ("svix-signature", signature.as_str())];
    assert_eq!(told(&config, &request(Method::POST, &svix), NOW, b"{}").unwrap(), "n8n");
    assert!(told(&config, &request(Method::POST, &svix), NOW + 301, b"{}").is_err());
    let names = ["id", "timestamp", "signature"];
    for which in 0..3 {
        // One of the three has the other family's name.
        let mut mixed = svix.to_vec();
        mixed[which].0 = ["webhook-id", "webhook-timestamp", "webhook-signature"][which];
        let refusal = told(&config, &request(Method::POST, &mixed), NOW, b"{}");
        assert!(refusal.unwrap_err().contains("missing"), "{}", names[which]);
    }
    let both: Vec<_> = svix.into_iter().chain([("webhook-id", "msg_2")]).collect();
    let parts = request(Method::POST, &both);
    assert_eq!(told(&config, &parts, NOW, b"{}").unwrap(), "n8n");
    assert_eq!(signed_id(&parts.headers), Some("svix-id"), "not the unsigned one");
}

#[test]
fn bitbucket_signatures_use_their_own_header() {
    let senders = serde_json::json!([
        {"name": "bucket", "scheme": "bitbucket", "secrets": [HUB_SECRET], "scopes": ["vidm:sync"]},
        {"name": "octo", "scheme": "github", "secrets": ["a secret of GitHub's alone"], "scopes": ["vidm:sync"]},
    ]);
    let config = configured(&senders.to_string());
    let good = format!("sha256={HUB_TAG}");
    let post = |headers: &[(&'static str, &str)]| request(Method::POST, headers);
    assert_eq!(told(&config, &post(&[("x-hub-signature", &good)]), NOW, HUB_BODY).unwrap(), "bucket");
    // Each secret is valid only for its own header.
    assert!(told(&config, &post(&[("x-hub-signature-256", &good)]), NOW, HUB_BODY).is_err());
    assert!(told(&config, &post(&[("x-hub-signature", "sha1=2ba1f5e4")]), NOW, HUB_BODY).is_err());
    assert!(told(&config, &post(&[("x-hub-signature", &good)]), NOW, b"another").is_err());
    // GitHub's former signature, sent beside the current one, is ignored.
    let github = [("x-hub-signature", "sha1=2ba1f5e4"), ("x-hub-signature-256", good.as_str())];
    assert_eq!(told(&all(), &post(&github), NOW, HUB_BODY).unwrap(), "octo");
}

#[test]
fn headers_like_signatures_are_named_up_to_a_bound() {
    let long = "x-signature-".to_owned() + &"a".repeat(52);
    let names = ["x-hmac", "x-date", "content-digest", long.as_str(), "x-hook-secret"];
    let headers =
        names.iter().map(|name| (http::HeaderName::try_from(*name).unwrap(), http::HeaderValue::from_static("v")));
    let mut headers: HeaderMap = headers.collect();
    let mut named = unread(&headers);
    assert_eq!(named.len(), SHOWN, "{named:?}");
    headers.remove("x-hmac");
    named = unread(&headers);
    named.sort_unstable();
    assert_eq!(named, ["content-digest", "x-hook-secret", &long]);

    let longer = http::HeaderName::try_from(long + "a").unwrap();
    assert!(unread(&HeaderMap::from_iter([(longer, http::HeaderValue::from_static("v"))])).is_empty());
}
