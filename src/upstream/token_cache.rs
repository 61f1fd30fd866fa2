//! One login for many calls: keeps a target's token, logs in once for all waiting requests, and stops before the upstream
//! locks the account. With a store, the token and the rejection are shared with other instances.
//!
//! vIDM locks an account for 15 minutes at the sixth failure within 15 minutes, hardened systems at the third; a hardened
//! vCenter SSO account stays locked until an administrator unlocks it (VMware's hardening guides WOAA-3X-000009,
//! VCSA-80-000023 and -000145). So after a rejected login one more attempt is made, 15 minutes later at the earliest, then
//! none until the credential changes or an operator asks for one. An attempt is recorded before it is sent: it counts even
//! if the request is aborted meanwhile. After a rejection none is sent that cannot be recorded, because the store refuses
//! writes: each instance would send one.
//!
//! A refresh token is kept and shared with the access token, and used before the credential. A login that replaces it revokes
//! it, beside the request's own call, if no other instance can still use it: it was never in the store, or the store has the
//! new one, which every other instance reads before it renews or logs in.

mod account;
mod denial;
mod rejection;
mod shared_token;
mod tokens;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::lock::Mutex;

use crate::error::{Error, ErrorCode};
use crate::poll_lock::lock;
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Secret};
use crate::shared_state::{Claim, Contents, Held, Slot};

pub use account::Account;
use denial::Denial;
use rejection::Rejection;
use shared_token::Shared;
pub use shared_token::SharedToken;
pub use tokens::{Login, Tokens};

/// The interval for polling the store for another instance's login.
const PAUSE: Duration = Duration::from_millis(150);

/// How long another instance may take from its claim until it has recorded the login: two store calls, and a margin.
const SILENCE: Duration = Duration::from_millis(1500);

/// A login's lease outlives the request by this, because instances' clocks differ.
const GRACE: Duration = Duration::from_secs(5);

/// The most tokens tried by one piece of work: the cached one, the store's, and a new one.
const TOKENS: usize = 3;

/// The tokens of one account, or why there are none. Targets with the same URL, account and credential share one.
#[derive(Debug, Default)]
pub struct TokenCache {
    state: Mutex<State>,
    unrecorded: Unrecorded,
}

/// The slots that this instance saw before and during a login whose outcome the store refused. While the store shows one of
/// them, this instance's own outcome counts. Changed only under the lock of the state.
#[derive(Default)]
struct Unrecorded(RefCell<Vec<Contents>>);

impl std::fmt::Debug for Unrecorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unrecorded(…)")
    }
}

impl Unrecorded {
    /// This instance's turn begins after `slot`.
    fn begin(&self, slot: Slot) {
        *self.0.borrow_mut() = vec![slot.into_contents()];
    }

    /// This instance announced its turn with these contents, if it could.
    fn announced(&self, contents: Option<Contents>) {
        self.0.borrow_mut().extend(contents);
    }

    /// The store took the outcome.
    fn taken(&self) {
        self.0.borrow_mut().clear();
    }

    /// Whether `slot` is older than what this instance knows.
    fn outdates(&self, slot: &Slot) -> bool {
        self.0.borrow().iter().any(|contents| slot.has(contents))
    }
}

#[derive(Debug, Default)]
enum State {
    #[default]
    LoggedOut,
    LoggedIn(Tokens),
    Rejected(Rejection),
}

/// A token and its source, or the login's error.
type TokenResult = Result<(AccessToken, Source), Error>;

