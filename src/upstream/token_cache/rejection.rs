//! A rejected login: since when, how often, and when the next attempt is allowed.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::SharedToken;
use crate::error::{Error, ErrorCode, UpstreamEvidence};
use crate::runtime::{Runtime, from_unix_ms, millis, rfc3339, unix_ms};
use crate::shared_state::HOLD;

/// The wait after a rejected login: the window in which vIDM and vCenter SSO count failures, by default and hardened.
const WINDOW: Duration = Duration::from_mins(15);

/// No attempts are made after this many rejections.
const ATTEMPTS: u32 = 2;

/// The fix, after the login's own detail.
const REMEDY: &str = "a changed credential is tried at once; after correcting (and unlocking) the account, \
    GET …/doctor?retry=true (scope admin) or a new session of the library makes one more attempt; hardened systems lock \
    an account at the third failure";

/// The fix before that, while the store refuses writes.
const MAKE_WRITABLE: &str = "let the store accept writes again (the log field store says why it does not)";

/// The known state of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// The server rejected it.
    Rejected,
    /// The server refused the account with a page, without checking the password: the cause is the kind of account or the
    /// server's configuration. It may be corrected there, and has not counted.
    Unchecked,
    /// A page with 401 or 403, or a login response without token: the source of the rejection is unclear. It may have
    /// counted.
    Doubtful,
    /// An attempt was started but its outcome is unknown.
    Unknown,
}

/// A login that was not accepted; also stored, as [`Verdict::Unknown`], during a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rejection {
    verdict: Verdict,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The time of the first attempt, in milliseconds since 1970, like the other times.
    since_ms: u64,
    last_ms: u64,
    attempts: u32,
    /// The time of the next allowed attempt; `None`: not until an operator asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_ms: Option<u64>,
}

impl Rejection {
    /// The meaning of `error` for the credential, given its known state `before`. `None` if it has none: there was no response, a
    /// failure of another kind, or a call other than `login_call`, which sends no credential (it looks up where to log in).
    pub(super) fn of(error: &Error, login_call: &'static str, before: Option<&Self>, now: SystemTime) -> Option<Self> {
        if error.evidence().is_some_and(|evidence| evidence.call != login_call) {
            return None;
        }
        let evidence = error.evidence().filter(|evidence| evidence.is_login);
        let status = evidence.and_then(|evidence| evidence.status);
        let is_page = evidence.is_some_and(|evidence| evidence.is_page);
        let verdict = match (error.code(), status) {
            (ErrorCode::UpstreamAuth, Some(_)) if is_page => Verdict::Unchecked,
            (ErrorCode::UpstreamAuth, Some(_)) => Verdict::Rejected,
            // The response was 200 without a token.
            (ErrorCode::UpstreamAuth, None) => Verdict::Doubtful,
            (_, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) if is_page => Verdict::Doubtful,
            _ => return None,
        };
        let rejection = Self {
            verdict,
            detail: error.detail().to_owned(),
            hint: error.hint_text().map(str::to_owned),
            status: status.map(|status| status.as_u16()),
            code: evidence.and_then(|evidence| evidence.code.clone()),
            since_ms: before.map_or(unix_ms(now), |before| before.since_ms),
            last_ms: unix_ms(now),
            attempts: before.map_or(0, |before| before.attempts).saturating_add(1),
            next_ms: None,
        };
        Some(rejection.scheduled())
    }

    /// An attempt that is about to be made. If its outcome is never known, it counts.
    pub(super) fn begun(before: Option<&Self>, now: SystemTime) -> Self {
        let before = before.cloned().unwrap_or_else(|| Self {
            verdict: Verdict::Unknown,
            detail: "the outcome of the last login is unknown, because its request was aborted".to_owned(),
            hint: Some("allow requests more time: their callers disconnected before the login's response".to_owned()),
            status: None,
            code: None,
            since_ms: unix_ms(now),
            last_ms: unix_ms(now),
            attempts: 0,
            next_ms: None,
        });
        let begun = Self { last_ms: unix_ms(now), attempts: before.attempts.saturating_add(1), ..before };
        begun.scheduled()
    }

