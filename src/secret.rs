//! Secrets and tokens: types that do not print, and the only place that adds an `Authorization` header to an upstream
//! request.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serializer};

/// Tokens are dropped this long before they expire, so that none expires in transit.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// A longer lifetime is not believed.
const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// A secret text: no `Display`, a `Debug` that hides it, memory wiped when dropped.
///
/// ```
/// use idhook::secret::Secret;
///
/// let password = Secret::new("hunter2");
/// assert_eq!(format!("{password:?}"), "Secret(…)");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Review every use.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Serialises the text itself, for `#[serde(serialize_with)]` on the fields of an upstream request body.
    ///
    /// # Errors
    /// Errors of the serialiser.
    pub(crate) fn serialize_exposed<S: Serializer>(secret: &Self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The scheme in front of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// vIDM's own scheme for session tokens (used by VMware's guides and tools).
    Hzn,
    /// RFC 6750.
    Bearer,
    /// VCF Operations' own scheme for session tokens.
    OpsToken,
}

impl Scheme {
    /// The scheme's name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Hzn => "HZN",
            Self::Bearer => "Bearer",
            Self::OpsToken => "OpsToken",
        }
    }

    /// The scheme with this name.
    pub(crate) fn of(word: &str) -> Option<Self> {
        [Self::Hzn, Self::Bearer, Self::OpsToken].into_iter().find(|scheme| scheme.word() == word)
    }
}

/// A login's token, usable until shortly before it expires.
#[derive(Debug, Clone)]
pub struct AccessToken {
    scheme: Scheme,
    secret: Secret,
    expires: SystemTime,
}

impl AccessToken {
    /// A token that was issued at `now` and lives for `lifetime`.
    #[must_use]
    pub fn new(scheme: Scheme, secret: Secret, now: SystemTime, lifetime: Duration) -> Self {
        // No token lives longer; clamping also prevents overflow.
        Self { scheme, secret, expires: now.checked_add(lifetime.min(MAX_LIFETIME)).unwrap_or(now) }
    }

    /// A token that lives until `expires`.
    pub(crate) fn until(scheme: Scheme, secret: Secret, expires: SystemTime) -> Self {
        Self { scheme, secret, expires }
    }

    /// When it expires.
    pub(crate) fn expires(&self) -> SystemTime {
        self.expires
    }

    /// The header's value: scheme and token.
    pub(crate) fn header(&self) -> Secret {
        Secret::new(format!("{} {}", self.scheme.word(), self.secret.expose()))
    }

    /// The same token with another scheme.
    pub(crate) fn under(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The token without scheme.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Whether it can still be used at `now`.
    #[must_use]
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        self.expires.duration_since(now).is_ok_and(|left| left > EXPIRY_MARGIN)
    }

    /// Whether both are the same token.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.secret.expose() == other.secret.expose()
    }

    /// Adds this token to `request`.
    ///
    /// # Errors
    /// The token contains characters that are invalid in a header.
    pub fn authorize<B>(&self, request: &mut http::Request<B>) -> Result<(), InvalidToken> {
        let mut value = HeaderValue::from_str(self.header().expose()).map_err(|_| InvalidToken)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}

/// The upstream's token is not valid in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidToken;

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token contains characters that are invalid in an HTTP header")
    }
}

impl std::error::Error for InvalidToken {}

/// Adds `Authorization: Basic` for an OAuth client to `request`: id and secret unchanged, as the vendor's own clients send
/// them, not form-encoded first as in RFC 6749, section 2.3.1.
pub(crate) fn authorize_client<B>(request: &mut http::Request<B>, client_id: &str, client_secret: &Secret) {
    let pair = STANDARD.encode(format!("{client_id}:{}", client_secret.expose()));
    // Base64 is always a valid header value; otherwise the request would go out without it and be rejected.
    if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {pair}")) {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// A JWT's lifetime from its own `iat` and `exp` claims (RFC 7519), so that differing clocks do not matter. `None` if it is
/// not a JWT or lacks the claims; the token is otherwise opaque, and its signature is not checked.
#[must_use]
pub(crate) fn jwt_lifetime(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        iat: u64,
        exp: u64,
    }
    let payload = token.split('.').nth(1)?;
    let claims: Claims = crate::json::parse(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?)?;
    claims.exp.checked_sub(claims.iat).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_not_printed() {
        let secret = Secret::new("hunter2");
        let token = AccessToken::new(Scheme::Hzn, secret.clone(), SystemTime::UNIX_EPOCH, Duration::from_secs(1));
        assert!(!format!("{secret:?} {token:?}").contains("hunter2"));
        let mut request = http::Request::new(());
        token.authorize(&mut request).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "HZN hunter2");
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn client_credentials_are_not_form_encoded() {
        let mut request = http::Request::new(());
        authorize_client(&mut request, "id.hook@corp", &Secret::new("s3:cr%t+ä"));
        assert_eq!(request.headers()[AUTHORIZATION], format!("Basic {}", STANDARD.encode("id.hook@corp:s3:cr%t+ä")));
        assert!(!format!("{request:?}").contains("Basic"));
    }

    #[test]
    fn token_is_dropped_before_it_expires() {
        let start = SystemTime::UNIX_EPOCH;
        let token = AccessToken::new(Scheme::Bearer, Secret::new("t"), start, Duration::from_secs(3600));
        assert!(token.is_fresh(start + Duration::from_secs(3539)));
        assert!(!token.is_fresh(start + Duration::from_secs(3540)));
        assert!(!token.is_fresh(start + Duration::from_secs(9999)));
    }

    #[test]
    fn lifetime_is_read_from_the_claims() {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(r#"{"iat":1608207386,"exp":1608236186}"#));
        assert_eq!(jwt_lifetime(&token), Some(Duration::from_secs(28_800)));
        for other in ["", "opaque", "a.b.c", "e30.e30.x"] {
            assert_eq!(jwt_lifetime(other), None);
        }
    }
}
