//! The roles of SDDC Manager: ADMIN, OPERATOR, VIEWER.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare};
use crate::vcf::page::elements;
use crate::vcf::{JSON, Vcf};

/// A role (the vendor's `Role`).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Role {
    /// Its id, by which users name it.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
}

/// `GET /v1/roles` (SDDC Manager API 5.2.1 and 9.1.0, Users, `getRoles`).
#[derive(Debug)]
pub(super) struct List;

impl Endpoint for List {
    type Api = Vcf;
    type Response = Vec<Role>;
    const CALL: &'static str = "GET /v1/roles";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/roles", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Vec<Role>> {
        elements(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::testing::{read, wire};

    #[test]
    fn roles_are_listed() {
        assert_eq!(wire(&List), "GET /v1/roles\naccept: application/json\n\n");
        let roles = read(&List, include_str!("../../tests/fixtures/vcf/roles.answer.json")).unwrap();
        let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(names, ["ADMIN", "OPERATOR", "VIEWER"]);
        assert!(read(&List, r#"{"elements":[{"name":"ADMIN"}]}"#).is_err());
        // A cut list does not prove that there is no OPERATOR.
        let cut = r#"{"elements":[{"id":"1","name":"ADMIN"}],"pageMetadata":{"totalElements":3}}"#;
        assert!(read(&List, cut).unwrap_err().detail().contains("1 of 3"));
    }
}
