//! A failure under the names that SDDC Manager gives its own (`Error` in the VMware Cloud Foundation API), so that the vendor's
//! SDKs, which read nothing else, show words instead of nothing.

use serde::Serialize;

use super::{Error, Problem};
use crate::redact::strike;
use crate::secret::Secret;

/// What made an error happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct ErrorCause {
    /// Its kind: an exception's name, or a JSON Pointer to the field that is wrong.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An error under SDDC Manager's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct VendorNames {
    /// SDDC Manager's code; idhook's own in capital letters where SDDC Manager gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation_message: Option<String>,
    /// SDDC Manager's reference for its support; the request's id where it gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_token: Option<String>,
    /// What made it happen; the wrong fields of a request that is not valid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<ErrorCause>,
    /// The errors that this one is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested_errors: Vec<VendorNames>,
}

impl VendorNames {
    /// `error` as the problem document `problem` tells it, with whatever the upstream echoed of `secrets` struck out.
    #[must_use]
    pub fn of(error: &Error, problem: &Problem, secrets: &[&Secret]) -> Self {
        // Of a login nothing is told that could be taken for a word about the caller.
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
