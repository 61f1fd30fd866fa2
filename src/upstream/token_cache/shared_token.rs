//! An account's tokens or rejection in the shared store: the slot of a lease (`shared_state/lease.rs`). The lease holder logs
//! in, and records the attempt first.

use std::time::{Duration, SystemTime};

use super::rejection::Rejection;
use super::tokens::Tokens;
use super::{Account, GRACE, SILENCE};
use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};
use crate::secret::{AccessToken, Scheme, Secret};
use crate::shared_state::{Backend, Claim, Contents, Counters, FOR_GOOD, Held, Lease, SharedStore, Slot};

/// Stored in place of a token if the login was rejected.
const REJECTED: &str = "rejected";

/// Stored before a refresh token, which precedes the access token.
const RENEWABLE: &str = "renewable ";

/// Stored before all tokens, with the time when the access token was issued.
const SINCE: &str = "since ";

/// The same if [`Tokens::is_sound`].
const SOUND: &str = "sound ";

/// One account's entry in the store. Its name contains a fingerprint of URL, tenant and account, and a short one of the
/// credential, so another password has another entry.
#[derive(Debug)]
pub struct SharedToken<'a, R> {
    store: &'a SharedStore<'a, R>,
    account: Account<'a>,
    name: Option<String>,
}

/// The contents of the entry.
pub(super) enum Shared {
    Tokens(Tokens),
    Rejected(Rejection),
}

impl<'a, R: Runtime> SharedToken<'a, R> {
    /// The entry of this account.
    pub fn new(store: &'a SharedStore<'a, R>, account: Account<'a>) -> Self {
        let parts: Vec<&str> = account.parts.iter().map(String::as_str).collect();
        let name = store.name_of_login(account.kind, &parts, &account.secrets());
        Self { store, account, name }
    }

