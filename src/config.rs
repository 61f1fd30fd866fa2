//! Every setting, read and checked once. A [`Config`] that exists is complete. Otherwise all mistakes are reported together,
//! by variable; a wrong value is shown unless it may be a secret.

use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use litemap::LiteMap;
use sha2::{Digest, Sha256};

use crate::http::Limits;
use crate::secret::Secret;
use crate::{fleet, oidc, vcf, vidm};

mod callbacks;
mod certificate_callers;
mod credential;
mod error;
mod grant;
mod hooks;
mod key_digest;
mod keys;
mod oidc_callers;
mod proxy;
mod reader;
#[cfg(feature = "contract")]
mod schemas;
mod senders;
mod state_keys;
mod targets;
#[cfg(test)]
mod tests;
mod variable_source;
mod variables;
mod words;

pub use callbacks::Callback;
pub(crate) use certificate_callers::CertificateCaller;
pub use error::ConfigError;
pub use grant::{Grant, Scope};
pub use hooks::{Condition, Hook, Place, Source};
pub(crate) use key_digest::hex32;
pub use keys::ApiKey;
pub(crate) use oidc_callers::OidcCaller;
pub(crate) use proxy::PROXY_KEY;
pub use proxy::Proxy;
pub use senders::{Form, Sender};
pub(crate) use targets::IntoTarget;
pub use targets::{FleetSettings, VcfSettings, VidmSettings};
pub use variable_source::VariableSource;
pub use variables::{VARIABLES, ValueForm, Variable};
pub(crate) use words::in_quotes;

use reader::Reader;
pub use reader::UNSET_URL;
#[cfg(feature = "contract")]
pub(crate) use schemas::entry_schemas;

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Only responses with 4xx or 5xx.
    Error,
    /// All.
    Info,
}

/// A complete configuration.
///
/// ```
/// use idhook::config::Config;
///
/// let variables = |name: &str| match name {
///     "vidm_url" => Some("https://vidm.example".to_owned()),
///     "vidm_username" => Some("svc-idhook".to_owned()),
///     "vidm_password" => Some("hunter2".to_owned()),
///     "connect_timeout" => Some("10s".to_owned()),
///     _ => None,
/// };
/// let mistakes = Config::parse(variables).unwrap_err();
/// let places: Vec<_> = mistakes.iter().map(|mistake| mistake.place()).collect();
/// assert!(places.contains(&"connect_timeout".to_owned()) && places.contains(&"api_keys".to_owned()));
/// ```
#[derive(Debug)]
pub struct Config {
    /// vIDM targets by name.
    pub vidm: LiteMap<String, Rc<vidm::Target>>,
    /// SDDC Manager targets by name.
    pub vcf: LiteMap<String, Rc<vcf::Target>>,
    /// VCF Operations targets by name.
    pub fleet: LiteMap<String, Rc<fleet::Target>>,
    /// Callers that authenticate with a key.
    pub api_keys: Vec<ApiKey>,
    /// Callers that authenticate with a signature.
    pub senders: Vec<Sender>,
    /// Callers that authenticate with a token of an OpenID Connect issuer.
    pub(crate) oidc_callers: Vec<OidcCaller>,
    /// The issuers of those tokens.
    pub(crate) issuers: Vec<oidc::Issuer>,
    /// Callers that authenticate with a client certificate. This list or one of the other three has at least one entry.
    pub(crate) certificate_callers: Vec<CertificateCaller>,
    /// The syncs that webhooks start.
    pub hooks: Vec<Hook>,
    /// The receivers of messages about finished syncs.
    pub callbacks: Vec<Callback>,
    /// The keys that authenticate sync ids and seal the store's entries: the first seals, all open. Empty if none is
    /// configured.
    pub state_keys: Vec<Secret>,
    /// Whether to use the runtime's key-value store, if it has one.
    pub store: bool,
    /// The SDDC Manager target that is also served at the root, below `/v1`.
    pub gate: Option<String>,
    /// Whether `/` serves the page.
    pub page: bool,
    /// The path below which idhook is served, with a leading slash and no trailing one; empty at the root.
    pub base_path: String,
    /// The address of the documentation, without a slash at the end; problems link to it. Empty if it is not set.
    pub docs_url: String,
    /// Which requests are logged.
    pub log_level: LogLevel,
    /// What the operator's own proxy adds to requests.
    pub proxy: Proxy,
    /// Largest request body, in bytes.
    pub request_body_limit: usize,
    /// Largest body of a request that is authenticated by its signature, in bytes: it is read before the caller is known.
    pub signed_body_limit: usize,
    /// Requests per minute and caller; 0: unlimited.
    pub rate_limit: u64,
    /// Open waits and event streams per caller; 0: unlimited.
    pub watch_limit: usize,
    /// Bounds of each upstream exchange.
    pub limits: Limits,
    /// Time for a whole request.
    pub request_timeout: Duration,
    /// The longest wait a caller may ask for.
    pub wait_limit: Duration,
    /// Settings that are valid but probably not intended.
    pub warnings: Vec<ConfigError>,
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every mistake, by variable.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::new(&lookup);
        let targets = targets::read(&mut reader);
        // A mistake among the targets leaves their names incomplete.
        let all_known = reader.problems.is_empty();
        let names = targets.names();
        let is_target = |name: &str| names.iter().any(|known| known == name);
        let known = grant::Targets { is_target: &is_target, names: &names };
        let is_target: grant::IsTarget<'_> = all_known.then_some(&known);
        let mut callers = Vec::new();
        let before = reader.problems.len();
        let senders = senders::read(&mut reader, &mut callers, is_target);
        let (oidc_callers, issuers) = oidc_callers::read(&mut reader, &mut callers, is_target);
        let certificate_callers = certificate_callers::read(&mut reader, &mut callers, is_target);
        let others = senders.len() + oidc_callers.len() + certificate_callers.len();
        let api_keys = keys::read(&mut reader, others == 0, &mut callers, is_target);
        let all_callers = (reader.problems.len() == before).then_some(callers.as_slice());
        let hooks = hooks::read(&mut reader, all_callers, all_known.then_some(&targets));
        let callbacks = callbacks::read(&mut reader, is_target);
        let state_keys = state_keys::read(&mut reader);
        let mut grants = (api_keys.iter().map(|key| &key.grant))
            .chain(oidc_callers.iter().map(|caller| &caller.grant))
            .chain(certificate_callers.iter().map(|caller| &caller.grant));
        let has_networks = grants.any(|grant| grant.from.is_some());
        let proxy = proxy::read(&mut reader, !certificate_callers.is_empty(), has_networks);
        let gate = targets::gate(&mut reader, all_known.then_some(&targets));
        let config = Self {
            vidm: shared(targets.vidm),
            vcf: shared(targets.vcf),
            fleet: shared(targets.fleet),
            api_keys,
            senders,
            oidc_callers,
            issuers,
            certificate_callers,
            hooks,
            callbacks,
            state_keys,
            store: reader.word(&variables::STORE),
            gate,
            page: reader.page(),
            base_path: reader.base_path(),
            docs_url: reader.docs_url(),
            log_level: reader.word(&variables::LOG_LEVEL),
            proxy,
            request_body_limit: reader.number(&variables::REQUEST_BODY_LIMIT),
            signed_body_limit: reader.number(&variables::SIGNED_BODY_LIMIT),
            rate_limit: reader.number(&variables::RATE_LIMIT) as u64,
            watch_limit: reader.number(&variables::WATCH_LIMIT),
            limits: Limits {
                connect_timeout: reader.seconds(&variables::CONNECT_TIMEOUT),
                first_byte_timeout: reader.seconds(&variables::FIRST_BYTE_TIMEOUT),
                between_bytes_timeout: reader.seconds(&variables::BETWEEN_BYTES_TIMEOUT),
                max_body: reader.number(&variables::UPSTREAM_BODY_LIMIT),
            },
            request_timeout: reader.seconds(&variables::REQUEST_TIMEOUT),
            wait_limit: reader.seconds(&variables::WAIT_LIMIT),
            warnings: std::mem::take(&mut reader.warnings),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
    }

