//! A call that was denied: whether a new token may help.

use crate::error::{Error, ErrorCode};

/// What the upstream denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    /// The token (401).
    Token,
    /// The token, or a permission that the account lacks: 403, a redirect, a page in place of data.
    TokenOrPermission,
}

impl Denial {
    /// The meaning of `error`; `None` if a new token would not help. The request of a denied call was not carried out, so it may
    /// be sent again ([`may_deny_token`](crate::error::UpstreamEvidence::may_deny_token)).
    pub(super) fn of(error: &Error) -> Option<Self> {
        match error.code() {
            ErrorCode::UpstreamAuth => Some(Self::Token),
            _ => error.evidence().is_some_and(|said| said.may_deny_token).then_some(Self::TokenOrPermission),
        }
    }
}
