//! Every setting, read and checked once. A [`Config`] that exists is complete; what keeps one from existing is told by
//! variable name, all of it at once, and never with a value.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderName;
use sha2::{Digest, Sha256};

use crate::auth::Secret;
use crate::http::Limits;
use crate::{vcf, vidm};

mod callbacks;
mod grant;
mod hooks;
mod keys;
mod reader;
mod readings;
mod senders;
mod state_keys;
mod targets;

pub use callbacks::Callback;
pub use grant::{Grant, Scope};
pub use hooks::{Condition, Hook, Place, Source};
pub use keys::ApiKey;
pub(crate) use keys::hex32;
pub use readings::Readings;
pub use senders::{Form, Sender};
pub use targets::{VcfSettings, VidmSettings};

use reader::Reader;

/// One variable: in Spin by this name, in an environment as `IDHOOK_` and the name in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether its value must not be seen.
    pub secret: bool,
    /// What it is for; the README's table and the manifest say the same.
    pub help: &'static str,
}

const fn plain(name: &'static str, help: &'static str) -> Variable {
    Variable { name, secret: false, help }
}

const fn secret(name: &'static str, help: &'static str) -> Variable {
    Variable { name, secret: true, help }
}

/// Every variable there is. A blank one counts as unset.
pub const VARIABLES: &[Variable] = &[
    plain("vidm_url", "vIDM (Workspace ONE Access): https://host[:port]"),
    plain("vidm_tenant", "tenant, where it is in the path (/SAAS/t/{tenant}); empty where it is in the host name"),
    plain(
        "vidm_username",
        "system login: a local (System Domain) administrator; with vidm_domain: an account of that domain",
    ),
    secret("vidm_password", "its password"),
    plain(
        "vidm_domain",
        "domain of the account, for the OAuth password grant; needs vidm_client_id and vidm_client_secret too",
    ),
    plain("vidm_client_id", "OAuth client: client credentials, or the password grant when vidm_username is set"),
    secret("vidm_client_secret", "its shared secret"),
    plain("vidm_authorization_scheme", "word before a session token: HZN (default) or Bearer"),
    plain("vidm_profile", "media types: horizon (default) or json (Omnissa Access)"),
    plain("vidm_sync_api", "sync call: auto (default), classic or v2"),
    plain("vcf_url", "SDDC Manager: https://host[:port]"),
    plain("vcf_username", "SDDC Manager account, as user@domain"),
    secret("vcf_password", "its password"),
    secret("targets", "JSON: any number of further targets: {\"vidm\": {NAME: {…}}, \"vcf\": {NAME: {…}}}"),
    secret("api_keys", "JSON: who may call: [{\"name\", \"sha256\", \"scopes\", \"targets\"}]"),
    secret("callbacks", "JSON: who may be told of a finished sync: [{\"name\", \"url\", \"secret\"}]"),
    secret(
        "webhook_secrets",
        "JSON: who may call by signing: [{\"name\", \"scheme\", \"secrets\", \"scopes\", \"targets\"}]; scheme: standard, github, bitbucket, gitlab",
    ),
    plain(
        "hooks",
        "JSON: syncs that webhooks start: [{\"name\", \"senders\", \"target\", \"directory\", \"groups\", \"addToProfile\", \"on\"}]",
    ),
    secret(
        "state_key",
        "key that authenticates sync ids and seals what is kept in the store, 32 characters or more; or a JSON list of keys: \
         the first seals, all open. Where empty, a key is drawn and kept in the store, or in the instance where there is none",
    ),
    plain("store", "key-value store that instances share: auto (default), used where there is one; or none"),
    plain("page", "the page at /: true (default) or false"),
    plain("log_level", "info (default): a line for each request; error: only for those answered with 4xx or 5xx"),
    plain(
        "client_address_header",
        "header in which your own proxy writes the client's address (X-Forwarded-For, X-Real-IP), for the log; default: none",
    ),
    plain("request_body_limit", "largest request body taken, in bytes; default 262144"),
    plain(
        "signed_body_limit",
        "largest body taken of a caller that signs, whom only the body proves, in bytes; default 65536",
    ),
    plain("upstream_body_limit", "largest upstream answer read, in bytes; default 8388608"),
    plain("rate_limit", "requests a minute that one caller may make; default 6000; 0: any number"),
    plain("watch_limit", "waits and event streams that one caller may have open at once; default 100; 0: any number"),
    plain("connect_timeout", "seconds for an upstream connection; default 10"),
    plain("first_byte_timeout", "seconds to the first byte of an upstream answer; default 30"),
    plain("between_bytes_timeout", "seconds between pieces of an upstream answer; default 10"),
    plain("request_timeout", "seconds for a whole request; default 25"),
    plain("wait_limit", "longest wait a caller may ask for (Prefer: wait=N, event streams), in seconds; default 300"),
];

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Only those answered with 4xx or 5xx.
    Error,
    /// All.
    Info,
}

