//! Entry points for fuzzers: tokens and key sets of issuers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::jwk::{self, Algorithm};
use super::token::{MAX_TOKEN, Token};
use crate::error::fuzzing::check;
use crate::runtime::from_unix_ms;

/// The keys of RFC 7515, appendices A.2 and A.3.
const KEYS: &[u8] = include_bytes!("../../tests/fixtures/oidc/keys.json");

/// The token that is signed with one of these keys (RFC 7515, appendix A.3).
const SIGNED: &str = include_str!("../../tests/fixtures/oidc/es256.jwt");

/// A token of any form: bounded; and none verifies except the signed one.
pub(crate) fn token(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Some(token) = Token::read(text) else { return };
    assert!(text.len() <= MAX_TOKEN && token.claims().is_object());
    let _ = (token.issuer(), token.subject(), token.is_for("https://idhook.example"));
    match token.check(from_unix_ms(1_300_000_000_000)) {
        Ok(algorithm) => {
            let (signed, signature) = text.rsplit_once('.').unwrap_or_default();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
            let keys = jwk::read(KEYS).unwrap_or_default();
            let is_signed =
                keys.iter().any(|key| key.fits(None, algorithm) && key.verifies(signed.as_bytes(), &signature));
            assert!(!is_signed || SIGNED.trim_end().starts_with(signed), "a changed token verifies: {text}");
        }
        Err(error) => check(&error),
    }
}

/// A key set of any form: at most 32 keys, and none verifies a signature that it did not make.
pub(crate) fn key_set(input: &[u8]) {
    let Some(keys) = jwk::read(input) else { return };
    assert!((1..=32).contains(&keys.len()));
    let (_, signature) = SIGNED.trim_end().rsplit_once('.').unwrap_or_default();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    for key in keys.iter().take(2) {
        let fits = [Algorithm::Rs256, Algorithm::Es256].map(|algorithm| key.fits(None, algorithm));
        assert!(fits == [true, false] || fits == [false, true], "a key of one type has one algorithm");
        assert!(!key.verifies(b"not what was signed", &signature));
    }
}
