//! Failures: what failed, the upstream's evidence, and what to do about it.
//!
//! [`ErrorCode`] is the one table that maps a failure to its HTTP status, its title and whether a retry can help. The codes are
//! identical in every binding.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;

use crate::json;

mod code;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod problem;
mod step;
mod vendor;

pub use code::{ErrorCode, Fault};
pub(crate) use problem::problem_type;
pub use problem::{Problem, UpstreamAnswer};
pub use step::{Step, StepName, StepOutcome};
pub use vendor::{ErrorCause, VendorNames};

/// Longest piece of upstream text kept as evidence, in bytes.
const MAX_EVIDENCE: usize = 600;

/// One wrong field of the caller's input, or one mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The variable, for a mistake in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// JSON Pointer (RFC 6901) to the field; empty for the document itself.
    pub pointer: String,
    /// The mistake, then the fix. Never the value of a secret field.
    pub detail: String,
    /// The fix, for a mistake in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl FieldError {
    /// A field error at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { variable: None, pointer: pointer.into(), detail: detail.into(), hint: None }
    }
}

impl From<json::Fault> for FieldError {
    fn from(json::Fault { pointer, detail }: json::Fault) -> Self {
        Self::new(pointer, detail)
    }
}

/// The upstream's response, kept as evidence: bounded, and without secrets unless the upstream echoed some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamEvidence {
    /// The call, as method and path template.
    pub call: &'static str,
    /// HTTP status, if there was a response.
    pub status: Option<StatusCode>,
    /// Whether the call was a login (any call that gets or ends a token): its errors concern idhook's credentials, not the
    /// caller's request.
    pub is_login: bool,
    /// Whether the body had the vendor's error format.
    pub is_vendor: bool,
    /// Whether the body was an HTML page, which the vendor's API does not send.
    pub is_page: bool,
    /// Whether the token of the call may be the reason, and the request was not carried out: 401, 403, a redirect, or a page in
    /// place of data.
    pub may_deny_token: bool,
    /// Whether the request certainly never reached the server.
    pub never_arrived: bool,
    /// Whether the response was larger than the limit, and was not read.
    pub is_too_large: bool,
    /// The vendor's error code, a word for programs.
    pub code: Option<String>,
    /// The vendor's message, or the beginning of a body in another format.
    pub message: Option<String>,
    /// The vendor's advice.
    pub remediation: Option<String>,
    /// The vendor's reference for support requests.
    pub reference: Option<String>,
    /// Further lines: causes and nested errors.
    pub details: Vec<String>,
    /// The causes among them, if the vendor marks them.
    pub causes: Vec<ErrorCause>,
    /// The nested errors among them.
    pub nested: Vec<VendorNames>,
}

impl UpstreamEvidence {
    /// Keeps only the code of the upstream's error; drops its texts.
    pub(crate) fn forget_words(&mut self) {
        let Self { call, status, is_login, is_vendor, is_page, .. } = *self;
        *self = Self { call, status, is_login, is_vendor, is_page, code: self.code.take(), ..Self::default() };
    }
}

/// A failure. It is one pointer wide, so it is cheap to return.
///
/// ```
/// use idhook::error::{Error, ErrorCode};
///
/// let error = Error::new(ErrorCode::DirectoryNotFound, "no directory corp").hint("list the directories");
/// assert_eq!(error.to_string(), "directory_not_found: no directory corp (list the directories)");
/// assert_eq!(error.code().status(), 404);
/// assert!(!error.is_retryable());
/// ```
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: ErrorCode,
    detail: String,
    hint: Option<String>,
    fields: Vec<FieldError>,
    candidates: Vec<Candidate>,
    steps: Vec<Step>,
    target: Option<String>,
    upstream: Option<UpstreamEvidence>,
    retry_after: Option<Duration>,
    server_time: Option<SystemTime>,
    allow: Option<String>,
    never_again: bool,
}

/// One of several objects that an ambiguous name may mean.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// Its id, which is unique.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind, in the vendor's words, if the vendor's list has one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Candidate {
    /// An object as a list shows it.
    pub(crate) fn of(id: Option<&str>, name: Option<&str>, kind: Option<&str>) -> Self {
        let [id, name] = [id, name].map(|text| text.unwrap_or_default().to_owned());
        Self { id, name, kind: kind.map(str::to_owned) }
    }
}

