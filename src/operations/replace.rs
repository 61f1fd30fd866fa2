//! Replacing the external identity provider by another: SDDC Manager accepts only one, so the present one is deleted first.

use std::time::Duration;

use super::VcfOperations;
use crate::error::{Error, ErrorCode, FieldError, Result, excerpt};
use crate::runtime::Runtime;
use crate::vcf::{ChangeOutcome, Checked, DirectoryList, IdentityProvider, IdentityProviderSpec, Outcome, PutOptions};

/// The time that must be left before something is removed that is to be added again: for the removal, the addition and, if
/// that fails, the restoration.
pub(super) const RESERVE: Duration = Duration::from_secs(5);

/// Whether PUT may replace the external provider by one with another name or kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Replacement<'a> {
    /// Replace it.
    pub(crate) replace: bool,
    /// The name of the provider that is to be deleted.
    pub(crate) confirm: Option<&'a str>,
}

impl<R: Runtime> VcfOperations<'_, R> {
    /// Deletes `present` and adds `spec`, which differs from it in `fields`.
    pub(super) async fn replace_provider(
        &self,
        present: &IdentityProvider,
        fields: Vec<FieldError>,
        spec: &Checked<IdentityProviderSpec>,
        options: PutOptions,
        replacement: &Replacement<'_>,
    ) -> Result<ChangeOutcome> {
        let target = &self.target.settings.name;
        let id = self.id_of(present)?;
        let name = present.name.as_deref().unwrap_or(id.as_str());
        let removed = disappears(present, name);
        if !replacement.replace {
            let hint = format!(
                "there can be only one external provider: send its name and kind to change it, or replace=true to delete \
                 it and add this one; DELETE /vcf/{target}/v1/identity-providers/{} deletes it only",
                id.as_str()
            );
            return Err(Error::invalid(fields).hint(hint).at(target));
        }
        if options.dry_run {
            let outcome = Some(Outcome::Replaced);
            return Ok(ChangeOutcome { outcome, id: None, removed, ..ChangeOutcome::default() });
        }
        if replacement.confirm != Some(name) {
            let detail = format!(
                "the external provider {name} would be deleted, and with it {}; confirm must be its name",
                removed.join(", ")
            );
            let hint =
                format!("if this is intended, send replace=true and confirm={name} (percent-encoded in a query)");
            return Err(Error::invalid(vec![FieldError::new("", detail)]).hint(hint).at(target));
        }
        self.check_time_to_replace(&format!("the external provider {name}"), "raise request_timeout")?;
        match self.client.delete_identity_provider(&id).await {
            // Somebody else deleted it after the read.
            Err(error) if error.code() == ErrorCode::NotFound => {}
            done => done.map_err(|error| {
                let detail = format!("the external provider {name} could not be deleted: {}", error.detail());
                error.with_detail(detail).hint(
                    "the new provider was not added: correct the cause and send the same request again; idhook first reads \
                     which provider is present",
                )
            })?,
        }
        let created = self.create_provider(spec, options).await.map_err(|error| {
            let new = spec.spec().name.as_deref().unwrap_or_default();
            let detail = format!(
                "the external provider {name} was deleted, but {new} could not be added: {}",
                error.detail()
            );
            error.with_detail(detail).hint(
                "SDDC Manager probably has no external provider now: correct the cause and send the same request again; idhook \
                 first reads the providers, and adds this one if there is none",
            )
        })?;
        Ok(ChangeOutcome { outcome: Some(Outcome::Replaced), removed, ..created })
    }

    /// Rejects a replacement of `what` shortly before the end of the request's time, when its addition might not be sent.
    /// `more`: how the caller gets more time.
    pub(super) fn check_time_to_replace(&self, what: &str, more: &str) -> Result<()> {
        if self.out.remaining() >= RESERVE {
            return Ok(());
        }
        let detail = format!("the time of the request is nearly over, so {what} was not removed");
        Err(Error::new(ErrorCode::UpstreamTimeout, detail).hint(more).at(&self.target.settings.name))
    }
}

/// The objects that disappear with a provider.
fn disappears(present: &IdentityProvider, name: &str) -> Vec<String> {
    let kind = present.kind.as_deref().unwrap_or("unknown");
    let mut removed = vec![format!("the provider {} (type {})", excerpt(name), excerpt(kind))];
    let directories: &[_] = match present.fed_idp.as_ref().and_then(|federated| federated.directory_list.as_ref()) {
        Some(DirectoryList::One(one)) => std::slice::from_ref(&**one),
        Some(DirectoryList::Many(many)) => many,
        None => &[],
    };
    let ldap = present.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_ref());
    let federated = directories.iter().flat_map(|directory| directory.domains.iter().flatten());
    let mut domains: Vec<&str> = Vec::new();
    for domain in present.domain_names.iter().flatten().chain(ldap).chain(federated) {
        if !domains.iter().any(|known| known.eq_ignore_ascii_case(domain)) {
            domains.push(domain);
        }
    }
    removed.push(match domains.as_slice() {
        [] => "the users and groups that come from it".to_owned(),
        domains => format!("the users and groups of {}", excerpt(&domains.join(" and "))),
    });
    for directory in directories {
        let name = directory.name.as_deref().unwrap_or("without a name");
        removed.push(format!("the directory {} with everything pushed to it by SCIM", excerpt(name)));
    }
    if present.fed_idp.is_some() {
        removed.push("the SCIM token of the identity provider's application".to_owned());
    }
    removed
}
