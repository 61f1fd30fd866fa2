//! A target's token, or the refusal, where other instances find it.

use std::time::{Duration, SystemTime};

use crate::auth::{AccessToken, Scheme, Secret};
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::store::SharedStore;

/// What stands in a token's place when the login was refused: this word, the error's detail, NUL, its hint.
const REFUSED: &str = "refused";

/// One target's place in the store. Its name has a fingerprint of the target's URL and credentials in it, so that another
/// password is another place.
#[derive(Debug)]
pub struct SharedToken<'a, R> {
    store: &'a SharedStore<'a, R>,
    target: &'a str,
    name: Option<String>,
}

/// What is found there.
pub(super) enum Shared {
    Token(AccessToken),
    Refused { error: Error, until: SystemTime },
}

impl<'a, R: Runtime> SharedToken<'a, R> {
    /// The place of the `kind` target of this name with this identity.
    pub fn new(store: &'a SharedStore<'a, R>, kind: &'static str, target: &'a str, identity: &[&str]) -> Self {
        let name = store.name(&format!("token:{kind}"), target, identity);
        Self { store, target, name }
    }

    pub(super) fn runtime(&self) -> &'a R {
        self.store.runtime()
    }

    /// Whether this login is the first of those that instances are about to make at the same time. Without a store each is.
    pub(super) async fn is_first(&self, turn: Option<&str>) -> bool {
        match turn {
            Some(turn) => self.store.increment(turn, 1).await.is_none_or(|count| count == 1),
            None => true,
        }
    }

    /// The login is done and what came of it is in its place: nobody need wait for it any more.
    pub(super) async fn done(&self, turn: Option<&str>) {
        if let Some(turn) = turn {
            self.store.delete_counter(turn).await;
        }
    }

    /// The counter of logins within these few seconds; a claimant that dies is waited for no longer.
    pub(super) fn turn(&self) -> Option<String> {
        let since = self.runtime().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.name.as_deref().map(|name| format!("login:{name}:{}", since.as_secs() / 5))
    }

    pub(super) async fn load(&self) -> Option<Shared> {
        let kept = self.store.get(self.name.as_deref()?).await?;
        let text = String::from_utf8(kept.value).ok()?;
        let (form, rest) = text.split_once(' ')?;
        if form == REFUSED {
            let (detail, hint) = rest.split_once('\0')?;
            let error = Error::new(ErrorCode::UpstreamAuth, detail).at(self.target);
            let error = if hint.is_empty() { error } else { error.hint(hint) };
            return Some(Shared::Refused { error, until: kept.until });
        }
        Some(Shared::Token(AccessToken::until(Scheme::of(form)?, Secret::new(rest), kept.until)))
    }

    pub(super) async fn save(&self, token: &AccessToken) {
        let Some(name) = self.name.as_deref() else { return };
        let lifetime = token.expires().duration_since(self.runtime().now()).unwrap_or_default();
        self.store.set(name, token.header().expose().as_bytes(), lifetime).await;
    }

    pub(super) async fn save_refusal(&self, error: &Error, hold: Duration) {
        let Some(name) = self.name.as_deref() else { return };
        let text =
            format!("{REFUSED} {}\0{}", error.detail().replace('\0', " "), error.hint_text().unwrap_or_default());
        self.store.set(name, text.as_bytes(), hold).await;
    }

    pub(super) async fn forget(&self) {
        if let Some(name) = self.name.as_deref() {
            self.store.delete(name).await;
        }
    }
}
