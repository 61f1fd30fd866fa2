//! An account's token, or the rejection, where other instances find it: the slot of a lease (`shared_state/lease.rs`). Whoever holds
//! the lease logs in, and writes that down before it does.

use std::time::Duration;

use super::rejection::Rejection;
use super::{Account, GRACE, SILENCE};
use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};
use crate::secret::{AccessToken, Scheme, Secret};
use crate::shared_state::{Backend, Claim, Counters, FOR_GOOD, Held, Lease, SharedStore, Slot};

/// What stands in a token's place when the login was rejected.
const REJECTED: &str = "rejected";

/// One account's place in the store. Its name has a fingerprint of URL, tenant and account in it, and a short one of the
/// credential, so that another password is another place.
#[derive(Debug)]
pub struct SharedToken<'a, R> {
    store: &'a SharedStore<'a, R>,
    account: Account<'a>,
    name: Option<String>,
}

/// What is found there.
pub(super) enum Shared {
    Token(AccessToken),
    Rejected(Rejection),
}

impl<'a, R: Runtime> SharedToken<'a, R> {
    /// The place of this account.
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

    fn lease(&self) -> Option<Lease<'a, R>> {
        let name = self.name.clone().filter(|_| self.store.is_there())?;
        Some(Lease::new(Backend::Shared(self.store), name, Counters::Removed))
    }

    /// What is in the store; `None` without a store that answers.
    pub(super) async fn slot(&self) -> Option<Slot> {
        self.lease()?.read().await.ok()
    }

    /// The token or the rejection in a slot.
    pub(super) fn found(slot: &Slot) -> Option<Shared> {
        let text = str::from_utf8(&slot.payload).ok()?;
        let (first, rest) = text.split_once(' ')?;
        if first == REJECTED {
            return crate::json::parse(rest.as_bytes()).map(Shared::Rejected);
        }
        let (scheme, secret) = rest.split_once(' ')?;
        let expires = from_unix_ms(first.parse().ok()?);
        Some(Shared::Token(AccessToken::until(Scheme::of(scheme)?, Secret::new(secret), expires)))
    }

    /// Claims the next login after `slot`; `None` without a store that answers.
    pub(super) async fn claim(&self, slot: &Slot) -> Option<Claim> {
        self.lease()?.claim(self.runtime(), slot, self.life(), SILENCE).await.ok()
    }

    /// How long this request may be logging in.
    fn life(&self) -> Duration {
        self.remaining() + GRACE
    }

    /// Writes down that this instance logs in, and what holds if its outcome never comes.
    pub(super) async fn begin(&self, held: Option<&Held>, rejection: &Rejection) {
        if let (Some(lease), Some(held)) = (self.lease(), held) {
            let until = self.runtime().now() + self.life();
            // Where the store fails now, each instance is alone.
            let _ = lease.announce(held, until, &written(rejection)).await;
        }
    }

    /// The login is over, and this came of it: others may log in.
    pub(super) async fn finish(&self, held: Option<Held>, outcome: Option<&Shared>) {
        let (Some(lease), Some(held)) = (self.lease(), held) else { return };
        let (payload, life) = match outcome {
            Some(Shared::Token(token)) => {
                let life = token.expires().duration_since(self.runtime().now()).unwrap_or_default();
                let header = token.header();
                (format!("{} {}", unix_ms(token.expires()), header.expose()).into_bytes(), life)
            }
            Some(Shared::Rejected(rejection)) => (written(rejection), FOR_GOOD),
            None => return lease.give_back(held).await,
        };
        let _ = lease.kept_for(life).release(self.runtime(), held, payload).await;
    }

    /// Another instance takes longer to log in than this request may wait.
    pub(super) fn busy(&self) -> Error {
        let detail = "another instance is logging in with the same account, and has not finished in time";
        Error::new(ErrorCode::UpstreamBusy, detail)
            .hint("retry later; if this persists, check how long the upstream takes to answer a login")
            .retry_after(Some(GRACE))
            .at(self.account.target)
    }

    /// Deletes what is in the store.
    pub(super) async fn forget(&self) {
        if let Some(lease) = self.lease() {
            lease.forget().await;
        }
    }
}

fn written(rejection: &Rejection) -> Vec<u8> {
    // Strings and numbers only: this cannot fail.
    format!("{REJECTED} {}", serde_json::to_string(rejection).unwrap_or_default()).into_bytes()
}
