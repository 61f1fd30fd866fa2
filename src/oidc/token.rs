//! Reads and checks a token.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::claim::text;
use super::issuer::Issuer;
use super::issuer_keys::IssuerKeys;
use super::jwk::{Algorithm, Jwk};
use crate::error::{Error, ErrorCode, excerpt};
use crate::json;
use crate::runtime::{Runtime, rfc3339};
use crate::upstream::Outbound;

/// The longest token, in bytes. Entra ID's with 200 groups have 10 kB.
pub(super) const MAX_TOKEN: usize = 16 << 10;

/// How far the issuer's clock and this one may differ.
const LEEWAY: Duration = Duration::from_mins(1);

/// How many of the issuer's keys are tried for a token that does not name one.
const MAX_TRIES: usize = 4;

/// A token that is read. Nothing in it counts before [`verify`](Self::verify).
pub(crate) struct Token<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    head: Head,
    claims: Value,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

impl<'t> Token<'t> {
    /// Reads the compact form of RFC 7515, section 7.1; `None` if `text` is something else.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        if text.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let claims: Value = serde_json::from_slice(&decode(claims)?).ok().filter(Value::is_object)?;
        Some(Self { signed, signature: decode(signature)?, head: json::parse(&decode(head)?)?, claims })
    }

    /// Its issuer, as it says itself.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// Its subject, for the log.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.claims.get("sub")?.as_str()
    }

    /// Its claims.
    pub(crate) fn claims(&self) -> &Value {
        &self.claims
    }

    /// Whether it is for `audience`.
    pub(crate) fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
            Some(one) => one.as_str() == Some(audience),
            None => false,
        }
    }

    /// Checks that `issuer` signed it and that it is in its time; what costs nothing comes first.
    ///
    /// # Errors
    /// `unauthenticated`; or the failure of a call, if the issuer's keys cannot be read.
    pub(crate) async fn verify<R: Runtime>(
        &self,
        issuer: &Issuer,
        keys: &IssuerKeys,
        out: &Outbound<'_, R>,
    ) -> Result<(), Error> {
        let algorithm = self.check(out.runtime().now())?;
        let id = self.head.kid.as_deref();
        let fits = |key: &&Jwk| key.fits(id, algorithm);
        let signed_it = |keys: &[Jwk]| {
            keys.iter().filter(fits).take(MAX_TRIES).any(|key| key.verifies(self.signed.as_bytes(), &self.signature))
        };
        let known = keys.with(issuer, |key| fits(&key), out).await?;
        if !known.iter().any(|key| fits(&key)) {
            let id = excerpt(id.unwrap_or_default());
            return Err(rejected(format!("{} has no key \"{id}\" for {}", issuer.name, self.head.alg))
                .hint("get a new token; a key that the issuer has just published is known within a minute"));
        }
        if signed_it(&known) {
            return Ok(());
        }
        // An issuer with one key need not name it, and may have another one now (OpenID Connect Core 1.0, sections 10.1 and
        // 10.1.1).
        if id.is_none() {
            let newer = keys.with(issuer, |_| false, out).await?;
            if !Rc::ptr_eq(&newer, &known) && signed_it(&newer) {
                return Ok(());
            }
        }
        Err(rejected(format!("{} did not sign the token: its signature is wrong", issuer.name))
            .hint("send the whole token, unchanged"))
    }

    /// Its algorithm, if it is of a supported type and in its time.
    pub(super) fn check(&self, now: SystemTime) -> Result<Algorithm, Error> {
        let algorithm = self.algorithm()?;
        self.check_time(now)?;
        Ok(algorithm)
    }

    fn algorithm(&self) -> Result<Algorithm, Error> {
        let Head { alg, typ, crit, .. } = &self.head;
        // RFC 8725, section 3.11: an issuer signs other things with the same keys.
        let typ = typ.as_deref().unwrap_or("JWT");
        let is_type = ["JWT", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
        match Algorithm::named(alg) {
            _ if !is_type => Err(rejected(format!("a token of the type {} is no credential", excerpt(typ)))
                .hint("send an ID token or an access token")),
            // RFC 7515, section 4.1.11: extensions that must be understood; none is.
            _ if crit.is_some() => Err(rejected("the token needs extensions (crit), and none is supported")
                .hint("let the issuer sign plain tokens")),
            Some(algorithm) => Ok(algorithm),
            None => Err(rejected(format!("the token is signed with {}", excerpt(alg)))
                .hint("let the issuer sign with RS256 or ES256")),
        }
    }

    fn check_time(&self, now: SystemTime) -> Result<(), Error> {
        let clock = rfc3339(now);
        let hint = format!("get a new token; if it is new, check the clocks: it is {clock} here");
        let Some(end) = self.time("exp") else {
            return Err(rejected("the token has no time of expiry (exp)").hint("let the issuer add it"));
        };
        if end + LEEWAY <= now {
            return Err(rejected(format!("the token expired at {}", rfc3339(end))).hint(hint));
        }
        if self.claims.get("nbf").is_none_or(Value::is_null) {
            return Ok(());
        }
        match self.time("nbf") {
            Some(start) if now + LEEWAY < start => {
                Err(rejected(format!("the token is not valid before {}", rfc3339(start))).hint(hint))
            }
            Some(_) => Ok(()),
            None => Err(rejected("the token has a time that cannot be read (nbf)")
                .hint("let the issuer write it in seconds since 1970")),
        }
    }

    /// A time in seconds since 1970 (RFC 7519, section 2), within the years that can be written.
    fn time(&self, claim: &str) -> Option<SystemTime> {
        let seconds = text(self.claims.get(claim)?)?;
        // Fractions of a second are allowed; here they make no difference.
        let seconds = seconds.split('.').next()?.parse().ok().filter(|seconds| *seconds < 1 << 37)?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

fn rejected(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::Unauthenticated, detail)
}

#[cfg(test)]
mod tests;
