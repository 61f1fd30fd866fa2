use super::*;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

fn struck(text: &str, secret: &str) -> String {
    strike(text, &[&Secret::new(secret)])
}

#[test]
fn echoed_secret_is_removed() {
    let secrets = [&Secret::new("hunter2"), &Secret::new("a"), &Secret::new("")];
    assert_eq!(strike("bad password hunter2 for a, hunter2hunter2", &secrets), "bad password … for a, ……");
    assert_eq!(strike("", &secrets), "");
    assert_eq!(struck("xabababy", "abab"), "x…y", "occurrences may overlap");
}

#[test]
fn encoded_secrets_are_removed_in_every_form() {
    let secret = "p ä\"w\\d/&+%<9";
    for form in [
        secret,
        r#"p ä\"w\\d\/&+%<9"#,
        r#"p \u00e4\u0022w\u005Cd/\u0026+%<9"#,
        "p%20%C3%A4%22w%5Cd%2F%26%2B%25%3C9",
        "p+%c3%a4%22w%5cd%2f%26%2b%25%3c9",
        "p%20%C3%A4%22w%5Cd/&+%25%3C9",
        "p ä&quot;w\\d/&amp;+%&lt;9",
        "p &#228;&#x22;w\\d/&amp;+%&lt;9",
    ] {
        assert_eq!(struck(&format!("pw={form}&x"), secret), "pw=…&x", "{form}");
    }
}

/// The second form is that of servers that write ASCII only.
#[test]
fn secrets_with_control_characters_and_beyond_u_ffff_are_removed_from_json() {
    let secret = "a\u{8}b\u{c}c\rd\ne\tf\u{1f511}";
    for form in
        [r"a\bb\fc\rd\ne\tf\ud83d\udd11", r"a\u0008b\u000cc\u000Dd\ne\tf\uD83D\uDD11", "a\\bb\\fc\\rd\\ne\\tf\u{1f511}"]
    {
        assert_eq!(struck(&format!("{{\"pw\":\"{form}\"}}"), secret), r#"{"pw":"…"}"#, "{form}");
    }
    assert_eq!(struck(r"\ud83d \udd11 \ud83d\u0041 \ud83d\", secret), r"\ud83d \udd11 \ud83d\u0041 \ud83d\");
}

#[test]
fn base64_secret_is_removed_after_any_prefix() {
    let secret = "s3cr?t>pa~ss";
    for before in ["", "a:", "ab:", "abc:", "svc-idhook:"] {
        for text in [STANDARD.encode(format!("{before}{secret}")), URL_SAFE.encode(format!("{before}{secret}:x"))] {
            let left = struck(&text, secret);
            let rest: Vec<_> = left.split('…').collect();
            assert_eq!(rest.len(), 2, "{text}");
            // The rest does not contain three bytes of the secret.
            let shown = URL_SAFE
                .encode(secret)
                .as_bytes()
                .windows(4)
                .filter(|w| left.as_bytes().windows(4).any(|l| l == *w))
                .count();
            assert_eq!(shown, 0, "{text} {left}");
        }
    }
}

#[test]
fn secrets_are_removed_from_every_text_of_a_document() {
    let mut value = json!({"a": ["x hunter2"], "hunter2": {"b": "hunter%32"}, "n": 12_345_678, "t": true});
    strike_json(&mut value, &[&Secret::new("hunter2"), &Secret::new("12345678")]);
    assert_eq!(value, json!({"a": ["x …"], "…": {"b": "…"}, "n": "…", "t": true}));
}

#[test]
fn secrets_of_a_body_are_the_texts_of_secret_fields() {
    let body = json!({
        "ldap": {"username": "svc", "password": "hunter2"}, "clientSecret": "s3cr3t", "tokens": [{"a": "t0k3n"}],
        "pairs": [{"name": "ldap.password", "value": "p41r"}, {"name": "ldap.port", "value": "389"}],
        "passwordSet": "true", "secret": "", "tokenTtl": 12345, "referenceToken": "R1",
    });
    let mut secrets = secrets_in_body(body.to_string().as_bytes());
    secrets.sort_by_key(|secret| secret.expose().to_owned());
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["hunter2", "p41r", "s3cr3t", "t0k3n"]);
    assert!(secrets_in_body(b"grant_type=x&password=hunter2").is_empty());
}

#[test]
fn secret_fields_are_blanked_at_any_depth() {
    let mut value = json!({
        "bindPassword": "hunter2", "CLIENT_SECRET": ["hunter2"], "access-token": {"a": "hunter2"}, "Private Key": 12345,
        "privateKeyPem": "hunter2", "nested": [{"deep": {"x_ToKeN_y": "hunter2"}}],
        "pairs": [{"name": "ldap.password", "value": "hunter2"}, {"key": "apiToken", "value": "hunter2", "n": 1}],
        "text": "{\"password\": \"hunter2\"}",
        "tokenServiceOk": true, "passwordSet": "false", "tokenState": "unknown", "secret": null, "password": "",
        "name": "n", "key": "corp", "value": "v", "referenceToken": "R1", "tokenEndpoint": "https://idp/token",
        "\u{e9}-\u{212a}-to\u{212a}en": "hunter2", "tok\u{e9}en": "shown",
    });
    blank_secret_fields(&mut value);
    assert_eq!(
        value,
        json!({
            "bindPassword": "…", "CLIENT_SECRET": "…", "access-token": "…", "Private Key": "…",
            "privateKeyPem": "…", "nested": [{"deep": {"x_ToKeN_y": "…"}}],
            "pairs": [{"name": "ldap.password", "value": "…"}, {"key": "apiToken", "value": "…", "n": 1}],
            "text": "{\"password\":\"…\"}",
            "tokenServiceOk": true, "passwordSet": "false", "tokenState": "unknown", "secret": null, "password": "",
            "name": "n", "key": "corp", "value": "v", "referenceToken": "R1", "tokenEndpoint": "https://idp/token",
            "\u{e9}-\u{212a}-to\u{212a}en": "…", "tok\u{e9}en": "shown",
        })
    );
}

#[test]
fn other_texts_stay_unchanged() {
    for text in ["{\"a\" :  1}", "[not json", "{\"b\": [1,2 ]}", "plain"] {
        let mut value = json!({ "text": text });
        blank_secret_fields(&mut value);
        assert_eq!(value["text"], text);
    }
}

proptest! {
    #[test]
    fn any_text_and_secret_are_handled(text in "\\PC{0,60}", secret in "\\PC{0,8}") {
        let left = struck(&text, &secret);
        prop_assert!(secret.len() < MIN_SECRET || secret.contains('…') || !left.contains(&secret));
    }

    #[test]
    fn invalid_escapes_stay_unchanged(text in "[%&\\\\u#x;0-9a-f+äé]{0,40}") {
        prop_assert!(struck(&text, "hunter2") == text);
    }
}
