//! Gate tokens: texts that stand for an API key at one target until they expire. Instances that share a state key accept
//! each other's; nothing is stored.
//!
//! | token | text | lives |
//! |---|---|---|
//! | access | a JSON Web Token (RFC 7519): HS256, `iat, exp, sub, iss, aud` as SDDC Manager has them, `target`, `key` | [`ACCESS_LIFE`] |
//! | refresh | `base64url(form ‖ expiry ‖ serial ‖ mark ‖ name ‖ tag)` | [`REFRESH_LIFE`] |
//!
//! Each kind is signed with a key of its own, derived from the first key of the [`StateKey`]; tokens under its other keys
//! are accepted too. `sub` and name are the API key's name. `key` and mark are the first 16 bytes of an HMAC of the key's
//! digest: they show whether that key is still configured, and nobody can guess a weak key from them.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::config::ApiKey;
use crate::error::{Error, ErrorCode};
use crate::shared_state::{StateKey, hmac};
use crate::webhook::caller::Caller;
use crate::webhook::sync_id::tag;

/// PowerVCF and vmware-vcf refresh a token that lives less than two more minutes.
pub(super) const ACCESS_LIFE: Duration = Duration::from_hours(1);

/// A refresh token may be used any number of times.
pub(super) const REFRESH_LIFE: Duration = Duration::from_hours(24);

/// `{"alg":"HS256","typ":"JWT"}`. No other head is accepted, so a token cannot choose its algorithm.
const HEAD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The longest token, in bytes.
const MAX_TOKEN: usize = 4096;

/// The form of refresh tokens.
const FORM: u8 = 1;

const MARK: usize = 16;
const SERIAL: usize = 16;
const TAG: usize = 16;

/// A kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

impl Kind {
    /// The purpose of its signing key.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Access => "gate access token",
            Self::Refresh => "gate refresh token",
        }
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// No key of this idhook signed it for this target.
    NotOurs,
    Expired,
    /// Its API key has expired or is not configured any more.
    KeyGone,
}

/// A valid token.
#[derive(Debug)]
pub(super) struct Opened<'c> {
    pub(super) caller: Caller<'c>,
    /// The API key's entry, and the key's place in it.
    pub(super) key: (&'c ApiKey, usize),
    /// Distinguishes refresh tokens; empty for access tokens.
    pub(super) serial: String,
    pub(super) expires: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct Claims<'t> {
    iat: u64,
    exp: u64,
    sub: std::borrow::Cow<'t, str>,
    iss: std::borrow::Cow<'t, str>,
    aud: std::borrow::Cow<'t, str>,
    target: std::borrow::Cow<'t, str>,
    key: std::borrow::Cow<'t, str>,
}

/// Whether `text` has the form of an access token.
pub(super) fn is_access(text: &str) -> bool {
    text.len() <= MAX_TOKEN && text.strip_prefix(HEAD).is_some_and(|rest| rest.starts_with('.'))
}

