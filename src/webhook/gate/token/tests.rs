use super::*;
use crate::config::Config;
use crate::secret::Secret;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

const TARGET: &str = "vcf/default";

/// 2026-01-01T00:00:00Z.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

/// The entry `ci` with these keys.
fn entries(keys: &[&str], more: &str) -> Vec<ApiKey> {
    let digests: Vec<String> =
        keys.iter().map(|key| Sha256::digest(key).iter().map(|b| format!("{b:02x}")).collect()).collect();
    let list = format!(r#"[{{"name":"ci","sha256":{digests:?},"scopes":["vcf:read"]{more}}}]"#);
    let config = Config::parse(|name| match name {
        "vcf_url" => Some("https://s".to_owned()),
        "vcf_username" => Some("u@vsphere.local".to_owned()),
        "vcf_password" => Some("p".to_owned()),
        "api_keys" => Some(list.clone()),
        _ => None,
    });
    config.unwrap().api_keys
}

fn both(state_key: &StateKey, entry: &ApiKey, at: usize) -> [(Kind, String); 2] {
    [
        (Kind::Access, access(state_key, (entry, at), TARGET, start()).unwrap()),
        (Kind::Refresh, refresh(state_key, (entry, at), TARGET, [7; SERIAL], start()).unwrap()),
    ]
}

#[test]
fn access_token_has_the_claims_that_clients_read() {
    let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
    let token = access(&state_key, (&keys[0], 0), TARGET, start()).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(text(parts[0]), r#"{"alg":"HS256","typ":"JWT"}"#);
    let mark = URL_SAFE_NO_PAD.encode(mark(&state_key.derive("gate access token").unwrap(), &keys[0], 0));
    let claims = format!(
        r#"{{"iat":1767225600,"exp":1767229200,"sub":"ci","iss":"vcf-auth","aud":"sddc-services","target":"vcf/default","key":"{mark}"}}"#
    );
    assert_eq!(text(parts[1]), claims);
    let signature =
        hmac(&state_key.derive("gate access token").unwrap(), format!("{}.{}", parts[0], parts[1]).as_bytes());
    assert_eq!(parts[2], URL_SAFE_NO_PAD.encode(signature));
    assert!(is_access(&token) && parts.len() == 3);
}

#[test]
fn tokens_of_a_fixed_state_key_keep_their_bytes() {
    let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
    let [(_, access), (_, refresh)] = both(&state_key, &keys[0], 0);
    assert_eq!(access, ACCESS);
    assert_eq!(refresh, REFRESH);
    assert!(!refresh.contains(['"', '\\']) && !is_access(&refresh));
}

/// Made by another implementation of the same contract.
const ACCESS: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyOTIwMCwic3ViIjoiY2kiLCJpc3MiOiJ2Y2YtYXV0aCIsImF1ZCI6InNkZGMtc2VydmljZXMiLCJ0YXJnZXQiOiJ2Y2YvZGVmYXVsdCIsImtleSI6Imd2ZXB6ajdEcHhzRmt6X1IydjQyV1EifQ.CVltw0INHpBRP-Q-5HnyGyKkVX4tmwVFxtDiniZPkjQ";
const REFRESH: &str = "AQAAAABpVwqABwcHBwcHBwcHBwcHBwcHB2Ur4mxeYWSaU0sEb5KF7Itjae9v1hDgpKqipm4_zsekSdk";

#[test]
fn token_stands_for_its_key_until_it_expires() {
    let (state_key, keys) = (StateKey::of("k"), entries(&["one", "two"], ""));
    for (kind, token) in both(&state_key, &keys[0], 1) {
        let at = |seconds| open(&state_key, &keys, kind, TARGET, &token, start() + Duration::from_secs(seconds));
        let life = if kind == Kind::Access { 3600 } else { 86_400 };
        for seconds in [0, life - 1] {
            let opened = at(seconds).unwrap();
            assert_eq!((opened.caller.name(), opened.caller.key(), opened.key.1), ("ci", 1, 1));
            assert_eq!(opened.expires, start() + Duration::from_secs(life));
        }
        assert_eq!(at(life).unwrap_err(), Dead::Expired);
    }
}

#[test]
fn token_ends_with_its_key() {
    let state_key = StateKey::of("k");
    for (kind, token) in both(&state_key, &entries(&["one", "two"], "")[0], 1) {
        let with = |keys: &[ApiKey]| open(&state_key, keys, kind, TARGET, &token, start()).map(|opened| opened.key.1);
        assert_eq!(with(&entries(&["two"], "")), Ok(0), "the other key was removed");
        assert_eq!(with(&entries(&["one"], "")), Err(Dead::KeyGone));
        assert_eq!(with(&[]), Err(Dead::KeyGone));
        assert_eq!(with(&entries(&["two"], r#","notAfter":"2025-12-31T00:00:00Z""#)), Err(Dead::KeyGone));
        let mut renamed = entries(&["two"], "");
        renamed[0].grant.name = "other".to_owned();
        assert_eq!(with(&renamed), Err(Dead::KeyGone));
    }
}

#[test]
fn token_is_for_one_target_one_kind_and_one_state_key() {
    let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
    let rotated = StateKey::new(&[Secret::new("new"), Secret::new("k")]);
    for (kind, token) in both(&state_key, &keys[0], 0) {
        let other = if kind == Kind::Access { Kind::Refresh } else { Kind::Access };
        let dead = |key: &StateKey, kind, target| open(key, &keys, kind, target, &token, start()).unwrap_err();
        assert_eq!(dead(&state_key, kind, "vcf/other"), Dead::NotOurs);
        assert_eq!(dead(&state_key, other, TARGET), Dead::NotOurs);
        assert_eq!(dead(&StateKey::of("l"), kind, TARGET), Dead::NotOurs);
        assert_eq!(dead(&StateKey::new(&[]), kind, TARGET), Dead::NotOurs);
        assert!(open(&rotated, &keys, kind, TARGET, &token, start()).is_ok(), "older keys still verify");
    }
    assert_eq!(access(&StateKey::new(&[]), (&keys[0], 0), TARGET, start()).unwrap_err().code(), ErrorCode::Internal);
}

#[test]
fn token_cannot_choose_its_algorithm() {
    let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
    let token = access(&state_key, (&keys[0], 0), TARGET, start()).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let claims = signed.split_once('.').unwrap().1;
    let key = state_key.derive("gate access token").unwrap();
    for head in [r#"{"alg":"none"}"#, r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"alg":"HS256"}"#, "{}"] {
        let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(head));
        let signature = URL_SAFE_NO_PAD.encode(hmac(&key, signed.as_bytes()));
        for signature in [signature.as_str(), ""] {
            let token = format!("{signed}.{signature}");
            assert_eq!(open(&state_key, &keys, Kind::Access, TARGET, &token, start()).unwrap_err(), Dead::NotOurs);
        }
    }
}

proptest! {
    #[test]
    fn changed_tokens_are_not_accepted(at: proptest::sample::Index, to in "[A-Za-z0-9_.-]", is_access: bool) {
        let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
        let [access, refresh] = both(&state_key, &keys[0], 0);
        let (kind, token) = if is_access { access } else { refresh };
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != token);
        prop_assert_eq!(open(&state_key, &keys, kind, TARGET, &changed, start()).unwrap_err(), Dead::NotOurs);
    }

    #[test]
    fn random_texts_are_not_accepted(text in "\\PC{0,300}") {
        let (state_key, keys) = (StateKey::of("k"), entries(&["one"], ""));
        for kind in [Kind::Access, Kind::Refresh] {
            prop_assert_eq!(open(&state_key, &keys, kind, TARGET, &text, start()).unwrap_err(), Dead::NotOurs);
        }
    }
}
