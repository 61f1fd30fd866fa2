//! A checked specification: the only form that is sent to a server.

use crate::certificate::CertificateFacts;

/// A specification without any fault that can be found without the server, and the data of its certificates.
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
    /// `spec`, after its checks, with the data of its certificates.
    pub(crate) fn new(spec: S, certificates: Vec<CertificateFacts>) -> Self {
        Self { spec, certificates }
    }

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
