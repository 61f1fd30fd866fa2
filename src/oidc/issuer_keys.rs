//! The keys of one issuer: read when a token needs them, kept for an hour, and shared with other instances through the store.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use serde::{Deserialize, Serialize};

use super::issuer::{Issuer, KeysAt};
use super::jwk::{self, Jwk};
use crate::error::{Error, ErrorCode};
use crate::poll_lock::lock;
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// How long keys are used before they are read again.
const FRESH: Duration = Duration::from_hours(1);

/// How long they are used if they cannot be read again: an issuer may be down for a while.
const USABLE: Duration = Duration::from_hours(6);

/// The shortest time between two readings because a token has an unknown key. Anybody can send such a token.
const PAUSE: Duration = Duration::from_mins(1);

/// The same after a reading that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The time for one reading. The caller is unknown until then.
const TIME: Duration = Duration::from_secs(5);

/// The keys of one issuer as far as this instance knows them.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys {
    known: RefCell<Option<Known>>,
    /// Held while the keys are read, so concurrent requests read them once.
    last: Mutex<Option<Reading>>,
}

#[derive(Debug, Clone)]
struct Known {
    keys: Rc<[Jwk]>,
    read: SystemTime,
}

/// The last attempt to read the keys from the issuer.
#[derive(Debug)]
struct Reading {
    at: SystemTime,
    error: Option<Error>,
}

impl Reading {
    /// Whether the issuer is left alone. A clock that was set back ends it.
    fn rests(&self, now: SystemTime) -> bool {
        let pause = if self.error.is_some() { PAUSE_AFTER_FAILURE } else { PAUSE };
        now.duration_since(self.at).is_ok_and(|age| age < pause)
    }
}

impl IssuerKeys {
    /// The keys. They are read again if they are old or none of them is `wanted`, at most once a minute.
    ///
    /// # Errors
    /// There are no usable keys and they cannot be read: the failure of the call, under a code that blames nobody's password.
    pub(super) async fn with<R: Runtime>(
        &self,
        issuer: &Issuer,
        wanted: impl Fn(&Jwk) -> bool,
        out: &Outbound<'_, R>,
    ) -> Result<Rc<[Jwk]>, Error> {
        let now = || out.runtime().now();
        let at_hand = || self.younger_than(FRESH, now()).filter(|keys| keys.iter().any(&wanted));
        if let Some(keys) = at_hand() {
            return Ok(keys);
        }
        let mut last = lock(&self.last, out.runtime()).await;
        // Another request may have read them meanwhile.
        if let Some(keys) = at_hand() {
            return Ok(keys);
        }
        // Until then neither the store nor the issuer has anything new, whoever sends unknown keys.
        if !last.as_ref().is_some_and(|last| last.rests(now())) {
            // It counts even if the request is aborted meanwhile. Not without usable keys: whoever aborts requests would keep
            // everybody else out.
            if self.younger_than(USABLE - PAUSE, now()).is_some() {
                *last = Some(Reading { at: now(), error: None });
            }
            self.look_up(issuer, out).await;
            if let Some(keys) = at_hand() {
                return Ok(keys);
            }
            // Another instance may have read them just now, or failed to; a new instance knows that from the store alone.
            let shared = self.known.borrow().as_ref().map(|known| Reading { at: known.read, error: None });
            let shared = match shared.filter(|reading| reading.rests(now())) {
                None => look_up_failure(issuer, out).await,
                reading => reading,
            };
            *last = match shared {
                Some(reading) => Some(reading),
                None => {
                    let error = self.read(issuer, out).await.err();
                    if let Some(error) = &error {
                        share_failure(issuer, out, error).await;
                    }
                    Some(Reading { at: now(), error })
                }
            };
        }
        match (self.younger_than(USABLE, now()), last.as_ref().and_then(|last| last.error.clone())) {
            (Some(keys), _) => Ok(keys),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorCode::UpstreamUnreachable, "the clock was set while keys were read")),
        }
    }

    fn younger_than(&self, age: Duration, now: SystemTime) -> Option<Rc<[Jwk]>> {
        let known = self.known.borrow();
        let Known { keys, read } = known.as_ref()?;
        now.duration_since(*read).is_ok_and(|since| since < age).then(|| Rc::clone(keys))
    }

    /// Takes the keys that another instance stored, if they are newer.
    async fn look_up<R: Runtime>(&self, issuer: &Issuer, out: &Outbound<'_, R>) {
        let store = out.store();
        let Some(name) = name("keys", issuer, out) else { return };
        let Some(kept) = store.get(&name).await else { return };
        let Some(read) = kept.until.checked_sub(USABLE) else { return };
        let is_newer = self.known.borrow().as_ref().is_none_or(|known| known.read < read);
        if let Some(keys) = jwk::read(&kept.value).filter(|_| is_newer) {
            *self.known.borrow_mut() = Some(Known { keys: keys.into(), read });
        }
    }

    async fn read<R: Runtime>(&self, issuer: &Issuer, out: &Outbound<'_, R>) -> Result<(), Error> {
        let reading = match select(pin!(issuer.read_keys(out)), pin!(out.runtime().sleep(TIME))).await {
            Either::Left((reading, _)) => reading,
            Either::Right(_) => Err(Error::new(
                ErrorCode::UpstreamTimeout,
                format!("the issuer did not respond within {} s", TIME.as_secs()),
            )
            .hint("check that the issuer is up and that firewalls allow the runtime's machine")),
        };
        let (keys, document) = reading.map_err(|error| unread(issuer, error))?;
        *self.known.borrow_mut() = Some(Known { keys: keys.into(), read: out.runtime().now() });
        if let Some(name) = name("keys", issuer, out) {
            out.store().set(&name, &document, USABLE).await;
        }
        Ok(())
    }
}

