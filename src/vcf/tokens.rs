//! Tokens: a pair by user name and password, a new access token by the refresh token, and the end of a refresh token.
//!
//! By the vendor's samples an access token lives one hour, a refresh token 24 hours. An access token is a JWT, and the lifetime
//! in it is used; a refresh token is an id. None of the calls needs a token.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::retry::Repeat;
use crate::secret::{AccessToken, Scheme, Secret, jwt_lifetime};
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};
use crate::vcf::text::plain;
use crate::vcf::{JSON, Vcf};

/// The assumed lifetime of an access token without one.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The documented lifetime of a refresh token.
pub(super) const REFRESH_LIFETIME: Duration = Duration::from_hours(24);

/// `POST /v1/tokens` (VMware Cloud Foundation API, Tokens, "Create Token Pair").
///
/// Returns 201; 200 up to VCF 5.2.0.
#[derive(Debug)]
pub(super) struct Create<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a Secret,
}

/// A login's result.
#[derive(Debug)]
pub(super) struct TokenPair {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
}

impl Endpoint for Create<'_> {
    type Api = Vcf;
    type Response = TokenPair;
    const CALL: &'static str = "POST /v1/tokens";
    // A failed login counts against the account.
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        #[derive(Serialize)]
        struct TokenCreationSpec<'a> {
            username: &'a str,
            password: &'a str,
        }
        let body = json(&TokenCreationSpec { username: self.username, password: self.password.expose() })?;
        with_body(Method::POST, "/v1/tokens", JSON, JSON, body)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<TokenPair> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Pair {
            access_token: Secret,
            refresh_token: Option<RefreshToken>,
        }
        #[derive(Deserialize)]
        struct RefreshToken {
            id: Option<Secret>,
        }
        let pair: Pair = read_json(Self::CALL, &answer)?;
        if !is_token(pair.access_token.expose()) {
            return Err(invalid(Self::CALL, &answer, "its accessToken is not a token"));
        }
        let refresh_token = pair.refresh_token.and_then(|token| token.id).filter(|id| is_token(id.expose()));
        Ok(TokenPair { access_token: pair.access_token, refresh_token })
    }
}

/// The form of a refresh token in a request. The specification says a JSON string, the vendor's PowerShell module sends the
/// bare id with the same content type, and both were observed to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `"id"`.
    Quoted,
    /// `id`.
    Bare,
}

/// `PATCH /v1/tokens/access-token/refresh` (VMware Cloud Foundation API, Tokens, "Refresh Access Token").
///
/// Returns the new access token, as a text or as a JSON string.
#[derive(Debug)]
pub(super) struct Refresh<'a> {
    pub(super) refresh_token: &'a Secret,
    pub(super) form: Form,
}

impl Form {
    fn body(self, refresh_token: &Secret) -> Result<Bytes> {
        Ok(match self {
            Self::Quoted => json(&refresh_token.expose())?,
            Self::Bare => Bytes::copy_from_slice(refresh_token.expose().as_bytes()),
        })
    }
}

impl Endpoint for Refresh<'_> {
    type Api = Vcf;
    type Response = Secret;
    const CALL: &'static str = "PATCH /v1/tokens/access-token/refresh";
    // A refresh token may be used repeatedly, but a PATCH is not safe to repeat by definition.
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::PATCH, "/v1/tokens/access-token/refresh", JSON, JSON, self.form.body(self.refresh_token)?)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Secret> {
        plain(answer.body())
            .filter(|token| is_token(token))
            .map(Secret::new)
            .ok_or_else(|| invalid(Self::CALL, &answer, "it is not a token"))
    }
}

/// `DELETE /v1/tokens/refresh-token` (VMware Cloud Foundation API, Tokens, "Invalidate Refresh Token")
///
/// Returns 204. The specification declares no error.
#[derive(Debug)]
pub(super) struct Revoke<'a> {
    pub(super) refresh_token: &'a Secret,
    pub(super) form: Form,
}

impl Endpoint for Revoke<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "DELETE /v1/tokens/refresh-token";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;
    const READS_ANSWER: bool = false;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::DELETE, "/v1/tokens/refresh-token", JSON, JSON, self.form.body(self.refresh_token)?)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// `token` as received at `now`.
pub(super) fn access_token(token: Secret, now: SystemTime) -> AccessToken {
    let lifetime = jwt_lifetime(token.expose()).unwrap_or(LIFETIME);
    AccessToken::new(Scheme::Bearer, token, now, lifetime)
}

/// Whether a refresh token was rejected in a way that the other form of its body may fix.
pub(super) fn wants_other_form(error: &Error) -> bool {
    matches!(
        error.upstream_status(),
        Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNSUPPORTED_MEDIA_TYPE)
    )
}

/// Recognises a failed login: SDDC Manager rejects wrong credentials with 401, with 400 in its own error format, or with its
/// own code, which it also has for an account without a role (Broadcom KB 439276). A page keeps its own hint: it says nothing about
/// the credentials.
pub(super) fn refused(error: Error) -> Error {
    if error.evidence().is_some_and(|evidence| evidence.is_page) && error.code() == ErrorCode::UpstreamInvalid {
        return error;
    }
    let by_code = error.evidence().and_then(|said| said.code.as_deref()) == Some("IDENTITY_UNAUTHORIZED_ENTITY");
    if error.code() != ErrorCode::UpstreamAuth && !by_code {
        let is_refusal = error.upstream_status().is_some_and(|status| status.is_client_error());
        let is_elsewhere = is_refusal && error.code() == ErrorCode::UpstreamInvalid;
        return if is_elsewhere { error.hint(NOT_THERE) } else { error };
    }
    let detail = format!("SDDC Manager rejected the login of the configured account: {}", error.detail());
    error.recode(ErrorCode::UpstreamAuth, detail).hint(
        "check the target's username (with its domain, such as administrator@vsphere.local) and password, and that the account \
         has a role in SDDC Manager (ADMIN to change identity providers): SDDC Manager may give the same answer to an account \
         without a role; after the role was added, GET …/doctor?retry=true allows one login",
    )
}

