//! Callers that sign their requests: [Standard Webhooks 1.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
//! the same under Svix's names ([`svix-id`, `svix-timestamp`, `svix-signature`](https://docs.svix.com/receiving/verifying-payloads/how-manual)),
//! GitHub's [`X-Hub-Signature-256`](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries),
//! Bitbucket's [`X-Hub-Signature: sha256=…`](https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/),
//! GitLab's [`X-Gitlab-Token`](https://docs.gitlab.com/user/project/integrations/webhooks/) (GitLab's signatures follow the first scheme).
//!
//! A signature covers the body, not the method or path. So it counts only where there is a body. A GET may use the first
//! scheme, which contains the time, over an empty body; a DELETE needs a key.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::caller::{Caller, Claim};
use crate::config::{Form, Sender};
use crate::error::{Error, ErrorCode};
use crate::http::only_value;

/// The three headers of a Standard Webhook. They are always read as one family: an id of one with a signature of the other
/// would let a sender's message be replayed under an unsigned id.
#[derive(Debug, Clone, Copy)]
struct Family {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const STANDARD_FAMILY: Family =
    Family { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };

/// The families; the standard's own first. If both occur the first is read.
const FAMILIES: [Family; 2] =
    [STANDARD_FAMILY, Family { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" }];
const HUB: &str = "x-hub-signature-256";
const BITBUCKET: &str = "x-hub-signature";
const TOKEN: &str = "x-gitlab-token";

/// The supported signatures, for hints.
pub(super) const READ: &str = "webhook-signature or svix-signature (scheme standard), x-hub-signature-256 (github), \
     x-hub-signature: sha256=… (bitbucket), x-gitlab-token (gitlab)";

/// At most this many headers are named.
const SHOWN: usize = 3;

/// How far a sender's clock may differ from ours.
const TOLERANCE: Duration = Duration::from_secs(300);

/// A signature with valid form and time, which only the body can prove.
#[derive(Debug)]
pub(super) struct Signed<'c> {
    senders: &'c [Sender],
    form: Form,
    /// The signed text before the body.
    prefix: String,
    /// Any of these may match.
    tags: Vec<[u8; 32]>,
}

/// The sender that a request without a key claims to be; the body is not read yet. `None`: no claim.
pub(super) fn claim<'c>(request: &Parts, senders: &'c [Sender], now: SystemTime) -> Result<Option<Claim<'c>>, Error> {
    let headers = &request.headers;
    let has_sender = |form| senders.iter().any(|sender| sender.keys(form).next().is_some());
    let mut came = Vec::new();
    came.extend(headers.contains_key(TOKEN).then_some(Form::Token));
    came.extend(family(headers).map(|_| Form::Standard));
    came.extend(headers.contains_key(HUB).then_some(Form::Hub));
    // GitHub and Gitea send their former signature, sha1=…, under Bitbucket's name.
    let is_bitbucket = || lone(headers, BITBUCKET).is_some_and(|text| text.starts_with("sha256="));
    came.extend(
        (headers.contains_key(BITBUCKET) && (has_sender(Form::Bitbucket) || is_bitbucket())).then_some(Form::Bitbucket),
    );
    if came.is_empty() {
        return Ok(None);
    }
    let has_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    let mut refusal = None;
    for form in came {
        if !has_sender(form) {
            continue;
        }
        if !has_body && (form != Form::Standard || !is_read) {
            refusal = Some(
                refused(format!("a {} cannot be signed with this scheme", request.method))
                    .hint("use an API key; a GET may be signed with the scheme standard, over an empty body"),
            );
            continue;
        }
        match form {
            Form::Token => match by_token(headers, senders) {
                Some(caller) => return Ok(Some(Claim::Proven(caller))),
                None => refusal = Some(none_fits()),
            },
            Form::Standard | Form::Hub | Form::Bitbucket => {
                let signed = match form {
                    Form::Standard => Signed::standard(headers, senders, now)?,
                    Form::Bitbucket => Signed::hub(headers, senders, BITBUCKET, form)?,
                    _ => Signed::hub(headers, senders, HUB, form)?,
                };
                return Ok(Some(if has_body { Claim::Signed(signed) } else { Claim::Proven(signed.prove(b"")?) }));
            }
        }
    }
    Err(refusal.unwrap_or_else(|| {
        refused("no sender with this scheme is configured".to_owned()).hint(format!(
            "add the sender to webhook_secrets with its scheme, or send an API key; supported are {READ}"
        ))
    }))
}

