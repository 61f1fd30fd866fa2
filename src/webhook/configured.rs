//! The webhook's state once its configuration is complete.

use std::rc::Rc;
use std::time::Duration;

use http::request::Parts;

use super::caller::Caller;
use super::client_address::ClientAddress;
use super::request_id::RequestIdentity;
use super::route::{self, Matched};
use super::token_caller::KnownKeys;
use super::{Reply, body, due, idempotency, metrics, problem, rate_limit, sync_id, watch_limit};
use crate::config::Config;
use crate::error::Error;
use crate::operations::Targets;
use crate::runtime::Runtime;
use crate::shared_state::{SharedStore, StateKey, StoreAccess, settle};
use crate::upstream::Outbound;

/// The state that requests share.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) config: Config,
    pub(super) targets: Targets,
    pub(super) state_key: Rc<StateKey>,
    pub(super) sync_ids: sync_id::Key,
    rates: rate_limit::Rates,
    /// `None` if the store is turned off.
    pub(super) store: Option<StoreAccess>,
    /// Responses to requests with an idempotency key, for use without a store.
    pub(super) answers: idempotency::LocalAnswers,
    /// The bodies being read whose caller is not proven yet.
    pub(super) unproven: body::Unproven,
    /// The queues in which a sync is listed for a timer.
    pub(super) queues: due::Queues,
    /// The keys of the issuers of callers' tokens.
    pub(super) issuer_keys: KnownKeys,
    /// The open waits and event streams.
    pub(super) watches: watch_limit::Watches,
    /// The counts for `GET /metrics`.
    pub(super) metrics: metrics::Metrics,
}

impl Configured {
    /// The state for `config`, empty.
    pub(super) fn new(config: Config) -> Self {
        let state_key = Rc::new(StateKey::new(&config.state_keys));
        Self {
            targets: Targets::new(&config),
            sync_ids: sync_id::Key::new(Rc::clone(&state_key)),
            rates: rate_limit::Rates::default(),
            store: config.store.then(|| StoreAccess::new(Rc::clone(&state_key), config.deployment())),
            state_key,
            answers: idempotency::LocalAnswers::default(),
            unproven: body::Unproven::default(),
            queues: due::Queues::default(),
            issuer_keys: KnownKeys::new(&config),
            watches: watch_limit::Watches::default(),
            metrics: metrics::Metrics::default(),
            config,
        }
    }

    /// Upstream calls and the store, for work that may take `time`.
    pub(super) fn outbound<'r, R: Runtime>(
        &'r self,
        runtime: &'r R,
        identity: &RequestIdentity,
        time: Duration,
    ) -> Outbound<'r, R> {
        let outbound =
            Outbound::new(runtime, self.config.limits, time, identity.headers()).with_secrets(self.config.secrets());
        match &self.store {
            Some(store) => outbound.with_store(store),
            None => outbound,
        }
    }

    /// Rejects a caller from elsewhere, without permission or over its rate limit. The first admitted caller makes the instance find its
    /// state key.
    pub(super) async fn admit<R: Runtime>(
        &self,
        caller: &Caller<'_>,
        (request, access, matched): (&Parts, route::Access, &Matched),
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        caller.require_address(ClientAddress::of(request, &self.config.proxy))?;
        caller.require(access, matched)?;
        settle(&self.state_key, store).await;
        match self.config.rate_limit {
            0 => Ok(()),
            limit => self.rates.count(caller.name(), limit, store).await,
        }
    }

    /// Does `work` unless it was done under this key; also returns the key's status and the store's failure.
    pub(super) async fn once<R: Runtime>(
        &self,
        key: &idempotency::Key,
        identity: &RequestIdentity,
        outbound: &Outbound<'_, R>,
        work: impl Future<Output = Result<Reply, Error>>,
    ) -> (Result<Reply, Error>, Option<idempotency::Status>, Option<String>) {
        let time = outbound.remaining();
        // The response is stored after the work, which may use up its time.
        let deadline = outbound.runtime().elapsed() + time + idempotency::CLOSING;
        let store = SharedStore::new(outbound.runtime(), self.store.as_ref(), deadline);
        let problem = |error: &Error| problem::response(error, identity, &self.config.secrets());
        let (outcome, status) = idempotency::once(key, self, &store, time, problem, work).await;
        (outcome, status, store.trouble())
    }
}
