use serde_json::json;

use super::*;

fn token(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(head), part(claims))
}

fn with_claims(claims: &Value) -> String {
    token(&json!({"alg": "RS256", "kid": "1"}), claims)
}

#[test]
fn claims_are_read_before_they_count() {
    let text = with_claims(&json!({"iss": "https://i", "sub": "s", "aud": ["a", "b"]}));
    let token = Token::read(&text).unwrap();
    assert_eq!((token.issuer(), token.subject()), (Some("https://i"), Some("s")));
    assert_eq!(token.claims()["aud"], json!(["a", "b"]));
    assert!(token.is_for("a") && token.is_for("b") && !token.is_for("ab") && !token.is_for(""));
    for (aud, is_for) in
        [(json!("a"), true), (json!("a b"), false), (json!([]), false), (json!(null), false), (json!(7), false)]
    {
        assert_eq!(Token::read(&with_claims(&json!({"aud": aud}))).unwrap().is_for("a"), is_for, "{aud}");
    }
    assert!(!Token::read(&with_claims(&json!({}))).unwrap().is_for("a"));
}

#[test]
fn texts_in_another_form_are_no_tokens() {
    let whole = with_claims(&json!({"iss": "https://i"}));
    assert!(Token::read(&whole).is_some());
    for text in [
        String::new(),
        "a.b.c".to_owned(),
        whole.replace('.', ""),
        format!("{whole}."),
        format!("{whole}.x"),
        format!("{whole}!"),
        format!("{whole}="),
        token(&json!([]), &json!({})),
        token(&json!({"kid": "1"}), &json!({})),
        token(&json!({"alg": 7}), &json!({})),
        token(&json!({"alg": "RS256"}), &json!([])),
        token(&json!({"alg": "RS256"}), &json!("iss")),
        with_claims(&json!({"iss": "x".repeat(MAX_TOKEN)})),
    ] {
        assert!(Token::read(&text).is_none(), "{text}");
    }
}

#[test]
fn longest_token_is_read() {
    let of_length = |length: usize| {
        let mut texts = (0..4).flat_map(|id| {
            (0..8).map(move |filler| {
                let head = json!({"alg": "RS256", "kid": "k".repeat(id)});
                token(&head, &json!({"iss": "i".repeat(length / 4 * 3 - 44 + filler)}))
            })
        });
        texts.find(|text| text.len() == length).unwrap()
    };
    assert!(Token::read(&of_length(MAX_TOKEN)).is_some());
    assert!(Token::read(&of_length(MAX_TOKEN + 1)).is_none());
}

#[test]
fn only_plain_tokens_with_a_supported_algorithm_are_accepted() {
    let algorithm = |head: Value| {
        let text = token(&head, &json!({}));
        Token::read(&text).unwrap().algorithm().map_err(|error| error.detail().to_owned())
    };
    for typ in [json!("JWT"), json!("jwt"), json!("at+jwt"), json!("application/at+jwt"), json!(null)] {
        assert_eq!(algorithm(json!({"alg": "RS256", "typ": typ})), Ok(Algorithm::Rs256), "{typ}");
    }
    assert_eq!(algorithm(json!({"alg": "ES256"})), Ok(Algorithm::Es256));
    for (head, says) in [
        (json!({"alg": "none"}), "is signed with none"),
        (json!({"alg": "HS256"}), "is signed with HS256"),
        (json!({"alg": "RS256", "typ": "logout+jwt"}), "type logout+jwt"),
        (json!({"alg": "RS256", "typ": "secevent+jwt"}), "type secevent+jwt"),
        (json!({"alg": "RS256", "crit": ["exp"]}), "extensions"),
    ] {
        assert!(algorithm(head.clone()).unwrap_err().contains(says), "{head}");
    }
}

#[test]
fn token_counts_in_its_time_and_a_minute_around_it() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_168_800);
    let checked = |claims: Value| {
        let text = with_claims(&claims);
        Token::read(&text).unwrap().check_time(now).map_err(|error| error.detail().to_owned())
    };
    for claims in [
        json!({"exp": 1_795_168_801}),
        json!({"exp": 1_795_168_741}),
        json!({"exp": "1795168801"}),
        json!({"exp": 1_795_168_801.5}),
        json!({"exp": 1_795_168_801, "nbf": 1_795_168_860}),
        json!({"exp": (1_u64 << 37) - 1, "nbf": 0}),
        json!({"exp": 1_795_168_801, "nbf": null}),
    ] {
        assert_eq!(checked(claims.clone()), Ok(()), "{claims}");
    }
    for (claims, says) in [
        (json!({"exp": 1_795_168_740}), "expired at 2026-11-20T09:59:00"),
        (json!({"exp": 0}), "expired at 1970"),
        (json!({}), "no time of expiry"),
        (json!({"exp": -1}), "no time of expiry"),
        (json!({"exp": "soon"}), "no time of expiry"),
        (json!({"exp": 1_u64 << 37}), "no time of expiry"),
        (json!({"exp": u64::MAX}), "no time of expiry"),
        (json!({"exp": 1_795_170_000, "nbf": 1_795_168_800_000_u64}), "cannot be read (nbf)"),
        (json!({"exp": 1_795_170_000, "nbf": "2026-11-20T10:00:00Z"}), "cannot be read (nbf)"),
        (json!({"exp": 1_795_170_000, "nbf": 1_795_168_861}), "not valid before 2026-11-20T10:01:01"),
    ] {
        let text = checked(claims.clone()).unwrap_err();
        assert!(text.contains(says), "{claims}: {text}");
    }
}
