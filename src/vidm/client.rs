//! The client: sends calls with a token, and reads what needs one call. `locate.rs` finds directories, `start.rs` starts syncs.

use std::cell::Cell;

use bytes::Bytes;

use super::api::Vidm;
use super::cache::Cache;
use super::connectors::ListConnectors;
use super::dialect::Dialect;
use super::dry_run::DryRun;
use super::health::{GetHealth, Health};
use super::login::login;
use super::sync_executions::ListSyncExecutions;
use super::sync_state::GetSync;
use super::{Credentials, Target};
use crate::directory::SyncReport;
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;
use crate::secret::AccessToken;
use crate::upstream::Endpoint;
use crate::upstream::SharedToken;
use crate::upstream::{Destination, Outbound, Prepared};

/// The login was good, and then its token was not.
const TOKEN_REFUSED: &str = "the login succeeded, but this call refuses its token: check that the account is an \
    administrator, and whether this version wants the token under HZN or under Bearer";

/// One request's view of a target: cheap to make, gone when the request is.
#[derive(Debug)]
pub struct Client<'a, R> {
    pub(super) target: &'a Target,
    pub(super) cache: &'a Cache,
    pub(super) out: &'a Outbound<'a, R>,
    profile: Dialect,
    /// Whether this piece of work has read the list of directories: it does not read it twice.
    pub(super) listed: Cell<bool>,
}

impl<'a, R: Runtime> Client<'a, R> {
    /// A view of `target` through `out`.
    pub fn new(target: &'a Target, cache: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        let profile = target.profile.in_tenant(target.tenant.as_deref());
        Self { target, cache, out, profile, listed: Cell::new(false) }
    }

    /// The target's name.
    pub(super) fn target(&self) -> &'a str {
        &self.target.name
    }

    pub(super) fn cache(&self) -> &'a Cache {
        self.cache
    }

    pub(super) fn runtime(&self) -> &'a R {
        self.out.runtime()
    }

    fn to(&self) -> Destination<'_, Vidm> {
        Destination { target: &self.target.name, url: &self.target.url, profile: &self.profile }
    }

    /// Sends `endpoint` with a token and reads its answer.
    pub(super) async fn call<E: Endpoint<Api = Vidm>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.to(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token, logging in first where there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let to = self.to();
        let log_in = async || login(self.out, &to, self.target).await;
        let send = async |token: AccessToken| {
            // Another target of the same account may send it under the other word.
            let token = match &self.target.credentials {
                Credentials::System { scheme, .. } => token.under(*scheme),
                Credentials::Client { .. } | Credentials::Password { .. } => token,
            };
            self.out.send(&call, Some(&token)).await
        };
        let shared = self.shared_token();
        let done = self.cache.session.with_token(&shared, log_in, send).await;
        done.map_err(|e| match e.code() {
            // A login that was refused brings its own hint.
            ErrorCode::UpstreamAuth if e.hint_text().is_none() => e.hint(TOKEN_REFUSED),
            _ => e,
        })
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.cache.session.allow_attempt(&self.shared_token()).await
    }

    /// How the directory's sync stands. An answer that cannot be read, or none for this directory, is
    /// [`SyncStatus::Unknown`](crate::directory::SyncStatus::Unknown) and no error.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn sync_state(&self, directory_id: &str) -> Result<SyncReport> {
        match self.call(&GetSync { directory: directory_id }).await {
            Err(error) => match error.answer_status() {
                Some(status) if matches!(status.as_u16(), 404..=406) => Ok(SyncReport::unanswered(status, &error)),
                _ => Err(error),
            },
            report => report,
        }
    }

    /// The directory's runs, the one that began last first; `None` when this version does not tell them.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn executions(&self, directory_id: &str) -> Result<Option<Vec<SyncReport>>> {
        unless(&[404, 405, 406], self.call(&ListSyncExecutions { directory: directory_id }).await)
    }

    /// The connectors of a directory; none where this version or this account does not tell them. Remembered for ten minutes.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn connectors(&self, directory_id: &str) -> Result<Vec<String>> {
        let now = self.out.runtime().now();
        if let Some(known) = self.cache.connectors(directory_id, now) {
            return Ok(known);
        }
        let asked = self.call(&ListConnectors { directory: directory_id }).await;
        let connectors = unless(&[403, 404, 405, 406], asked)?.unwrap_or_default();
        self.cache.keep_connectors(directory_id, &connectors, now);
        Ok(connectors)
    }

    /// What a sync would do, in whatever form vIDM tells it; `None` when this version has no dry run.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn dry_run(&self, directory_id: &str, ignore_safeguards: bool) -> Result<Option<serde_json::Value>> {
        unless(&[404, 405, 501], self.call(&DryRun { directory: directory_id, ignore_safeguards }).await)
    }

    /// vIDM's own health. Needs no login.
    ///
    /// # Errors
    /// The call's.
    pub async fn health(&self) -> Result<Health> {
        self.out.call(&self.to(), &GetHealth, None).await
    }
}

/// `None` for an answer with one of these statuses: this version does not have the call.
fn unless<T>(statuses: &[u16], done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(e) if e.answer_status().is_some_and(|status| statuses.contains(&status.as_u16())) => Ok(None),
        done => done.map(Some),
    }
}
