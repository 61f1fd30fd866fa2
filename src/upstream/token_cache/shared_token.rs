//! An account's token, or the rejection, where other instances find it.
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `login:…` | who logs in | that it does and until when, then the token or the rejection |
//! | `login:…:turn` (counter) | who wants to log in | whoever draws 1 may; taken out when the login is over |

use std::time::Duration;

use super::rejection::Rejection;
use super::{Account, GRACE};
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Scheme, Secret};
use crate::shared_state::{FOR_GOOD, SharedStore};

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

    /// Whether there is a store that answers.
    pub(super) fn is_there(&self) -> bool {
        self.name.is_some() && self.store.is_there()
    }

    /// Whether it is this instance's turn to log in. Without a store it always is.
    pub(super) async fn draws_turn(&self) -> bool {
        match self.turn() {
            Some(turn) => self.store.increment(&turn, 1).await.is_none_or(|count| count == 1),
            None => true,
        }
    }

    /// The login is over, and what came of it is in its place: others may log in.
    pub(super) async fn end_turn(&self) {
        if let Some(turn) = self.turn() {
            self.store.delete_counter(&turn).await;
        }
    }

    fn turn(&self) -> Option<String> {
        self.name.as_deref().map(|name| format!("{name}:turn"))
    }

    /// Another instance takes longer to log in than this request may wait.
    pub(super) fn busy(&self) -> Error {
        let detail = "another instance is logging in with the same account, and has not finished in time";
        Error::new(ErrorCode::UpstreamBusy, detail)
            .hint("retry later; if this persists, check how long the upstream takes to answer a login")
            .retry_after(Some(GRACE))
            .at(self.account.target)
    }

    pub(super) async fn load(&self) -> Option<Shared> {
        let kept = self.store.get(self.name.as_deref()?).await?;
        let text = String::from_utf8(kept.value).ok()?;
        let (form, rest) = text.split_once(' ')?;
        if form == REJECTED {
            return crate::json::parse(rest.as_bytes()).map(Shared::Rejected);
        }
        Some(Shared::Token(AccessToken::until(Scheme::of(form)?, Secret::new(rest), kept.until)))
    }

    pub(super) async fn save(&self, token: &AccessToken) {
        let Some(name) = self.name.as_deref() else { return };
        let lifetime = token.expires().duration_since(self.runtime().now()).unwrap_or_default();
        self.store.set(name, token.header().expose().as_bytes(), lifetime).await;
    }

    pub(super) async fn save_rejection(&self, rejection: &Rejection) {
        let Some(name) = self.name.as_deref() else { return };
        // Strings and numbers only: this cannot fail.
        let json = serde_json::to_string(rejection).unwrap_or_default();
        self.store.set(name, format!("{REJECTED} {json}").as_bytes(), FOR_GOOD).await;
    }

    pub(super) async fn forget(&self) {
        if let Some(name) = self.name.as_deref() {
            self.store.delete(name).await;
        }
    }
}
