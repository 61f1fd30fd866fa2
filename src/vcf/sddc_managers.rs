//! The SDDC Managers that a server knows, itself among them: their versions.

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_shown};
use crate::vcf::{JSON, PageMetadata, Vcf};

/// All SDDC Managers (the vendor's `PageOfSddcManager`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SddcManagers {
    /// The SDDC Managers.
    #[serde(default)]
    pub elements: Vec<SddcManager>,
    /// The paging, if the server reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_metadata: Option<PageMetadata>,
}

/// An SDDC Manager. Other fields of the server are dropped: the vendor's model also has `basicAuthDetails`, a password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SddcManager {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// Its version and build: `5.2.1.0-24307856`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// The domain that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainReference>,
}

/// The domain that an SDDC Manager belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct DomainReference {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `GET /v1/sddc-managers` (VMware Cloud Foundation API, SDDC Managers, "Get the SDDC Managers").
#[derive(Debug)]
pub(super) struct List;

impl Endpoint for List {
    type Api = Vcf;
    type Response = SddcManagers;
    const CALL: &'static str = "GET /v1/sddc-managers";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/sddc-managers", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<SddcManagers> {
        read_shown(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vcf::testing::{read, wire};

    #[test]
    fn sddc_managers_are_requested_and_read_without_passwords() {
        assert_eq!(wire(&List), "GET /v1/sddc-managers\naccept: application/json\n\n");
        let answer = r#"{"elements":[{"id":"i","fqdn":"sddc.corp.example","version":"5.2.1.0-24307856","ipAddress":"192.0.2.7",
            "domain":{"id":"d","name":"mgmt","ssoDomain":"x"},"basicAuthDetails":{"username":"u","password":"hunter2"}}],
            "pageMetadata":{"pageNumber":1,"pageSize":1,"totalElements":1,"totalPages":1}}"#;
        let list = read(&List, answer).unwrap();
        let shown = r#"{"elements":[{"id":"i","fqdn":"sddc.corp.example","version":"5.2.1.0-24307856","ipAddress":"192.0.2.7","domain":{"id":"d","name":"mgmt"}}],"pageMetadata":{"pageNumber":1,"pageSize":1,"totalElements":1,"totalPages":1}}"#;
        assert_eq!(serde_json::to_string(&list).unwrap(), shown);
        assert_eq!(serde_json::to_string(&read(&List, "{}").unwrap()).unwrap(), r#"{"elements":[]}"#);
        assert_eq!(read(&List, "[]").unwrap_err().code(), ErrorCode::UpstreamInvalid);
    }
}
