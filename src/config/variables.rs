//! The table of all variables: name, form, default, bounds and purpose. Readers take these constants, so each default exists once;
//! `cargo xtask docs` writes the reference and the manifests from it.

use std::time::Duration;

use super::LogLevel;
use crate::http::Limits;
use crate::secret::Scheme;
use crate::vidm::SyncApi;

/// One variable: in Spin by this name, in an environment as `IDHOOK_` and the name in upper case. A blank value counts as unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether its value must not be seen.
    pub secret: bool,
    /// The values that it takes, and its default.
    pub form: ValueForm,
    /// Its purpose; one sentence without a full stop, which neither repeats the form nor the default.
    pub help: &'static str,
}

/// The values that a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueForm {
    /// A text; unset by default.
    Text,
    /// A JSON document; unset by default.
    Json,
    /// One of these words, in any case. The first is the default.
    Words(&'static [&'static str]),
    /// A whole number.
    Number {
        /// The value of a variable that is not set.
        default: usize,
        /// The smallest value.
        least: usize,
        /// The largest value.
        most: usize,
        /// The unit, in the plural.
        unit: &'static str,
    },
    /// A number of seconds, fractions allowed, from 0.1 to 600.
    Seconds {
        /// The value of a variable that is not set.
        default: Duration,
    },
}

/// The numbers of seconds that a variable takes.
pub(super) const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=600.0;

/// The same in words. Formatting these numbers would be the component's only use of code for floating-point numbers.
pub(super) const SECONDS_IN_WORDS: &str = "0.1 to 600";

impl Variable {
    /// The value that an unset variable has, as it is written; `None` if there is none.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        match self.form {
            ValueForm::Text | ValueForm::Json => None,
            ValueForm::Words(words) => words.first().map(|word| (*word).to_owned()),
            ValueForm::Number { default, .. } => Some(default.to_string()),
            ValueForm::Seconds { default } => Some(default.as_secs_f64().to_string()),
        }
    }

    /// The values it takes, in a few words.
    #[must_use]
    pub fn values(&self) -> String {
        match self.form {
            ValueForm::Text => "text".to_owned(),
            ValueForm::Json => "JSON".to_owned(),
            ValueForm::Words(words) => words.join(", "),
            ValueForm::Number { least, most, unit, .. } => format!("{least} to {most} {unit}"),
            ValueForm::Seconds { .. } => format!("{SECONDS_IN_WORDS} seconds"),
        }
    }

    /// Purpose, values and default in one line, for manifests and `--help`.
    #[must_use]
    pub fn description(&self) -> String {
        let Self { help, .. } = self;
        match (self.form, self.default()) {
            (ValueForm::Json, _) => format!("JSON: {help}"),
            (_, Some(default)) => format!("{help}; {}; default {default}", self.values()),
            (_, None) => (*help).to_owned(),
        }
    }
}

const fn plain(name: &'static str, help: &'static str) -> Variable {
    Variable { name, secret: false, form: ValueForm::Text, help }
}

const fn secret(name: &'static str, help: &'static str) -> Variable {
    Variable { secret: true, ..plain(name, help) }
}

const fn json(name: &'static str, help: &'static str) -> Variable {
    Variable { form: ValueForm::Json, ..plain(name, help) }
}

const fn secret_json(name: &'static str, help: &'static str) -> Variable {
    Variable { secret: true, ..json(name, help) }
}

/// A variable that is a whole number.
#[derive(Debug)]
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) default: usize,
    pub(super) least: usize,
    pub(super) most: usize,
    unit: &'static str,
    help: &'static str,
}

impl Number {
    const fn variable(&self) -> Variable {
        let Self { name, default, least, most, unit, help } = *self;
        Variable { form: ValueForm::Number { default, least, most, unit }, ..plain(name, help) }
    }
}

/// A variable that is a number of seconds.
#[derive(Debug)]
pub(super) struct Seconds {
    pub(super) name: &'static str,
    pub(super) default: Duration,
    help: &'static str,
}

impl Seconds {
    const fn variable(&self) -> Variable {
        Variable { form: ValueForm::Seconds { default: self.default }, ..plain(self.name, self.help) }
    }
}

/// A variable that is one of a few words, each with its value. The first is the default.
#[derive(Debug)]
pub(super) struct Words<T: 'static, const N: usize> {
    pub(super) name: &'static str,
    pub(super) words: [&'static str; N],
    pub(super) values: [T; N],
    /// The first of `values`.
    pub(super) default: T,
    help: &'static str,
}

impl<T, const N: usize> Words<T, N> {
    const fn variable(&'static self) -> Variable {
        Variable { form: ValueForm::Words(&self.words), ..plain(self.name, self.help) }
    }
}

pub(super) static AUTHORIZATION_SCHEME: Words<Scheme, 2> = Words {
    name: "vidm_authorization_scheme",
    words: ["HZN", "Bearer"],
    values: [Scheme::Hzn, Scheme::Bearer],
    default: Scheme::Hzn,
    help: "word before a session token of the system login in the Authorization header",
};

