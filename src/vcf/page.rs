//! A list as SDDC Manager returns it (the vendor's `PageOf…`). Paging cannot be requested.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::model::null_is_default;
use super::{IdentityProviders, PageMetadata};
use crate::error::Result;
use crate::upstream::{invalid, read_shown};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default, deserialize_with = "null_is_default")]
    elements: Vec<T>,
    page_metadata: Option<PageMetadata>,
}

/// The elements of a list.
///
/// # Errors
/// `upstream_invalid` if it is no list, or is cut: such a list proves no absence.
pub(super) fn elements<T: DeserializeOwned>(call: &'static str, answer: &http::Response<Bytes>) -> Result<Vec<T>> {
    let Page { elements, page_metadata } = read_shown(call, answer)?;
    match missing(elements.len(), page_metadata.as_ref()) {
        None => Ok(elements),
        Some(missing) => Err(invalid(call, answer, &missing)),
    }
}

impl IdentityProviders {
    /// Why this is not the complete list; `None` if it is, as far as the server reports. Each SDDC Manager has the Embedded
    /// provider, so a list without any provider is not complete.
    pub(super) fn missing(&self) -> Option<String> {
        match self.elements.as_slice() {
            [] => Some("it lists no provider, not even the Embedded one".to_owned()),
            listed => missing(listed.len(), self.page_metadata.as_ref()),
        }
    }
}

fn missing(listed: usize, paging: Option<&PageMetadata>) -> Option<String> {
    let listed = i64::try_from(listed).ok()?;
    let total = paging?.total_elements?;
    (total > listed).then(|| format!("it lists only {listed} of {total} elements"))
}
