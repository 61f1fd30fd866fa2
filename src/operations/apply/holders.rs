//! The groups and users with a role, as SDDC Manager lists them. An entry may name its domain by its NetBIOS name (`CORP`),
//! which only the identity source of the domain translates.

use http::StatusCode;

use super::group::{GroupName, is_kind, split};
use super::order::Assignment;
use crate::error::{Error, ErrorCode, Result};
use crate::operations::VcfOperations;
use crate::runtime::Runtime;
use crate::vcf::{IdentityProvider, LdapInfo, User};

impl GroupName {
    /// Whether a group's entry has this name and only a domain without dots, which may be the NetBIOS name of this domain or
    /// of another one.
    pub(super) fn may_be_user(&self, user: &User) -> bool {
        let (name, domain) = parts_of(user);
        let is_short = |domain: &str| !domain.contains('.');
        is_kind(user.kind.as_deref(), "GROUP")
            && name.to_lowercase() == self.name.to_lowercase()
            && domain.is_some_and(is_short)
            && user.domain.as_deref().is_none_or(is_short)
            && !self.is_user(user)
    }
}

/// An entry's name without its domain, and the domain: the one in the name counts.
pub(super) fn parts_of(user: &User) -> (&str, Option<&str>) {
    let (name, domain) = split(user.name.as_deref().unwrap_or_default());
    (name, domain.or(user.domain.as_deref()))
}

impl<R: Runtime> VcfOperations<'_, R> {
    /// The groups and users with a role. The entries that may be a group of `roles` under a NetBIOS name get the name of
    /// their domain, if an identity source shows it; that costs one call more, only if there is such an entry.
    ///
    /// # Errors
    /// Those of the calls.
    pub(super) async fn holders(&self, roles: &[Assignment]) -> Result<Vec<User>> {
        let mut users = self.client.users().await?;
        let is_short = |user: &&mut User| roles.iter().any(|wanted| wanted.group.may_be_user(user));
        let mut short: Vec<_> = users.iter_mut().filter(is_short).collect();
        if short.is_empty() {
            return Ok(users);
        }
        let providers = match self.client.identity_providers().await {
            Ok(list) => list.elements,
            Err(error) if is_missing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        for user in &mut short {
            let alias = parts_of(user).1.unwrap_or_default();
            if let Some(domain) = providers.iter().find_map(|provider| domain_of(provider, alias)) {
                user.domain = Some(domain);
            }
        }
        Ok(users)
    }
}

/// Whether this version has no identity providers: those before 4.5 have none. Those before 4.4 redirect to the user interface.
fn is_missing(error: &Error) -> bool {
    let is_status = |status: StatusCode| status == StatusCode::NOT_FOUND || status.is_redirection();
    error.code() == ErrorCode::NotSupported || error.answer_status().is_some_and(is_status)
}

/// The domain with this NetBIOS name at a provider.
fn domain_of(provider: &IdentityProvider, alias: &str) -> Option<String> {
    let sources = provider.identity_sources.iter().flatten().map(|source| (&source.ldap, &source.domain_names));
    let mut all = sources.chain([(&provider.ldap, &provider.domain_names)]);
    all.find_map(|(ldap, domains)| {
        let LdapInfo { domain_name, domain_alias, .. } = ldap.as_ref()?;
        let is_it = domain_alias.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(alias));
        is_it.then(|| domain_name.clone().or_else(|| domains.as_ref()?.first().cloned()))?
    })
}
