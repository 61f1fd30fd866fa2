//! The checks of a specification by its purpose.

use std::time::SystemTime;

use super::names::DomainName;
use super::spec::{IdentityProviderSpec, IdentitySourceSpec};
use super::validate::Purpose;
use crate::change::Checked;
use crate::error::FieldError;

impl Checked<IdentityProviderSpec> {
    /// Checks a provider to add, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub fn to_add(spec: IdentityProviderSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Create, now)?;
        Ok(Self::new(spec, certificates))
    }

    /// Checks a provider's new specification, at the time `now`.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add).
    pub(crate) fn to_update(spec: IdentityProviderSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Update, now)?;
        Ok(Self::new(spec, certificates))
    }
}

impl Checked<IdentitySourceSpec> {
    /// Checks a source to add, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub fn to_add(spec: IdentitySourceSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Create, now)?;
        Ok(Self::new(spec, certificates))
    }

    /// Checks a source's new specification, at the time `now`.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add).
    pub(crate) fn to_update(spec: IdentitySourceSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Update, now)?;
        Ok(Self::new(spec, certificates))
    }

    /// Checks the specification of the source of `domain`, whether it exists or not, at the time `now`. The domain name is
    /// optional in it. The checks are those of an addition.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add), and for a domain other than `domain`.
    pub(crate) fn to_put(
        mut spec: IdentitySourceSpec,
        domain: &DomainName,
        now: SystemTime,
    ) -> Result<Self, Vec<FieldError>> {
        let domain = domain.as_str();
        let named = spec.ldap.as_mut().map(|ldap| ldap.domain_name.get_or_insert_with(|| domain.to_owned()));
        let is_another = named.is_some_and(|name| !name.eq_ignore_ascii_case(domain));
        let checked = Self::to_add(spec, now);
        if !is_another {
            return checked;
        }
        let mut errors = checked.err().unwrap_or_default();
        let detail = "is not the domain in the path; omit it, or make them equal";
        errors.push(FieldError::new("/ldap/domainName", detail));
        Err(errors)
    }

    /// The domain of the source.
    #[must_use]
    pub fn domain_name(&self) -> Option<&str> {
        self.spec().ldap.as_ref()?.domain_name.as_deref()
    }
}
