//! The SCIM sync client of a directory: the OAuth client and token with which an external provider pushes users and groups.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::ResourceId;
use super::validate::MASK;
use crate::change::{Extra, lenient};
use crate::error::{Error, FieldError, Result};
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::redact::blank_secrets_in;
use crate::retry::Repeat;
use crate::secret::Secret;
use crate::upstream::{Endpoint, bare, invalid, json, read_json, with_body};

/// A SCIM sync client (the vendor's `ScimSyncClientDetails`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ScimSyncClient {
    /// The OAuth client.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub scim_client_details: Option<ScimClientDetails>,
    /// Its token.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub access_token_details: Option<AccessTokenDetails>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The OAuth client of a SCIM sync client.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ScimClientDetails {
    /// Its id.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its secret: in the response to a generation, masked elsewhere.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    pub client_secret: Option<Secret>,
    /// The lifetime of its tokens in minutes.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub token_ttl: Option<i64>,
}

/// The token of a SCIM sync client.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct AccessTokenDetails {
    /// The token: in the response to a generation, masked elsewhere.
    #[serde(
        deserialize_with = "lenient::secret",
        skip_serializing_if = "Option::is_none",
        serialize_with = "lenient::exposed"
    )]
    pub access_token: Option<Secret>,
    /// When it expires, as the server writes it; the vendor documents a time stamp, and its example is 180.
    #[serde(deserialize_with = "lenient::whole_number", skip_serializing_if = "Option::is_none")]
    pub token_expires_at: Option<i64>,
}

impl ScimSyncClient {
    /// The same without its secrets.
    fn masked(mut self) -> Self {
        let client = self.scim_client_details.as_mut().and_then(|client| client.client_secret.as_mut());
        let token = self.access_token_details.as_mut().and_then(|token| token.access_token.as_mut());
        for secret in [client, token].into_iter().flatten() {
            *secret = Secret::new(MASK);
        }
        self
    }
}

fn read(call: &'static str, answer: &Response<Bytes>) -> Result<ScimSyncClient> {
    let mut client: ScimSyncClient = read_json(call, answer)?;
    blank_secrets_in(&mut client.extra.0);
    Ok(client)
}

fn path(provider: &ResourceId, directory: &ResourceId) -> String {
    format!("{IAM}/identity-providers/{}/directories/{}/sync-client", provider.as_str(), directory.as_str())
}

/// `GET …/iam/identity-providers/{idpConfigId}/directories/{directoryId}/sync-client` (VCF Operations API 9.1, "IAM APIs",
/// getScimSyncClientInfo)
///
/// The vendor's example contains the token.
#[derive(Debug)]
pub(super) struct GetSyncClient<'a> {
    pub(super) provider: &'a ResourceId,
    pub(super) directory: &'a ResourceId,
}

impl Endpoint for GetSyncClient<'_> {
    type Api = Fleet;
    type Response = ScimSyncClient;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/directories/{directoryId}/sync-client";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &path(self.provider, self.directory), JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<ScimSyncClient> {
        read(Self::CALL, &answer).map(ScimSyncClient::masked)
    }
}

/// The lifetime of a SCIM token in minutes, at least one; without one, the server's default of 262 800 (six months).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTtl(i32);

impl TokenTtl {
    /// A lifetime of `minutes`.
    ///
    /// # Errors
    /// `request_invalid` for less than one minute, and for more than the vendor's type holds.
    pub(crate) fn from_minutes(minutes: i64) -> Result<Self> {
        match i32::try_from(minutes) {
            Ok(minutes) if minutes > 0 => Ok(Self(minutes)),
            _ => {
                let detail = format!("tokenTtl must be a number of minutes from 1 to {}, or omitted", i32::MAX);
                Err(Error::invalid(vec![FieldError::new("", detail)]))
            }
        }
    }
}

/// `POST …/iam/identity-providers/{idpConfigId}/directories/{directoryId}/sync-client` (VCF Operations API 9.1, "IAM APIs",
/// generateScimSyncClient)
///
/// Returns 201 with the client's secret and, because `generateToken` is sent, a token. Whether an earlier client's token
/// remains valid is in no source.
#[derive(Debug)]
pub(super) struct GenerateSyncClient<'a> {
    pub(super) provider: &'a ResourceId,
    pub(super) directory: &'a ResourceId,
    pub(super) ttl: Option<TokenTtl>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    token_ttl: Option<i32>,
    generate_token: bool,
}

