//! Every setting, read and checked once. A [`Config`] that exists is complete; what keeps one from existing is told by
//! variable name, all of it at once; a wrong value is shown unless it may be a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderName;
use sha2::{Digest, Sha256};

use crate::http::Limits;
use crate::secret::Secret;
use crate::{vcf, vidm};

mod callbacks;
mod credential;
mod error;
mod grant;
mod hooks;
mod keys;
mod reader;
mod senders;
mod state_keys;
mod targets;
mod variable_source;

pub use callbacks::Callback;
pub use error::ConfigError;
pub use grant::{Grant, Scope};
pub use hooks::{Condition, Hook, Place, Source};
pub use keys::ApiKey;
pub(crate) use keys::hex32;
pub use senders::{Form, Sender};
pub use targets::{VcfSettings, VidmSettings};
pub use variable_source::VariableSource;

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
    secret("api_keys", "JSON: who may call: [{\"name\", \"sha256\", \"scopes\", \"targets\", \"notAfter\"}]"),
    secret("callbacks", "JSON: who may be told of a finished sync: [{\"name\", \"url\", \"secret\"}]"),
    secret(
        "webhook_secrets",
        "JSON: who may call by signing: [{\"name\", \"scheme\", \"secrets\", \"scopes\", \"targets\"}]; scheme: standard, github, bitbucket, gitlab",
    ),
    plain(
        "hooks",
        "JSON: syncs that webhooks start: [{\"name\", \"senders\", \"target\", \"directory\", \"groups\", \"addToProfile\", \"on\", \"origins\"}]",
    ),
    secret(
        "state_key",
        "key that authenticates sync ids and seals what is kept in the store, 32 characters or more; or a JSON list of keys: \
         the first seals, all open. Where empty, a key is drawn and kept in the store, or in the instance where there is none",
    ),
    plain("store", "key-value store that instances share: auto (default), used where there is one; or none"),
    plain("page", "the page at /: true (default) or false"),
    plain(
        "base_path",
        "path below which a proxy serves idhook, such as /idhook; paths that are given back begin with it",
    ),
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
    /// The path below which idhook is served, with a slash before it and none behind; empty at the root.
    pub base_path: String,
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
    /// What is probably not meant as it is written.
    pub warnings: Vec<ConfigError>,
}