/// The names that `vidm::Dialect::named` knows.
pub(super) const PROFILES: &[&str] = &["horizon", "json"];

pub(super) static SYNC_API: Words<SyncApi, 3> = Words {
    name: "vidm_sync_api",
    words: ["auto", "classic", "v2"],
    values: [SyncApi::Auto, SyncApi::Classic, SyncApi::V2],
    default: SyncApi::Auto,
    help: "the call that starts a sync; auto selects it by directory",
};

pub(super) static STORE: Words<bool, 2> = Words {
    name: "store",
    words: ["auto", "none"],
    values: [true, false],
    default: true,
    help: "key-value store that instances share; auto uses it where the host has one",
};

pub(super) static PAGE: Words<bool, 2> = Words {
    name: "page",
    words: ["true", "false"],
    values: [true, false],
    default: true,
    help: "whether GET / returns the page for starting a sync by hand",
};

pub(super) static LOG_LEVEL: Words<LogLevel, 2> = Words {
    name: "log_level",
    words: ["info", "error"],
    values: [LogLevel::Info, LogLevel::Error],
    default: LogLevel::Info,
    help: "info logs a line for each request, error only for those answered with 4xx or 5xx and those that find a failed sync",
};

pub(super) const REQUEST_BODY_LIMIT: Number = Number {
    name: "request_body_limit",
    default: 256 << 10,
    least: 1,
    most: 16 << 20,
    unit: "bytes",
    help: "largest request body",
};

pub(super) const SIGNED_BODY_LIMIT: Number = Number {
    name: "signed_body_limit",
    default: 256 << 10,
    least: 1,
    most: 16 << 20,
    unit: "bytes",
    help: "largest body that alone proves its caller: signed, or of a token call",
};

pub(super) const UPSTREAM_BODY_LIMIT: Number = Number {
    name: "upstream_body_limit",
    default: Limits::DEFAULT.max_body,
    least: 1,
    most: 64 << 20,
    unit: "bytes",
    help: "largest response body that is read from a target",
};

pub(super) const RATE_LIMIT: Number = Number {
    name: "rate_limit",
    default: 6000,
    least: 0,
    most: 1_000_000,
    unit: "requests a minute",
    help: "requests that one caller may make in a minute; 0 turns the limit off",
};

pub(super) const WATCH_LIMIT: Number = Number {
    name: "watch_limit",
    default: 100,
    least: 0,
    most: 1_000_000,
    unit: "requests",
    help: "waits and event streams that one caller may have open at once; 0 turns the limit off",
};

pub(super) const CONNECT_TIMEOUT: Seconds = Seconds {
    name: "connect_timeout",
    default: Limits::DEFAULT.connect_timeout,
    help: "longest time for a connection to a target, including TLS",
};

pub(super) const FIRST_BYTE_TIMEOUT: Seconds = Seconds {
    name: "first_byte_timeout",
    default: Limits::DEFAULT.first_byte_timeout,
    help: "longest time until the first byte of a target's response",
};

pub(super) const BETWEEN_BYTES_TIMEOUT: Seconds = Seconds {
    name: "between_bytes_timeout",
    default: Limits::DEFAULT.between_bytes_timeout,
    help: "longest time between two pieces of a target's response",
};

pub(super) const REQUEST_TIMEOUT: Seconds = Seconds {
    name: "request_timeout",
    default: Duration::from_secs(25),
    help: "longest time for a whole request, without the wait that a caller asks for",
};

pub(super) const WAIT_LIMIT: Seconds = Seconds {
    name: "wait_limit",
    default: Duration::from_secs(300),
    help: "longest wait that a caller may ask for (Prefer: wait=N), and longest event stream",
};

