//! The store as the core uses it: bounded, sealed, with expiry, and never the cause of a failure.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{Either, select};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorCode, excerpt};
use crate::runtime::{Runtime, unix_ms};
use crate::shared_state::Sealer;
use crate::shared_state::{StateKey, hmac};
use crate::store::{Store, StoreError};

/// The time for one store call. A healthy store responds within milliseconds; a failed one may hang: Spin's Redis client
/// retries for minutes before it reports a failure, and may need one or two to notice that the server is back.
pub(super) const CALL_TIME: Duration = Duration::from_millis(500);

/// How long this instance bypasses a store that failed, or only reads one that refused a write.
pub(crate) const HOLD: Duration = Duration::from_secs(10);

/// An instance's knowledge of its store: the keys, and whether to try it.
#[derive(Debug)]
pub struct StoreAccess {
    state_key: Rc<StateKey>,
    /// Distinguishes idhooks that share a store without `state_key`: a digest of the non-secret configuration.
    pub(super) deployment: String,
    /// Derived from the keys of this revision.
    keys: RefCell<Option<(u32, Rc<[Keys]>)>>,
    /// On the monotonic clock.
    left_alone_until: Cell<Duration>,
    /// The same clock: until when the store is only read, because it refused a write.
    only_read_until: Cell<Duration>,
    /// The same clock: until when the store's key need not be read again.
    pub(super) key_is_fresh_until: Cell<Duration>,
    /// Whether the runtime grants no store, by the latest call.
    is_absent: Cell<bool>,
}

/// Derived from one key.
#[derive(Debug)]
struct Keys {
    sealer: Sealer,
    fingerprints: FingerprintKey,
    /// Part of every key: another state key means another set of entries, even in the same store.
    tag: String,
}

struct FingerprintKey([u8; 32]);

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

impl StoreAccess {
    /// Access with these keys for one `deployment` of several that may share the store: without `state_key`, its instances
    /// agree on a key under this name. It is readable in the store.
    #[must_use]
    pub fn new(state_key: Rc<StateKey>, deployment: String) -> Self {
        Self {
            state_key,
            deployment,
            keys: RefCell::default(),
            left_alone_until: Cell::default(),
            only_read_until: Cell::default(),
            key_is_fresh_until: Cell::default(),
            is_absent: Cell::default(),
        }
    }

    /// The derived keys, the sealing key's first; `None` while there is no key that instances share.
    fn keys(&self) -> Option<Rc<[Keys]>> {
        let revision = self.state_key.revision();
        let mut known = self.keys.borrow_mut();
        let keys = match &*known {
            Some((of, keys)) if *of == revision => Rc::clone(keys),
            _ => {
                let tags = self.state_key.derive_shared("store tag");
                let fingerprints = self.state_key.derive_shared("store fingerprint");
                let parts = Sealer::all(&self.state_key).into_iter().zip(fingerprints).zip(tags);
                let keys: Rc<[Keys]> = parts
                    .map(|((sealer, fingerprint), tag)| Keys {
                        sealer,
                        fingerprints: FingerprintKey(fingerprint),
                        tag: short(&tag, 6),
                    })
                    .collect();
                *known = Some((revision, Rc::clone(&keys)));
                keys
            }
        };
        (!keys.is_empty()).then_some(keys)
    }
}

impl Keys {
    fn counter(&self, name: &str) -> String {
        format!("idhook:n:{}:{}", self.tag, self.keyed(name))
    }

    fn value(&self, name: &str) -> String {
        format!("idhook:{}:{}", self.tag, self.keyed(name))
    }

    /// `name` as written to the store: its fingerprints, if any, are keyed.
    fn keyed(&self, name: &str) -> String {
        let Some((before, rest)) = name.split_once(FINGERPRINT) else { return name.to_owned() };
        let (fingerprint, after) = self.first_keyed(rest, 12);
        match after.strip_prefix(CREDENTIAL) {
            Some(rest) => {
                let (credential, after) = self.first_keyed(rest, CREDENTIAL_LENGTH);
                format!("{before}{fingerprint}:{credential}{after}")
            }
            None => format!("{before}{fingerprint}{after}"),
        }
    }

