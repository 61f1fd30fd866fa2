//! Callers that sign what they send: [Standard Webhooks 1.0](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
//! GitHub's [`X-Hub-Signature-256`](https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries),
//! GitLab's [`X-Gitlab-Token`](https://docs.gitlab.com/user/project/integrations/webhooks/) (whose signing form is the first).
//!
//! A signature says who sent a body and nothing of the method or path. So it counts where there is a body; a GET may come
//! with the first form, which is dated, over no body at all; a DELETE needs a key.

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

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const HUB: &str = "x-hub-signature-256";
const TOKEN: &str = "x-gitlab-token";

/// How far a sender's clock may be from ours.
const TOLERANCE: Duration = Duration::from_secs(300);

/// A signature in its right form and time, that only the body can prove.
#[derive(Debug)]
pub(super) struct Signed<'c> {
    senders: &'c [Sender],
    form: Form,
    /// What was signed before the body.
    prefix: String,
    /// Any of these will do.
    tags: Vec<[u8; 32]>,
}

/// Who a request without a key says it comes from; the body is not looked at. `None`: nobody.
pub(super) fn claim<'c>(request: &Parts, senders: &'c [Sender], now: SystemTime) -> Result<Option<Claim<'c>>, Error> {
    let headers = &request.headers;
    let came: Vec<Form> = [(TOKEN, Form::Token), (SIGNATURE, Form::Standard), (HUB, Form::Hub)]
        .into_iter()
        .filter_map(|(name, form)| headers.contains_key(name).then_some(form))
        .collect();
    if came.is_empty() {
        return Ok(None);
    }
    let has_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    let mut refusal = None;
    for form in came {
        if senders.iter().all(|sender| sender.keys(form).next().is_none()) {
            continue;
        }
        if !has_body && (form != Form::Standard || !is_read) {
            refusal = Some(
                refused(format!("a {} cannot be signed so", request.method))
                    .hint("use an API key; a GET may be signed as Standard Webhooks say, over an empty body"),
            );
            continue;
        }
        match form {
            Form::Token => match by_token(headers, senders) {
                Some(caller) => return Ok(Some(Claim::Proven(caller))),
                None => refusal = Some(none_fits()),
            },
            Form::Standard | Form::Hub => {
                let signed = match form {
                    Form::Standard => Signed::standard(headers, senders, now)?,
                    _ => Signed::hub(headers, senders)?,
                };
                return Ok(Some(if has_body { Claim::Signed(signed) } else { Claim::Proven(signed.prove(b"")?) }));
            }
        }
    }
    Err(refusal.unwrap_or_else(|| {
        refused("no sender is configured that signs so".to_owned())
            .hint("add it to webhook_secrets with the scheme standard, github or gitlab, or send an API key")
    }))
}

impl<'c> Signed<'c> {
    fn standard(headers: &HeaderMap, senders: &'c [Sender], now: SystemTime) -> Result<Self, Error> {
        // The specification forbids full stops in ids: they would let parts of what was signed change places.
        let id = lone(headers, ID).filter(|id| !id.is_empty() && !id.contains('.')).ok_or_else(|| malformed(ID))?;
        let timestamp = lone(headers, TIMESTAMP).filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()));
        let timestamp = timestamp.ok_or_else(|| malformed(TIMESTAMP))?;
        let sent: u64 = timestamp.parse().map_err(|_| malformed(TIMESTAMP))?;
        let tags: Vec<[u8; 32]> = lone(headers, SIGNATURE)
            .unwrap_or_default()
            .split(' ')
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()?.try_into().ok())
            .collect();
        if tags.is_empty() {
            return Err(malformed(SIGNATURE));
        }
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        if sent.abs_diff(now) > TOLERANCE.as_secs() {
            let side = if sent < now { "behind" } else { "ahead of" };
            return Err(refused(format!(
                "{TIMESTAMP} is {} seconds {side} the clock here; {} are allowed",
                sent.abs_diff(now),
                TOLERANCE.as_secs()
            ))
            .hint("set the clocks right; each attempt to deliver needs a timestamp and a signature of its own"));
        }
        Ok(Self { senders, form: Form::Standard, prefix: format!("{id}.{timestamp}."), tags })
    }

    fn hub(headers: &HeaderMap, senders: &'c [Sender]) -> Result<Self, Error> {
        let tag = lone(headers, HUB).and_then(|text| crate::config::hex32(text.strip_prefix("sha256=")?));
        let tag = tag.ok_or_else(|| malformed(HUB))?;
        Ok(Self { senders, form: Form::Hub, prefix: String::new(), tags: vec![tag] })
    }

    /// The sender whose secret made one of the signatures over `body`. Every secret is tried, each in constant time.
    pub(super) fn prove(&self, body: &[u8]) -> Result<Caller<'c>, Error> {
        let mut found = None;
        for sender in self.senders {
            for key in sender.keys(self.form) {
                let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { continue };
                let made = mac.chain_update(&self.prefix).chain_update(body).finalize().into_bytes();
                for tag in &self.tags {
                    if bool::from(made.as_slice().ct_eq(tag)) {
                        found = Some(sender);
                    }
                }
            }
        }
        found.map(|sender| Caller::new(&sender.grant)).ok_or_else(none_fits)
    }
}

/// The sender whose token came. Digests are compared, so that a token's length does not show either.
fn by_token<'c>(headers: &HeaderMap, senders: &'c [Sender]) -> Option<Caller<'c>> {
    let came = Sha256::digest(lone(headers, TOKEN)?);
    let mut found = None;
    for sender in senders {
        for key in sender.keys(Form::Token) {
            if bool::from(Sha256::digest(key).as_slice().ct_eq(&came)) {
                found = Some(sender);
            }
        }
    }
    found.map(|sender| Caller::new(&sender.grant))
}

/// A header that came once.
fn lone<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}

fn refused(detail: String) -> Error {
    Error::new(ErrorCode::SignatureInvalid, detail)
}

fn malformed(name: &str) -> Error {
    refused(format!("the header {name} is missing, comes twice, or is not what it should be")).hint(
        "webhook-id: a text without full stops; webhook-timestamp: seconds since 1970; webhook-signature: v1,BASE64 …; \
         x-hub-signature-256: sha256=HEX",
    )
}

fn none_fits() -> Error {
    refused("none of the configured secrets fits".to_owned())
        .hint("check that both sides have the same secret, and that nothing on the way changes the body")
}

#[cfg(test)]
mod tests;