/// The result of every fallible function here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of kind `code`; `detail` says what happened this time.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            hint: None,
            fields: Vec::new(),
            candidates: Vec::new(),
            steps: Vec::new(),
            target: None,
            upstream: None,
            retry_after: None,
            server_time: None,
            allow: None,
            never_again: false,
        }))
    }

    /// The caller's input is wrong in these fields.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are not valid", many.len()),
        };
        let mut error = Self::new(ErrorCode::RequestInvalid, detail);
        error.0.fields = fields;
        error
    }

    /// Adds the wrong fields.
    #[must_use]
    pub(crate) fn fields_of(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// Adds the fix.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the upstream's response.
    #[must_use]
    pub fn upstream(mut self, evidence: UpstreamEvidence) -> Self {
        self.0.upstream = Some(evidence);
        self
    }

    /// Adds the objects that an ambiguous name may mean.
    #[must_use]
    pub fn candidates(mut self, candidates: Vec<Candidate>) -> Self {
        self.0.candidates = candidates;
        self
    }

    /// Adds the steps of the job that failed.
    #[must_use]
    pub(crate) fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.0.steps = steps;
        self
    }

    /// Adds how long to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Adds the time by the upstream's clock, from its response's `Date` header.
    #[must_use]
    pub fn dated(mut self, time: Option<SystemTime>) -> Self {
        self.0.server_time = time;
        self
    }

    /// Adds the methods that the route accepts, as in an `Allow` header.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Marks the error as not retryable whatever its code: the request may have taken effect already, or needs a change
    /// first.
    #[must_use]
    pub(crate) fn not_retryable(mut self) -> Self {
        self.0.never_again = true;
        self
    }

    /// Marks a failed login and drops the upstream's texts, which may contain the credentials.
    #[must_use]
    pub(crate) fn of_login(mut self) -> Self {
        if let Some(evidence) = &mut self.0.upstream {
            evidence.is_login = true;
            evidence.forget_words();
        }
        self
    }

    /// Marks a failure whose reason may be the token of the call.
    #[must_use]
    pub(crate) fn may_deny_token(mut self) -> Self {
        if let Some(evidence) = &mut self.0.upstream {
            evidence.may_deny_token = true;
        }
        self
    }

    /// Names the target where this happened, unless it is set already.
    #[must_use]
    pub fn at(mut self, target: &str) -> Self {
        self.0.target.get_or_insert_with(|| target.to_owned());
        self
    }

    /// The same failure under a more specific code: a 404 for a directory is `directory_not_found`.
    #[must_use]
    pub fn recode(self, code: ErrorCode, detail: impl Into<String>) -> Self {
        self.with_code(code).with_detail(detail)
    }

    /// The same failure under another code.
    #[must_use]
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// The same failure in other words.
    #[must_use]
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The time by the upstream's clock when it responded, if it sent one.
    #[must_use]
    pub fn server_time(&self) -> Option<SystemTime> {
        self.0.server_time
    }

    /// The kind of failure.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// This occurrence, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fix.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The wrong fields of the caller's input.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The objects that an ambiguous name may mean.
    #[must_use]
    pub fn candidate_list(&self) -> &[Candidate] {
        &self.0.candidates
    }

    /// The steps of the job that failed; empty if it was no job.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The target where this happened.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The upstream's response.
    #[must_use]
    pub fn evidence(&self) -> Option<&UpstreamEvidence> {
        self.0.upstream.as_ref()
    }

    /// How long to wait before trying again, if the upstream sent a time.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The methods that the route accepts, if another one was used.
    #[must_use]
    pub(crate) fn allowed_methods(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// The status of the upstream's response, if there was one.
    #[must_use]
    pub(crate) fn upstream_status(&self) -> Option<StatusCode> {
        self.evidence().and_then(|evidence| evidence.status)
    }

    /// Whether the change that a call asked for may have been made although no usable response says so: the request may have
    /// arrived, and its response was missing or unusable. Not after a failed login: then the request was not sent. The status
    /// of a response is not considered.
    pub(crate) fn is_unanswered(&self) -> bool {
        !self.evidence().is_some_and(|said| said.is_login || said.never_arrived)
            && matches!(
                self.code(),
                ErrorCode::UpstreamTimeout | ErrorCode::UpstreamFailed | ErrorCode::UpstreamInvalid
            )
    }

    /// The status of the call itself: `None` without a response, and if the login before it failed.
    #[must_use]
    pub fn answer_status(&self) -> Option<StatusCode> {
        self.evidence().filter(|evidence| !evidence.is_login).and_then(|evidence| evidence.status)
    }

    /// Whether the same request may succeed later without any other change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.code().is_retryable() && !self.0.never_again
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail())?;
        if let Some(hint) = self.hint_text() {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The beginning of an upstream text, on one line, safe to show.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut short = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !short.is_empty() {
            // Before the last word too: two pieces of a secret must not become one.
            short.push(' ');
        }
        let room = MAX_EVIDENCE.saturating_sub(short.len());
        if word.len() >= room {
            let cut = word.char_indices().map(|(at, _)| at).take_while(|at| *at < room).last().unwrap_or(0);
            short.push_str(word.get(..cut).unwrap_or_default());
            short.push('…');
            break;
        }
        short.push_str(word);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_bounded_line() {
        assert_eq!(excerpt("<html>\r\n  <h1>404</h1>\u{0}</html>"), "<html> <h1>404</h1> </html>");
        assert!(excerpt(&"ä".repeat(10_000)).len() <= MAX_EVIDENCE + '…'.len_utf8());
        assert!(excerpt(&"word ".repeat(10_000)).len() <= MAX_EVIDENCE + '…'.len_utf8() + 5);
    }

    #[test]
    fn words_stay_apart_where_an_excerpt_is_cut() {
        for before in MAX_EVIDENCE - 30..MAX_EVIDENCE {
            let text = format!("{} Secre t-of-the-target-1 and more", "x".repeat(before));
            let short = excerpt(&text);
            assert!(text.starts_with(short.strip_suffix('…').unwrap_or(&short)), "{short}");
        }
    }
}