impl Config {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every mistake there is, by variable name.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::new(&lookup);
        let (vidm, vcf) = targets::read(&mut reader);
        let is_target = |name: &str| match name.split_once('/') {
            Some(("vidm", name)) => vidm.contains_key(name),
            Some(("vcf", name)) => vcf.contains_key(name),
            Some(_) => false,
            None => vidm.contains_key(name) || vcf.contains_key(name),
        };
        // With a mistake among the targets it is not known which there will be.
        let all_known = reader.problems.is_empty();
        let named = |kind: &str, name: &String| [name.clone(), format!("{kind}/{name}")];
        let names: Vec<String> = vidm.keys().flat_map(|name| named("vidm", name)).collect();
        let names: Vec<String> = names.into_iter().chain(vcf.keys().flat_map(|name| named("vcf", name))).collect();
        let known = grant::Targets { is_target: &is_target, names: &names };
        let is_target: grant::IsTarget<'_> = all_known.then_some(&known);
        let mut callers = Vec::new();
        let before = reader.problems.len();
        let senders = senders::read(&mut reader, &mut callers, is_target);
        let api_keys = keys::read(&mut reader, senders.is_empty(), &mut callers, is_target);
        let vidm_names: Vec<String> = vidm.keys().cloned().collect();
        let all_callers = (reader.problems.len() == before).then_some(callers.as_slice());
        let hooks = hooks::read(&mut reader, all_callers, all_known.then_some(vidm_names.as_slice()));
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
            base_path: reader.base_path(),
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
            warnings: std::mem::take(&mut reader.warnings),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
    }

    /// Whether the variables ask for the page at `/`, be the rest of them as it may: the page tells what is missing.
    #[must_use]
    pub fn wants_page(lookup: impl Fn(&str) -> Option<String>) -> bool {
        Reader::new(&lookup).page()
    }

    /// The base path that the variables ask for, be the rest of them as it may; none where it is wrong.
    #[must_use]
    pub fn wanted_base_path(lookup: impl Fn(&str) -> Option<String>) -> String {
        Reader::new(&lookup).base_path()
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

    fn parse(pairs: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
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
            vidm::Credentials::System { scheme: crate::secret::Scheme::Hzn, .. }
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
        let vcf = [("vcf_url", "https://s"), ("vcf_username", "u@local"), ("vcf_password", "p"), ("api_keys", KEYS)];
        let config = parse(&[&vcf[..], &[unset]].concat()).unwrap();
        assert_eq!((config.vidm.len(), config.vcf.len()), (0, 1));
    }

    #[test]
    fn a_base_path_is_a_path_and_none_of_the_routes() {
        let base = |text: &str| {
            let vcf = [("vcf_url", "https://s"), ("vcf_username", "u@v"), ("vcf_password", "p"), ("api_keys", KEYS)];
            parse(&[&vcf[..], &[("base_path", text)]].concat()).map(|config| config.base_path)
        };
        for (text, path) in
            [("", ""), ("/", ""), ("/idhook", "/idhook"), (" /a/b-c.d/ ", "/a/b-c.d"), ("/vidmx", "/vidmx")]
        {
            assert_eq!(base(text).unwrap(), path, "{text}");
        }
        for wrong in [
            "idhook",
            "//idhook",
            "/a//b",
            "/a b",
            "/..",
            "/a/../b",
            "/%2e",
            "/vidm",
            "/vcf/x",
            "/hooks",
            "https://h/i",
        ] {
            assert!(base(wrong).unwrap_err()[0].variable == "base_path", "{wrong}");
        }
        assert_eq!(Config::wanted_base_path(|name| (name == "base_path").then(|| "/x".to_owned())), "/x");
    }

    #[test]
    fn nothing_configured_is_told_as_such() {
        let told = mistakes(&[]);
        assert!(told.contains("vidm_url") && told.contains("api_keys"), "{told}");
    }

    #[test]
    fn every_mistake_has_an_entry_of_its_own_and_no_secret_is_shown() {
        let problems = parse(&[
            ("vidm_url", "https://v/SAAS?pw=hunter2"),
            ("vidm_profile", "horzon"),
            ("connect_timeout", "10s"),
            ("request_body_limit", "-1"),
            ("wait_limit", "hunter2"),
            ("state_key", "hunter2"),
            ("log_level", "debug"),
            ("targets", r#"{"vidm":{"prod":{"url":"https://v","pasword":"hunter2"},"lab":{"syncApi":5}}}"#),
            ("callbacks", r#"[{"name":"a b","url":"hunter2","secret":"whsec_hunter2"},{"name":"x","more":"hunter2"}]"#),
            ("api_keys", r#"[{"name":"x","sha256":"hunter2","scopes":["vidm:reed","hunter2"]}]"#),
        ])
        .unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.place(), problem.detail.as_str(), problem.hint.as_deref().unwrap_or_default()))
            .collect();
        for (place, detail, hint) in [
            ("vidm_url", "has a path", "write only"),
            ("vidm_profile", "is \"horzon\"", "did you mean \"horizon\"?"),
            ("connect_timeout", "is \"10s\"", "without a unit"),
            ("request_body_limit", "is \"-1\"", "from 1 to 16777216"),
            ("wait_limit", "is not valid", "write a number"),
            ("state_key", "has 7 characters", "openssl rand"),
            ("log_level", "is \"debug\"", "write one of info, error"),
            ("targets.vidm.prod.pasword", "is a field that is not known here", "did you mean \"password\"?"),
            ("targets.vidm.lab.syncApi", "is of the wrong kind", "write a text"),
            ("callbacks[1].more", "is a field that is not known here", "write one of name, url, secret"),
            ("api_keys[0].sha256", "is not 64 hexadecimal digits", "sha256sum"),
            ("api_keys[0].scopes[0]", "is \"vidm:reed\"", "did you mean \"vidm:read\"?"),
            ("api_keys[0].scopes[1]", "is not valid", "write one of vidm:read"),
        ] {
            let fits = |one: &&(String, &str, &str)| one.0 == place && one.1.contains(detail) && one.2.contains(hint);
            assert_eq!(found.iter().filter(fits).count(), 1, "{place} {detail} {hint}\n{found:#?}");
        }
        let all = mistakes(&[("callbacks", r#"[{"name":"a b","url":"hunter2","secret":"whsec_hunter2"}]"#)]);
        for place in ["callbacks[0].name", "callbacks[0].url", "callbacks[0].secret"] {
            assert!(all.contains(place), "{all}");
        }
        assert!(!format!("{found:?}{all}").contains("hunter2"), "{found:#?}");
    }

    /// A configuration in which everything but `more` is right, with a target of each kind.
    fn with(more: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
        let base = [
            ("vidm_url", "https://v"),
            ("vidm_username", "svc"),
            ("vidm_password", "p"),
            ("vcf_url", "https://s"),
            ("vcf_username", "svc@local"),
            ("vcf_password", "p"),
            ("api_keys", KEYS),
        ];
        let mut all: BTreeMap<_, _> = base.into_iter().collect();
        all.extend(more.iter().copied());
        parse(&all.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn mistakes_that_were_silent_are_rejected() {
        let key = |fields: &str| format!(r#"[{{"name":"ci","sha256":"{}",{fields}}}]"#, "ab".repeat(32));
        for (variable, value, detail, hint) in [
            ("vidm_url", "https://v:65536", "is \"https://v:65536\": has a port", "write https://host"),
            ("vidm_url", "https://v:0", "has a port", "write"),
            ("vidm_url", "https://v:", "has a port", "write"),
            ("vidm_url", "https://[::1]:99999", "has a port", "write"),
            ("vidm_url", "\"https://v\"", "is in quotes", "leave the quotes out"),
            ("vidm_url", "https://${host}", "placeholder", "check how"),
            ("vidm_url", "vidm.corp.example", "is not an absolute URL", "write https://host"),
            ("vidm_tenant", "corp/x", "is \"corp/x\", with a slash", "/SAAS/t/NAME"),
            ("vidm_tenant", "/SAAS/t/corp", "with a slash", "/SAAS/t/NAME"),
            ("vidm_tenant", "a b", "no name of a tenant", "/SAAS/t/NAME"),
            ("vcf_username", "administrator", "has no domain", "user@domain"),
            ("vcf_username", "administrator@", "has no domain", "user@domain"),
            ("vcf_username", "@local", "has no domain", "user@domain"),
            ("api_keys", &key(r#""scopes":[]"#), "empty list, so this caller may do nothing", "vidm:read"),
            ("api_keys", &key(r#""scope":["admin"]"#), "not known here", "did you mean \"scopes\"?"),
            ("api_keys", &key(r#""scopes":["admin"],"targets":[]"#), "may call nothing", "leave targets out"),
            ("api_keys", &key(r#""scopes":["admin"],"targets":["defualt"]"#), "no target", "did you mean \"default\"?"),
            ("api_keys", &key(r#""scopes":["admin"],"notAfter":"soon""#), "is \"soon\"", "RFC 3339"),
            ("api_keys", "'[]'", "in quotes", "leave the quotes"),
            ("api_keys", "[{name:x}]", "not valid JSON", "double quotes"),
            ("page", "\"true\"", "quotes around it", "leave the quotes out"),
            ("request_timeout", "'5'", "quotes around it", "write a number of seconds"),
            ("store", "none\u{200b}", "is \"none<U+200B>\"", "did you mean"),
        ] {
            let problems = with(&[(variable, value)]).unwrap_err();
            let found = problems.iter().any(|problem| {
                problem.variable == variable
                    && problem.detail.contains(detail)
                    && problem.hint.as_deref().unwrap_or_default().contains(hint)
            });
            assert!(found, "{variable}={value}: {problems:#?}");
        }
    }

    #[test]
    fn what_surrounds_a_credential_is_rejected_or_left_out_and_never_sent() {
        let client = [("vidm_client_id", "id"), ("vidm_client_secret", "cs"), ("vidm_domain", "corp.example")];
        let names = ["vidm_username", "vidm_domain", "vidm_tenant", "vidm_client_id", "vcf_username"];
        let secrets = ["vidm_password", "vidm_client_secret", "vcf_password"];
        for variable in names.into_iter().chain(secrets) {
            let good = if variable == "vcf_username" { "svc@local" } else { "hunter2" };
            for (around, called) in [
                ("\n", "line break (U+000A)"),
                ("\r\n", "(U+000A)"),
                ("\r", "carriage return (U+000D)"),
                ("\t", "tab (U+0009)"),
                ("\0", "null character (U+0000)"),
                ("\u{feff}", "byte order mark (U+FEFF)"),
                ("\u{200b}", "cannot be seen (U+200B)"),
                ("\u{202e}", "cannot be seen (U+202E)"),
                ("\u{85}", "control character (U+0085)"),
            ] {
                for value in [format!("{good}{around}"), format!("{around}{good}")] {
                    let mut all = client.to_vec();
                    all.retain(|(name, _)| *name != variable);
                    all.push((variable, &value));
                    let problems = with(&all).unwrap_err();
                    let [problem] = problems.as_slice() else { panic!("{variable} {value:?}: {problems:#?}") };
                    let called = if value.starts_with("\r\n") { "carriage return (U+000D)" } else { called };
                    assert!(problem.variable == variable && problem.detail.contains(called), "{problem}");
                    assert!(!problem.to_string().contains("hunter2"), "{problem}");
                    // The same within `targets`.
                    let (kind, field) = variable.split_once('_').unwrap();
                    let mut target: BTreeMap<&str, &str> = [("url", "https://x"), ("password", "p")].into();
                    target.extend([("username", "svc@local")]);
                    if kind == "vidm" {
                        target.extend([("client_id", "id"), ("client_secret", "cs"), ("domain", "d")]);
                    }
                    target.insert(field, &value);
                    let targets = serde_json::json!({ kind: { "prod": target } }).to_string();
                    let problems = with(&[("targets", &targets)]).unwrap_err();
                    let [problem] = problems.as_slice() else { panic!("{targets}: {problems:#?}") };
                    assert_eq!(
                        (problem.variable.as_str(), problem.pointer.as_str()),
                        ("targets", format!("/{kind}/prod/{field}").as_str())
                    );
                    assert!(problem.detail.contains(called) && !problem.to_string().contains("hunter2"), "{problem}");
                }
            }
        }
        let all = [("vidm_username", " svc "), ("vidm_tenant", "\u{a0}corp"), ("vcf_username", "svc@local  ")];
        let config = with(&all).unwrap();
        assert_eq!(config.vidm["default"].tenant.as_deref(), Some("corp"));
        assert!(
            matches!(&config.vidm["default"].credentials, vidm::Credentials::System { username, .. } if username == "svc")
        );
        assert_eq!((config.vcf["default"].credentials.username.as_str(), config.warnings.len()), ("svc@local", 0));
    }

    #[test]
    fn what_is_probably_not_meant_is_a_warning_without_the_value() {
        for (variable, value, detail) in [
            ("vidm_password", "\"hunter2\"", "is in quotes"),
            ("vcf_password", "'hunter2'", "is in quotes"),
            ("vidm_username", "“svc”", "is in quotes"),
            ("vidm_password", " hunter2", "begins or ends with a blank"),
            ("vidm_password", "${VIDM_PASSWORD}", "placeholder"),
            ("vidm_password", "{{ vidm_password }}", "placeholder"),
            ("vidm_password", "$(cat hunter2)", "placeholder"),
            ("vidm_password", "<password>", "example"),
            ("vidm_password", "changeme", "example"),
            ("vidm_password", "********", "example"),
            ("vidm_password", "your password here", "example"),
            ("vidm_url", "http://vidm.corp.example", "is http://"),
            ("vcf_url", "http://10.0.0.1:8080", "is http://"),
            ("vcf_url", "http://127.0.0.1.corp.example", "is http://"),
        ] {
            let config = with(&[(variable, value)]).unwrap();
            let [warning] = config.warnings.as_slice() else { panic!("{value}: {:?}", config.warnings) };
            assert!(warning.variable == variable && warning.detail.contains(detail), "{warning}");
            assert!(warning.hint.is_some() && !warning.to_string().contains("hunter2"), "{warning}");
        }
        for (variable, value) in [
            ("vidm_url", "http://127.0.0.1:8180"),
            ("vidm_url", "http://[::1]:8180"),
            ("vidm_url", "http://localhost"),
            ("vidm_url", "http://LOCALHOST.:80"),
            ("vidm_url", "http://vidm.localhost"),
            ("vidm_password", "pa\"ss"),
            ("vidm_password", "\"x"),
            ("vidm_password", "\""),
            ("vidm_password", "50% off"),
            ("vidm_password", "pass word"),
        ] {
            assert_eq!(with(&[(variable, value)]).unwrap().warnings, [], "{value}");
        }
    }

    #[test]
    fn several_digests_go_under_one_name() {
        let (one, two) = ("ab".repeat(32), "cd".repeat(32));
        let keys = |sha256: &str| {
            format!(r#"[{{"name":"ci","sha256":{sha256},"scopes":["admin"],"notAfter":"2027-01-31T00:00:00+01:00"}}]"#)
        };
        let config = with(&[("api_keys", &keys(&format!(r#"["{one}","{two}"]"#)))]).unwrap();
        assert_eq!(config.api_keys.len(), 1);
        assert!(config.api_keys[0].not_after.is_some());
        for (sha256, told) in [
            (format!(r#"["{one}","{one}"]"#), "api_keys[0].sha256[1] is a key that stands there already"),
            (format!(r#"["{one}","x"]"#), "api_keys[0].sha256[1] is not 64 hexadecimal digits"),
            ("[]".to_owned(), "api_keys[0].sha256 holds 0 digests"),
            ("5".to_owned(), "api_keys[0].sha256 is not 64 hexadecimal digits"),
            ("null".to_owned(), "api_keys[0].sha256 is not 64 hexadecimal digits"),
        ] {
            let problems = with(&[("api_keys", &keys(&sha256))]).unwrap_err();
            assert!(problems[0].to_string().starts_with(told), "{sha256}: {problems:?}");
        }
    }

    #[test]
    fn a_key_names_targets_that_there_are_and_is_no_digest_of_nothing() {
        let with = |targets: &str, sha256: &str| {
            let keys = format!(r#"[{{"name":"ci","sha256":"{sha256}","scopes":["vidm:read"],"targets":{targets}}}]"#);
            let more = r#"{"vidm":{"lab":{"url":"https://l","username":"u","password":"p"}}}"#;
            parse(&[
                ("vcf_url", "https://s"),
                ("vcf_username", "u@local"),
                ("vcf_password", "p"),
                ("targets", more),
                ("api_keys", keys.as_str()),
            ])
        };
        let digest = "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
        assert!(with(r#"["default","lab","vidm/lab","vcf/default"]"#, digest).is_ok());
        for wrong in ["prod", "vidm/default", "vcf/lab", "other/lab", ""] {
            let problems = with(&format!(r#"["lab","{wrong}"]"#), digest).unwrap_err();
            assert!(problems.len() == 1 && problems[0].place() == "api_keys[0].targets[1]", "{wrong}: {problems:?}");
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
                    "vcf":{"mgmt":{"url":"https://b","username":"u@local","password":"p"}}}"#,
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
