//! A list as SDDC Manager returns it (the vendor's `PageOf…`). Paging cannot be requested.

use serde::Deserialize;

use super::model::null_is_default;
use super::{IdentityProviders, PageMetadata};

/// A list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: serde::de::DeserializeOwned")]
pub(super) struct Page<T> {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) elements: Vec<T>,
    page_metadata: Option<PageMetadata>,
}

impl<T> Page<T> {
    /// Why this is not the complete list; `None` if it is, as far as the server reports.
    pub(super) fn missing(&self) -> Option<String> {
        missing(self.elements.len(), self.page_metadata.as_ref())
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
