//! One login for many calls: [`TokenCache`] over a scripted clock.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::join_all;
use idhook::error::{Error, ErrorCode};
use idhook::runtime::Clock as _;
use idhook::secret::{AccessToken, Scheme, Secret};
use idhook::shared_state::SharedStore;
use idhook::upstream::{Account, SharedToken, TokenCache};

use crate::support::script::Script;

const HOUR: Duration = Duration::from_secs(3600);

/// A server that issues and revokes tokens.
struct Server<'s> {
    script: &'s Script,
    session: TokenCache,
    logins: Cell<u32>,
    refuse: Cell<Option<ErrorCode>>,
    given: RefCell<Vec<AccessToken>>,
}

impl<'s> Server<'s> {
    fn new(script: &'s Script) -> Self {
        Self {
            script,
            session: TokenCache::default(),
            logins: Cell::new(0),
            refuse: Cell::new(None),
            given: RefCell::default(),
        }
    }

    async fn login(&self) -> Result<AccessToken, Error> {
        self.logins.set(self.logins.get() + 1);
        self.script.sleep(Duration::from_millis(30)).await;
        if let Some(code) = self.refuse.get() {
            return Err(Error::new(code, "no"));
        }
        let secret = Secret::new(format!("t{}", self.logins.get()));
        let token = AccessToken::new(Scheme::Bearer, secret, self.script.now(), HOUR);
        self.given.borrow_mut().push(token.clone());
        Ok(token)
    }

    /// Responds with 401 to every token but the newest.
    async fn work(&self) -> Result<usize, Error> {
        let accepted = |token: &AccessToken| self.given.borrow().last().is_some_and(|newest| newest.is(token));
        let work = async |token: AccessToken| match accepted(&token) {
            true => Ok(self.given.borrow().len()),
            false => Err(Error::new(ErrorCode::UpstreamAuth, "401")),
        };
        let store = SharedStore::new(self.script, None, HOUR);
        let shared = SharedToken::new(&store, Account::new("vidm", "prod", "POST /login", Vec::new(), Vec::new()));
        self.session.with_token(&shared, async || self.login().await, work).await
    }

    fn revoke(&self) {
        let gone = AccessToken::new(Scheme::Bearer, Secret::new("gone"), self.script.now(), HOUR);
        self.given.borrow_mut().push(gone);
    }
}

#[test]
fn concurrent_requests_log_in_once() {
    let script = Script::new([]);
    let server = Server::new(&script);
    let done = script.run(join_all((0..20).map(|_| server.work())));
    assert!(done.into_iter().all(|done| done.is_ok()));
    assert_eq!(server.logins.get(), 1);
}

#[test]
fn token_is_kept_until_shortly_before_expiry() {
    let script = Script::new([]);
    let server = Server::new(&script);
    script.run(server.work()).unwrap();
    script.advance(HOUR - Duration::from_secs(62));
    script.run(server.work()).unwrap();
    assert_eq!(server.logins.get(), 1);
    script.advance(Duration::from_secs(5));
    script.run(server.work()).unwrap();
    assert_eq!(server.logins.get(), 2);
}

#[test]
fn revoked_token_costs_one_login_and_one_replay() {
    let script = Script::new([]);
    let server = Server::new(&script);
    script.run(server.work()).unwrap();
    server.revoke();
    script.run(server.work()).unwrap();
    assert_eq!(server.logins.get(), 2);
    // Of several with the same stale token, the first logs in, and the others use its token.
    server.revoke();
    let done = script.run(join_all((0..5).map(|_| server.work())));
    assert!(done.into_iter().all(|done| done.is_ok()));
    assert_eq!(server.logins.get(), 3);
}

#[test]
fn login_without_a_token_is_not_repeated_within_the_window() {
    let script = Script::new([]);
    let server = Server::new(&script);
    server.refuse.set(Some(ErrorCode::UpstreamAuth));
    let first = script.run(server.work()).unwrap_err();
    assert!(first.detail().starts_with("no; 1 attempt since "), "{first}");
    server.refuse.set(None);
    for _ in 0..10 {
        script.advance(Duration::from_secs(89));
        let held = script.run(server.work()).unwrap_err();
        assert_eq!(held.code(), ErrorCode::UpstreamAuth);
        assert!(held.detail().contains("so that the account is not locked"), "{held}");
    }
    assert_eq!(server.logins.get(), 1);
    script.advance(Duration::from_secs(11));
    script.run(server.work()).unwrap();
    assert_eq!(server.logins.get(), 2);
}

#[test]
fn unreachable_server_is_tried_again_at_once() {
    let script = Script::new([]);
    let server = Server::new(&script);
    server.refuse.set(Some(ErrorCode::UpstreamUnreachable));
    script.run(server.work()).unwrap_err();
    server.refuse.set(None);
    script.run(server.work()).unwrap();
    assert_eq!(server.logins.get(), 2);
}