    /// The first part of `rest` under our key, and the rest.
    fn first_keyed<'n>(&self, rest: &'n str, length: usize) -> (String, &'n str) {
        let (fingerprint, after) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
        (short(&hmac(&self.fingerprints.0, fingerprint.as_bytes()), length), after)
    }
}

/// Begins the fingerprint in a name.
const FINGERPRINT: char = '#';

/// Begins the fingerprint of a credential, after that of its account.
const CREDENTIAL: &str = ":$";

/// The stored length of a credential's fingerprint in bytes: enough to notice a change in all but one of 65536 cases, and
/// too short to confirm a guessed password, even for a reader of the store's key.
const CREDENTIAL_LENGTH: usize = 2;

fn short(bytes: &[u8], length: usize) -> String {
    URL_SAFE_NO_PAD.encode(bytes.get(..length).unwrap_or(bytes))
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0x1f]);
    }
    digest.finalize().into()
}

/// The lifetime of entries without an expiry of their own. Long, because a forgotten counter begins again at one.
pub(crate) const FOR_GOOD: Duration = Duration::from_hours(400 * 24);

/// The store does not respond, or refuses writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoreUnavailable;

impl StoreUnavailable {
    /// The error of a request that needs `what` from the store: `upstream_busy`, until this instance tries the store again.
    pub(crate) fn error(self, what: &str) -> Error {
        Error::new(ErrorCode::UpstreamBusy, format!("the store with {what} does not work"))
            .hint("retry; the log field store shows what failed")
            .retry_after(Some(HOLD))
    }
}

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The value.
    pub value: Vec<u8>,
    /// Its expiry.
    pub until: SystemTime,
}

/// One request's view of the store. Without a store, after a failure during this request, and for ten seconds after a
/// failure in this instance, nothing is found or stored; the request continues without. A store that responds, but refuses a
/// write because it is full or read-only, is read further: rejected logins and revoked tokens that it has still count.
///
/// Keys begin with `idhook:` and a tag of the state key; counters with `idhook:n:` and the tag, and no other call touches
/// those. Everything else is sealed, secret or not: whoever can write to a shared Redis must not be able to change which
/// directory is synced.
#[derive(Debug)]
pub struct SharedStore<'r, R> {
    runtime: &'r R,
    access: Option<&'r StoreAccess>,
    deadline: Duration,
    trouble: RefCell<Option<String>>,
    given_up: Cell<bool>,
    /// It refused a write during this request.
    only_read: Cell<bool>,
}

/// What a call does with the store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// It reads a value.
    Get,
    /// It changes the store; with its name in the log.
    Write(&'static str),
}

/// An instance's knowledge of the store, the keys in use, and the store.
type Reached<'r, S> = (&'r StoreAccess, Rc<[Keys]>, &'r S);

impl<'r, R: Runtime> SharedStore<'r, R> {
    /// The store of `runtime` with `access`, until `deadline` (on the clock of
    /// [`Clock::elapsed`](crate::runtime::Clock::elapsed)); without access there is none.
    pub fn new(runtime: &'r R, access: Option<&'r StoreAccess>, deadline: Duration) -> Self {
        let (trouble, given_up, only_read) = Default::default();
        Self { runtime, access, deadline, trouble, given_up, only_read }
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> &'r R {
        self.runtime
    }

