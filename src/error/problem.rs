//! The problem document (RFC 9457): the one form in which every binding reports a failure. Secrets that an upstream echoed
//! are removed.

use std::fmt;

use serde::Serialize;

use super::{Candidate, Error, ErrorCode, FieldError, Step, UpstreamEvidence, VendorNames};
use crate::redact::strike;
use crate::secret::Secret;

/// A failure and its fix (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Problem {
    /// The address of the description of `code`, or a URN if no address is configured (`docs_url`).
    pub r#type: String,
    /// The meaning of the code; the same at every occurrence.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence, for a person.
    pub detail: String,
    /// The request's id, as in X-Request-Id; absent in embedded use, which has no requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub instance: Option<String>,
    /// The kind of failure, as a stable code to match on.
    #[serde(serialize_with = "word")]
    pub code: ErrorCode,
    /// Whether the same request may succeed later without any other change, and is safe to repeat.
    pub retryable: bool,
    /// Seconds to wait before a retry, if the upstream or idhook gives a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Each wrong field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The objects that an ambiguous name may mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// The steps of a job that failed: what is done, what failed, what was not reached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The upstream's response, if the request reached an upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamAnswer>,
    /// The last known state of the sync that the call started, as its document; its `id` continues the sync. Absent over
    /// HTTP, and if no sync was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(skip))]
    pub sync: Option<serde_json::Value>,
    /// The same error in SDDC Manager's field names, on the routes below `/vcf`.
    #[serde(flatten)]
    pub vendor: Option<Box<VendorNames>>,
}

/// The upstream's response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "UpstreamEvidence"))]
#[non_exhaustive]
pub struct UpstreamAnswer {
    /// The target's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The call, as method and path template.
    pub call: &'static str,
    /// The HTTP status of the response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The vendor's own error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The vendor's message, or the beginning of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The vendor's advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<String>,
    /// The vendor's reference for support requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Further lines: causes and nested errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

fn word<S: serde::Serializer>(code: &ErrorCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

/// The type of problems with this code: the code's heading in the documentation at `docs_url`; a URN if that is empty.
pub(crate) fn problem_type(code: ErrorCode, docs_url: &str) -> String {
    match docs_url {
        "" => format!("urn:idhook:problem:{code}"),
        docs_url => format!("{docs_url}/reference/errors.html#{code}"),
    }
}

impl Problem {
    /// `error`, without the `secrets` that the upstream may have echoed.
    #[must_use]
    pub fn new(error: &Error, secrets: &[&Secret]) -> Self {
        let clean = |text: &str| strike(text, secrets);
        let code = error.code();
        let upstream = error.evidence().map(|evidence| {
            let UpstreamEvidence { call, status, code, message, remediation, reference, details, .. } = evidence;
            let clean = |text: &Option<String>| text.as_deref().map(clean);
            UpstreamAnswer {
                target: error.target().map(str::to_owned),
                call,
                status: status.map(|status| status.as_u16()),
                code: clean(code),
                message: clean(message),
                remediation: clean(remediation),
                reference: clean(reference),
                details: details.iter().filter_map(|line| clean(&Some(line.clone()))).collect(),
            }
        });
        Self {
            r#type: problem_type(code, ""),
            title: code.title(),
            status: code.status().as_u16(),
            detail: clean(error.detail()),
            instance: None,
            code,
            retryable: error.is_retryable(),
            // Rounded up: a caller that returns a moment too early is rejected again.
            retry_after: error.wait().map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            hint: error.hint_text().map(clean),
            errors: error.fields().to_vec(),
            candidates: error.candidate_list().to_vec(),
            steps: error
                .steps()
                .iter()
                .map(|step| Step { detail: step.detail.as_deref().map(clean), ..step.clone() })
                .collect(),
            upstream,
            sync: None,
            vendor: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
