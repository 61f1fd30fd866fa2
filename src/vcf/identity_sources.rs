//! The identity sources of the embedded provider: add, update, delete. They are read with the providers.

use bytes::Bytes;
use http::Method;

use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, json, segment, with_body};
use crate::vcf::text::message;
use crate::vcf::version::Versioned;
use crate::vcf::{DomainName, IdentitySourceSpec, JSON, ProviderId, Vcf};

fn path(provider: &ProviderId) -> String {
    format!("/v1/identity-providers/{}/identity-sources", segment(provider.as_str()))
}

fn path_of(provider: &ProviderId, domain_name: &DomainName) -> String {
    format!("{}/{}", path(provider), segment(domain_name.as_str()))
}

/// `POST /v1/identity-providers/{id}/identity-sources` (VMware Cloud Foundation API, Identity Providers, "Add an embedded
/// Identity Source").
///
/// Returns 204, or 201 with a sentence and a JSON content type.
#[derive(Debug)]
pub(super) struct Add<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) spec: &'a IdentitySourceSpec,
}

impl Endpoint for Add<'_> {
    type Api = Vcf;
    type Response = Option<String>;
    const CALL: &'static str = "POST /v1/identity-providers/{id}/identity-sources";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::POST, &path(self.provider), JSON, JSON, json(self.spec)?)
    }

    /// The response's text; some versions send one. The source exists, whatever the response contains.
    fn response(&self, answer: http::Response<Bytes>) -> Result<Option<String>> {
        Ok(message(answer.body()))
    }
}

impl Versioned for Add<'_> {}

/// `PATCH /v1/identity-providers/{id}/identity-sources/{domainName}` (VMware Cloud Foundation API, Identity Providers,
/// "Update an embedded Identity Source").
///
/// Returns 204.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) domain_name: &'a DomainName,
    pub(super) spec: &'a IdentitySourceSpec,
}

impl Endpoint for Update<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "PATCH /v1/identity-providers/{id}/identity-sources/{domainName}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        with_body(Method::PATCH, &path_of(self.provider, self.domain_name), JSON, JSON, json(self.spec)?)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl Versioned for Update<'_> {}

/// `DELETE /v1/identity-providers/{id}/identity-sources/{domainName}` (VMware Cloud Foundation API, Identity Providers,
/// "Delete an embedded Identity Source").
///
/// Returns 204.
#[derive(Debug)]
pub(super) struct Delete<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) domain_name: &'a DomainName,
}

impl Endpoint for Delete<'_> {
    type Api = Vcf;
    type Response = ();
    const CALL: &'static str = "DELETE /v1/identity-providers/{id}/identity-sources/{domainName}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::DELETE, &path_of(self.provider, self.domain_name), JSON)
    }

    fn response(&self, _: http::Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

impl Versioned for Delete<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::{self, compact, read, wire};

    const BOTH: &str = "accept: application/json\ncontent-type: application/json\n";

    #[test]
    fn documented_source_is_added() {
        let json = include_str!("../../tests/fixtures/vcf/identity-source-add.request.json");
        let spec = serde_json::from_str(json).unwrap();
        let add = Add { provider: &testing::id("cc81918d-6772-41ca-8b1b-494aa01c04a0"), spec: &spec };
        let line = "POST /v1/identity-providers/cc81918d-6772-41ca-8b1b-494aa01c04a0/identity-sources";
        assert_eq!(wire(&add), format!("{line}\n{BOTH}\n{}", compact(json)));
        let sentence = include_str!("../../tests/fixtures/vcf/identity-source-added.answer.txt");
        assert_eq!(read(&add, sentence).unwrap().as_deref(), Some(sentence));
        assert_eq!(read(&add, &format!("\"{sentence}\"")).unwrap().as_deref(), Some(sentence));
        assert_eq!(read(&add, "").unwrap(), None);
        // A server may return what it got.
        for echo in [json.to_owned(), serde_json::to_string(json).unwrap()] {
            let message = read(&add, &echo).unwrap().unwrap();
            assert!(message.contains("embedded-ids.com") && !message.contains("xxxxxxxxx"), "{message}");
        }
    }

    #[test]
    fn documented_source_is_updated_and_deleted() {
        let json = include_str!("../../tests/fixtures/vcf/identity-source-update.request.json");
        let spec = serde_json::from_str(json).unwrap();
        let provider = "d57ec6b3-9cb3-4603-9276-ebef8990a5ef";
        let (id, domain_name) = (&testing::id(provider), &testing::domain("embedded-ids.com"));
        let update = Update { provider: id, domain_name, spec: &spec };
        let path = format!("/v1/identity-providers/{provider}/identity-sources/embedded-ids.com");
        assert_eq!(wire(&update), format!("PATCH {path}\n{BOTH}\n{}", compact(json)));
        let delete = Delete { provider: id, domain_name };
        assert_eq!(wire(&delete), format!("DELETE {path}\naccept: application/json\n\n"));
        read(&update, "").unwrap();
        read(&delete, "").unwrap();
    }
}
