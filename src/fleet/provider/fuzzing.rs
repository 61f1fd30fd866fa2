//! Entry points for fuzzers: identity providers and their tasks.

use super::get_provider::GetProvider;
use super::get_task::GetTask;
use super::resource_id::ResourceId;
use super::saml_metadata::{SamlMetadata, ValidateSamlMetadata};
use super::sync_client::GetSyncClient;
use crate::upstream::fuzzing::{has_no_secrets, read};

/// An identity provider, a task, metadata, a SCIM client.
pub(crate) fn providers(input: &[u8]) {
    let Ok(id) = ResourceId::parse("the id", "p") else { return };
    read(&GetProvider { id: &id }, input).iter().for_each(has_no_secrets);
    read(&GetTask { id: &id }, input).iter().for_each(has_no_secrets);
    read(&GetSyncClient { provider: &id, directory: &id }, input);
    read(&ValidateSamlMetadata { spec: &SamlMetadata::default() }, input).iter().for_each(has_no_secrets);
}
