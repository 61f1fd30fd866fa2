//! `GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}`: one identity provider.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{FederatedIdentityProvider, ResourceId};
use crate::error::Result;
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, invalid, read_shown};

/// `GET …/iam/identity-providers/{idpConfigId}` (VCF Operations API 9.1, "IAM APIs", getIDPConfiguration)
///
/// The vendor's examples return all fields of the request but the client's secret.
#[derive(Debug)]
pub(super) struct GetProvider<'a> {
    pub(super) id: &'a ResourceId,
}

impl Endpoint for GetProvider<'_> {
    type Api = Fleet;
    type Response = FederatedIdentityProvider;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &format!("{IAM}/identity-providers/{}", self.id.as_str()), JSON)
    }

    /// Another provider's document is not passed on.
    fn response(&self, answer: Response<Bytes>) -> Result<FederatedIdentityProvider> {
        let provider: FederatedIdentityProvider = read_shown(Self::CALL, &answer)?;
        match provider.id.as_deref() {
            Some(id) if !id.eq_ignore_ascii_case(self.id.as_str()) => {
                Err(invalid(Self::CALL, &answer, "it is not the identity provider with the requested id"))
            }
            _ => Ok(provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::fleet::testing::{answer, sent};

    const RESPONSE: &str = include_str!("../../../tests/fixtures/fleet/identity-provider.answer.json");

    #[test]
    fn provider_is_requested_and_read() {
        let id = ResourceId::parse("id", "3acffa05-a0cc-454e-9d0f-5187be78d61f").unwrap();
        let get = GetProvider { id: &id };
        assert_eq!(
            sent(&get),
            "GET /suite-api/api/fleet-management/iam/identity-providers/3acffa05-a0cc-454e-9d0f-5187be78d61f\n\
             accept: application/json\n\n"
        );
        let provider = get.response(answer(200, RESPONSE)).unwrap();
        assert_eq!(provider.name.as_deref(), Some("LDAP Provider"));
        let domains = provider.synced()[0].domains.as_deref().unwrap();
        assert_eq!(domains, ["example.com", "ldap.example.com"]);
        let written: serde_json::Value = serde_json::to_value(&provider).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(RESPONSE).unwrap());
    }

    #[test]
    fn secrets_are_masked_and_other_objects_rejected() {
        let id = ResourceId::parse("id", "a-1").unwrap();
        let get = GetProvider { id: &id };
        let body = r#"{"idpConfig":{"oidcConfiguration":{"clientSecret":"hunter2","x":{"apiToken":"hunter2"}}},
            "provisioningConfig":{"ldapConfigurations":[{"ldapBindConfiguration":{"bindDnPassword":"hunter2"}}]}}"#;
        let provider = get.response(answer(200, body)).unwrap();
        let written = serde_json::to_string(&provider).unwrap();
        assert_eq!((written.matches('…').count(), written.contains("hunter2")), (3, false), "{written}");
        for body in [r#"{"id":"b","bindDnPassword":"hunter2"}"#, "[]", "Created", r#"{"directories":7}"#] {
            let error = get.response(answer(200, body)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{body}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
