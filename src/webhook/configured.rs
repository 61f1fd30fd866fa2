//! What a webhook has once its configuration is complete.

use std::rc::Rc;
use std::time::Duration;

use super::caller::Caller;
use super::request_id::RequestIdentity;
use super::route::{self, Matched};
use super::{Reply, body, idempotency, problem, rate_limit, sync_id, watch_limit};
use crate::config::Config;
use crate::error::Error;
use crate::operations::Targets;
use crate::runtime::Runtime;
use crate::shared_state::{SharedStore, StateKey, StoreAccess, settle};
use crate::upstream::Outbound;

/// What requests share once the configuration is complete.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) config: Config,
    pub(super) targets: Targets,
    pub(super) state_key: Rc<StateKey>,
    pub(super) sync_ids: sync_id::Key,
    rates: rate_limit::Rates,
    /// Unless it is turned off.
    pub(super) store: Option<StoreAccess>,
    /// Answers to requests with a key, where there is no store.
    pub(super) answers: idempotency::LocalAnswers,
    /// Bodies being read of callers that are not known yet.
    pub(super) unproven: body::Unproven,
    /// The waits and event streams that are open.
    pub(super) watches: watch_limit::Watches,
}

impl Configured {
    /// What works with `config`; nothing is remembered yet.
    pub(super) fn new(config: Config) -> Self {
        let state_key = Rc::new(StateKey::new(&config.state_keys));
        Self {
            targets: Targets::new(&config.vidm, &config.vcf),
            sync_ids: sync_id::Key::new(Rc::clone(&state_key)),
            rates: rate_limit::Rates::default(),
            store: config.store.then(|| StoreAccess::of_deployment(Rc::clone(&state_key), config.deployment())),
            state_key,
            answers: idempotency::LocalAnswers::default(),
            unproven: body::Unproven::default(),
            watches: watch_limit::Watches::default(),
            config,
        }
    }

    /// Upstream calls and the store, for one piece of work that may take `time`.
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

    /// Rejects a caller without permission or over its rate limit. The first caller that is admitted makes the instance find its
    /// state key.
    pub(super) async fn admit<R: Runtime>(
        &self,
        caller: &Caller<'_>,
        access: route::Access,
        matched: &Matched,
        store: &SharedStore<'_, R>,
    ) -> Result<(), Error> {
        caller.require(access, matched)?;
        settle(&self.state_key, store).await;
        match self.config.rate_limit {
            0 => Ok(()),
            limit => self.rates.count(caller.name(), limit, store).await,
        }
    }

    /// Does `work` unless it was done under this key; returns the key's status and the store's failure too.
    pub(super) async fn once<R: Runtime>(
        &self,
        key: &idempotency::Key,
        identity: &RequestIdentity,
        outbound: &Outbound<'_, R>,
        work: impl Future<Output = Result<Reply, Error>>,
    ) -> (Result<Reply, Error>, Option<idempotency::Status>, Option<String>) {
        let time = outbound.remaining();
        // The answer is kept after the work, whose time may be used up by then.
        let deadline = outbound.runtime().elapsed() + time + idempotency::CLOSING;
        let store = SharedStore::new(outbound.runtime(), self.store.as_ref(), deadline);
        let problem = |error: &Error| problem::response(error, identity, &self.config.secrets());
        let (outcome, status) = idempotency::once(key, self, &store, time, problem, work).await;
        (outcome, status, store.trouble())
    }
}
