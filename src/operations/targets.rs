//! The targets, each with an instance's caches.

use std::rc::Rc;

use super::SyncOperations;
use crate::config::Config;
use crate::directory::{Product, SyncTarget};
use crate::error::{Error, ErrorCode, Result, excerpt};
use crate::runtime::Runtime;
use crate::upstream::{Account, Outbound, TokenCache};
use crate::{fleet, sync, vcf, vidm};
use litemap::LiteMap;

/// A vIDM tenant with its cache.
#[derive(Debug)]
pub(crate) struct VidmTarget {
    pub(crate) id: SyncTarget,
    pub(crate) settings: Rc<vidm::Target>,
    pub(crate) cache: vidm::Cache,
    pub(crate) syncs: sync::Cache,
}

/// An SDDC Manager with its cache.
#[derive(Debug)]
pub(crate) struct VcfTarget {
    pub(crate) settings: Rc<vcf::Target>,
    pub(crate) cache: vcf::Cache,
}

/// A VCF Operations with its cache.
#[derive(Debug)]
pub(crate) struct FleetTarget {
    pub(crate) id: SyncTarget,
    pub(crate) settings: Rc<fleet::Target>,
    pub(crate) cache: fleet::Cache,
    pub(crate) syncs: sync::Cache,
}

/// All targets by name. Those of one kind with the same account share a session.
#[derive(Debug)]
pub(crate) struct Targets {
    vidm: LiteMap<String, VidmTarget>,
    vcf: LiteMap<String, VcfTarget>,
    fleet: LiteMap<String, FleetTarget>,
}

impl VidmTarget {
    /// A tenant with empty caches.
    pub(crate) fn new(settings: vidm::Target) -> Self {
        Self::with_cache(Rc::new(settings), vidm::Cache::default())
    }

    fn with_cache(settings: Rc<vidm::Target>, cache: vidm::Cache) -> Self {
        let id = SyncTarget { product: Product::Vidm, name: settings.name.clone() };
        Self { id, settings, cache, syncs: sync::Cache::default() }
    }
}

impl FleetTarget {
    /// A VCF Operations with empty caches.
    pub(crate) fn new(settings: fleet::Target) -> Self {
        Self::with_cache(Rc::new(settings), fleet::Cache::default())
    }

    fn with_cache(settings: Rc<fleet::Target>, cache: fleet::Cache) -> Self {
        let id = SyncTarget { product: Product::Fleet, name: settings.name.clone() };
        Self { id, settings, cache, syncs: sync::Cache::default() }
    }
}

impl VcfTarget {
    /// An SDDC Manager with empty caches.
    pub(crate) fn new(settings: vcf::Target) -> Self {
        Self { settings: Rc::new(settings), cache: vcf::Cache::default() }
    }
}

impl Targets {
    /// The targets of `config`, with empty caches.
    pub(crate) fn new(config: &Config) -> Self {
        let vidm = with_sessions(&config.vidm, vidm::Target::account, |target, session| {
            VidmTarget::with_cache(target, vidm::Cache::with_session(session))
        });
        let vcf = with_sessions(&config.vcf, vcf::Target::account, |settings, session| VcfTarget {
            settings,
            cache: vcf::Cache::with_session(session),
        });
        let fleet = with_sessions(&config.fleet, fleet::Target::account, |target, session| {
            FleetTarget::with_cache(target, fleet::Cache::with_session(session))
        });
        Self { vidm, vcf, fleet }
    }

    /// The vIDM target with this name.
    ///
    /// # Errors
    /// `target_not_found`
    pub(crate) fn vidm(&self, name: &str) -> Result<&VidmTarget> {
        self.vidm.get(name).ok_or_else(|| not_found("vidm", name))
    }

    /// The SDDC Manager target with this name.
    ///
    /// # Errors
    /// `target_not_found`
    pub(crate) fn vcf(&self, name: &str) -> Result<&VcfTarget> {
        self.vcf.get(name).ok_or_else(|| not_found("vcf", name))
    }

    /// The VCF Operations target with this name.
    ///
    /// # Errors
    /// `target_not_found`
    pub(crate) fn fleet(&self, name: &str) -> Result<&FleetTarget> {
        self.fleet.get(name).ok_or_else(|| not_found("fleet", name))
    }

    /// The syncs of `target`, for a caller that may or may not start a run that ignores the safeguards.
    ///
    /// # Errors
    /// `target_not_found`
    pub(crate) fn syncs<'a, R: Runtime>(
        &'a self,
        target: &SyncTarget,
        out: &'a Outbound<'a, R>,
        may_override: bool,
    ) -> Result<SyncOperations<'a, R>> {
        Ok(match target.product {
            Product::Vidm => SyncOperations::of_vidm(self.vidm(&target.name)?, out, may_override),
            Product::Fleet => SyncOperations::of_fleet(self.fleet(&target.name)?, out),
        })
    }
}

/// The targets of one kind, each with its session: those with the same account share one.
fn with_sessions<S, T>(
    settings: &LiteMap<String, Rc<S>>,
    account: impl Fn(&S) -> Account<'_>,
    make: impl Fn(Rc<S>, Rc<TokenCache>) -> T,
) -> LiteMap<String, T> {
    let sessions = TokenCache::shared(settings.iter().map(|(name, target)| (name, account(target))));
    let targets = settings.iter().zip(sessions);
    targets.map(|((name, target), (_, session))| (name.clone(), make(Rc::clone(target), session))).collect()
}

fn not_found(kind: &str, name: &str) -> Error {
    Error::new(ErrorCode::TargetNotFound, format!("no {kind} target {}", excerpt(name)))
        .hint("GET /readyz lists the configured targets")
}