/// The name of a stored document: it belongs to the issuer and the place of its keys.
fn name<R: Runtime>(what: &str, issuer: &Issuer, out: &Outbound<'_, R>) -> Option<String> {
    let (url, path) = match &issuer.keys {
        KeysAt::Address(url, path) => (url.as_str(), path.as_str()),
        KeysAt::Discovery(..) => ("", ""),
    };
    out.store().name("oidc", what, &[&issuer.name, url, path])
}

/// Why the keys could not be read, as instances share it: each new one would otherwise wait for an issuer that is down.
#[derive(Serialize, Deserialize)]
struct Failure {
    code: String,
    detail: String,
    hint: Option<String>,
}

/// Shares it, unless it may be this instance's alone: its name server, its certificates, its allowed hosts.
async fn share_failure<R: Runtime>(issuer: &Issuer, out: &Outbound<'_, R>, error: &Error) {
    if matches!(error.code(), ErrorCode::UpstreamUnreachable | ErrorCode::UpstreamTls) {
        return;
    }
    let Some(name) = name("failure", issuer, out) else { return };
    let (code, detail) = (error.code().as_str().to_owned(), error.detail().to_owned());
    let failure = Failure { code, detail, hint: error.hint_text().map(str::to_owned) };
    out.store().set(&name, &serde_json::to_vec(&failure).unwrap_or_default(), PAUSE_AFTER_FAILURE).await;
}

/// The last failure of any instance, if the issuer is left alone because of it.
async fn look_up_failure<R: Runtime>(issuer: &Issuer, out: &Outbound<'_, R>) -> Option<Reading> {
    let kept = out.store().get(&name("failure", issuer, out)?).await?;
    let Failure { code, detail, hint } = crate::json::parse(&kept.value)?;
    let code = ErrorCode::ALL.iter().find(|known| known.as_str() == code)?;
    let error = Error::new(*code, detail).at(&issuer.name).retry_after(Some(PAUSE_AFTER_FAILURE));
    let error = hint.into_iter().fold(error, Error::hint);
    Some(Reading { at: kept.until.checked_sub(PAUSE_AFTER_FAILURE)?, error: Some(error) })
}

/// The failure to read an issuer's keys. Its rejections concern neither the caller nor a password of idhook.
fn unread(issuer: &Issuer, error: Error) -> Error {
    let code = match error.code() {
        ErrorCode::UpstreamAuth | ErrorCode::UpstreamForbidden | ErrorCode::UpstreamRejected | ErrorCode::NotFound => {
            ErrorCode::UpstreamInvalid
        }
        code => code,
    };
    let detail = format!("the keys of {} could not be read: {}", issuer.name, error.detail());
    error.recode(code, detail).at(&issuer.name).retry_after(Some(PAUSE_AFTER_FAILURE))
}
