//! GitHub as an issuer of tokens.

use serde_json::{Value, json};

use super::script::{Call, START, get};
use super::signer::keys;

pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(crate) const AUDIENCE: &str = "https://idhook.example";

/// The claims of a job in GitHub Actions, as GitHub documents them, valid for 5 minutes from the start of every script.
pub(crate) fn job() -> Value {
    let start = START.as_secs();
    json!({
        "iss": GITHUB, "aud": AUDIENCE, "iat": start, "nbf": start - 300, "exp": start + 300, "jti": "example-id",
        "sub": "repo:acme/infra:environment:prod", "repository": "acme/infra", "repository_owner": "acme",
        "ref": "refs/heads/main", "environment": "prod", "event_name": "push", "runner_environment": "github-hosted",
    })
}

/// The reading of GitHub's discovery document.
pub(crate) fn discovered() -> Call {
    let document = json!({"issuer": GITHUB, "jwks_uri": format!("{GITHUB}/.well-known/jwks"), "id_token_signing_alg_values_supported": ["RS256"]});
    get(format!("{GITHUB}/.well-known/openid-configuration"))
        .header("accept", "application/json")
        .without("authorization")
        .without("traceparent")
        .answer(200, document.to_string())
}

/// The reading of GitHub's keys.
pub(crate) fn keys_are_read(ids: &[&str]) -> Call {
    get(format!("{GITHUB}/.well-known/jwks")).without("authorization").answer(200, keys(ids))
}
