//! The outcome that a request's groups give after a successful run.

use crate::directory::{Presence, Proof, SyncStatus};
use crate::error::{ErrorCode, Result};

use super::SyncFailure;

/// The status of a request whose run succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GroupOutcome {
    pub(super) status: SyncStatus,
    pub(super) reason: Option<SyncFailure>,
    /// A further message; `None` to keep the run's own.
    pub(super) message: Option<String>,
}

impl GroupOutcome {
    /// All present: succeeded. Some absent: failed, even if others are unknown. None absent and some unknown: unknown.
    pub(super) fn after_success(groups: &[Proof]) -> Self {
        let count = |state| groups.iter().filter(|group| group.state == state).count();
        match (count(Presence::Absent), count(Presence::Unknown)) {
            (0, 0) => Self { status: SyncStatus::Succeeded, reason: None, message: None },
            (0, unknown) => Self {
                status: SyncStatus::Unknown,
                reason: None,
                message: Some(format!(
                    "the run succeeded, but the presence of {unknown} of {} groups is unknown: see their detail",
                    groups.len()
                )),
            },
            (_, _) => Self { status: SyncStatus::Failed, reason: Some(SyncFailure::GroupAbsent), message: None },
        }
    }
}

/// A failed look-up after a successful run: the error also says how the run ended.
pub(super) fn proof_after_success(proof: Result<Vec<Proof>>) -> Result<Vec<Proof>> {
    proof.map_err(|error| {
        let (code, detail) =
            (error.code(), format!("the run succeeded, but the groups could not be looked up: {}", error.detail()));
        let is_denied = code == ErrorCode::UpstreamForbidden && error.hint_text().is_none();
        let error = error.recode(code, detail);
        if !is_denied {
            return error;
        }
        error.hint(
            "the account is not allowed to read groups: SCIM requires an administrator role with read access to users and groups; the doctor's \
             check `groups` shows whether it has one",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn groups(states: &[Presence]) -> Vec<Proof> {
        states.iter().map(|state| Proof::example("gg@corp.example", *state)).collect()
    }

    #[test]
    fn presence_of_groups_decides_the_status() {
        use Presence::{Absent, Present, Unknown};
        for (states, status, reason) in [
            (&[] as &[_], SyncStatus::Succeeded, None),
            (&[Present, Present], SyncStatus::Succeeded, None),
            (&[Present, Absent], SyncStatus::Failed, Some(SyncFailure::GroupAbsent)),
            (&[Unknown, Absent], SyncStatus::Failed, Some(SyncFailure::GroupAbsent)),
            (&[Present, Unknown], SyncStatus::Unknown, None),
        ] {
            let outcome = GroupOutcome::after_success(&groups(states));
            assert_eq!((outcome.status, outcome.reason), (status, reason), "{states:?}");
            assert_eq!(outcome.message.is_some(), status == SyncStatus::Unknown);
        }
        let message = GroupOutcome::after_success(&groups(&[Present, Unknown])).message.unwrap();
        assert!(message.starts_with("the run succeeded, but") && message.contains("1 of 2"), "{message}");
    }

    #[test]
    fn denied_proof_reports_success_of_the_run() {
        let denied = Err(Error::new(ErrorCode::UpstreamForbidden, "GET …/scim/Groups returned 403"));
        let error = proof_after_success(denied).unwrap_err();
        assert!(error.detail().starts_with("the run succeeded, but"), "{error}");
        assert!(error.hint_text().unwrap().contains("is not allowed to read groups"));
        let other = Err(Error::new(ErrorCode::UpstreamTimeout, "no answer").hint("wait"));
        let error = proof_after_success(other).unwrap_err();
        assert_eq!((error.code(), error.hint_text()), (ErrorCode::UpstreamTimeout, Some("wait")));
    }
}