/// A complete configuration.
#[derive(Debug)]
pub struct Config {
    /// vIDM targets by name.
    pub vidm: BTreeMap<String, vidm::Target>,
    /// SDDC Manager targets by name.
    pub vcf: BTreeMap<String, vcf::Target>,
    /// Who may call with a key.
    pub api_keys: Vec<ApiKey>,
    /// Who may call by a signature. There is somebody here or among the keys.
    pub senders: Vec<Sender>,
    /// What webhooks start.
    pub hooks: Vec<Hook>,
    /// Who may be told of a finished sync.
    pub callbacks: Vec<Callback>,
    /// The keys that authenticate sync ids and seal what is kept in the store: the first seals, all open. Empty where none is
    /// configured.
    pub state_keys: Vec<Secret>,
    /// Whether to use the runtime's key-value store, where it has one.
    pub store: bool,
    /// Whether there is a page at `/`.
    pub page: bool,
    /// Which requests are logged.
    pub log_level: LogLevel,
    /// The header in which the operator's own proxy writes the client's address, where there is such a proxy.
    pub client_address_header: Option<HeaderName>,
    /// Largest request body taken, in bytes.
    pub request_body_limit: usize,
    /// Largest body taken of a caller that only the body proves, in bytes.
    pub signed_body_limit: usize,
    /// Requests a minute that one caller may make; 0: any number.
    pub rate_limit: u64,
    /// Waits and event streams that one caller may have open at once; 0: any number.
    pub watch_limit: usize,
    /// Bounds of each upstream exchange.
    pub limits: Limits,
    /// Time for a whole request.
    pub request_timeout: Duration,
    /// The longest wait a caller may ask for.
    pub wait_limit: Duration,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: String,
    /// What is wrong with it and what to write instead; never its value.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.detail)
    }
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every mistake there is, by variable name.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { lookup: &lookup, problems: Vec::new() };
        let (vidm, vcf) = targets::read(&mut reader);
        let is_target = |name: &str| match name.split_once('/') {
            Some(("vidm", name)) => vidm.contains_key(name),
            Some(("vcf", name)) => vcf.contains_key(name),
            Some(_) => false,
            None => vidm.contains_key(name) || vcf.contains_key(name),
        };
        // With a mistake among the targets it is not known which there will be.
        let all_known = reader.problems.is_empty();
        let is_target: grant::IsTarget<'_> = all_known.then_some(&is_target);
        let mut callers = Vec::new();
        let before = reader.problems.len();
        let senders = senders::read(&mut reader, &mut callers, is_target);
        let api_keys = keys::read(&mut reader, senders.is_empty(), &mut callers, is_target);
        let is_vidm = |name: &str| vidm.contains_key(name);
        let all_callers = (reader.problems.len() == before).then_some(callers.as_slice());
        let hooks = hooks::read(&mut reader, all_callers, all_known.then_some(&is_vidm));
        let callbacks = callbacks::read(&mut reader);
        let state_keys = state_keys::read(&mut reader);
        let log_level =
            reader.word("log_level", LogLevel::Info, &[("info", LogLevel::Info), ("error", LogLevel::Error)]);
        let default = Limits::default();
        let config = Self {
            vidm,
            vcf,
            api_keys,
            senders,
            hooks,
            callbacks,
            state_keys,
            store: reader.word("store", true, &[("auto", true), ("none", false)]),
            page: reader.page(),
            log_level,
            client_address_header: reader.header("client_address_header"),
            request_body_limit: reader.number("request_body_limit", 256 << 10, 1..=16 << 20),
            signed_body_limit: reader.number("signed_body_limit", 64 << 10, 1..=16 << 20),
            rate_limit: reader.number("rate_limit", 6000, 0..=1_000_000) as u64,
            watch_limit: reader.number("watch_limit", 100, 0..=1_000_000),
            limits: Limits {
                connect_timeout: reader.seconds("connect_timeout", default.connect_timeout),
                first_byte_timeout: reader.seconds("first_byte_timeout", default.first_byte_timeout),
                between_bytes_timeout: reader.seconds("between_bytes_timeout", default.between_bytes_timeout),
                max_body: reader.number("upstream_body_limit", default.max_body, 1..=64 << 20),
            },
            request_timeout: reader.seconds("request_timeout", Duration::from_secs(25)),
            wait_limit: reader.seconds("wait_limit", Duration::from_secs(300)),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
    }

    /// Whether the variables ask for the page at `/`, be the rest of them as it may: the page tells what is missing.
    #[must_use]
    pub fn wants_page(lookup: impl Fn(&str) -> Option<String>) -> bool {
        Reader { lookup: &lookup, problems: Vec::new() }.page()
    }

    /// Every configured text that must never be shown, to be struck out of whatever leaves.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        let callbacks = self.callbacks.iter().map(|callback| &callback.secret);
        let senders = self.senders.iter().flat_map(Sender::texts);
        self.credentials().into_iter().chain(&self.state_keys).chain(senders).chain(callbacks).collect()
    }

    /// The targets' passwords and secrets.
    #[must_use]
    pub fn credentials(&self) -> Vec<&Secret> {
        let vidm = self.vidm.values().flat_map(|target| target.credentials.secrets());
        vidm.chain(self.vcf.values().map(|target| &target.credentials.password)).collect()
    }

    /// A name for this configuration's targets, by what is no secret of them (kinds, names, URLs, tenants, accounts): idhooks
    /// with other targets have another. A changed password or caller does not change it.
    #[must_use]
    pub fn deployment(&self) -> String {
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
            let parts: [&str; 4] = ["vcf", name, target.url.as_str(), &target.credentials.username];
            parts.into_iter().for_each(&mut add);
        }
        let digest: [u8; 32] = digest.finalize().into();
        URL_SAFE_NO_PAD.encode(digest.get(..9).unwrap_or(&digest))
    }

    /// The receiver of this name.
    #[must_use]
    pub fn callback(&self, name: &str) -> Option<&Callback> {
        self.callbacks.iter().find(|callback| callback.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const KEYS: &str = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["vidm:read"]}]"#;

    fn parse(pairs: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        let map: BTreeMap<_, _> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::parse(|name| map.get(name).cloned())
    }

    fn mistakes(pairs: &[(&str, &str)]) -> String {
        let problems = parse(pairs).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn plain_variables_make_the_default_targets() {
        let config = parse(&[
            ("vidm_url", "https://vidm.corp.example/"),
            ("vidm_username", "svc"),
            ("vidm_password", "p"),
            ("vcf_url", "https://sddc.corp.example"),
            ("vcf_username", "svc@vsphere.local"),
            ("vcf_password", "p"),
            ("api_keys", KEYS),
        ])
        .unwrap();
        assert_eq!(config.vidm["default"].url.as_str(), "https://vidm.corp.example");
        assert!(matches!(
            config.vidm["default"].credentials,
            vidm::Credentials::System { scheme: crate::auth::Scheme::Hzn, .. }
        ));
        assert_eq!(config.vcf["default"].credentials.username, "svc@vsphere.local");
        assert_eq!(config.request_timeout, Duration::from_secs(25));
    }

    #[test]
    fn the_login_follows_from_the_credentials() {
        let with = |more: &[(&'static str, &'static str)]| {
            let mut pairs = vec![("vidm_url", "https://v"), ("api_keys", KEYS)];
            pairs.extend_from_slice(more);
            parse(&pairs).map(|mut config| config.vidm.remove("default").unwrap().credentials)
        };
        let client = [("vidm_client_id", "idhook"), ("vidm_client_secret", "s")];
        assert!(matches!(with(&client).unwrap(), vidm::Credentials::Client { .. }));
        let account = [("vidm_username", "svc"), ("vidm_password", "p"), ("vidm_domain", "corp.example")];
        assert!(matches!(with(&[account.as_slice(), &client].concat()).unwrap(), vidm::Credentials::Password { .. }));
        assert!(matches!(with(&account[..2]).unwrap(), vidm::Credentials::System { .. }));
        assert!(with(&account).is_err(), "a domain needs a client");
        assert!(with(&[]).is_err());
    }

    #[test]
    fn a_url_that_is_none_is_as_good_as_unset() {
        let unset = ("vidm_url", "https://unset.invalid/");
        assert!(mistakes(&[unset, ("api_keys", KEYS)]).contains("there is nothing to work on"));
        let vcf = [("vcf_url", "https://s"), ("vcf_username", "u"), ("vcf_password", "p"), ("api_keys", KEYS)];
        let config = parse(&[&vcf[..], &[unset]].concat()).unwrap();
        assert_eq!((config.vidm.len(), config.vcf.len()), (0, 1));
    }

    #[test]
    fn nothing_configured_is_told_as_such() {
        let told = mistakes(&[]);
        assert!(told.contains("vidm_url") && told.contains("api_keys"), "{told}");
    }

    #[test]
    fn all_mistakes_come_at_once_and_no_value_is_shown() {
        let told = mistakes(&[
            ("vidm_url", "https://v/SAAS?pw=hunter2"),
            ("vidm_profile", "hunter2"),
            ("connect_timeout", "hunter2"),
            ("request_body_limit", "-1"),
            ("state_key", "hunter2"),
            ("log_level", "hunter2"),
            ("targets", r#"{"vidm":{"prod":{"url":"https://v","pasword":"hunter2"}}}"#),
            ("callbacks", r#"[{"name":"hunter2 2","url":"hunter2","secret":"whsec_hunter2","more":"hunter2"}]"#),
            ("api_keys", r#"[{"name":"x","sha256":"hunter2","scopes":["vidm:all"]}]"#),
        ]);
        for name in [
            "vidm_url",
            "vidm_profile",
            "connect_timeout",
            "request_body_limit",
            "state_key",
            "log_level",
            "targets",
            "callbacks has at [0].name",
            "callbacks has at [0].url",
            "callbacks has at [0].secret",
            "callbacks has at [0] a field",
            "api_keys",
        ] {
            assert!(told.contains(name), "{name} is missing in:\n{told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("pasword"), "a misspelt field is named: {told}");
    }

    #[test]
    fn a_key_names_targets_that_there_are_and_is_no_digest_of_nothing() {
        let with = |targets: &str, sha256: &str| {
            let keys = format!(r#"[{{"name":"ci","sha256":"{sha256}","scopes":["vidm:read"],"targets":{targets}}}]"#);
            let more = r#"{"vidm":{"lab":{"url":"https://l","username":"u","password":"p"}}}"#;
            parse(&[
                ("vcf_url", "https://s"),
                ("vcf_username", "u"),
                ("vcf_password", "p"),
                ("targets", more),
                ("api_keys", keys.as_str()),
            ])
        };
        let digest = "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
        assert!(with(r#"["default","lab","vidm/lab","vcf/default"]"#, digest).is_ok());
        for wrong in ["prod", "vidm/default", "vcf/lab", "other/lab", ""] {
            let problems = with(&format!(r#"["lab","{wrong}"]"#), digest).unwrap_err();
            assert!(problems.len() == 1 && problems[0].detail.contains("[0].targets[1]"), "{wrong}: {problems:?}");
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let problems = with("null", empty).unwrap_err();
        assert!(problems[0].detail.contains("empty text"), "{problems:?}");
    }

    #[test]
    fn a_mistake_is_told_where_it_was_written() {
        let told = mistakes(&[
            ("targets", r#"{"vidm":{"default":{"url":"https://v"}},"vcf":{"default":{}}}"#),
            ("api_keys", KEYS),
        ]);
        assert!(told.contains("targets.vidm.default.username") && told.contains("targets.vcf.default.url"), "{told}");
        assert!(!told.contains("vidm_") && !told.contains("vcf_"), "{told}");
        let told = mistakes(&[("vidm_url", "https://v"), ("vcf_url", "https://s"), ("api_keys", KEYS)]);
        assert!(
            told.contains("vidm_username") && told.contains("vcf_password") && !told.contains("targets."),
            "{told}"
        );
        let both =
            [("vidm_url", "https://v"), ("targets", r#"{"vidm":{"default":{"url":"https://v"}}}"#), ("api_keys", KEYS)];
        assert!(mistakes(&both).contains("beside vidm_url"));
    }

    #[test]
    fn further_targets_come_from_json() {
        let config = parse(&[
            (
                "targets",
                r#"{"vidm":{"prod":{"url":"https://a","tenant":"corp","client_id":"i","client_secret":"s","profile":"json","sync_api":"v2"}},
                    "vcf":{"mgmt":{"url":"https://b","username":"u","password":"p"}}}"#,
            ),
            ("api_keys", KEYS),
        ])
        .unwrap();
        assert_eq!(config.vidm["prod"].tenant.as_deref(), Some("corp"));
        assert_eq!(config.vidm["prod"].sync_api, vidm::SyncApi::V2);
        assert_eq!(config.vcf["mgmt"].url.as_str(), "https://b");
        assert_eq!(config.secrets().len(), 2);
    }
}
