//! The token calls of SDDC Manager, answered by idhook itself. Their callers have no key in a header yet, so their bodies
//! are read within the bounds for unproven callers.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::revoked::RevokedTokens;
use super::token::{self, Kind as TokenKind};
use super::{open, place};
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::{Runtime, random_bytes};
use crate::secret::Secret;
use crate::upstream::Outbound;
use crate::webhook::caller::{self, Caller, refuse_other_sites};
use crate::webhook::input::Input;
use crate::webhook::log::LogLine;
use crate::webhook::pipeline::Incoming;
use crate::webhook::respond::{empty, json};
use crate::webhook::route::Gate;
use crate::webhook::{Body, BodyBounds};

/// The body of `POST …/tokens` (the vendor's `TokenCreationSpec`): an API key of idhook as `password` or as `apiKey`. Any
/// `username` is accepted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(in crate::webhook) struct TokenCreationSpec {
    /// Not read: the key alone says who the caller is.
    #[serde(rename = "username")]
    #[cfg_attr(not(feature = "contract"), allow(dead_code, reason = "accepted from clients that always send one"))]
    _username: Option<serde_json::Value>,
    /// An API key of idhook.
    password: Option<Secret>,
    /// The same.
    api_key: Option<Secret>,
}

/// Tokens for an API key (the vendor's `TokenPair`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(in crate::webhook) struct TokenPair {
    /// For `Authorization: Bearer`, for an hour.
    access_token: String,
    /// Gets new access tokens, for 24 hours.
    refresh_token: RefreshToken,
}

/// A refresh token.
#[derive(Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(in crate::webhook) struct RefreshToken {
    /// The token.
    id: String,
}

/// Answers a token call.
pub(in crate::webhook) async fn serve<R: Runtime>(
    incoming: &Incoming<'_, R>,
    call: Gate,
    read: impl AsyncFnOnce(BodyBounds) -> Body,
    line: &mut LogLine,
) -> Result<Response<Bytes>, Error> {
    let config = &incoming.configured.config;
    line.forwarded(&incoming.request.headers, &config.proxy);
    refuse_other_sites(incoming.request, |_| false)?;
    let target = incoming.matched.target().unwrap_or_default();
    let body = incoming.unproven_body(read).await?;
    let outbound = incoming.configured.outbound(incoming.runtime, incoming.identity, incoming.left());
    let answer = match call {
        Gate::Create => create(incoming, &outbound, target, &body, line).await,
        Gate::Refresh => renew(incoming, &outbound, target, &body, line).await,
        Gate::Revoke => revoke(incoming, &outbound, target, &body, line).await,
    };
    line.store(outbound.store().trouble());
    answer
}

/// Logs the caller, and checks its target, scope and rate limit.
async fn admit<R: Runtime>(
    incoming: &Incoming<'_, R>,
    outbound: &Outbound<'_, R>,
    caller: &Caller<'_>,
    line: &mut LogLine,
) -> Result<(), Error> {
    line.caller(caller);
    let asked = (incoming.request, incoming.operation.scope, incoming.matched);
    incoming.configured.admit(caller, asked, outbound.store()).await
}

/// `POST …/tokens`: 201 with both tokens.
async fn create<R: Runtime>(
    incoming: &Incoming<'_, R>,
    outbound: &Outbound<'_, R>,
    target: &str,
    body: &[u8],
    line: &mut LogLine,
) -> Result<Response<Bytes>, Error> {
    let configured = incoming.configured;
    let TokenCreationSpec { password, api_key, .. } = Input::of(incoming.request, incoming.matched, body)?.spec()?;
    let key = [api_key, password].into_iter().flatten().find(|key| !key.expose().trim().is_empty());
    let key = key.ok_or_else(|| {
        Error::invalid(vec![FieldError::new("/password", "is missing")])
            .hint("send an API key of idhook as password or as apiKey; the account of SDDC Manager is not used here")
    })?;
    let now = outbound.runtime().now();
    let (entry, caller) = caller::of_key(&configured.config, key.expose().trim().as_bytes(), now)?;
    admit(incoming, outbound, &caller, line).await?;
    configured.targets.vcf(target)?;
    let (key, target) = ((entry, caller.key()), place(target));
    let pair = TokenPair {
        access_token: token::access(&configured.state_key, key, &target, now)?,
        refresh_token: RefreshToken {
            id: token::refresh(&configured.state_key, key, &target, random_bytes(outbound.runtime()), now)?,
        },
    };
    json(StatusCode::CREATED, &pair)
}

/// `PATCH …/tokens/access-token/refresh`: 200 with a new access token as a JSON string.
async fn renew<R: Runtime>(
    incoming: &Incoming<'_, R>,
    outbound: &Outbound<'_, R>,
    target: &str,
    body: &[u8],
    line: &mut LogLine,
) -> Result<Response<Bytes>, Error> {
    let configured = incoming.configured;
    let opened = open(configured, TokenKind::Refresh, target, &id(body)?, outbound.store()).await?;
    let opened = opened.map_err(|_| unknown())?;
    admit(incoming, outbound, &opened.caller, line).await?;
    if RevokedTokens::of(outbound.store(), target, opened.caller.name()).has(&opened.serial).await? {
        return Err(unknown());
    }
    let token = token::access(&configured.state_key, opened.key, &place(target), outbound.runtime().now())?;
    json(StatusCode::OK, &token)
}

/// `DELETE …/tokens/refresh-token`: 204. Only a store can revoke a token; without one it expires by itself.
async fn revoke<R: Runtime>(
    incoming: &Incoming<'_, R>,
    outbound: &Outbound<'_, R>,
    target: &str,
    body: &[u8],
    line: &mut LogLine,
) -> Result<Response<Bytes>, Error> {
    let configured = incoming.configured;
    // A token that is not valid needs no revocation.
    if let Ok(opened) = open(configured, TokenKind::Refresh, target, &id(body)?, outbound.store()).await? {
        admit(incoming, outbound, &opened.caller, line).await?;
        let revoked = RevokedTokens::of(outbound.store(), target, opened.caller.name());
        revoked.add(&opened.serial, opened.expires).await?;
    }
    Ok(empty(StatusCode::NO_CONTENT, &[]))
}

/// The id in a body: a JSON string, as the vendor's specification says, or bare, as PowerVCF sends it.
fn id(body: &[u8]) -> Result<String, Error> {
    let bytes = body.trim_ascii();
    let text = match bytes.first() {
        Some(b'"') => serde_json::from_slice(bytes).ok(),
        _ => str::from_utf8(bytes).ok().map(str::to_owned),
    };
    text.filter(|text| !text.is_empty()).ok_or_else(|| {
        Error::invalid(vec![FieldError::new("", "the body is not the id of a refresh token")])
            .hint("send the id as a JSON string, or bare")
    })
}

fn unknown() -> Error {
    Error::new(ErrorCode::NotFound, "the refresh token is unknown, revoked or has expired")
        .hint("log in with the key again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_read_quoted_and_bare() {
        let read = |text: &'static str| id(text.as_bytes()).ok();
        for text in ["\"AQ-_9\"", "AQ-_9", " \"AQ-_9\"\r\n", "AQ-_9\n"] {
            assert_eq!(read(text).as_deref(), Some("AQ-_9"), "{text}");
        }
        for text in ["", "\"\"", " ", "\"AQ", "\"AQ\" x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
