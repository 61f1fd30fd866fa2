//! The outcome that a request's groups and users give after a successful run.

use crate::directory::{Presence, Proof, SyncStatus};
use crate::error::{ErrorCode, Result};

use super::{SyncFailure, SyncRequest};

/// The presence of a request's groups and users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProofSet {
    pub(super) groups: Vec<Proof>,
    pub(super) users: Vec<Proof>,
}

impl ProofSet {
    fn all(&self) -> impl Iterator<Item = &Proof> {
        self.groups.iter().chain(&self.users)
    }

    /// Whether something was requested, and all of it is present.
    pub(super) fn is_complete(&self) -> bool {
        self.all().next().is_some() && self.all().all(Proof::is_present)
    }

    /// The requested name, for messages.
    fn nouns(&self) -> &'static str {
        match (self.groups.is_empty(), self.users.is_empty()) {
            (_, true) => "groups",
            (true, false) => "users",
            (false, false) => "groups and users",
        }
    }

    /// The message that all of them are present.
    pub(super) fn complete_message(&self) -> &'static str {
        match (self.groups.is_empty(), self.users.is_empty()) {
            (_, true) => "every group is present",
            (true, false) => "every user is present",
            (false, false) => "every group and user is present",
        }
    }
}

/// The status of a request whose run succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProofOutcome {
    pub(super) status: SyncStatus,
    pub(super) reason: Option<SyncFailure>,
    /// A further message; `None` to keep the run's own.
    pub(super) message: Option<String>,
}

impl ProofOutcome {
    /// All present: succeeded. Some absent: failed, even if others are unknown; a group decides before a user, because a
    /// user often comes with one. None absent and some unknown: unknown.
    pub(super) fn after_success(proofs: &ProofSet) -> Self {
        let has_absent = |proofs: &[Proof]| proofs.iter().any(|proof| proof.state == Presence::Absent);
        let reason = if has_absent(&proofs.groups) {
            Some(SyncFailure::GroupAbsent)
        } else if has_absent(&proofs.users) {
            Some(SyncFailure::UserAbsent)
        } else {
            None
        };
        if reason.is_some() {
            return Self { status: SyncStatus::Failed, reason, message: None };
        }
        match proofs.all().filter(|proof| proof.state == Presence::Unknown).count() {
            0 => Self { status: SyncStatus::Succeeded, reason, message: None },
            unknown => {
                let message = format!(
                    "the run succeeded, but the presence of {unknown} of {} {} is unknown: see their detail",
                    proofs.all().count(),
                    proofs.nouns()
                );
                Self { status: SyncStatus::Unknown, reason, message: Some(message) }
            }
        }
    }
}

/// A failed look-up after a successful run: the error also says how the run ended.
pub(super) fn proof_after_success(request: &SyncRequest, proof: Result<ProofSet>) -> Result<ProofSet> {
    let nouns = if request.users.is_empty() { "groups" } else { "groups or users" };
    proof.map_err(|error| {
        let detail = format!("the run succeeded, but the {nouns} could not be looked up: {}", error.detail());
        let is_denied = error.code() == ErrorCode::UpstreamForbidden && error.hint_text().is_none();
        let error = error.with_detail(detail);
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
    use Presence::{Absent, Present, Unknown};

    fn proofs(groups: &[Presence], users: &[Presence]) -> ProofSet {
        let of = |name: &str, states: &[Presence]| states.iter().map(|state| Proof::new(name, *state, None)).collect();
        ProofSet { groups: of("gg@corp.example", groups), users: of("jdoe@corp.example", users) }
    }

    #[test]
    fn presence_of_groups_and_users_decides_the_status() {
        for (groups, users, status, reason) in [
            (&[] as &[_], &[] as &[_], SyncStatus::Succeeded, None),
            (&[Present, Present], &[], SyncStatus::Succeeded, None),
            (&[Present, Absent], &[], SyncStatus::Failed, Some(SyncFailure::GroupAbsent)),
            (&[Unknown, Absent], &[], SyncStatus::Failed, Some(SyncFailure::GroupAbsent)),
            (&[Present, Unknown], &[], SyncStatus::Unknown, None),
            (&[], &[Present], SyncStatus::Succeeded, None),
            (&[Present], &[Absent], SyncStatus::Failed, Some(SyncFailure::UserAbsent)),
            (&[Unknown], &[Absent], SyncStatus::Failed, Some(SyncFailure::UserAbsent)),
            (&[Absent], &[Absent], SyncStatus::Failed, Some(SyncFailure::GroupAbsent)),
            (&[Present], &[Unknown], SyncStatus::Unknown, None),
        ] {
            let outcome = ProofOutcome::after_success(&proofs(groups, users));
            assert_eq!((outcome.status, outcome.reason), (status, reason), "{groups:?} {users:?}");
            assert_eq!(outcome.message.is_some(), status == SyncStatus::Unknown);
        }
        for (groups, users, part) in [
            (&[Present, Unknown] as &[_], &[] as &[_], "1 of 2 groups is"),
            (&[], &[Unknown], "1 of 1 users is"),
            (&[Present], &[Unknown], "1 of 2 groups and users is"),
        ] {
            let message = ProofOutcome::after_success(&proofs(groups, users)).message.unwrap();
            assert!(message.starts_with("the run succeeded, but") && message.contains(part), "{message}");
        }
    }

    #[test]
    fn only_a_complete_request_with_names_is_complete() {
        for (groups, users, complete) in [
            (&[] as &[_], &[] as &[_], false),
            (&[Present], &[], true),
            (&[], &[Present], true),
            (&[Present], &[Absent], false),
            (&[Unknown], &[Present], false),
        ] {
            assert_eq!(proofs(groups, users).is_complete(), complete, "{groups:?} {users:?}");
        }
    }

    #[test]
    fn denied_proof_reports_success_of_the_run() {
        let of_groups = SyncRequest { users: Vec::new(), ..SyncRequest::example() };
        let denied = || Err(Error::new(ErrorCode::UpstreamForbidden, "GET …/scim/Groups returned 403"));
        let error = proof_after_success(&of_groups, denied()).unwrap_err();
        assert!(error.detail().starts_with("the run succeeded, but the groups could not"), "{error}");
        assert!(error.hint_text().unwrap().contains("is not allowed to read groups"));
        let error = proof_after_success(&SyncRequest::example(), denied()).unwrap_err();
        assert!(error.detail().starts_with("the run succeeded, but the groups or users could not"), "{error}");
        let other = Err(Error::new(ErrorCode::UpstreamTimeout, "no answer").hint("wait"));
        let error = proof_after_success(&of_groups, other).unwrap_err();
        assert_eq!((error.code(), error.hint_text()), (ErrorCode::UpstreamTimeout, Some("wait")));
    }
}
