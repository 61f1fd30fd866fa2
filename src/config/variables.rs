//! The table of all variables.

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
