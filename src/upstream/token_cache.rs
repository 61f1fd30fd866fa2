//! One login for many calls: keeps a target's token, logs in once however many wait, and stops before the upstream locks the
//! account. If there is a store, the token and the rejection are shared with other instances.
//!
//! vIDM locks an account for 15 minutes at the sixth failure within 15 minutes, hardened systems at the third; a hardened vCenter
//! SSO account stays locked until an administrator unlocks it (VMware's hardening guides WOAA-3X-000009, VCSA-80-000023 and
//! -000145). So after a rejected login one more attempt is made, 15 minutes later at the earliest, and then none until the
//! credential changes or an operator asks for one. An attempt is written down before it is sent: a request that is cut off
//! meanwhile has counted all the same.

mod account;
mod rejection;
mod shared_token;

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;
use futures_util::lock::Mutex;

use crate::error::{Error, ErrorCode};
use crate::poll_lock::lock;
use crate::runtime::Runtime;
use crate::secret::AccessToken;
use crate::shared_state::{Claim, Held};

pub use account::Account;
use rejection::Rejection;
use shared_token::Shared;
pub use shared_token::SharedToken;

/// How often the store is asked for what another instance's login gave.
const PAUSE: Duration = Duration::from_millis(150);

/// How long another instance may take from its draw until it has written down that it logs in: two calls to the store, and some.
const SILENCE: Duration = Duration::from_millis(1500);

/// A lease on a login outlives the request by this, for the clocks of two instances differ.
const GRACE: Duration = Duration::from_secs(5);

/// The most tokens that one piece of work tries: the kept one, the one in the store, and a new one.
const TOKENS: usize = 3;

/// The token of one account, or why there is none. All targets with the same URL, account and credential share one.
#[derive(Debug, Default)]
pub struct TokenCache(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    LoggedOut,
    LoggedIn(AccessToken),
    Rejected(Rejection),
}

/// What a login needs: a token, and where it is from.
type Found = Result<(AccessToken, Source), Error>;

impl TokenCache {
    /// A session for each of these targets, by their names: the same one for all with the same account and credential.
    pub(crate) fn shared<'t>(accounts: impl Iterator<Item = (&'t String, Account<'t>)>) -> Vec<(&'t String, Rc<Self>)> {
        let mut all: Vec<(&String, Account<'_>, Rc<Self>)> = Vec::new();
        for (name, account) in accounts {
            let known = all.iter().find(|(_, known, _)| *known == account).map(|(.., session)| Rc::clone(session));
            all.push((name, account, known.unwrap_or_default()));
        }
        all.into_iter().map(|(name, _, session)| (name, session)).collect()
    }

    /// Runs `work` with a token, logging in first where there is none that is fresh, here or in the store. When the upstream
    /// rejects a token that was kept (401), it may have been revoked: there is one new login and one replay. A newer one that
    /// another instance left in the store is tried before that.
    ///
    /// # Errors
    /// The login's or the work's. While a rejected login is held, its error, and nothing is sent. `upstream_busy` while another
    /// instance's login takes longer than this request may.
    pub async fn with_token<T>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: impl AsyncFn() -> Result<AccessToken, Error>,
        work: impl AsyncFn(AccessToken) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Behind pointers, so that what surrounds a login is compiled once and not once for each kind of login.
        let login = || -> LocalBoxFuture<'_, _> { Box::pin(login()) };
        let work = |token| -> LocalBoxFuture<'_, _> { Box::pin(work(token)) };
        self.work(shared, &login, &work).await
    }

    async fn work<'l, T>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: &dyn Fn() -> LocalBoxFuture<'l, Result<AccessToken, Error>>,
        work: &dyn Fn(AccessToken) -> LocalBoxFuture<'l, Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut stale = Vec::new();
        loop {
            let (token, from) = self.token(shared, login, &stale).await?;
            match work(token.clone()).await {
                Err(e) if from == Source::Kept && e.code() == ErrorCode::UpstreamAuth && stale.len() + 1 < TOKENS => {
                    stale.push(token);
                }
                done => return done,
            }
        }
    }

    /// Forgets the token, in the store as well: the next piece of work logs in. A rejection stays what it is.
    pub async fn forget(&self, shared: &SharedToken<'_, impl Runtime>) {
        let mut state = lock(&self.0, shared.runtime()).await;
        if matches!(*state, State::LoggedIn(_)) {
            *state = State::LoggedOut;
            shared.forget().await;
        }
    }

    /// Allows one more attempt after a rejected login, at once: an operator asks for it. Whether a rejection was held at all.
    pub(crate) async fn allow_attempt<R: Runtime>(&self, shared: &SharedToken<'_, R>) -> bool {
        let mut state = lock(&self.0, shared.runtime()).await;
        let slot = shared.slot().await;
        if let Some(found) = slot.as_ref().and_then(SharedToken::<R>::found) {
            *state = State::from(found);
        }
        let State::Rejected(rejection) = &mut *state else { return false };
        rejection.allow_at(shared.runtime().now());
        // While another instance logs in, that is the attempt.
        if let Some(slot) = slot
            && let Some(Claim::Won(held)) = shared.claim(&slot).await
        {
            shared.finish(Some(held), Some(&Shared::Rejected(rejection.clone()))).await;
        }
        true
    }

    /// The token, and where it is from. None of `stale` is good enough.
    ///
    /// The lock is held during the login, so that requests that come together log in once.
    async fn token<'l>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: &dyn Fn() -> LocalBoxFuture<'l, Result<AccessToken, Error>>,
        stale: &[AccessToken],
    ) -> Found {
        let mut state = lock(&self.0, shared.runtime()).await;
        // Whatever this instance knows may be old news: another may have been told to try again.
        if let State::LoggedIn(_) = *state
            && let Some(found) = state.known(shared, stale)
        {
            return found;
        }
        let held = match turn(&mut state, shared, stale).await {
            Turn::Known(found) => return found,
            Turn::Ours(held) => held,
        };
        let before = match std::mem::take(&mut *state) {
            State::Rejected(rejection) => Some(rejection),
            State::LoggedOut | State::LoggedIn(_) => None,
        };
        let begun = Rejection::begun(before.as_ref(), shared.runtime().now());
        shared.begin(held.as_ref(), &begun).await;
        *state = State::Rejected(begun);
        let (outcome, known) = match login().await {
            Ok(token) => (Ok((token.clone(), Source::Login)), Some(Shared::Token(token))),
            Err(error) => match Rejection::of(&error, before.as_ref(), shared.runtime().now()) {
                Some(rejection) => (Err(rejection.error(shared)), Some(Shared::Rejected(rejection))),
                // Nothing was said about the credential: what was known of it stands.
                None => (Err(error), before.map(Shared::Rejected)),
            },
        };
        shared.finish(held, known.as_ref()).await;
        *state = known.map_or(State::LoggedOut, State::from);
        outcome
    }
}