    /// Whether there is a store that can be read and written, as far as is known.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.is_readable() && !self.refuses_writes()
    }

    /// Whether there is a store that can be read, as far as is known.
    pub(crate) fn is_readable(&self) -> bool {
        self.reach().is_some()
    }

    /// Whether the store recently refused a write.
    pub(crate) fn refuses_writes(&self) -> bool {
        let until = self.access.map_or(Duration::ZERO, |access| access.only_read_until.get());
        self.only_read.get() || self.runtime.elapsed() < until
    }

    /// Whether there is no store at all, rather than one that fails.
    pub(crate) fn has_none(&self) -> bool {
        self.runtime.store().is_none() || self.access.is_none_or(|access| access.is_absent.get())
    }

    /// Changes with the keys of the entries.
    pub(crate) fn revision(&self) -> u32 {
        self.access.map_or(0, |access| access.state_key.revision())
    }

    /// The store's failure during this request; for the log.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// The time left for this request.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_sub(self.runtime.elapsed())
    }

    /// A name for a login's result of this `kind`: it belongs to the account with `parts` (URL, tenant, account), whatever
    /// the targets' names, and to its current `credential`.
    pub(crate) fn name_of_login(&self, kind: &str, parts: &[&str], credential: &[&str]) -> Option<String> {
        let account = self.name("login", kind, parts)?;
        Some(format!("{account}{CREDENTIAL}{}", short(&digest(credential), 18)))
    }

    /// A name for an entry that belongs to one target and is valid only while these `parts` (URL, credentials) are
    /// unchanged; `None` without a store. The parts cannot be recovered from the stored name; the name itself must not be
    /// shown.
    #[must_use]
    pub fn name(&self, what: &str, target: &str, parts: &[&str]) -> Option<String> {
        self.reach()?;
        Some(format!("{what}:{target}:{FINGERPRINT}{}", short(&digest(parts), 18)))
    }

    /// The value of `name`. Unreadable and expired entries count as absent; expired ones are deleted.
    ///
    /// Names of [`name`](Self::name) are found under every state key, so a new key does not affect them. Others belong to
    /// counters, which begin anew with the sealing key.
    pub async fn get(&self, name: &str) -> Option<Kept> {
        let (_, keys, _) = self.reach()?;
        let all = if name.contains(FINGERPRINT) { keys.len() } else { 1 };
        for key in keys.iter().take(all) {
            if let Some(kept) = self.get_under(key, name).await {
                return Some(kept);
            }
        }
        None
    }

    async fn get_under(&self, keys: &Keys, name: &str) -> Option<Kept> {
        let (access, _, store) = self.reach()?;
        let key = keys.value(name);
        let sealed = self.bounded(access, Call::Get, store.get(&key)).await??;
        let text = keys.sealer.open(&key, &sealed)?;
        let (until, value) = text.split_first_chunk::<8>()?;
        let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(*until)))?;
        if until <= self.runtime.now() {
            self.bounded(access, Call::Write("delete"), store.delete(&key)).await;
            return None;
        }
        Some(Kept { value: value.to_vec(), until })
    }

    /// The same, distinguishing an absent entry from a failed store.
    pub(crate) async fn look_up(&self, name: &str) -> Result<Option<Kept>, StoreUnavailable> {
        match self.get(name).await {
            None if !self.is_readable() => Err(StoreUnavailable),
            found => Ok(found),
        }
    }

    /// The values of `name` under all keys: during a rotation, instances with another order of the keys write under another.
    pub(crate) async fn look_up_all(&self, name: &str) -> Result<Vec<Kept>, StoreUnavailable> {
        let (_, keys, _) = self.reach().ok_or(StoreUnavailable)?;
        let mut all = Vec::new();
        for key in keys.iter() {
            all.extend(self.get_under(key, name).await);
        }
        if self.is_readable() { Ok(all) } else { Err(StoreUnavailable) }
    }

    /// Stores `value` under `name` for this long; returns whether it is stored.
    pub async fn set(&self, name: &str, value: &[u8], lifetime: Duration) -> bool {
        let Some((access, keys, store)) = self.reach() else { return false };
        let Some(first) = keys.first() else { return false };
        let mut text = unix_ms(self.runtime.now() + lifetime).to_be_bytes().to_vec();
        text.extend_from_slice(value);
        let key = first.value(name);
        let sealed = first.sealer.seal(&key, &text, self.runtime.random());
        self.bounded(access, Call::Write("set"), store.set(&key, &sealed)).await.is_some()
    }

    /// The same, with the failure as an error.
    pub(crate) async fn put(&self, name: &str, value: &[u8], lifetime: Duration) -> Result<(), StoreUnavailable> {
        if self.set(name, value, lifetime).await { Ok(()) } else { Err(StoreUnavailable) }
    }

    /// Deletes the value of `name`.
    pub async fn delete(&self, name: &str) {
        let Some((access, keys, store)) = self.reach() else { return };
        let all = if name.contains(FINGERPRINT) { keys.len() } else { 1 };
        for key in keys.iter().take(all) {
            self.bounded(access, Call::Write("delete"), store.delete(&key.value(name))).await;
        }
    }

    /// Adds `by` to the counter `name` atomically, and returns its new value; `None` without a store. Counters are not
    /// sealed, do not expire, and share no name with values of [`set`](Self::set).
    pub async fn increment(&self, name: &str, by: u64) -> Option<u64> {
        let (access, keys, store) = self.reach()?;
        self.bounded(access, Call::Write("increment"), store.increment(&keys.first()?.counter(name), by)).await
    }

    /// Deletes the counter `name`: it begins at 0 again.
    pub(crate) async fn delete_counter(&self, name: &str) {
        let Some((access, keys, store)) = self.reach() else { return };
        if let Some(first) = keys.first() {
            self.bounded(access, Call::Write("delete"), store.delete(&first.counter(name))).await;
        }
    }

    /// The store and its keys, if there are both.
    fn reach(&self) -> Option<Reached<'r, R::Store>> {
        let (access, store) = self.at_hand()?;
        Some((access, access.keys()?, store))
    }

    /// The store, with or without a key yet.
    pub(super) fn at_hand(&self) -> Option<(&'r StoreAccess, &'r R::Store)> {
        let access = self.access?;
        if self.given_up.get() || self.runtime.elapsed() < access.left_alone_until.get() {
            return None;
        }
        Some((access, self.runtime.store()?))
    }

    /// One call within its time limit. After a failure the store is bypassed by this request, and for a while by this
    /// instance; after an error of a write, only writes are. A refused write is not tried: the result is `None`.
    pub(super) async fn bounded<T>(
        &self,
        access: &StoreAccess,
        what: Call,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<T> {
        let name = match what {
            Call::Get => "get",
            Call::Write(_) if self.refuses_writes() => return None,
            Call::Write(name) => name,
        };
        let left = self.deadline.saturating_sub(self.runtime.elapsed());
        let time = CALL_TIME.min(left);
        let until = |elapsed: Duration| elapsed.saturating_add(HOLD);
        match select(pin!(call), pin!(self.runtime.sleep(time))).await {
            Either::Left((Ok(done), _)) => {
                access.is_absent.set(false);
                return Some(done);
            }
            Either::Left((Err(StoreError::Failed(why)), _)) => {
                *self.trouble.borrow_mut() = Some(format!("{name}: {}", excerpt(&why)));
                if let Call::Write(_) = what {
                    self.only_read.set(true);
                    access.only_read_until.set(until(self.runtime.elapsed()));
                    return None;
                }
            }
            Either::Left((Err(StoreError::Absent), _)) => access.is_absent.set(true),
            // The request's own time is up, which is not the store's fault.
            Either::Right(_) if left < CALL_TIME => {
                self.given_up.set(true);
                return None;
            }
            Either::Right(_) => {
                let trouble = format!("{name}: no response within {} ms", CALL_TIME.as_millis());
                *self.trouble.borrow_mut() = Some(trouble);
            }
        }
        self.given_up.set(true);
        access.left_alone_until.set(until(self.runtime.elapsed()));
        None
    }
}