/// Every variable there is.
pub const VARIABLES: &[Variable] = &[
    plain("vidm_url", "address of vIDM (Workspace ONE Access): https://host[:port], without a path"),
    plain("vidm_tenant", "tenant, if it is in the path (/SAAS/t/TENANT) and not in the host name"),
    plain("vidm_username", "local (System Domain) administrator; with vidm_domain, an account of that domain"),
    secret("vidm_password", "password of vidm_username"),
    plain(
        "vidm_domain",
        "domain of vidm_username, for the OAuth password grant; needs vidm_client_id and vidm_client_secret",
    ),
    plain(
        "vidm_client_id",
        "OAuth client, for the client credentials grant; for the password grant if vidm_username is set",
    ),
    secret("vidm_client_secret", "shared secret of vidm_client_id"),
    AUTHORIZATION_SCHEME.variable(),
    Variable {
        form: ValueForm::Words(PROFILES),
        ..plain("vidm_profile", "media types of the vIDM API; json is for Omnissa Access")
    },
    SYNC_API.variable(),
    plain("vcf_url", "address of SDDC Manager: https://host[:port], without a path"),
    plain("vcf_username", "SDDC Manager account, as user@domain"),
    secret("vcf_password", "password of vcf_username"),
    secret(
        "vcf_refresh_token",
        "id of a refresh token of SDDC Manager, in place of vcf_username and vcf_password; works until it expires, about 24 hours",
    ),
    plain("fleet_url", "address of VCF Operations (9.1 and later): https://host[:port], without a path"),
    plain("fleet_username", "VCF Operations account; not one of VCF single sign-on, which needs fleet_api_token"),
    secret("fleet_password", "password of fleet_username"),
    plain("fleet_auth_source", "name of the source of fleet_username in VCF Operations, such as local"),
    secret("fleet_api_token", "API token, in place of fleet_username; the identity broker exchanges it"),
    plain(
        "fleet_broker_url",
        "address of the identity broker that exchanges fleet_api_token; without it, VCF Operations is asked for it",
    ),
    secret_json(
        "targets",
        "further targets, any number: {\"vidm\": {NAME: {…}}, \"vcf\": {NAME: {…}}, \"fleet\": {NAME: {…}}}",
    ),
    secret_json(
        "api_keys",
        "callers that send a key: [{\"name\", \"sha256\", \"scopes\", \"targets\", \"from\", \"notAfter\"}]",
    ),
    json(
        "oidc_callers",
        "callers that send a token of an OpenID Connect issuer: [{\"name\", \"issuer\", \"audience\", \"claims\", \"keysUrl\", \
         \"scopes\", \"targets\", \"from\"}]",
    ),
    json(
        "certificate_callers",
        "callers with a client certificate that your own proxy has verified: [{\"name\", \"subject\", \"san\", \"sha256\", \"issuer\", \
         \"scopes\", \"targets\", \"from\"}]; needs proxy_key_sha256",
    ),
    secret_json(
        "webhook_secrets",
        "callers that sign their requests: [{\"name\", \"scheme\", \"secrets\", \"scopes\", \"targets\"}]",
    ),
    json(
        "hooks",
        "syncs that webhooks start: [{\"name\", \"senders\", \"target\", \"directory\", \"groups\", \"addToProfile\", \"on\", \"origins\"}]",
    ),
    secret_json("callbacks", "receivers of the final state of a sync: [{\"name\", \"url\", \"secret\", \"targets\"}]"),
    secret(
        "state_key",
        "key that signs sync ids and seals what is in the store: 32 characters or more, or a JSON list of such keys (the first \
         seals, all open); without it a key is drawn at random and kept in the store, or in the instance if there is no store",
    ),
    STORE.variable(),
    plain(
        "gate",
        "SDDC Manager target that is also served at the root (/v1/…), for VCF clients that take a host without a path",
    ),
    PAGE.variable(),
    plain("base_path", "path below which a proxy serves idhook, such as /idhook; returned paths begin with it"),
    plain(
        "docs_url",
        "address of this documentation as a website; the type of a problem then links to its error code: https://host[:port][/path]",
    ),
    LOG_LEVEL.variable(),
    plain(
        "client_address_header",
        "header in which your own proxy writes the client's address (X-Forwarded-For, X-Real-IP), for the log and for from in api_keys",
    ),
    plain(
        "client_certificate_header",
        "header in which your own proxy writes the certificate of a client that it has verified, for certificate_callers; without it \
         Client-Cert (RFC 9440)",
    ),
    secret(
        "proxy_key_sha256",
        "SHA-256 digest of the key that your own proxy sends in X-Idhook-Proxy-Key; several are separated by commas; with it, headers \
         of the proxy count only beside the key",
    ),
    REQUEST_BODY_LIMIT.variable(),
    SIGNED_BODY_LIMIT.variable(),
    UPSTREAM_BODY_LIMIT.variable(),
    RATE_LIMIT.variable(),
    WATCH_LIMIT.variable(),
    CONNECT_TIMEOUT.variable(),
    FIRST_BYTE_TIMEOUT.variable(),
    BETWEEN_BYTES_TIMEOUT.variable(),
    REQUEST_TIMEOUT.variable(),
    WAIT_LIMIT.variable(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_seconds_match_their_words() {
        assert_eq!(format!("{} to {}", SECONDS.start(), SECONDS.end()), SECONDS_IN_WORDS);
    }

    #[test]
    fn first_word_is_the_default() {
        assert_eq!(AUTHORIZATION_SCHEME.values[0], AUTHORIZATION_SCHEME.default);
        assert_eq!(SYNC_API.values[0], SYNC_API.default);
        assert_eq!((STORE.values[0], PAGE.values[0]), (STORE.default, PAGE.default));
        assert_eq!(LOG_LEVEL.values[0], LOG_LEVEL.default);
    }

    #[test]
    fn description_has_purpose_values_and_default() {
        let of = |name| VARIABLES.iter().find(|variable| variable.name == name).map(Variable::description);
        let description = "requests that one caller may make in a minute; 0 turns the limit off; 0 to 1000000 requests a minute; default 6000";
        assert_eq!(of("rate_limit").as_deref(), Some(description));
        assert!(of("connect_timeout").is_some_and(|text| text.ends_with("; 0.1 to 600 seconds; default 10")));
        assert!(of("hooks").is_some_and(|text| text.starts_with("JSON: ")));
    }
}
