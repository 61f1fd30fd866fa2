//! `POST /suite-api/api/fleet-management/iam/identity-providers`: a new identity provider for a realm without one.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::FederatedIdentityProvider;
use crate::error::Result;
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, json, read_shown, with_body};

/// `POST …/iam/identity-providers` (VCF Operations API 9.1, "IAM APIs", configureIDP)
///
/// Returns 201 with the provider and its id.
#[derive(Debug)]
pub(super) struct CreateProvider<'a> {
    pub(super) spec: &'a FederatedIdentityProvider,
}

impl Endpoint for CreateProvider<'_> {
    type Api = Fleet;
    type Response = FederatedIdentityProvider;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/identity-providers";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        with_body(Method::POST, &format!("{IAM}/identity-providers"), JSON, JSON, json(self.spec)?)
    }

    /// The provider exists, whatever the response contains: an unreadable one is an empty provider here.
    fn response(&self, answer: Response<Bytes>) -> Result<FederatedIdentityProvider> {
        Ok(read_shown(Self::CALL, &answer).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn provider_is_sent_with_its_secrets_and_the_id_is_read() {
        let json = r#"{"name":"n","ssoRealmId":"r","idpConfig":{"oidcConfiguration":{"clientId":"c","clientSecret":"hunter2"}},"certificateChain":["x"],"new":{"a":[1]}}"#;
        let spec = serde_json::from_str(json).unwrap();
        let create = CreateProvider { spec: &spec };
        assert_eq!(
            sent(&create),
            format!(
                "POST /suite-api/api/fleet-management/iam/identity-providers\n\
                 accept: application/json\ncontent-type: application/json\n\n{json}"
            )
        );
        assert!(!format!("{create:?}").contains("hunter2"));
        assert_eq!(create.response(answer(201, r#"{"id":"p"}"#)).unwrap().id.as_deref(), Some("p"));
        for body in ["", "Created", "7", r#"{"id":{}}"#] {
            assert_eq!(create.response(answer(201, body)).unwrap().id, None, "{body}");
        }
    }
}