    pub(super) fn runtime(&self) -> &'a R {
        self.store.runtime()
    }

    pub(super) fn target(&self) -> &'a str {
        self.account.target
    }

    pub(super) fn login_call(&self) -> &'static str {
        self.account.login_call
    }

    /// The time left for this request.
    pub(super) fn remaining(&self) -> Duration {
        self.store.remaining()
    }

    /// Whether the store shows rejections but can record none.
    pub(super) fn cannot_record(&self) -> bool {
        self.store.is_readable() && self.store.refuses_writes()
    }

    fn lease(&self) -> Option<Lease<'a, R>> {
        let name = self.name.clone().filter(|_| self.store.is_readable())?;
        Some(Lease::new(Backend::Shared(self.store), name, Counters::Removed))
    }

    /// The slot in the store; `None` without a responding store.
    pub(super) async fn slot(&self) -> Option<Slot> {
        self.lease()?.read().await.ok()
    }

    /// The tokens or the rejection in a slot.
    pub(super) fn found(slot: &Slot) -> Option<Shared> {
        let text = str::from_utf8(&slot.payload).ok()?;
        if let Some(rejection) = text.strip_prefix(REJECTED) {
            return crate::json::parse(rejection.as_bytes()).map(Shared::Rejected);
        }
        let is_sound = text.starts_with(SOUND);
        let (since, text) = match text.strip_prefix(SINCE).or_else(|| text.strip_prefix(SOUND)) {
            Some(text) => time_and_text(text)?,
            // An earlier version wrote it.
            None => (SystemTime::UNIX_EPOCH, text),
        };
        let (refresh, text) = match text.strip_prefix(RENEWABLE).map(time_and_text) {
            Some(renewable) => {
                let (until, rest) = renewable?;
                let (secret, rest) = rest.split_once(' ')?;
                (Some((Secret::new(secret), until)), rest)
            }
            None => (None, text),
        };
        let (expires, header) = time_and_text(text)?;
        let (scheme, secret) = header.split_once(' ')?;
        let tokens = Tokens::from(AccessToken::until(Scheme::of(scheme)?, Secret::new(secret), expires));
        let tokens = match refresh {
            Some((secret, until)) => tokens.renewable(secret, until),
            None => tokens,
        };
        Some(Shared::Tokens(Tokens { is_shared: true, is_sound, since, ..tokens }))
    }

    /// Claims the next login after `slot`; `None` without a responding store, and if it refuses writes.
    pub(super) async fn claim(&self, slot: &Slot) -> Option<Claim> {
        self.lease()?.claim(self.runtime(), slot, self.life(), SILENCE).await.ok()
    }

    /// How long this request may take for its login.
    fn life(&self) -> Duration {
        self.remaining() + GRACE
    }

    /// Records that this instance logs in or renews, and the `outcome` that applies if the real one is never known. Returns
    /// the slot's contents meanwhile.
    pub(super) async fn hold(&self, held: Option<&Held>, outcome: &Shared) -> Option<Contents> {
        let (lease, held) = (self.lease()?, held?);
        let (until, payload) = (self.runtime().now() + self.life(), outcome.written());
        // If the store fails now, each instance is alone.
        let _ = lease.announce(held, until, &payload).await;
        Some((held.generation, payload))
    }

    /// Records the tokens of a login or a renewal: others may use them. Returns them, and whether they are stored.
    pub(super) async fn finish_login(&self, held: Option<Held>, tokens: Tokens) -> (Tokens, bool) {
        let tokens = Tokens { is_shared: tokens.is_shared || held.is_some(), ..tokens };
        let is_stored = self.finish(held, Some(&Shared::Tokens(tokens.clone()))).await;
        (tokens, is_stored)
    }

    /// Records the outcome of the login: others may log in. Returns whether it is stored.
    pub(super) async fn finish(&self, held: Option<Held>, outcome: Option<&Shared>) -> bool {
        let (Some(lease), Some(held)) = (self.lease(), held) else { return false };
        let Some(outcome) = outcome else {
            lease.give_back(self.runtime(), held).await;
            return false;
        };
        let life = match outcome {
            Shared::Tokens(tokens) => tokens.expire().duration_since(self.runtime().now()).unwrap_or_default(),
            Shared::Rejected(_) => FOR_GOOD,
        };
        matches!(lease.kept_for(life).release(self.runtime(), held, outcome.written()).await, Ok(Some(_)))
    }

    /// The error if another instance's login takes longer than this request may wait.
    pub(super) fn busy(&self) -> Error {
        let detail = "another instance is logging in with the same account and did not finish in time";
        Error::new(ErrorCode::UpstreamBusy, detail)
            .hint("retry later; if this persists, check how long a login at the upstream takes")
            .retry_after(Some(GRACE))
            .at(self.account.target)
    }
}

impl Shared {
    /// Its form in the store.
    fn written(&self) -> Vec<u8> {
        let text = match self {
            // Strings and numbers only: this cannot fail.
            Self::Rejected(rejection) => {
                format!("{REJECTED} {}", serde_json::to_string(rejection).unwrap_or_default())
            }
            Self::Tokens(Tokens { access, refresh, is_sound, since, .. }) => {
                let since = format!("{}{} ", if *is_sound { SOUND } else { SINCE }, unix_ms(*since));
                let access_token = format!("{} {}", unix_ms(access.expires()), access.header().expose());
                match refresh {
                    Some(refresh) => {
                        let until = unix_ms(refresh.until);
                        format!("{since}{RENEWABLE}{until} {} {access_token}", refresh.secret.expose())
                    }
                    None => format!("{since}{access_token}"),
                }
            }
        };
        text.into_bytes()
    }
}

/// A time in milliseconds since 1970, and the text after it.
fn time_and_text(text: &str) -> Option<(SystemTime, &str)> {
    let (time, rest) = text.split_once(' ')?;
    Some((from_unix_ms(time.parse().ok()?), rest))
}
