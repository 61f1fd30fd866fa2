//! The Workspace ONE Access (vIDM) that SDDC Manager knows, if vRealize Suite Lifecycle Manager deployed one for VCF.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::page::elements;
use super::{Client, JSON, Vcf};
use crate::error::Result;
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::upstream::{BaseUrl, Endpoint, bare};

/// `GET /v1/wsas` (VMware Cloud Foundation API, Wsas, "Get Wsas"; 4.x to 5.2, not in 9.x)
///
/// Returns `PageOfWsa`. Its field `elements` may be absent, like all fields of an element.
#[derive(Debug)]
pub(super) struct List;

/// One of them. The model also has ids, addresses and the kinds of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkspaceOneAccess {
    /// `3.3.7.0-21173100`
    pub(crate) version: Option<String>,
    /// `ACTIVE` or `ERROR`.
    pub(crate) status: Option<String>,
    load_balancer_fqdn: Option<String>,
    #[serde(default)]
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Node {
    fqdn: Option<String>,
}

impl WorkspaceOneAccess {
    /// Its address: the load balancer's, or the one of its first node.
    pub(crate) fn url(&self) -> Option<BaseUrl> {
        let node = || self.nodes.iter().find_map(|node| node.fqdn.as_deref());
        let host = self.load_balancer_fqdn.as_deref().filter(|host| !host.is_empty()).or_else(node)?;
        BaseUrl::parse(&format!("https://{host}")).ok()
    }
}

impl Endpoint for List {
    type Api = Vcf;
    type Response = Vec<WorkspaceOneAccess>;
    const CALL: &'static str = "GET /v1/wsas";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<http::Request<Bytes>> {
        bare(Method::GET, "/v1/wsas", JSON)
    }

    fn response(&self, answer: http::Response<Bytes>) -> Result<Vec<WorkspaceOneAccess>> {
        elements(Self::CALL, &answer)
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The Workspace ONE Access that SDDC Manager knows.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn workspace_one_access(&self) -> Result<Vec<WorkspaceOneAccess>> {
        self.call(&List).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vcf::testing::{read, wire};

    #[test]
    fn request_is_encoded() {
        assert_eq!(wire(&List), "GET /v1/wsas\naccept: application/json\n\n");
    }

    #[test]
    fn address_is_the_load_balancers_or_a_nodes() {
        let found = read(&List, include_str!("../../tests/fixtures/vcf/wsas.answer.json")).unwrap();
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(found.url().unwrap().as_str(), "https://vidm.corp.example");
        assert_eq!((found.version.as_deref(), found.status.as_deref()), (Some("3.3.7.0-21173100"), Some("ACTIVE")));
        let address = |element: &str| {
            let found = read(&List, &format!("{{\"elements\":[{element}]}}")).unwrap();
            found[0].url().map(|url| url.as_str().to_owned())
        };
        let node = r#"{"nodes":[{"id":"x"},{"fqdn":"node.corp.example"}],"loadBalancerFqdn":""}"#;
        assert_eq!(address(node).as_deref(), Some("https://node.corp.example"));
        for element in ["{}", r#"{"loadBalancerFqdn":"u:p@host"}"#, r#"{"loadBalancerFqdn":"host/path?x"}"#] {
            assert_eq!(address(element), None, "{element}");
        }
    }

    #[test]
    fn other_answers_are_read_or_rejected() {
        assert_eq!(read(&List, "{}").unwrap(), []);
        assert_eq!(read(&List, r#"{"elements":[]}"#).unwrap(), []);
        assert_eq!(read(&List, "<html>").unwrap_err().code(), ErrorCode::UpstreamInvalid);
    }
}