/// Whose turn it is to log in.
enum Turn {
    /// Nobody's: this is known without a login.
    Known(Found),
    /// This instance's; the lease is there where there is a store.
    Ours(Option<Held>),
}

/// Finds out what is known of the account, and waits while another instance logs in: its token is as good as ours, and its rejection
/// would be ours.
async fn turn<R: Runtime>(state: &mut State, shared: &SharedToken<'_, R>, stale: &[AccessToken]) -> Turn {
    let now = || shared.runtime().now();
    loop {
        let slot = shared.slot().await;
        let is_pending = slot.as_ref().is_some_and(|slot| slot.held_until(now()).is_some());
        if !is_pending {
            match slot.as_ref().map(SharedToken::<R>::found) {
                Some(Some(found)) => *state = State::from(found),
                // Another instance may have logged in since, and its token has expired.
                Some(None) if !state.is_recent(now()) => *state = State::LoggedOut,
                Some(None) | None => {}
            }
            if let Some(found) = state.known(shared, stale) {
                return Turn::Known(found);
            }
            let Some(slot) = slot else { return Turn::Ours(None) };
            match shared.claim(&slot).await {
                Some(Claim::Won(held)) => return Turn::Ours(Some(held)),
                Some(Claim::Done(_)) => continue,
                Some(Claim::Busy { .. }) => {}
                None => return Turn::Ours(None),
            }
        }
        if shared.remaining() <= PAUSE {
            return Turn::Known(Err(shared.busy()));
        }
        shared.runtime().sleep(PAUSE).await;
    }
}

/// Where a token is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// From before, here or in the store: it may have been revoked.
    Kept,
    /// A login just now.
    Login,
}

impl State {
    /// What this is good for now: a token, or word that there will be none. `None` when a login has to tell.
    fn known(&self, shared: &SharedToken<'_, impl Runtime>, stale: &[AccessToken]) -> Option<Found> {
        let now: SystemTime = shared.runtime().now();
        match self {
            Self::LoggedIn(token) if token.is_fresh(now) && !stale.iter().any(|stale| stale.is(token)) => {
                Some(Ok((token.clone(), Source::Kept)))
            }
            Self::Rejected(rejection) if !rejection.allows_attempt(now) => Some(Err(rejection.error(shared))),
            Self::LoggedOut | Self::LoggedIn(_) | Self::Rejected(_) => None,
        }
    }
}

impl State {
    /// Whether a login was rejected within the last minutes. A store that has lost its values does not change that.
    fn is_recent(&self, now: SystemTime) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.is_recent(now))
    }
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        match shared {
            Shared::Token(token) => Self::LoggedIn(token),
            Shared::Rejected(rejection) => Self::Rejected(rejection),
        }
    }
}
