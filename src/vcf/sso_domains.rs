//! The domains that vCenter Single Sign-On knows, and their users and groups.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, form, segment};
use crate::vcf::page::elements;
use crate::vcf::{DomainName, JSON, Vcf};

/// A user or group of a domain (the vendor's `SsoDomainEntity`).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SsoEntity {
    /// Its id.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// Its name: bare, `name@domain` or `DOMAIN\name`.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// `USER` or `GROUP`.
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
}

/// `GET /v1/sso-domains` (SDDC Manager API 5.2.1 and 9.1.0, Users, `getSSODomains`).
#[derive(Debug)]
pub(super) struct List;

impl Endpoint for List {
    type Api = Vcf;
    type Response = Vec<String>;
    const CALL: &'static str = "GET /v1/sso-domains";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/sso-domains", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Vec<String>> {
        elements(Self::CALL, &answer)
    }
}

/// `GET /v1/sso-domains/{sso-domain}/entities?entityName=` (SDDC Manager API 5.2.1 and 9.1.0, Users,
/// `getSSODomainEntities`).
///
/// `entityName` is a search, not a name: the response may contain other entities. VCF before 5.2 does not document it (the vendor's Go
/// client of 5.1.1 lacks it), and probably lists the whole domain.
#[derive(Debug)]
pub(super) struct Entities<'a> {
    pub(super) domain: &'a DomainName,
    pub(super) name: &'a str,
}

impl Endpoint for Entities<'_> {
    type Api = Vcf;
    type Response = Vec<SsoEntity>;
    const CALL: &'static str = "GET /v1/sso-domains/{sso-domain}/entities";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        let query = form([("entityName", self.name)]);
        let path = format!("/v1/sso-domains/{}/entities?{query}", segment(self.domain.as_str()));
        bare(Method::GET, &path, JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Vec<SsoEntity>> {
        elements(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::{domain, read, wire};

    #[test]
    fn requests_are_the_documented_ones() {
        assert_eq!(wire(&List), "GET /v1/sso-domains\naccept: application/json\n\n");
        assert_eq!(
            wire(&Entities { domain: &domain("corp.example"), name: "gg vcf&admins" }),
            "GET /v1/sso-domains/corp.example/entities?entityName=gg%20vcf%26admins\naccept: application/json\n\n"
        );
    }

    #[test]
    fn lists_are_read_with_unknown_fields_and_without_required_ones() {
        let domains = include_str!("../../tests/fixtures/vcf/sso-domains.answer.json");
        assert_eq!(read(&List, domains).unwrap(), ["vsphere.local", "embedded-ids.com"]);
        let entities = include_str!("../../tests/fixtures/vcf/sso-domain-entities.answer.json");
        let lookup = Entities { domain: &domain("embedded-ids.com"), name: "x" };
        let entities = read(&lookup, entities).unwrap();
        assert_eq!(entities[0].name.as_deref(), Some("gg-vcf-admins"));
        assert_eq!(read(&lookup, r#"{"elements":[{"x":1,"type":null}]}"#).unwrap()[0].kind, None);
        assert_eq!(read(&lookup, r#"{"elements":null}"#).unwrap().len(), 0);
    }

    #[test]
    fn cut_list_of_entities_is_rejected() {
        let cut = r#"{"elements":[{"name":"a","type":"GROUP"}],"pageMetadata":{"totalElements":2}}"#;
        let error = read(&Entities { domain: &domain("corp.example"), name: "a" }, cut).unwrap_err();
        assert!(error.detail().contains("1 of 2"), "{error}");
    }
}
