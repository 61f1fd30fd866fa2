//! The gate: clients that were written for SDDC Manager (PowerVCF, the vendor's Python SDK) call idhook below
//! `/vcf/{target}` unchanged, with an API key in place of the password.
//!
//! Such a client trades the key for an access token and a refresh token ([`calls`]). A token stands for the key: its
//! scopes, targets and expiry are looked up at each use, and the token dies with it ([`token`]). Its errors have the
//! vendor's form ([`errors`]).

use std::borrow::Cow;
use std::time::SystemTime;

use http::request::Parts;

use super::caller::{Caller, bearer_token};
use super::configured::Configured;
use super::route::{Kind, Matched};
use crate::config::ApiKey;
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::shared_state::{Origin, SharedStore, StoreUnavailable, may_be_in_store, refresh, settle};

mod calls;
mod errors;
mod revoked;
mod token;

pub(super) use calls::serve;
#[cfg(feature = "contract")]
pub(super) use calls::{TokenCreationSpec, TokenPair};
#[cfg(feature = "contract")]
pub(super) use errors::VendorError;
pub(super) use errors::{ErrorForm, response};

use token::{Dead, Kind as TokenKind, Opened};

/// `path` as the routes expect it: below the root, `/v1/…` belongs to the target that the variable `gate` names.
pub(super) fn routed<'p>(path: &'p str, gate: Option<&str>) -> Cow<'p, str> {
    match gate {
        Some(target) if path.starts_with("/v1/") => Cow::Owned(format!("/vcf/{target}{path}")),
        _ => Cow::Borrowed(path),
    }
}

/// The request's access token in the form that idhook issues, valid or not.
fn bearer(request: &Parts) -> Option<&str> {
    bearer_token(request).filter(|token| token::is_access(token))
}

/// The caller that a gate token stands for; `None` if the request has no gate token, or its route takes none.
///
/// # Errors
/// `unauthenticated` if the token is not valid here, or no longer; `upstream_busy` while the store with its key does not work.
pub(super) async fn caller<'c, R: Runtime>(
    configured: &'c Configured,
    request: &Parts,
    matched: &Matched,
    store: &SharedStore<'_, R>,
) -> Result<Option<Caller<'c>>, Error> {
    let Some(target) = matched.target().filter(|_| matched.row.kind() == Some(Kind::Vcf)) else { return Ok(None) };
    let Some(token) = bearer(request) else { return Ok(None) };
    // Any text may be an API key, this one too.
    if ApiKey::find(&configured.config.api_keys, token.as_bytes()).is_some() {
        return Ok(None);
    }
    let opened = open(configured, TokenKind::Access, target, token, store).await?;
    opened.map(|opened| Some(opened.caller)).map_err(|dead| expired(configured, dead))
}

/// Opens a token of `target`. An instance that does not know its state key yet finds it first.
///
/// # Errors
/// `upstream_busy` if the token may be valid: no key that this instance knows signed it, and the store with the key that
/// instances share does not work.
async fn open<'c, R: Runtime>(
    configured: &'c Configured,
    kind: TokenKind,
    target: &str,
    token: &str,
    store: &SharedStore<'_, R>,
) -> Result<Result<Opened<'c>, Dead>, Error> {
    settle(&configured.state_key, store).await;
    let now = store.runtime().now();
    let opened = open_now(configured, kind, target, token, now);
    match opened {
        Err(Dead::NotOurs) if refresh(&configured.state_key, store).await => {
            Ok(open_now(configured, kind, target, token, now))
        }
        Err(Dead::NotOurs) if may_be_in_store(&configured.state_key, store) => {
            Err(StoreUnavailable.error("the key of tokens"))
        }
        opened => Ok(opened),
    }
}

fn open_now<'c>(
    configured: &'c Configured,
    kind: TokenKind,
    target: &str,
    token: &str,
    now: SystemTime,
) -> Result<Opened<'c>, Dead> {
    token::open(&configured.state_key, &configured.config.api_keys, kind, &place(target), token, now)
}

/// The target as tokens name it.
fn place(target: &str) -> String {
    format!("{}/{target}", Kind::Vcf.as_str())
}

/// The rejection of a dead access token.
fn expired(configured: &Configured, dead: Dead) -> Error {
    let (detail, hint) = match dead {
        Dead::Expired => ("the access token has expired", "get a new one with the refresh token or the key"),
        Dead::KeyGone => {
            ("the API key of the access token has expired or is not configured any more", "log in with another key")
        }
        Dead::NotOurs if configured.state_key.origin() == Some(Origin::Instance) => (
            "this instance did not issue the access token for this target",
            "log in again; set state_key or give idhook a key-value store, so that instances accept each other's tokens",
        ),
        Dead::NotOurs => ("this idhook did not issue the access token for this target", "log in again"),
    };
    Error::new(ErrorCode::Unauthenticated, detail).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_v1_paths_belong_to_the_gate() {
        for (path, gate, routed_to) in [
            ("/v1/tokens", Some("prod"), "/vcf/prod/v1/tokens"),
            ("/v1/tokens", None, "/v1/tokens"),
            ("/v1", Some("prod"), "/v1"),
            ("/v12/tokens", Some("prod"), "/v12/tokens"),
            ("/healthz", Some("prod"), "/healthz"),
            ("/vcf/other/v1/tokens", Some("prod"), "/vcf/other/v1/tokens"),
        ] {
            assert_eq!(routed(path, gate), routed_to, "{path} {gate:?}");
        }
    }
}
