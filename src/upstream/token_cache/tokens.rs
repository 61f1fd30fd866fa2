//! The tokens of a login, and how an account gets, renews and ends them.

use std::time::{Duration, SystemTime};

use futures_util::future::{LocalBoxFuture, ready};

use crate::error::Error;
use crate::secret::{AccessToken, Secret};

/// A token is not taken for revoked this soon after its login, unless by a 401: several calls of one request lack a permission
/// at the cost of no login.
const NEW: Duration = Duration::from_mins(1);

/// A login's tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(super) access: AccessToken,
    pub(super) refresh: Option<RefreshToken>,
    /// Whether other instances may have them: they were read from the store, or written to it.
    pub(super) is_shared: bool,
    /// Whether the access token was denied just after its login, but not with 401: the account lacks a permission.
    pub(super) is_sound: bool,
    /// When the access token was issued, by the clock of the instance that received it.
    pub(super) since: SystemTime,
}

/// A token that gets new access tokens without the account's credential.
#[derive(Debug, Clone)]
pub(super) struct RefreshToken {
    pub(super) secret: Secret,
    pub(super) until: SystemTime,
}

impl RefreshToken {
    /// Whether both are the same token.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.secret.expose() == other.secret.expose()
    }
}

impl From<AccessToken> for Tokens {
    fn from(access: AccessToken) -> Self {
        Self { access, refresh: None, is_shared: false, is_sound: false, since: SystemTime::UNIX_EPOCH }
    }
}

impl Tokens {
    /// The same with a refresh token that is valid until then. It is visible ASCII without spaces.
    pub(crate) fn renewable(self, secret: Secret, until: SystemTime) -> Self {
        Self { refresh: Some(RefreshToken { secret, until }), ..self }
    }

    /// The same, issued at `now`.
    pub(super) fn issued_at(self, now: SystemTime) -> Self {
        Self { since: now, ..self }
    }

    /// The same with the access token of a renewal at `now`.
    pub(super) fn renewed(&self, access: AccessToken, now: SystemTime) -> Self {
        Self { access, is_sound: false, since: now, ..self.clone() }
    }

    /// Whether the access token was issued less than a minute before `now`.
    pub(super) fn is_new(&self, now: SystemTime) -> bool {
        // Another instance's clock may be ahead.
        now.duration_since(self.since).is_ok_and(|age| age < NEW)
            || self.since.duration_since(now).is_ok_and(|ahead| ahead < NEW)
    }

    /// The refresh token, if a new access token may be requested with it. Not if the access token is `stale`: a server that
    /// rejects its own token has lost the session or the account, and its next token might be rejected as well.
    pub(super) fn renewal(&self, stale: &[AccessToken], now: SystemTime) -> Option<Secret> {
        let is_stale = stale.iter().any(|stale| stale.is(&self.access));
        let refresh = self.refresh.as_ref().filter(|refresh| !is_stale && refresh.until > now)?;
        Some(refresh.secret.clone())
    }

    /// When the last of them expires.
    pub(super) fn expire(&self) -> SystemTime {
        self.refresh.as_ref().map_or(self.access.expires(), |refresh| refresh.until.max(self.access.expires()))
    }
}

/// How an account gets, renews and ends its tokens. A function that returns an access token is one without refresh tokens.
pub trait Login {
    /// Logs in with the account's credential.
    ///
    /// # Errors
    /// Those of the login.
    fn log_in(&self) -> LocalBoxFuture<'_, Result<Tokens, Error>>;

    /// A new access token by the refresh token of [`log_in`](Self::log_in). Without refresh tokens this is a login.
    ///
    /// # Errors
    /// Those of the call. A login follows if the server rejects the refresh token, but not if the server does not respond or
    /// is busy.
    fn renew(&self, _refresh_token: Secret) -> LocalBoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async { self.log_in().await.map(|tokens| tokens.access) })
    }

    /// Ends a refresh token that nobody needs any more. Failures do not matter: it expires.
    fn revoke(&self, _refresh_token: Secret) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

impl<F: AsyncFn() -> Result<AccessToken, Error>> Login for F {
    fn log_in(&self) -> LocalBoxFuture<'_, Result<Tokens, Error>> {
        Box::pin(async { self().await.map(Tokens::from) })
    }
}
