//! Helpers for the tests of this module.

use bytes::Bytes;

use crate::upstream::{Endpoint, testing};
use crate::vcf::{DomainName, ProviderId, Vcf};

/// A provider's id.
pub(super) fn id(text: &str) -> ProviderId {
    ProviderId::parse(text).unwrap()
}

/// A domain name.
pub(super) fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// The request of `endpoint` as text: request line, headers by name, an empty line, the body.
pub(super) fn wire<E: Endpoint<Api = Vcf>>(endpoint: &E) -> String {
    testing::sent(endpoint, &())
}

/// The result of `endpoint` for a successful response.
pub(super) fn read<E: Endpoint>(endpoint: &E, body: &str) -> Result<E::Response, crate::error::Error> {
    endpoint.response(http::Response::new(Bytes::copy_from_slice(body.as_bytes())))
}

/// `json` without white space between tokens; names keep their order.
pub(super) fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        quoted ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        quoted || !c.is_ascii_whitespace()
    };
    json.chars().filter(keep).collect()
}
