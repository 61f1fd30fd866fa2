//! Additions of VCF 5.1 and later for federated providers: the SCIM token, the prechecks, SDDC Manager's own client.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, FieldError, Result};
use crate::redact::blank_secrets_in;
use crate::retry::Repeat;
use crate::secret::Secret;
use crate::upstream::{Endpoint, bare, form, invalid, read_shown, segment};
use crate::vcf::model::{text, whole_number};
use crate::vcf::text::plain;
use crate::vcf::version::{Feature, Versioned};
use crate::vcf::{Extra, JSON, PrecheckResult, ProviderId, SddcManagerOidc, SyncClientToken, Vcf};

/// The lifetime of a SCIM token in seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetime(i64);

impl TokenLifetime {
    /// A lifetime of `seconds`.
    ///
    /// # Errors
    /// `request_invalid` for less than one second.
    pub fn from_seconds(seconds: i64) -> Result<Self> {
        if seconds > 0 {
            return Ok(Self(seconds));
        }
        let detail = "syncClientTokenTTL must be a number of seconds above 0, or omitted";
        Err(Error::invalid(vec![FieldError::new("", detail)]))
    }
}

/// `POST /v1/identity-providers/{id}/sync-client?syncClientTokenTTL={seconds}` (VMware Cloud Foundation API, Identity
/// Providers, "Generate sync client token"; VCF 5.1 and later, the parameter from 5.2 on).
///
/// Returns the vendor's `SyncClientTokenInfo` according to the specification of 5.1.1; later ones name no response, so it may be empty.
#[derive(Debug)]
pub(super) struct GenerateSyncClientToken<'a> {
    pub(super) id: &'a ProviderId,
    pub(super) lifetime: Option<TokenLifetime>,
}

impl Endpoint for GenerateSyncClientToken<'_> {
    type Api = Vcf;
    /// `None` without a token in the response.
    type Response = Option<SyncClientToken>;
    const CALL: &'static str = "POST /v1/identity-providers/{id}/sync-client";
    // The previous token becomes invalid at once.
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        let mut path = format!("/v1/identity-providers/{}/sync-client", segment(self.id.as_str()));
        if let Some(TokenLifetime(seconds)) = self.lifetime {
            path.push('?');
            path.push_str(&form([("syncClientTokenTTL", seconds.to_string().as_str())]));
        }
        bare(Method::POST, &path, JSON)
    }

    /// Reads as much as possible: this token may be returned only once.
    fn response(&self, answer: http::Response<Bytes>) -> Result<Option<SyncClientToken>> {
        let Some(body) = plain(answer.body()) else { return Ok(None) };
        if body.starts_with('{') {
            return Ok(crate::json::parse(body.as_bytes()).and_then(SyncClientToken::shown_in));
        }
        if body.contains(|c: char| !c.is_ascii_graphic() || c == '<') {
            return Err(invalid(Self::CALL, &answer, "it contains no token").hint(NO_TOKEN));
        }
        let (expire_in, expire_at, scim_url, extra) = (None, None, None, Extra::default());
        Ok(Some(SyncClientToken { token: Secret::new(body), expire_in, expire_at, scim_url, extra }))
    }
}

/// The fix if a new token was made and cannot be read.
pub(crate) const NO_TOKEN: &str = "SDDC Manager may have made a new token, which invalidates the previous one: look for it at the identity \
                                   provider in the user interface of SDDC Manager or vCenter";

impl SyncClientToken {
    /// The token in the vendor's `SyncClientTokenInfo`; `None` without one.
    pub(super) fn shown_in(info: Value) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Info {
            token: Secret,
            #[serde(default, deserialize_with = "whole_number")]
            expire_in: Option<i64>,
            #[serde(default, deserialize_with = "text")]
            expire_at: Option<String>,
            #[serde(default, deserialize_with = "text")]
            scim_url: Option<String>,
            #[serde(flatten)]
            extra: Extra,
        }
        let Info { token, expire_in, expire_at, scim_url, mut extra } = crate::json::read(&info).ok()?;
        blank_secrets_in(&mut extra.0);
        (!token.is_empty()).then_some(Self { token, expire_in, expire_at, scim_url, extra })
    }
}

impl Versioned for GenerateSyncClientToken<'_> {
    fn needs(&self) -> &'static [Feature] {
        match self.lifetime {
            None => &[Feature::SyncClient],
            Some(_) => &[Feature::SyncClient, Feature::SyncClientLifetime],
        }
    }
}

/// `GET /v1/identity-broker/prechecks?type={type}` (VMware Cloud Foundation API, Identity Providers, "Get identity precheck
/// result"; VCF 5.1 and later, the parameter from 5.2 on).
#[derive(Debug)]
pub(super) struct Prechecks<'a> {
    pub(super) kind: Option<&'a str>,
}

