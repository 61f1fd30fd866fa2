//! Revoked refresh tokens: one entry in the store for each caller and target, with the serials of tokens that have not expired
//! yet. Expired ones are dropped when another is added, so the entry is bounded. Its slot is that of a lease: two instances
//! that revoke at the same time lose neither token.

use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorCode};
use crate::runtime::{Runtime, from_unix_ms, unix_ms};
use crate::shared_state::{Backend, Counters, Lease, SharedStore, StoreUnavailable};

/// The most tokens of a caller at one target that are revoked and not expired: more than one a minute, in 80 kB.
const MOST: usize = 2048;

/// How long a caller may hold the lease: a few store calls, and a margin.
const LIFE: Duration = Duration::from_secs(3);

/// How long another waits for it, and how often it looks.
const MAX_WAIT: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(50);

/// The revoked refresh tokens of one caller at one target.
pub(super) struct RevokedTokens<'s, R> {
    store: &'s SharedStore<'s, R>,
    lease: Option<Lease<'s, R>>,
}

impl<'s, R: Runtime> RevokedTokens<'s, R> {
    /// Those of `caller` at `target`.
    pub(super) fn of(store: &'s SharedStore<'s, R>, target: &str, caller: &str) -> Self {
        let name = store.name("gate-revoked", target, &[caller]);
        let lease = name.map(|name| Lease::new(Backend::Shared(store), name, Counters::Removed));
        Self { store, lease }
    }

    /// Whether the token with this `serial` is revoked. Without a store none is.
    ///
    /// # Errors
    /// `upstream_busy` while the store does not respond: the token may be revoked.
    pub(super) async fn has(&self, serial: &str) -> Result<bool, Error> {
        match self.read().await {
            Ok(list) => Ok(list.iter().any(|(_, revoked)| revoked == serial)),
            Err(StoreUnavailable) if self.store.has_none() => Ok(false),
            Err(unavailable) => Err(unavailable.error("revoked tokens")),
        }
    }

    /// All that are revoked, by instances with whichever state key.
    async fn read(&self) -> Result<Vec<(SystemTime, String)>, StoreUnavailable> {
        let slots = self.lease.as_ref().ok_or(StoreUnavailable)?.read_all().await?;
        Ok(slots.iter().flat_map(|slot| parse(&slot.payload)).collect())
    }

    /// Revokes the token with this `serial` that `expires` then. Without a store it ends by itself.
    ///
    /// # Errors
    /// `upstream_busy` if the store does not record it; `rate_limited` beyond [`MOST`].
    pub(super) async fn add(&self, serial: &str, expires: SystemTime) -> Result<(), Error> {
        match self.try_add(serial, expires).await {
            Ok(added) => added,
            Err(StoreUnavailable) if self.store.has_none() => Ok(()),
            Err(unavailable) => Err(unavailable.error("revoked tokens")),
        }
    }

    async fn try_add(&self, serial: &str, expires: SystemTime) -> Result<Result<(), Error>, StoreUnavailable> {
        let (clock, lease) = (self.store.runtime(), self.lease.as_ref().ok_or(StoreUnavailable)?);
        if self.read().await?.iter().any(|(_, revoked)| revoked == serial) {
            return Ok(Ok(()));
        }
        let max_wait = MAX_WAIT.min(self.store.remaining() / 2);
        let (held, slot) = lease.acquire(clock, LIFE, max_wait, PAUSE).await?.ok_or(StoreUnavailable)?;
        let mut list = parse(&slot.payload);
        list.retain(|(until, _)| *until > clock.now());
        let added = match list.iter().map(|(until, _)| *until).min() {
            Some(next) if list.len() >= MOST => Err(full(next.duration_since(clock.now()).unwrap_or_default())),
            _ => {
                list.push((expires, serial.to_owned()));
                Ok(())
            }
        };
        lease.release(clock, held, write(&list)).await?.ok_or(StoreUnavailable)?;
        Ok(added)
    }
}