impl TokenCache {
    /// The token cache of each target, by name: shared by targets with the same account and credential.
    pub(crate) fn shared<'t>(accounts: impl Iterator<Item = (&'t String, Account<'t>)>) -> Vec<(&'t String, Rc<Self>)> {
        let mut all: Vec<(&String, Account<'_>, Rc<Self>)> = Vec::new();
        for (name, account) in accounts {
            let known = all.iter().find(|(_, known, _)| *known == account).map(|(.., session)| Rc::clone(session));
            all.push((name, account, known.unwrap_or_default()));
        }
        all.into_iter().map(|(name, _, session)| (name, session)).collect()
    }

    /// Runs `work` with a token; renews it or logs in first if neither this instance nor the store has a valid one. If the
    /// upstream denies a cached token (401, 403, a redirect, a sign-in page), it may have been revoked: a newer token in the store
    /// is tried, then there is one new login and one replay. If the new token is denied as well, but not with 401, the account
    /// lacks a permission: the cache remembers this with the token, and later denials cost no login while the token is kept.
    ///
    /// # Errors
    /// Those of the login and of the work. While a rejected login is held, its error, and nothing is sent. `upstream_busy`
    /// if another instance's login takes longer than this request may.
    pub async fn with_token<T>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: impl Login,
        work: impl AsyncFn(AccessToken) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Boxed, so that the code around a login is compiled once and not once for each kind of login.
        let work = |token| -> LocalBoxFuture<'_, _> { Box::pin(work(token)) };
        self.work(shared, &login, &work).await
    }

    async fn work<'l, T>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: &dyn Login,
        work: &dyn Fn(AccessToken) -> LocalBoxFuture<'l, Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut stale = Vec::new();
        loop {
            let (token, from) = self.token(shared, login, &stale).await?;
            let done = match &from {
                Source::Login { replaced: Some(old) } => beside(work(token.clone()), login.revoke(old.clone())).await,
                Source::Login { replaced: None } | Source::Kept { .. } => work(token.clone()).await,
            };
            let denial = done.as_ref().err().and_then(Denial::of);
            match (denial, from) {
                (Some(Denial::Token), Source::Kept { .. })
                | (Some(Denial::TokenOrPermission), Source::Kept { is_sound: false })
                    if stale.len() + 1 < TOKENS =>
                {
                    stale.push(token);
                }
                (Some(Denial::TokenOrPermission), Source::Login { .. }) => {
                    self.remember_sound(shared, &token).await;
                    return done;
                }
                _ => return done,
            }
        }
    }

    /// Remembers, also in the store, that `token` was denied just after its login: later denials have another reason.
    async fn remember_sound<R: Runtime>(&self, shared: &SharedToken<'_, R>, token: &AccessToken) {
        let mut state = lock(&self.state, shared.runtime()).await;
        let State::LoggedIn(tokens) = &mut *state else { return };
        if !tokens.access.is(token) || tokens.is_sound {
            return;
        }
        tokens.is_sound = true;
        // If another instance has logged in since, its token is another one.
        if let Some(slot) = shared.slot().await
            && let Some(Shared::Tokens(stored)) = SharedToken::<R>::found(&slot)
            && stored.access.is(token)
            && let Some(Claim::Won(held)) = shared.claim(&slot).await
        {
            shared.finish(Some(held), Some(&Shared::Tokens(tokens.clone()))).await;
        }
    }

    /// Allows one more attempt after a rejected login, at once, on an operator's request. Returns whether a rejection was
    /// held.
    pub(crate) async fn allow_attempt<R: Runtime>(&self, shared: &SharedToken<'_, R>) -> bool {
        let mut state = lock(&self.state, shared.runtime()).await;
        let slot = shared.slot().await;
        let newer = slot.as_ref().filter(|slot| !self.unrecorded.outdates(slot));
        if let Some(found) = newer.and_then(SharedToken::<R>::found) {
            *state = State::from(found);
        }
        let State::Rejected(rejection) = &mut *state else { return false };
        rejection.allow_at(shared.runtime().now());
        // If another instance is logging in, that is the attempt.
        if let Some(slot) = slot
            && let Some(Claim::Won(held)) = shared.claim(&slot).await
        {
            shared.finish(Some(held), Some(&Shared::Rejected(rejection.clone()))).await;
        }
        true
    }

    /// Notes whether the store took the outcome of this instance's turn.
    fn recorded(&self, is_stored: bool) {
        if is_stored {
            self.unrecorded.taken();
        }
    }

    /// A token that is not in `stale`, and its source.
    ///
    /// The lock is held during the login, so concurrent requests log in once.
    async fn token(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: &dyn Login,
        stale: &[AccessToken],
    ) -> TokenResult {
        let mut state = lock(&self.state, shared.runtime()).await;
        // This instance's rejection may be outdated: another may have been allowed to try again.
        if let State::LoggedIn(_) = *state
            && let Some(found) = state.known(shared, stale)
        {
            return found;
        }
        let held = match turn(&mut state, &self.unrecorded, shared, stale).await {
            Turn::Known(found) => return found,
            Turn::Ours(held) => held,
        };
        let announce = async |outcome: &Shared| {
            self.unrecorded.announced(shared.hold(held.as_ref(), outcome).await);
        };
        let mut replaced = None;
        if let State::LoggedIn(tokens) = &*state {
            replaced = tokens.refresh.clone().map(|refresh| (refresh, tokens.is_shared));
            if let Some(refresh_token) = tokens.renewal(stale, shared.runtime().now()) {
                // The state remains: a renewal that is aborted is repeated.
                announce(&Shared::Tokens(tokens.clone())).await;
                match login.renew(refresh_token).await {
                    Ok(access) => {
                        let renewed = tokens.renewed(access, shared.runtime().now());
                        let token = renewed.access.clone();
                        let (tokens, is_stored) = shared.finish_login(held, renewed).await;
                        self.recorded(is_stored);
                        *state = State::LoggedIn(tokens);
                        return Ok((token, Source::Login { replaced: None }));
                    }
                    // There was no response, or no time is left: a login would fail too.
                    Err(e) if e.upstream_status().is_none() || e.code() == ErrorCode::UpstreamBusy => {
                        self.recorded(shared.finish(held, Some(&Shared::Tokens(tokens.clone()))).await);
                        return Err(e);
                    }
                    // It has expired or was revoked; a failing server may still know it.
                    Err(e) => {
                        replaced =
                            replaced.filter(|_| e.upstream_status().is_some_and(|status| status.is_server_error()))
                    }
                }
            }
        }
        let before = match std::mem::take(&mut *state) {
            State::Rejected(rejection) => Some(rejection),
            State::LoggedOut | State::LoggedIn(_) => None,
        };
        let begun = Rejection::begun(before.as_ref(), shared.runtime().now());
        announce(&Shared::Rejected(begun.clone())).await;
        if let Some(rejection) = before.as_ref()
            && let Some(error) = rejection.unrecordable(shared)
        {
            // The store took the claim, but not the attempt.
            *state = State::Rejected(rejection.clone());
            return Err(error);
        }
        *state = State::Rejected(begun);
        match login.log_in().await {
            Ok(tokens) => {
                let token = tokens.access.clone();
                replaced.take_if(|(old, _)| {
                    old.until <= shared.runtime().now() || tokens.refresh.as_ref().is_some_and(|new| new.is(old))
                });
                let tokens = tokens.issued_at(shared.runtime().now());
                let (tokens, is_stored) = shared.finish_login(held, tokens).await;
                self.recorded(is_stored);
                *state = State::LoggedIn(tokens);
                // One that was in the store is still used by instances that cannot find the new one there.
                let unused = replaced.filter(|(_, was_shared)| is_stored || !was_shared).map(|(refresh, _)| refresh);
                Ok((token, Source::Login { replaced: unused.map(|refresh| refresh.secret) }))
            }
            Err(error) => {
                let (error, known) =
                    match Rejection::of(&error, shared.login_call(), before.as_ref(), shared.runtime().now()) {
                        Some(rejection) => (rejection.error(shared), Some(rejection)),
                        // The failure does not concern the credential: earlier knowledge remains.
                        None => (error, before),
                    };
                let is_stored = shared.finish(held, known.clone().map(Shared::Rejected).as_ref()).await;
                // Without a rejection there is nothing to know better.
                self.recorded(is_stored || known.is_none());
                *state = known.map_or(State::LoggedOut, State::Rejected);
                Err(error)
            }
        }
    }
}

