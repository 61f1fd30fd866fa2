//! An account's token or rejection in the shared store: the slot of a lease (`shared_state/lease.rs`). The lease holder logs
//! in, and records the attempt first.

use std::time::Duration;

use super::rejection::Rejection;
use super::{Account, GRACE, SILENCE};
use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};
use crate::secret::{AccessToken, Scheme, Secret};
use crate::shared_state::{Backend, Claim, Counters, FOR_GOOD, Held, Lease, SharedStore, Slot};

/// Stored in place of a token if the login was rejected.
const REJECTED: &str = "rejected";

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
    Token(AccessToken),
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

    fn lease(&self) -> Option<Lease<'a, R>> {
        let name = self.name.clone().filter(|_| self.store.is_there())?;
        Some(Lease::new(Backend::Shared(self.store), name, Counters::Removed))
    }

    /// The slot in the store; `None` without a responding store.
    pub(super) async fn slot(&self) -> Option<Slot> {
        self.lease()?.read().await.ok()
    }

    /// The token or rejection in a slot.
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

    /// Claims the next login after `slot`; `None` without a responding store.
    pub(super) async fn claim(&self, slot: &Slot) -> Option<Claim> {
        self.lease()?.claim(self.runtime(), slot, self.life(), SILENCE).await.ok()
    }

    /// How long this request may take for its login.
    fn life(&self) -> Duration {
        self.remaining() + GRACE
    }

    /// Records that this instance logs in, and the rejection that applies if the outcome is never known.
    pub(super) async fn begin(&self, held: Option<&Held>, rejection: &Rejection) {
        if let (Some(lease), Some(held)) = (self.lease(), held) {
            let until = self.runtime().now() + self.life();
            // If the store fails now, each instance is alone.
            let _ = lease.announce(held, until, &written(rejection)).await;
        }
    }

    /// Records the outcome of the login: others may log in.
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

    /// The error if another instance's login takes longer than this request may wait.
    pub(super) fn busy(&self) -> Error {
        let detail = "another instance is logging in with the same account and did not finish in time";
        Error::new(ErrorCode::UpstreamBusy, detail)
            .hint("retry later; if this persists, check how long a login at the upstream takes")
            .retry_after(Some(GRACE))
            .at(self.account.target)
    }

    /// Deletes the entry in the store.
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
