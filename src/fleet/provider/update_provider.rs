//! `PUT /suite-api/api/fleet-management/iam/identity-providers`: the complete new specification of an identity provider.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::FederatedIdentityProvider;
use crate::error::Result;
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, json, with_body};

/// `PUT …/iam/identity-providers` (VCF Operations API 9.1, "IAM APIs", updateIDPConfiguration)
///
/// The body names the provider by its id, and its directories by theirs; the path has none. Returns 200 with the provider.
#[derive(Debug)]
pub(super) struct UpdateProvider<'a> {
    pub(super) spec: &'a FederatedIdentityProvider,
}

impl Endpoint for UpdateProvider<'_> {
    type Api = Fleet;
    type Response = ();
    const CALL: &'static str = "PUT /suite-api/api/fleet-management/iam/identity-providers";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        with_body(Method::PUT, &format!("{IAM}/identity-providers"), JSON, JSON, json(self.spec)?)
    }

    /// The provider is read again after this.
    fn response(&self, _: Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn provider_is_sent_with_its_id_in_the_body() {
        let json = r#"{"id":"p","name":"n","directories":[{"id":"d","name":"x"}]}"#;
        let spec = serde_json::from_str(json).unwrap();
        let update = UpdateProvider { spec: &spec };
        assert_eq!(
            sent(&update),
            format!(
                "PUT /suite-api/api/fleet-management/iam/identity-providers\n\
                 accept: application/json\ncontent-type: application/json\n\n{json}"
            )
        );
        update.response(answer(200, "anything")).unwrap();
    }
}