/// The result of `work`; `other` runs beside it, and ends with it at the latest.
async fn beside<T>(work: LocalBoxFuture<'_, T>, other: LocalBoxFuture<'_, ()>) -> T {
    match select(work, other).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => work.await,
    }
}

/// The instance that logs in next.
enum Turn {
    /// No login needed: the result is known.
    Known(TokenResult),
    /// This instance, with the lease if there is a store.
    Ours(Option<Held>),
}

/// Finds out what is known about the account, and waits while another instance logs in: its token or rejection applies here
/// too.
async fn turn<R: Runtime>(
    state: &mut State,
    unrecorded: &Unrecorded,
    shared: &SharedToken<'_, R>,
    stale: &[AccessToken],
) -> Turn {
    let now = || shared.runtime().now();
    loop {
        let slot = shared.slot().await;
        let newer = slot.as_ref().filter(|slot| !unrecorded.outdates(slot));
        let is_pending = newer.is_some_and(|slot| slot.held_until(now()).is_some());
        if !is_pending {
            let found = newer.and_then(SharedToken::<R>::found);
            let Some(slot) = slot else {
                return state.known(shared, stale).map_or(Turn::Ours(None), Turn::Known);
            };
            // Another instance may have logged in since, and its tokens have expired.
            let is_outdated = found.is_none() && state.is_outdated(now());
            if let Some(found) = found {
                *state = State::from(found);
            }
            if !is_outdated && let Some(found) = state.known(shared, stale) {
                return Turn::Known(found);
            }
            let claim = shared.claim(&slot).await;
            if matches!(claim, Some(Claim::Won(_)) | None) {
                unrecorded.begin(slot);
            }
            if claim.is_none()
                && let Some(error) = state.unrecordable(shared)
            {
                return Turn::Known(Err(error));
            }
            if is_outdated {
                *state = State::LoggedOut;
            }
            match claim {
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

/// The source of a token.
#[derive(Debug)]
enum Source {
    /// Cached, here or in the store: it may have been revoked. If `is_sound`, only a 401 means that.
    Kept { is_sound: bool },
    /// A login or a renewal just now. The former refresh token, if nobody needs it any more.
    Login { replaced: Option<Secret> },
}

impl State {
    /// The known result: a token, or the rejection. `None` if a login is needed.
    fn known(&self, shared: &SharedToken<'_, impl Runtime>, stale: &[AccessToken]) -> Option<TokenResult> {
        let now: SystemTime = shared.runtime().now();
        match self {
            Self::LoggedIn(tokens)
                if tokens.access.is_fresh(now) && !stale.iter().any(|stale| stale.is(&tokens.access)) =>
            {
                let is_sound = tokens.is_sound || tokens.is_new(now);
                Some(Ok((tokens.access.clone(), Source::Kept { is_sound })))
            }
            Self::Rejected(rejection) if !rejection.allows_attempt(now) => Some(Err(rejection.error(shared))),
            Self::LoggedOut | Self::LoggedIn(_) | Self::Rejected(_) => None,
        }
    }
}

impl State {
    /// The error if no attempt may be made, because the store is readable but cannot record it.
    fn unrecordable(&self, shared: &SharedToken<'_, impl Runtime>) -> Option<Error> {
        match self {
            Self::Rejected(rejection) => rejection.unrecordable(shared),
            Self::LoggedIn(_) | Self::LoggedOut => None,
        }
    }

    /// Whether a store without knowledge of the account counts more: a login was rejected, but not within the last minutes.
    /// A recent rejection and a refresh token survive a store that loses its values.
    fn is_outdated(&self, now: SystemTime) -> bool {
        matches!(self, Self::Rejected(rejection) if !rejection.is_recent(now))
    }
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        match shared {
            Shared::Tokens(tokens) => Self::LoggedIn(tokens),
            Shared::Rejected(rejection) => Self::Rejected(rejection),
        }
    }
}
