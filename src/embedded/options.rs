//! The options of changes: the webhook's query parameters, and its header `If-Match`.

use std::time::Duration;

use serde::Deserialize;

use crate::change::{Precondition, PutOptions};
use crate::error::{Error, FieldError};
use crate::operations::Replacement;

/// Options of [`Vcf::put_identity_source`](super::Vcf::put_identity_source), of [`Vcf::apply`](super::Vcf::apply) and of
/// [`Fleet::put_identity_provider`](super::Fleet::put_identity_provider).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ChangeOptions {
    /// Update even if nothing visible differs: for a new password, which cannot be compared.
    pub force: bool,
    /// Change nothing; only report what would be done.
    pub dry_run: bool,
    /// The `etag` that the object must still have, or `*` if it must only exist; several are separated by commas.
    pub if_match: Option<String>,
}

/// Options of [`Vcf::put_identity_provider`](super::Vcf::put_identity_provider).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProviderOptions {
    /// Update even if nothing visible differs: for a new password, which cannot be compared.
    pub force: bool,
    /// Change nothing; only report what would be done.
    pub dry_run: bool,
    /// Delete the external provider that has another name or kind, and add this one.
    pub replace: bool,
    /// The name of the provider that `replace` deletes; required, except in a dry run.
    pub confirm: Option<String>,
    /// As in [`ChangeOptions`].
    pub if_match: Option<String>,
}

/// Options of a change of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PartOptions {
    /// Change nothing; only report what would be done.
    pub dry_run: bool,
    /// As in [`ChangeOptions`].
    pub if_match: Option<String>,
}

/// Options of an update without comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateOptions {
    /// As in [`ChangeOptions`].
    pub if_match: Option<String>,
}

/// Options of a deletion in SDDC Manager.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeleteOptions {
    /// Whether an object that does not exist is an outcome and not an error.
    pub absent: Option<Absent>,
    /// As in [`ChangeOptions`].
    pub if_match: Option<String>,
}

/// Options of [`Fleet::delete_identity_provider`](super::Fleet::delete_identity_provider).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderDeletionOptions {
    /// Also remove the components that use the provider.
    pub force: bool,
    /// How long to follow the deletion.
    pub max_wait: Duration,
    /// As in [`ChangeOptions`].
    pub if_match: Option<String>,
}

/// An object that a deletion does not find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// It is as wanted.
    Ok,
}

impl ChangeOptions {
    pub(super) fn put(&self) -> PutOptions {
        PutOptions { force: self.force, dry_run: self.dry_run }
    }
}

impl ProviderOptions {
    pub(super) fn put(&self) -> PutOptions {
        PutOptions { force: self.force, dry_run: self.dry_run }
    }

    pub(super) fn replacement(&self) -> Replacement<'_> {
        Replacement { replace: self.replace, confirm: self.confirm.as_deref() }
    }
}

/// The condition of a change.
///
/// # Errors
/// `request_invalid`
pub(super) fn condition(if_match: Option<&str>) -> Result<Precondition, Error> {
    let Some(text) = if_match else { return Ok(Precondition::None) };
    Precondition::parse(text).map_err(|why| Error::invalid(vec![FieldError::new("/ifMatch", why)]))
}