/// The names of headers that look like a signature of another scheme, for the rejection of a request without a supported
/// one.
pub(super) fn unread(headers: &HeaderMap) -> Vec<&str> {
    let looks_so = |name: &str| {
        ["signature", "hmac", "digest", "webhook-token", "hook-secret"].iter().any(|part| name.contains(part))
    };
    headers.keys().map(http::HeaderName::as_str).filter(|name| looks_so(name) && name.len() <= 64).take(SHOWN).collect()
}

/// The family whose signature was sent.
fn family(headers: &HeaderMap) -> Option<Family> {
    FAMILIES.into_iter().find(|family| headers.contains_key(family.signature))
}

/// The header with the request's id that the signature covers, for a Standard Webhook.
pub(super) fn signed_id(headers: &HeaderMap) -> Option<&'static str> {
    family(headers).map(|family| family.id)
}

impl<'c> Signed<'c> {
    fn standard(headers: &HeaderMap, senders: &'c [Sender], now: SystemTime) -> Result<Self, Error> {
        let Family { id: id_header, timestamp: timestamp_header, signature } =
            family(headers).unwrap_or(STANDARD_FAMILY);
        // The specification forbids full stops in ids: they would let parts of the signed text change places.
        let id = lone(headers, id_header)
            .filter(|id| !id.is_empty() && !id.contains('.'))
            .ok_or_else(|| malformed(id_header))?;
        let timestamp = lone(headers, timestamp_header).filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()));
        let timestamp = timestamp.ok_or_else(|| malformed(timestamp_header))?;
        let sent: u64 = timestamp.parse().map_err(|_| malformed(timestamp_header))?;
        let tags: Vec<[u8; 32]> = lone(headers, signature)
            .unwrap_or_default()
            .split(' ')
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()?.try_into().ok())
            .collect();
        if tags.is_empty() {
            return Err(malformed(signature));
        }
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if sent.abs_diff(now) > TOLERANCE.as_secs() {
            let side = if sent < now { "behind" } else { "ahead of" };
            return Err(refused(format!(
                "{timestamp_header} is {} seconds {side} the clock here; {} are allowed",
                sent.abs_diff(now),
                TOLERANCE.as_secs()
            ))
            .hint("correct the clocks; each delivery attempt needs a new timestamp and signature"));
        }
        Ok(Self { senders, form: Form::Standard, prefix: format!("{id}.{timestamp}."), tags })
    }

    fn hub(headers: &HeaderMap, senders: &'c [Sender], name: &str, form: Form) -> Result<Self, Error> {
        let tag = lone(headers, name).and_then(|text| crate::config::hex32(text.strip_prefix("sha256=")?));
        let tag = tag.ok_or_else(|| malformed(name))?;
        Ok(Self { senders, form, prefix: String::new(), tags: vec![tag] })
    }

    /// The sender whose secret made one of the signatures over `body`. Every secret is tried, each in constant time.
    pub(super) fn prove(&self, body: &[u8]) -> Result<Caller<'c>, Error> {
        let mut found = None;
        for sender in self.senders {
            for (at, key) in sender.numbered_keys(self.form) {
                let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { continue };
                let made = mac.chain_update(&self.prefix).chain_update(body).finalize().into_bytes();
                for tag in &self.tags {
                    if bool::from(made.as_slice().ct_eq(tag)) {
                        found = Some((sender, at));
                    }
                }
            }
        }
        found.map(|(sender, at)| Caller::new(&sender.grant, at)).ok_or_else(none_fits)
    }
}

/// The sender of the token. Digests are compared, so the token's length does not leak.
fn by_token<'c>(headers: &HeaderMap, senders: &'c [Sender]) -> Option<Caller<'c>> {
    let came = Sha256::digest(lone(headers, TOKEN)?);
    let mut found = None;
    for sender in senders {
        for (at, key) in sender.numbered_keys(Form::Token) {
            if bool::from(Sha256::digest(key).as_slice().ct_eq(&came)) {
                found = Some((sender, at));
            }
        }
    }
    found.map(|(sender, at)| Caller::new(&sender.grant, at))
}

/// The text of a header that occurs once.
fn lone<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    only_value(headers, name)?.to_str().ok()
}

fn refused(detail: String) -> Error {
    Error::new(ErrorCode::SignatureInvalid, detail)
}

fn malformed(name: &str) -> Error {
    refused(format!("the header {name} is missing, repeated or malformed")).hint(
        "webhook-id: text without full stops; webhook-timestamp: seconds since 1970; webhook-signature: v1,BASE64 … (all \
         three with webhook-, or all three with svix-); x-hub-signature-256 and x-hub-signature: sha256=HEX",
    )
}

fn none_fits() -> Error {
    refused("no configured secret matches the signature".to_owned())
        .hint("check that both sides have the same secret, and that no proxy changes the body")
}

#[cfg(test)]
mod tests;
