//! Helpers for the endpoints' tests.

use bytes::Bytes;
use http::Response;

use super::{Api, Endpoint};

/// The request as text: method and URI, headers by name, body.
pub(crate) fn sent<E: Endpoint>(endpoint: &E, dialect: &<E::Api as Api>::Dialect) -> String {
    let request = endpoint.request(dialect).unwrap();
    let mut headers: Vec<_> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    headers.sort();
    let body = std::str::from_utf8(request.body()).unwrap();
    format!("{} {}\n{}\n{body}", request.method(), request.uri(), headers.concat())
}

/// A response.
pub(crate) fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}