impl Endpoint for GenerateSyncClient<'_> {
    type Api = Fleet;
    type Response = ScimSyncClient;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/directories/{directoryId}/sync-client";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let body = Body { token_ttl: self.ttl.map(|TokenTtl(minutes)| minutes), generate_token: true };
        with_body(Method::POST, &path(self.provider, self.directory), JSON, JSON, json(&body)?)
    }

    /// The secrets are returned only once. One of the vendor's examples has no token, only the client's secret, with which the identity
    /// broker issues one.
    fn response(&self, answer: Response<Bytes>) -> Result<ScimSyncClient> {
        let client = read(Self::CALL, &answer)?;
        let token = client.access_token_details.as_ref().and_then(|details| details.access_token.as_ref());
        let secret = client.scim_client_details.as_ref().and_then(|details| details.client_secret.as_ref());
        if token.into_iter().chain(secret).all(Secret::is_empty) {
            let error = invalid(Self::CALL, &answer, "it contains neither a token nor a client's secret");
            return Err(error.not_retryable().hint(
                "VCF Operations may have made a new client nevertheless: read the directory's sync client, and generate again",
            ));
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::fleet::testing::{answer, sent};

    const PATH: &str = "/suite-api/api/fleet-management/iam/identity-providers/p/directories/d/sync-client";

    fn ids() -> [ResourceId; 2] {
        ["p", "d"].map(|id| ResourceId::parse("id", id).unwrap())
    }

    #[test]
    fn sync_client_is_read_without_its_secrets() {
        let [provider, directory] = &ids();
        let get = GetSyncClient { provider, directory };
        assert_eq!(sent(&get), format!("GET {PATH}\naccept: application/json\n\n"));
        let body = r#"{"scimClientDetails":{"clientId":"c","clientSecret":"hunter2","tokenTtl":180},
            "accessTokenDetails":{"accessToken":"hunter2","tokenExpiresAt":180},"apiToken":"hunter2"}"#;
        let client = get.response(answer(200, body)).unwrap();
        assert_eq!(
            serde_json::to_string(&client).unwrap(),
            r#"{"scimClientDetails":{"clientId":"c","clientSecret":"…","tokenTtl":180},"accessTokenDetails":{"accessToken":"…","tokenExpiresAt":180},"apiToken":"…"}"#
        );
        assert_eq!(serde_json::to_string(&get.response(answer(200, "{}")).unwrap()).unwrap(), "{}");
    }

    #[test]
    fn sync_client_is_generated_with_its_secrets() {
        let [provider, directory] = &ids();
        let head = format!("POST {PATH}\naccept: application/json\ncontent-type: application/json\n\n");
        let generate = GenerateSyncClient { provider, directory, ttl: None };
        assert_eq!(sent(&generate), format!("{head}{{\"generateToken\":true}}"));
        let ttl = Some(TokenTtl::from_minutes(180).unwrap());
        let body = r#"{"tokenTtl":180,"generateToken":true}"#;
        assert_eq!(sent(&GenerateSyncClient { provider, directory, ttl }), format!("{head}{body}"));
        let body = r#"{"scimClientDetails":{"clientId":"c","clientSecret":"s3cr3t","tokenTtl":180},"accessTokenDetails":{"accessToken":"hunter2","tokenExpiresAt":180}}"#;
        let client = generate.response(answer(201, body)).unwrap();
        assert_eq!(serde_json::to_string(&client).unwrap(), body);
        assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
        let body = r#"{"scimClientDetails":{"clientId":"c","clientSecret":"s3cr3t"}}"#;
        assert_eq!(serde_json::to_string(&generate.response(answer(201, body)).unwrap()).unwrap(), body);
    }

    #[test]
    fn response_without_a_secret_is_upstream_invalid() {
        let [provider, directory] = &ids();
        let generate = GenerateSyncClient { provider, directory, ttl: None };
        for body in [
            "{}",
            r#"{"accessTokenDetails":{"accessToken":""}}"#,
            "x",
            r#"{"scimClientDetails":"hunter2"}"#,
            r#"{"scimClientDetails":{"clientId":"c"}}"#,
        ] {
            let error = generate.response(answer(201, body)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{body}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn lifetime_is_bounded() {
        for minutes in [i64::MIN, -1, 0, 1 << 31] {
            assert!(TokenTtl::from_minutes(minutes).is_err(), "{minutes}");
        }
        assert!(TokenTtl::from_minutes(1).is_ok());
    }
}
