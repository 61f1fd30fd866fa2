//! Callers that send a token of an OpenID Connect issuer.

use http::request::Parts;
use litemap::LiteMap;

use super::caller::{Caller, bearer_token};
use super::configured::Configured;
use super::log::LogLine;
use crate::config::Config;
use crate::error::{Error, ErrorCode};
use crate::oidc::{Issuer, IssuerKeys, Token};
use crate::runtime::Runtime;
use crate::shared_state::settle;
use crate::upstream::Outbound;

/// The configured issuers' keys, by the issuer's name.
#[derive(Debug)]
pub(super) struct KnownKeys(LiteMap<String, (Issuer, IssuerKeys)>);

impl KnownKeys {
    pub(super) fn new(config: &Config) -> Self {
        Self(
            config
                .issuers
                .iter()
                .map(|issuer| (issuer.name.clone(), (issuer.clone(), IssuerKeys::default())))
                .collect(),
        )
    }
}

/// The first caller in the configuration that the request's token proves; `None` if it has no token of a configured issuer.
///
/// # Errors
/// `unauthenticated` if the token is not valid, `forbidden` if it is valid but fits no configured caller; the failure of a call if the
/// issuer's keys cannot be read.
pub(super) async fn caller<'c, R: Runtime>(
    configured: &'c Configured,
    request: &Parts,
    out: &Outbound<'_, R>,
    line: &mut LogLine,
) -> Result<Option<Caller<'c>>, Error> {
    let config = &configured.config;
    if config.issuers.is_empty() {
        return Ok(None);
    }
    let Some(token) = bearer_token(request).and_then(Token::read) else { return Ok(None) };
    let Some((issuer, keys)) = token.issuer().and_then(|name| configured.issuer_keys.0.get(name)) else {
        return Ok(None);
    };
    // The keys may be in the store.
    settle(&configured.state_key, out.store()).await;
    token.verify(issuer, keys, out).await?;
    line.subject(token.subject());
    let of_issuer = config.oidc_callers.iter().enumerate().filter(|(_, entry)| entry.issuer == issuer.name);
    let (mut is_for_us, mut misses) = (false, Vec::new());
    for (at, entry) in of_issuer {
        if !token.is_for(&entry.audience) {
            misses.push(format!("oidc_callers[{at}] ({}): the audience differs", entry.grant.name));
            continue;
        }
        is_for_us = true;
        match entry.claims.iter().find(|claim| !claim.is_in(token.claims())) {
            None => return Ok(Some(Caller::new(&entry.grant, 0))),
            Some(claim) => {
                misses.push(format!("oidc_callers[{at}] ({}): the claim {} differs", entry.grant.name, claim.name));
            }
        }
    }
    line.notes(misses);
    Err(if is_for_us {
        Error::new(ErrorCode::Forbidden, "the token is valid, but its claims are those of no caller in oidc_callers").hint(
            "compare the token's claims with the claims of its entry in oidc_callers; idhook's log names the one that differs",
        )
    } else {
        Error::new(ErrorCode::Unauthenticated, "the token is for another audience than idhook")
            .hint("request the token for the audience in this issuer's entry of oidc_callers")
    })
}
