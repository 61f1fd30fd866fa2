//! A list as SDDC Manager returns it (the vendor's `PageOf…`). Paging cannot be requested.

use serde::Deserialize;

use super::PageMetadata;
use super::model::null_is_default;

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
        let listed = i64::try_from(self.elements.len()).ok()?;
        let total = self.page_metadata.as_ref()?.total_elements?;
        (total > listed).then(|| format!("it lists only {listed} of {total} elements"))
    }
}
