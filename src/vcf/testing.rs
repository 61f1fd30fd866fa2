//! Helpers for the tests of this module.

use bytes::Bytes;

use crate::upstream::Endpoint;
use crate::vcf::{DomainName, ProviderId, Vcf};

/// A provider's id.
pub(super) fn id(text: &str) -> ProviderId {
    ProviderId::parse(text).unwrap()
}

/// A domain name.
pub(super) fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// The request of `endpoint` as text: request line, headers, an empty line, the body.
pub(super) fn wire<E: Endpoint<Api = Vcf>>(endpoint: &E) -> String {
    let request = endpoint.request(&()).unwrap();
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    text + "\n" + std::str::from_utf8(request.body()).unwrap()
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
