//! Tokens like the real ones: a JWT with an RS256 header. The signature is not valid; only the issuer checks tokens, and it
//! keeps a list.

use crate::clock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A compact JWT (RFC 7519) with these claims.
pub(crate) fn jwt(claims: &Value) -> String {
    let signature: Vec<u8> = (0..32).flat_map(|_| clock::unique().to_be_bytes()).collect();
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"RS256"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// The parts of an Authorization header: the scheme and the rest.
pub(crate) fn authorization(header: Option<&str>) -> Option<(&str, &str)> {
    let (scheme, token) = header?.trim().split_once(' ')?;
    Some((scheme, token.trim()))
}
