//! The client: sends calls with a token, and contains the operations of one call. `locate.rs` finds directories, `start.rs`
//! starts syncs.

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

/// The hint if a call rejects the token of a successful login.
const TOKEN_REFUSED: &str = "the login succeeded, but this call rejects its token: check that the account is an \
    administrator, and whether this version expects the scheme HZN or Bearer";

/// One request's view of a target: cheap to make, dropped with the request.
#[derive(Debug)]
pub struct Client<'a, R> {
    pub(super) target: &'a Target,
    pub(super) cache: &'a Cache,
    pub(super) out: &'a Outbound<'a, R>,
    dialect: Dialect,
    /// Whether this piece of work has read the list of directories: it does not read it twice.
    pub(super) listed: Cell<bool>,
}

impl<'a, R: Runtime> Client<'a, R> {
    /// A view of `target` through `out`.
    pub fn new(target: &'a Target, cache: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        let dialect = target.dialect.in_tenant(target.tenant.as_deref());
        Self { target, cache, out, dialect, listed: Cell::new(false) }
    }

    fn to(&self) -> Destination<'_, Vidm> {
        Destination { target: &self.target.name, url: &self.target.url, dialect: &self.dialect }
    }

    /// Sends `endpoint` with a token and reads its response.
    pub(super) async fn call<E: Endpoint<Api = Vidm>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.to(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token; logs in first if there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let to = self.to();
        let log_in = async || login(self.out, &to, self.target).await;
        let send = async |token: AccessToken| {
            // Another target with the same account may send it with the other scheme.
            let token = match &self.target.credentials {
                Credentials::System { scheme, .. } => token.under(*scheme),
                Credentials::Client { .. } | Credentials::Password { .. } => token,
            };
            self.out.send(&call, Some(&token)).await
        };
        let shared = self.shared_token();
        let done = self.cache.session.with_token(&shared, log_in, send).await;
        done.map_err(|e| match e.code() {
            // A rejected login has its own hint.
            ErrorCode::UpstreamAuth if e.hint_text().is_none() => e.hint(TOKEN_REFUSED),
            _ => e,
        })
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Returns whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.cache.session.allow_attempt(&self.shared_token()).await
    }

    /// The state of the directory's sync. An unreadable response, or none for this directory, is
    /// [`SyncStatus::Unknown`](crate::directory::SyncStatus::Unknown) and not an error.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn sync_state(&self, directory_id: &str) -> Result<SyncReport> {
        match self.call(&GetSync { directory: directory_id }).await {
            Err(error) => match error.answer_status() {
                Some(status) if matches!(status.as_u16(), 404..=406) => Ok(SyncReport::unanswered(status, &error)),
                _ => Err(error),
            },
            report => report,
        }
    }

    /// The directory's runs, latest start first; `None` if this version does not list them.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn executions(&self, directory_id: &str) -> Result<Option<Vec<SyncReport>>> {
        unless(&[404, 405, 406], self.call(&ListSyncExecutions { directory: directory_id }).await)
    }

    /// The connectors of a directory; empty if this version or account does not list them. Cached for ten minutes.
    ///
    /// # Errors
    /// Those of the login and the call.
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

    /// The changes that a sync would make, in vIDM's form; `None` if this version has no dry run.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn dry_run(&self, directory_id: &str, ignore_safeguards: bool) -> Result<Option<serde_json::Value>> {
        unless(&[404, 405, 501], self.call(&DryRun { directory: directory_id, ignore_safeguards }).await)
    }

    /// vIDM's own health. Needs no login.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn health(&self) -> Result<Health> {
        self.out.call(&self.to(), &GetHealth, None).await
    }
}

/// `None` for a response with one of these statuses: this version does not have the call.
fn unless<T>(statuses: &[u16], done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(e) if e.answer_status().is_some_and(|status| statuses.contains(&status.as_u16())) => Ok(None),
        done => done.map(Some),
    }
}
