//! A failure in the field names of SDDC Manager's own `Error` (VMware Cloud Foundation API): the vendor's SDKs read only
//! these fields and show nothing for a plain problem document.

use serde::Serialize;

use super::{Error, Problem};
use crate::redact::strike;
use crate::secret::Secret;

/// The cause of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ErrorCause {
    /// Its kind: an exception's name, or a JSON Pointer to the wrong field.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An error in SDDC Manager's field names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct VendorNames {
    /// SDDC Manager's code; if it gave none, idhook's own in capital letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation_message: Option<String>,
    /// SDDC Manager's reference for support requests; if it gave none, the request's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_token: Option<String>,
    /// The causes; for an invalid request, the wrong fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<ErrorCause>,
    /// The nested errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested_errors: Vec<VendorNames>,
}

impl VendorNames {
    /// `error` as in the problem document `problem`, without the `secrets` that the upstream may have echoed.
    #[must_use]
    pub fn of(error: &Error, problem: &Problem, secrets: &[&Secret]) -> Self {
        // A failed login's texts are left out: they concern idhook's account, and a caller would read them as its own error.
        let said = error.evidence().filter(|said| said.is_vendor && !said.is_login);
        let told = |text: Option<&String>| text.map(|text| strike(text, secrets));
        let fields = error.fields().iter().map(|field| ErrorCause {
            kind: Some(field.pointer.clone()).filter(|pointer| !pointer.is_empty()),
            message: Some(strike(&field.detail, secrets)),
        });
        let mut causes: Vec<_> = fields.collect();
        causes.extend(said.iter().flat_map(|said| &said.causes).map(|cause| cause.struck(secrets)));
        Self {
            error_code: told(said.and_then(|said| said.code.as_ref()))
                .or_else(|| Some(error.code().as_str().to_ascii_uppercase())),
            message: told(said.and_then(|said| said.message.as_ref())).or_else(|| Some(problem.detail.clone())),
            remediation_message: told(said.and_then(|said| said.remediation.as_ref())).or_else(|| problem.hint.clone()),
            reference_token: told(said.and_then(|said| said.reference.as_ref())).or_else(|| problem.instance.clone()),
            causes,
            nested_errors: said.iter().flat_map(|said| &said.nested).map(|nested| nested.struck(secrets)).collect(),
        }
    }

    fn struck(&self, secrets: &[&Secret]) -> Self {
        let clean = |text: &Option<String>| text.as_deref().map(|text| strike(text, secrets));
        Self {
            error_code: clean(&self.error_code),
            message: clean(&self.message),
            remediation_message: clean(&self.remediation_message),
            reference_token: clean(&self.reference_token),
            causes: self.causes.iter().map(|cause| cause.struck(secrets)).collect(),
            nested_errors: self.nested_errors.iter().map(|nested| nested.struck(secrets)).collect(),
        }
    }
}

impl ErrorCause {
    fn struck(&self, secrets: &[&Secret]) -> Self {
        let clean = |text: &Option<String>| text.as_deref().map(|text| strike(text, secrets));
        Self { kind: clean(&self.kind), message: clean(&self.message) }
    }
}