    /// Whether the variables ask for the page at `/`, even if others are wrong: the page shows what is missing.
    #[must_use]
    pub(crate) fn wants_page(lookup: impl Fn(&str) -> Option<String>) -> bool {
        Reader::new(&lookup).page()
    }

    /// The base path of the variables, even if others are wrong; empty if it is wrong itself.
    #[must_use]
    pub(crate) fn wanted_base_path(lookup: impl Fn(&str) -> Option<String>) -> String {
        Reader::new(&lookup).base_path()
    }

    /// The address of the documentation that the variables name, even if other variables have mistakes; empty if it is wrong.
    #[must_use]
    pub(crate) fn wanted_docs_url(lookup: impl Fn(&str) -> Option<String>) -> String {
        Reader::new(&lookup).docs_url()
    }

    /// Every configured secret text, to remove from whatever leaves idhook.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        let callbacks = self.callbacks.iter().map(|callback| &callback.secret);
        let senders = self.senders.iter().flat_map(Sender::texts);
        let vidm = self.vidm.values().flat_map(|target| target.credentials.secrets());
        let vcf = self.vcf.values().map(|target| target.credentials.secret());
        let fleet = self.fleet.values().flat_map(|target| target.credentials.secrets());
        vidm.chain(vcf).chain(fleet).chain(&self.state_keys).chain(senders).chain(callbacks).collect()
    }

    /// A fingerprint of this configuration's targets, from their non-secret fields (kinds, names, URLs, tenants, accounts).
    /// Changed passwords or callers do not change it.
    #[must_use]
    pub(crate) fn deployment(&self) -> String {
        let mut digest = Sha256::new();
        let mut add = |part: &str| {
            digest.update(part.as_bytes());
            digest.update([0x1f]);
        };
        for (name, target) in &self.vidm {
            let account: [&str; 3] = match &target.credentials {
                vidm::Credentials::System { username, .. } => [username, "", ""],
                vidm::Credentials::Client { id, .. } => ["", id, ""],
                vidm::Credentials::Password { client_id, username, domain, .. } => [username, client_id, domain],
            };
            let tenant = target.tenant.as_deref().unwrap_or_default();
            ["vidm", name, target.url.as_str(), tenant].into_iter().chain(account).for_each(&mut add);
        }
        for (name, target) in &self.vcf {
            let username = match &target.credentials {
                vcf::Credentials::Account { username, .. } => username,
                vcf::Credentials::RefreshToken(_) => "",
            };
            ["vcf", name, target.url.as_str(), username].into_iter().for_each(&mut add);
        }
        for (name, target) in &self.fleet {
            ["fleet", name].into_iter().for_each(&mut add);
            target.identity().iter().for_each(|part| add(part));
        }
        let digest: [u8; 32] = digest.finalize().into();
        URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or(&digest))
    }

    /// The receiver with this name.
    #[must_use]
    pub fn callback(&self, name: &str) -> Option<&Callback> {
        self.callbacks.iter().find(|callback| callback.name == name)
    }
}

/// Targets, shared with their clients.
fn shared<T>(targets: LiteMap<String, T>) -> LiteMap<String, Rc<T>> {
    targets.into_iter().map(|(name, target)| (name, Rc::new(target))).collect()
}