fn full(wait: Duration) -> Error {
    Error::new(
        ErrorCode::RateLimited,
        format!("this caller has revoked {MOST} refresh tokens that have not expired yet"),
    )
    .hint(
        "let the token expire by itself, within 24 hours; to end all tokens of a key, remove its digest from api_keys",
    )
    .retry_after(Some(wait))
}

/// A line for each token: when it expires, in milliseconds since 1970, and its serial.
fn write(list: &[(SystemTime, String)]) -> Vec<u8> {
    let lines: Vec<_> = list.iter().map(|(until, serial)| format!("{} {serial}", unix_ms(*until))).collect();
    lines.join("\n").into_bytes()
}

fn parse(payload: &[u8]) -> Vec<(SystemTime, String)> {
    let text = str::from_utf8(payload).unwrap_or_default();
    let line = |line: &str| {
        let (until, serial) = line.split_once(' ')?;
        Some((from_unix_ms(until.parse().ok()?), serial.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::shared_state::testing::{Model, Task, explore, run};
    use crate::shared_state::{StateKey, StoreAccess};

    const HOUR: Duration = Duration::from_hours(1);

    async fn with<T>(model: &Model, work: impl AsyncFnOnce(RevokedTokens<'_, Model>) -> T) -> T {
        let access = StoreAccess::new(Rc::new(StateKey::of("k")), String::new());
        let store = SharedStore::new(model, Some(&access), Duration::MAX);
        work(RevokedTokens::of(&store, "default", "pipeline")).await
    }

    async fn revoke(model: &Model, serial: &str, life: Duration) -> Result<(), Error> {
        with(model, async |revoked| revoked.add(serial, crate::runtime::Clock::now(model) + life).await).await
    }

    async fn is_revoked(model: &Model, serial: &str) -> bool {
        with(model, async |revoked| revoked.has(serial).await).await.unwrap()
    }

    #[test]
    fn concurrent_revocations_are_all_kept() {
        let begin = |models: &[Model]| {
            let task = |(at, model): (usize, Model)| {
                Box::pin(async move { revoke(&model, &at.to_string(), HOUR).await.unwrap() }) as Task
            };
            models.iter().cloned().enumerate().map(task).collect()
        };
        let played = explore(2, 3, None, begin, |model, taken| {
            let (model, taken) = (model.clone(), taken.to_vec());
            run(Box::pin(async move {
                assert!(is_revoked(&model, "0").await && is_revoked(&model, "1").await, "{taken:?}");
            }));
        });
        assert!(played > 50, "{played}");
    }

    #[test]
    fn entry_is_bounded_and_drops_expired_tokens() {
        let model = Model::default();
        run(Box::pin(async move {
            for serial in 0..MOST {
                revoke(&model, &serial.to_string(), HOUR).await.unwrap();
            }
            let keys = model.world.borrow().values.len();
            // A token that is revoked already takes no further place.
            revoke(&model, "0", HOUR).await.unwrap();
            let error = revoke(&model, "one more", HOUR).await.unwrap_err();
            assert_eq!((error.code(), error.wait()), (ErrorCode::RateLimited, Some(HOUR)));
            assert!(is_revoked(&model, "2047").await && !is_revoked(&model, "one more").await);
            model.world.borrow_mut().elapsed += HOUR;
            revoke(&model, "one more", HOUR).await.unwrap();
            assert!(is_revoked(&model, "one more").await && !is_revoked(&model, "0").await);
            assert_eq!(model.world.borrow().values.len(), keys);
            assert_eq!((keys, model.world.borrow().counters.len()), (1, 0));
        }));
    }

    #[test]
    fn list_is_read_as_it_was_written() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let list = vec![(at(1_700_000_000), "AAAAAAAAAAAAAAAAAAAAAA".to_owned()), (at(1_700_000_001), "_-".to_owned())];
        assert_eq!(write(&list), b"1700000000000 AAAAAAAAAAAAAAAAAAAAAA\n1700000001000 _-");
        assert_eq!(parse(&write(&list)), list);
        for other in [&b""[..], b"x", b"\xff", b"- x\n\n"] {
            assert_eq!(parse(other), [], "{other:?}");
        }
    }
}