impl Endpoint for Prechecks<'_> {
    type Api = Vcf;
    type Response = PrecheckResult;
    const CALL: &'static str = "GET /v1/identity-broker/prechecks";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        let path = "/v1/identity-broker/prechecks";
        match self.kind {
            Some(kind) => bare(Method::GET, &format!("{path}?{}", form([("type", kind)])), JSON),
            None => bare(Method::GET, path, JSON),
        }
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<PrecheckResult> {
        read_shown(Self::CALL, &answer)
    }
}

impl Versioned for Prechecks<'_> {
    fn needs(&self) -> &'static [Feature] {
        match self.kind {
            None => &[Feature::Prechecks],
            Some(_) => &[Feature::Prechecks, Feature::PrecheckKind],
        }
    }
}

/// `GET /v1/identity-broker/sddc-manager-oidc` (VMware Cloud Foundation API, Identity Providers, "Get SDDC Manager OIDC
/// info"; VCF 5.2 and later).
#[derive(Debug)]
pub(super) struct SddcManagerOidcInfo;

impl Endpoint for SddcManagerOidcInfo {
    type Api = Vcf;
    type Response = SddcManagerOidc;
    const CALL: &'static str = "GET /v1/identity-broker/sddc-manager-oidc";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/identity-broker/sddc-manager-oidc", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<SddcManagerOidc> {
        read_shown(Self::CALL, &answer)
    }
}

impl Versioned for SddcManagerOidcInfo {
    fn needs(&self) -> &'static [Feature] {
        &[Feature::SddcManagerOidc]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vcf::testing::{id, read, wire};

    const ACCEPT: &str = "accept: application/json\n\n";

    #[test]
    fn sync_client_token_is_requested_and_read() {
        let id = &id("8f8a");
        let generate = GenerateSyncClientToken { id, lifetime: None };
        assert_eq!(wire(&generate), format!("POST /v1/identity-providers/8f8a/sync-client\n{ACCEPT}"));
        let day = GenerateSyncClientToken { id, lifetime: Some(TokenLifetime(86_400)) };
        assert_eq!(
            wire(&day),
            format!("POST /v1/identity-providers/8f8a/sync-client?syncClientTokenTTL=86400\n{ACCEPT}")
        );

        let answer = include_str!("../../tests/fixtures/vcf/sync-client.answer.json");
        let token = read(&generate, answer).unwrap().unwrap();
        assert!(!format!("{token:?}").contains("c2NpbQ"), "{token:?}");
        let written: serde_json::Value = serde_json::to_value(&token).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(answer).unwrap());
    }

    #[test]
    fn token_is_read_from_odd_responses() {
        let id = &id("8f8a");
        let generate = GenerateSyncClientToken { id, lifetime: None };
        for answer in [
            "a.b.c",
            "\"a.b.c\"",
            r#"{"token":"a.b.c"}"#,
            r#"{"token":"a.b.c","expireAt":1,"expireIn":{},"scimUrl":null,"n":[]}"#,
            r#"{"token":"a.b.c","refreshToken":"hunter2","x":[{"clientSecret":"hunter2"}]}"#,
        ] {
            let token = read(&generate, answer).unwrap().unwrap();
            assert_eq!(token.token.expose(), "a.b.c", "{answer}");
            assert!(!serde_json::to_string(&token).unwrap().contains("hunter2"), "{answer}");
        }
        for answer in ["", "null", "{}", r#"{"token":""}"#, r#"{"token":7}"#] {
            assert!(read(&generate, answer).unwrap().is_none(), "{answer}");
        }
        for answer in ["<html></html>", "no token today"] {
            let error = read(&generate, answer).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{answer}");
            assert!(error.hint_text().unwrap().contains("invalidates the previous one"), "{error}");
        }
    }

    #[test]
    fn prechecks_are_requested_and_read() {
        assert_eq!(wire(&Prechecks { kind: None }), format!("GET /v1/identity-broker/prechecks\n{ACCEPT}"));
        let entra = Prechecks { kind: Some("Microsoft Entra ID") };
        assert_eq!(wire(&entra), format!("GET /v1/identity-broker/prechecks?type=Microsoft%20Entra%20ID\n{ACCEPT}"));
        let result = read(&entra, include_str!("../../tests/fixtures/vcf/precheck.answer.json")).unwrap();
        assert_eq!(result.status.as_deref(), Some("WARNING"));
        assert_eq!(result.details.unwrap()[0].kind.as_deref(), Some("ELM"));
    }

    #[test]
    fn sddc_manager_client_is_requested_and_read() {
        assert_eq!(wire(&SddcManagerOidcInfo), format!("GET /v1/identity-broker/sddc-manager-oidc\n{ACCEPT}"));
        let info =
            read(&SddcManagerOidcInfo, include_str!("../../tests/fixtures/vcf/sddc-manager-oidc.answer.json")).unwrap();
        assert_eq!(info.oidc_client_id.as_deref(), Some("sddc-manager-client"));
        assert_eq!(info.source.as_deref(), Some("MICROSOFT_ENTRA_ID"));
        assert_eq!(info.extra, Extra::default());
    }
}
