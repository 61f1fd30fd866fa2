//! The targets, each with an instance's caches.

use std::rc::Rc;

use crate::error::{Error, ErrorCode, Result, excerpt};
use crate::upstream::TokenCache;
use crate::{sync, vcf, vidm};
use litemap::LiteMap;

/// A vIDM tenant with its cache.
#[derive(Debug)]
pub(crate) struct VidmTarget {
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

/// All targets by name. Those of one kind with the same account share a session.
#[derive(Debug)]
pub(crate) struct Targets {
    vidm: LiteMap<String, VidmTarget>,
    vcf: LiteMap<String, VcfTarget>,
}

impl VidmTarget {
    /// A tenant with empty caches.
    pub(crate) fn new(settings: vidm::Target) -> Self {
        Self { settings: Rc::new(settings), cache: vidm::Cache::default(), syncs: sync::Cache::default() }
    }
}

impl VcfTarget {
    /// An SDDC Manager with empty caches.
    pub(crate) fn new(settings: vcf::Target) -> Self {
        Self { settings: Rc::new(settings), cache: vcf::Cache::default() }
    }
}

impl Targets {
    /// These targets, with empty caches.
    pub(crate) fn new(vidm: &LiteMap<String, Rc<vidm::Target>>, vcf: &LiteMap<String, Rc<vcf::Target>>) -> Self {
        let vidm_sessions = TokenCache::shared(vidm.iter().map(|(name, target)| (name, target.account())));
        let vcf_sessions = TokenCache::shared(vcf.iter().map(|(name, target)| (name, target.account())));
        let vidm = vidm.iter().zip(vidm_sessions).map(|((name, target), (_, session))| {
            let (settings, cache) = (Rc::clone(target), vidm::Cache::with_session(session));
            (name.clone(), VidmTarget { settings, cache, syncs: sync::Cache::default() })
        });
        let vcf = vcf.iter().zip(vcf_sessions).map(|((name, target), (_, session))| {
            let (settings, cache) = (Rc::clone(target), vcf::Cache::with_session(session));
            (name.clone(), VcfTarget { settings, cache })
        });
        Self { vidm: vidm.collect(), vcf: vcf.collect() }
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
}

fn not_found(kind: &str, name: &str) -> Error {
    Error::new(ErrorCode::TargetNotFound, format!("no {kind} target {}", excerpt(name)))
        .hint("GET /readyz lists the configured targets")
}