    /// Adds the time of the next attempt.
    fn scheduled(self) -> Self {
        let after_window = Some(self.last_ms.saturating_add(millis(WINDOW)));
        let next_ms = match self.verdict {
            Verdict::Rejected if self.attempts >= ATTEMPTS => None,
            Verdict::Unknown if self.attempts < ATTEMPTS => Some(self.last_ms),
            // At most one per window, so nothing is locked, and a repaired gateway is noticed.
            Verdict::Rejected | Verdict::Unchecked | Verdict::Doubtful | Verdict::Unknown => after_window,
        };
        Self { next_ms, ..self }
    }

    /// Allows one attempt from `now` on.
    pub(super) fn allow_at(&mut self, now: SystemTime) {
        self.next_ms = Some(unix_ms(now));
    }

    /// Whether an attempt is allowed.
    pub(super) fn allows_attempt(&self, now: SystemTime) -> bool {
        self.next_ms.is_some_and(|next| next <= unix_ms(now))
    }

    /// Its error if no further attempt may be made, because a store that can be read refuses to record it: each instance
    /// would make one. An aborted request's outcome is unknown, so it alone prevents none.
    pub(super) fn unrecordable<R: Runtime>(&self, shared: &SharedToken<'_, R>) -> Option<Error> {
        self.is_barred(shared).then(|| self.error(shared))
    }

    fn is_barred<R: Runtime>(&self, shared: &SharedToken<'_, R>) -> bool {
        shared.cannot_record() && (self.verdict != Verdict::Unknown || self.attempts >= ATTEMPTS)
    }

    /// Whether the last attempt is within the window in which failures are counted.
    pub(super) fn is_recent(&self, now: SystemTime) -> bool {
        unix_ms(now).saturating_sub(self.last_ms) < millis(WINDOW)
    }

    /// The error for all requests that need a login now: since when, how many attempts, and the fix.
    pub(super) fn error<R: Runtime>(&self, shared: &SharedToken<'_, R>) -> Error {
        let code = match self.verdict {
            Verdict::Rejected | Verdict::Unchecked => ErrorCode::UpstreamAuth,
            Verdict::Doubtful if self.status.is_none() => ErrorCode::UpstreamAuth,
            Verdict::Doubtful => ErrorCode::UpstreamInvalid,
            Verdict::Unknown => ErrorCode::UpstreamBusy,
        };
        let attempts = if self.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempts) };
        let is_barred = self.is_barred(shared);
        let next = match self.next_ms {
            _ if is_barred => "no further attempt is made while the store refuses writes".to_owned(),
            Some(next) => format!("the next attempt is made at {} at the earliest", rfc3339(from_unix_ms(next))),
            None => "no further attempt is made".to_owned(),
        };
        let detail = format!(
            "{}; {attempts} since {}, {next}, so that the account is not locked",
            self.detail,
            rfc3339(from_unix_ms(self.since_ms))
        );
        let parts = [self.hint.as_deref(), is_barred.then_some(MAKE_WRITABLE), Some(REMEDY)];
        let hint = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let now = unix_ms(shared.runtime().now());
        let least = if is_barred { HOLD } else { Duration::ZERO };
        let wait = self.next_ms.map(|next| Duration::from_millis(next.saturating_sub(now)).max(least));
        let evidence = UpstreamEvidence {
            call: shared.login_call(),
            status: self.status.and_then(|status| StatusCode::from_u16(status).ok()),
            is_login: true,
            code: self.code.clone(),
            ..UpstreamEvidence::default()
        };
        Error::new(code, detail).hint(hint).retry_after(wait).upstream(evidence).at(shared.target())
    }
}
