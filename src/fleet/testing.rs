//! Helpers for the endpoints' tests.

use crate::upstream::{Api, Endpoint, testing};

pub(super) use testing::answer;

/// The request as text: method and URI, headers by name, body.
pub(super) fn sent<E: Endpoint<Api: Api<Dialect = ()>>>(endpoint: &E) -> String {
    testing::sent(endpoint, &())
}
