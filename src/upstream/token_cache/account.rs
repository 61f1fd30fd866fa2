//! The account that logins count against.

use crate::secret::Secret;

/// An upstream account and its configured credential. Targets share an account if URL, tenant and account name are equal,
/// whatever the targets' names.
#[derive(Debug, Clone)]
pub struct Account<'t> {
    pub(super) kind: &'static str,
    pub(super) target: &'t str,
    pub(super) login_call: &'static str,
    /// The non-secret parts: URL, tenant, account.
    pub(super) parts: Vec<String>,
    pub(super) credential: Vec<&'t Secret>,
}

impl<'t> Account<'t> {
    /// The account with `parts` (URL, tenant, names) at an upstream of this `kind` (`vidm`, `vcf`), with this `credential`.
    /// Errors name `target`, and `login_call` as the rejected call.
    #[must_use]
    pub fn new(
        kind: &'static str,
        target: &'t str,
        login_call: &'static str,
        parts: Vec<String>,
        credential: Vec<&'t Secret>,
    ) -> Self {
        Self { kind, target, login_call, parts, credential }
    }

    pub(super) fn secrets(&self) -> Vec<&str> {
        self.credential.iter().map(|secret| secret.expose()).collect()
    }
}

impl PartialEq for Account<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.parts, self.secrets()) == (other.kind, &other.parts, other.secrets())
    }
}