/// Recognises a rejected refresh token of the configuration. A page says nothing about the token.
pub(super) fn expired(error: Error) -> Error {
    let Some(evidence) = error.evidence() else { return error };
    let is_refusal = evidence.status.is_some_and(|status| status.is_client_error());
    match (is_refusal, evidence.is_page) {
        (true, false) => {
            let detail = format!("SDDC Manager rejected the configured refresh token: {}", error.detail());
            error.recode(ErrorCode::UpstreamAuth, detail).hint(
                "the refresh token has expired (24 hours after it was made) or was revoked, and there is no password to log \
                 in with: make a new pair with POST /v1/tokens of SDDC Manager and set refreshToken.id of its response as \
                 vcf_refresh_token, or configure vcf_username and vcf_password",
            )
        }
        (true, true) if error.code() == ErrorCode::UpstreamInvalid => error.hint(NOT_THERE),
        _ => error,
    }
}

/// The hint if there is another server at the target's URL.
const NOT_THERE: &str = "check the target's URL: SDDC Manager does not respond there";

/// Tokens are one word of visible ASCII; a page or an error text is not.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'{' | b'<'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::{read, wire};

    const HEADERS: &str = "accept: application/json\ncontent-type: application/json\n\n";

    fn create(password: &Secret) -> Create<'_> {
        Create { username: "administrator@vsphere.local", password }
    }

    #[test]
    fn login_sends_credentials_and_reads_a_token_pair() {
        let password = Secret::new(r#"VMw@re1!"\"#);
        let create = create(&password);
        let body = r#"{"username":"administrator@vsphere.local","password":"VMw@re1!\"\\"}"#;
        assert_eq!(wire(&create), format!("POST /v1/tokens\n{HEADERS}{body}"));

        let answer = include_str!("../../tests/fixtures/vcf/tokens.answer.json");
        let pair = read(&create, answer).unwrap();
        assert!(answer.contains(pair.access_token.expose()));
        assert_eq!(pair.refresh_token.unwrap().expose(), "3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e");
        for lone in [
            r#"{"accessToken":"t"}"#,
            r#"{"accessToken":"t","refreshToken":null}"#,
            r#"{"accessToken":"t","refreshToken":{}}"#,
        ] {
            assert!(read(&create, lone).unwrap().refresh_token.is_none(), "{lone}");
        }
    }

    #[test]
    fn invalid_token_pair_is_rejected_without_showing_it() {
        for answer in
            ["", "[]", r#"{"refreshToken":{"id":"secret"}}"#, r#"{"accessToken":"sec ret"}"#, r#"{"accessToken":""}"#]
        {
            let error = read(&create(&Secret::new("p")), answer).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{answer}");
            assert!(!format!("{error:?}").contains("sec"), "{error:?}");
        }
    }

    #[test]
    fn refresh_supports_both_forms() {
        let id = Secret::new("3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e");
        let refresh = |form| Refresh { refresh_token: &id, form };
        let line = "PATCH /v1/tokens/access-token/refresh";
        assert_eq!(wire(&refresh(Form::Quoted)), format!("{line}\n{HEADERS}\"3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e\""));
        assert_eq!(wire(&refresh(Form::Bare)), format!("{line}\n{HEADERS}3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e"));
        for answer in ["a.b.c", "\"a.b.c\"", "\"a.b.c\"\r\n"] {
            assert_eq!(read(&refresh(Form::Quoted), answer).unwrap().expose(), "a.b.c");
        }
        for answer in ["", "\"\"", "<html>", "{\"accessToken\":\"a\"}", "not a token"] {
            assert!(read(&refresh(Form::Quoted), answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn revocation_supports_both_forms() {
        let id = Secret::new("3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e");
        let revoke = |form| Revoke { refresh_token: &id, form };
        let line = "DELETE /v1/tokens/refresh-token";
        assert_eq!(wire(&revoke(Form::Quoted)), format!("{line}\n{HEADERS}\"3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e\""));
        assert_eq!(wire(&revoke(Form::Bare)), format!("{line}\n{HEADERS}3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e"));
        read(&revoke(Form::Quoted), "").unwrap();
    }

    #[test]
    fn a_token_lives_as_long_as_it_says_and_no_longer_than_a_day() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000);
        let jwt = |claims: &str| {
            use base64::Engine as _;
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            access_token(Secret::new(format!("e30.{claims}.c2ln")), now)
        };
        let hour = Duration::from_secs(3600);
        let fresh_for = |token: &AccessToken, time| token.is_fresh(now + time - Duration::from_secs(61));
        let half = jwt(r#"{"iat":1000,"exp":2800}"#);
        assert!(fresh_for(&half, hour / 2) && !fresh_for(&half, hour / 2 + Duration::from_secs(2)));
        let opaque = access_token(Secret::new("opaque"), now);
        assert!(fresh_for(&opaque, hour) && !fresh_for(&opaque, hour + Duration::from_secs(2)));
        let endless = jwt(r#"{"iat":0,"exp":18446744073709551615}"#);
        assert!(fresh_for(&endless, hour * 24) && !fresh_for(&endless, hour * 24 + Duration::from_secs(2)));
    }
}
