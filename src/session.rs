//! One login for many calls: keeps a target's token, logs in once however many wait, and never hammers an account that
//! was refused.

use std::time::{Duration, SystemTime};

use futures_util::lock::Mutex;

use crate::auth::AccessToken;
use crate::error::{Error, ErrorCode};
use crate::runtime::Clock;

/// After our credentials were refused they are not tried again for this long: vIDM locks accounts that fail too often.
const REFUSAL_HOLD: Duration = Duration::from_secs(60);

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
    /// Runs `work` with a token, logging in first where there is none that is fresh. When the upstream refuses a token
    /// that was kept (401), there is one new login and one replay: it may have been revoked.
    ///
    /// # Errors
    /// The login's or the work's. A login refused less than a minute ago is answered with that refusal, nobody asked.
    pub async fn with_token<T>(
        &self,
        clock: &impl Clock,
        login: impl AsyncFn() -> Result<AccessToken, Error>,
        work: impl AsyncFn(AccessToken) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (token, kept) = self.token(clock, &login, None).await?;
        match work(token.clone()).await {
            Err(e) if kept && e.code() == ErrorCode::UpstreamAuth => {
                let (fresh, _) = self.token(clock, &login, Some(&token)).await?;
                work(fresh).await
            }
            done => done,
        }
    }

    /// Forgets the token: the next piece of work logs in. A refusal stays what it is.
    pub async fn forget(&self) {
        let mut state = self.0.lock().await;
        if matches!(*state, State::LoggedIn(_)) {
            *state = State::LoggedOut;
        }
    }

    /// The token, and whether it was kept from before. One equal to `stale` is not good enough.
    ///
    /// The lock is held during the login, so that requests that come together log in once.
    async fn token(
        &self,
        clock: &impl Clock,
        login: &impl AsyncFn() -> Result<AccessToken, Error>,
        stale: Option<&AccessToken>,
    ) -> Result<(AccessToken, bool), Error> {
        let mut state = self.0.lock().await;
        let now = clock.now();
        match &*state {
            State::LoggedIn(token) if token.is_fresh(now) && !stale.is_some_and(|stale| stale.is(token)) => {
                return Ok((token.clone(), true));
            }
            State::Refused { error, until } if *until > now => return Err(error.clone()),
            State::LoggedOut | State::LoggedIn(_) | State::Refused { .. } => {}
        }
        match login().await {
            Ok(token) => {
                *state = State::LoggedIn(token.clone());
                Ok((token, false))
            }
            Err(error) => {
                *state = if matches!(error.code(), ErrorCode::UpstreamAuth) {
                    State::Refused { error: held(&error), until: clock.now() + REFUSAL_HOLD }
                } else {
                    State::LoggedOut
                };
                Err(error)
            }
        }
    }
}

/// A refusal as it is told to those who come after: with the reason why nobody was asked this time.
fn held(error: &Error) -> Error {
    let detail = format!("{} (not asked again for a minute, so that the account is not locked)", error.detail());
    error.clone().recode(error.code(), detail).retry_after(Some(REFUSAL_HOLD))
}
