//! One login for many calls: keeps a target's token, logs in once however many wait, and never hammers an account that
//! was refused. Where there is a store, the token and the refusal are other instances' too.

mod shared_token;

use std::time::{Duration, SystemTime};

use futures_util::future::LocalBoxFuture;
use futures_util::lock::Mutex;

use crate::auth::AccessToken;
use crate::error::{Error, ErrorCode};
use crate::gate::lock;
use crate::runtime::Runtime;

use shared_token::Shared;
pub use shared_token::SharedToken;

/// After our credentials were refused they are not tried again for this long: vIDM locks accounts that fail too often.
const REFUSAL_HOLD: Duration = Duration::from_secs(60);

/// How often, and how far apart, the store is asked for what another instance's login gave: for three seconds.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(150);

/// The present token of one target, or why there is none.
#[derive(Debug, Default)]
pub struct Session(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    LoggedOut,
    LoggedIn(AccessToken),
    Refused {
        error: Error,
        until: SystemTime,
    },
}

impl Session {
    /// Runs `work` with a token, logging in first where there is none that is fresh, here or in the store. When the upstream
    /// refuses a token that was kept (401), it may have been revoked: there is one new login and one replay. A newer one that
    /// another instance left in the store is tried before that.
    ///
    /// # Errors
    /// The login's or the work's. A login refused less than a minute ago is answered with that refusal, nobody asked.
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
        let (mut token, mut from) = self.token(shared, login, None, true).await?;
        // The store is believed once more after a refusal, not twice.
        for ask_store in [true, false] {
            match work(token.clone()).await {
                Err(e) if from == Source::Kept && e.code() == ErrorCode::UpstreamAuth => {
                    (token, from) = self.token(shared, login, Some(&token), ask_store).await?;
                }
                done => return done,
            }
        }
        work(token).await
    }

    /// Forgets the token, in the store as well: the next piece of work logs in. A refusal stays what it is.
    pub async fn forget(&self, shared: &SharedToken<'_, impl Runtime>) {
        let mut state = lock(&self.0, shared.runtime()).await;
        if matches!(*state, State::LoggedIn(_)) {
            *state = State::LoggedOut;
            shared.forget().await;
        }
    }

    /// The token, and where it is from. One equal to `stale` is not good enough.
    ///
    /// The lock is held during the login, so that requests that come together log in once.
    async fn token<'l>(
        &self,
        shared: &SharedToken<'_, impl Runtime>,
        login: &dyn Fn() -> LocalBoxFuture<'l, Result<AccessToken, Error>>,
        stale: Option<&AccessToken>,
        ask_store: bool,
    ) -> Result<(AccessToken, Source), Error> {
        let mut state = lock(&self.0, shared.runtime()).await;
        if let Some(known) = state.known(shared.runtime().now(), stale) {
            return known.map(|token| (token, Source::Kept));
        }
        if ask_store && let Some(found) = shared.load().await {
            let found = State::from(found);
            if let Some(known) = found.known(shared.runtime().now(), stale) {
                *state = found;
                return known.map(|token| (token, Source::Kept));
            }
        }
        // Another instance may be at it just now: its token is as good as ours, and its refusal would be ours.
        let turn = shared.turn().filter(|_| ask_store);
        if !shared.is_first(turn.as_deref()).await {
            for _ in 0..PATIENCE {
                shared.runtime().sleep(PAUSE).await;
                let Some(found) = shared.load().await.map(State::from) else { continue };
                if let Some(known) = found.known(shared.runtime().now(), stale) {
                    *state = found;
                    return known.map(|token| (token, Source::Kept));
                }
            }
        }
        let outcome = login().await;
        let outcome = match outcome {
            Ok(token) => {
                *state = State::LoggedIn(token.clone());
                shared.save(&token).await;
                Ok((token, Source::Login))
            }
            Err(error) if error.code() == ErrorCode::UpstreamAuth => {
                let held = held(&error);
                shared.save_refusal(&held, REFUSAL_HOLD).await;
                *state = State::Refused { error: held, until: shared.runtime().now() + REFUSAL_HOLD };
                Err(error)
            }
            Err(error) => {
                *state = State::LoggedOut;
                Err(error)
            }
        };
        shared.done(turn.as_deref()).await;
        outcome
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
    /// What this is good for at `now`: a token, or word that there will be none. `None` when a login has to tell.
    fn known(&self, now: SystemTime, stale: Option<&AccessToken>) -> Option<Result<AccessToken, Error>> {
        match self {
            Self::LoggedIn(token) if token.is_fresh(now) && !stale.is_some_and(|stale| stale.is(token)) => {
                Some(Ok(token.clone()))
            }
            Self::Refused { error, until } if *until > now => Some(Err(error.clone())),
            Self::LoggedOut | Self::LoggedIn(_) | Self::Refused { .. } => None,
        }
    }
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        match shared {
            Shared::Token(token) => Self::LoggedIn(token),
            Shared::Refused { error, until } => Self::Refused { error, until },
        }
    }
}

/// A refusal as it is told to those who come after: with the reason why nobody was asked this time.
fn held(error: &Error) -> Error {
    let detail = format!("{} (not asked again for a minute, so that the account is not locked)", error.detail());
    error.clone().recode(error.code(), detail).retry_after(Some(REFUSAL_HOLD))
}