/// An access token for the key at index `at` of `entry`.
///
/// # Errors
/// `internal` without a state key.
pub(super) fn access(
    state_key: &StateKey,
    (entry, at): (&ApiKey, usize),
    target: &str,
    now: SystemTime,
) -> Result<String, Error> {
    let key = signing_key(state_key, Kind::Access)?;
    let (iat, exp) = (seconds(now), seconds(now) + ACCESS_LIFE.as_secs());
    let claims = Claims {
        iat,
        exp,
        sub: entry.grant.name.as_str().into(),
        iss: "vcf-auth".into(),
        aud: "sddc-services".into(),
        target: target.into(),
        key: URL_SAFE_NO_PAD.encode(mark(&key, entry, at)).into(),
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| unwritten())?;
    let signed = format!("{HEAD}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac(&key, signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// A refresh token for the key at index `at` of `entry`; `serial` is random.
///
/// # Errors
/// `internal` without a state key.
pub(super) fn refresh(
    state_key: &StateKey,
    (entry, at): (&ApiKey, usize),
    target: &str,
    serial: [u8; SERIAL],
    now: SystemTime,
) -> Result<String, Error> {
    let key = signing_key(state_key, Kind::Refresh)?;
    let expiry = (seconds(now) + REFRESH_LIFE.as_secs()).to_be_bytes();
    let mut bytes = [&[FORM], expiry.as_slice(), &serial, &mark(&key, entry, at), entry.grant.name.as_bytes()].concat();
    bytes.extend(tag(&key, target, &bytes));
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a token of `target`.
pub(super) fn open<'c>(
    state_key: &StateKey,
    api_keys: &'c [ApiKey],
    kind: Kind,
    target: &str,
    text: &str,
    now: SystemTime,
) -> Result<Opened<'c>, Dead> {
    if text.len() > MAX_TOKEN {
        return Err(Dead::NotOurs);
    }
    let keys = state_key.derive_all(kind.purpose());
    let read = match kind {
        Kind::Access => read_access(&keys, target, text),
        Kind::Refresh => read_refresh(&keys, target, text),
    };
    let Read { key, name, mark: marked, expiry, serial } = read.ok_or(Dead::NotOurs)?;
    let expires = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(expiry)).ok_or(Dead::NotOurs)?;
    if expires <= now {
        return Err(Dead::Expired);
    }
    let entry = api_keys.iter().find(|entry| entry.grant.name == name).ok_or(Dead::KeyGone)?;
    let is_marked = |at: &usize| bool::from(mark(&key, entry, *at).as_slice().ct_eq(&marked));
    let at = (0..entry.digests().len()).find(is_marked).ok_or(Dead::KeyGone)?;
    if entry.has_expired(now) {
        return Err(Dead::KeyGone);
    }
    Ok(Opened { caller: Caller::new(&entry.grant, at), key: (entry, at), serial, expires })
}

/// A token whose signature is right.
struct Read {
    /// The key that signed it.
    key: [u8; 32],
    name: String,
    mark: Vec<u8>,
    /// Seconds since 1970.
    expiry: u64,
    serial: String,
}

fn read_access(keys: &[[u8; 32]], target: &str, text: &str) -> Option<Read> {
    let (signed, signature) = text.rsplit_once('.')?;
    let claims = signed.strip_prefix(HEAD)?.strip_prefix('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let is_signed_by = |key: &&[u8; 32]| bool::from(hmac(*key, signed.as_bytes()).as_slice().ct_eq(&signature));
    let key = *keys.iter().find(is_signed_by)?;
    let claims: Claims<'_> = crate::json::parse(&URL_SAFE_NO_PAD.decode(claims).ok()?)?;
    let mark = URL_SAFE_NO_PAD.decode(claims.key.as_bytes()).ok()?;
    (claims.target == target).then(|| Read {
        key,
        name: claims.sub.into_owned(),
        mark,
        expiry: claims.exp,
        serial: String::new(),
    })
}

fn read_refresh(keys: &[[u8; 32]], target: &str, text: &str) -> Option<Read> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (message, given) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
    let is_signed_by = |key: &&[u8; 32]| bool::from(tag(key, target, message).as_slice().ct_eq(given));
    let key = *keys.iter().find(is_signed_by)?;
    let (&FORM, rest) = message.split_first()? else { return None };
    let (expiry, rest) = rest.split_first_chunk::<8>()?;
    let (serial, rest) = rest.split_first_chunk::<SERIAL>()?;
    let (mark, name) = rest.split_first_chunk::<MARK>()?;
    Some(Read {
        key,
        name: str::from_utf8(name).ok()?.to_owned(),
        mark: mark.to_vec(),
        expiry: u64::from_be_bytes(*expiry),
        serial: URL_SAFE_NO_PAD.encode(serial),
    })
}

fn signing_key(state_key: &StateKey, kind: Kind) -> Result<[u8; 32], Error> {
    state_key.derive(kind.purpose()).ok_or_else(unwritten)
}

fn unwritten() -> Error {
    Error::new(ErrorCode::Internal, "a gate token could not be written")
}

/// The mark of the key at index `at` of `entry`.
fn mark(key: &[u8; 32], entry: &ApiKey, at: usize) -> [u8; MARK] {
    let digest = entry.digests().get(at).copied().unwrap_or_default();
    let whole = hmac(key, &[b"api key".as_slice(), &digest].concat());
    let mut mark = [0; MARK];
    for (to, from) in mark.iter_mut().zip(whole) {
        *to = from;
    }
    mark
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
