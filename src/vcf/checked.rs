//! A specification that was checked: the only thing that is sent to SDDC Manager.

use std::time::SystemTime;

use super::certificate::CertificateFacts;
use super::names::DomainName;
use super::spec::{IdentityProviderSpec, IdentitySourceSpec};
use super::validate::Purpose;
use crate::error::FieldError;

/// A specification in which nothing is wrong that can be seen without the server, and what its certificates say.
///
/// ```
/// use std::time::SystemTime;
///
/// use idhook::vcf::{Checked, IdentitySourceSpec};
///
/// let spec: IdentitySourceSpec = idhook::embedded::read(serde_json::json!({ "name": "corp" })).unwrap();
/// let faults = Checked::<IdentitySourceSpec>::to_add(spec, SystemTime::now()).unwrap_err();
/// assert!(faults.iter().any(|fault| fault.pointer.starts_with("/ldap")));
/// ```
#[derive(Debug, Clone)]
pub struct Checked<S> {
    spec: S,
    certificates: Vec<CertificateFacts>,
}

impl<S> Checked<S> {
    /// The specification.
    #[must_use]
    pub fn spec(&self) -> &S {
        &self.spec
    }

    /// The certificates in it.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateFacts] {
        &self.certificates
    }
}

impl Checked<IdentityProviderSpec> {
    /// A provider to be added, checked at the time `now`.
    ///
    /// # Errors
    /// Every field that is missing or wrong, by its JSON Pointer.
    pub fn to_add(spec: IdentityProviderSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Create, now)?;
        Ok(Self { spec, certificates })
    }

    /// What a provider is to become, checked at the time `now`.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add).
    pub(crate) fn to_update(spec: IdentityProviderSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Update, now)?;
        Ok(Self { spec, certificates })
    }
}

impl Checked<IdentitySourceSpec> {
    /// A source to be added, checked at the time `now`.
    ///
    /// # Errors
    /// Every field that is missing or wrong, by its JSON Pointer.
    pub fn to_add(spec: IdentitySourceSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Create, now)?;
        Ok(Self { spec, certificates })
    }

    /// What a source is to become, checked at the time `now`.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add).
    pub(crate) fn to_update(spec: IdentitySourceSpec, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let certificates = spec.validate(Purpose::Update, now)?;
        Ok(Self { spec, certificates })
    }

    /// What the source of `domain` must be, whether it exists or not. The specification need not name the domain. Checked as for an
    /// addition at the time `now`.
    ///
    /// # Errors
    /// As [`to_add`](Self::to_add); a domain other than `domain` is one of them.
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
        let detail = "is not the domain in the path; leave it out, or make them equal";
        errors.push(FieldError::new("/ldap/domainName", detail));
        Err(errors)
    }

    /// The domain of the source.
    #[must_use]
    pub fn domain_name(&self) -> Option<&str> {
        self.spec.ldap.as_ref()?.domain_name.as_deref()
    }
}
