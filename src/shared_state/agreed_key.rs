//! The state key of instances that share a store without a configured key: one generates it, all read it.
//!
//! | key | written by | holds |
//! |---|---|---|
//! | `idhook:key:{deployment}` | the first to draw | the key |
//! | `idhook:n:key:{deployment}` (counter) | instances that found no key | the one that draws 1 writes a key |
//! | `idhook:n:key:{deployment}:{minute}` (counter) | instances that waited for a key in vain | the same, because the first writer may have crashed |
//!
//! The only atomic call is an increment, so the writer is determined by drawing. It writes only right after its draw, in
//! less time than the others wait; so no instance gives up a writer that could still write, unless the store itself is late.
//! After that, and after a store has lost its values, [`refresh`] makes the instances agree again.
//!
//! The key is in the store in plain form: anybody who can read the store can open what is sealed in it. To avoid that,
//! configure `state_key`.

use std::time::{Duration, SystemTime};

use super::shared_store::{CALL_TIME, Call, HOLD, SharedStore};
use crate::runtime::{Runtime, random_bytes};
use crate::shared_state::{LENGTH, Origin, StateKey};
use crate::store::Store as _;

/// How long to wait for the key of the first to draw. Longer than two store calls may take.
const WAIT: Duration = Duration::from_millis(1250);

/// The polling interval meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// The first byte of a stored key: its format.
const FORM: u8 = 1;

/// Gives `state_key` a key if it has none that other instances share: the store's, else one of this instance alone.
/// Afterwards there is a key to seal with.
pub(crate) async fn settle<R: Runtime>(state_key: &StateKey, store: &SharedStore<'_, R>) {
    if matches!(state_key.origin(), Some(Origin::Configured | Origin::Store)) {
        return;
    }
    if let Some(key) = agree(store).await {
        state_key.adopt(&key, Origin::Store);
    } else if state_key.origin().is_none() {
        state_key.adopt(&random_bytes(store.runtime()), Origin::Instance);
    }
}

/// Reads the store's key again when something did not open: the store may have lost its values and have another key now.
/// Returns whether there is a new one. It reads at most once in ten seconds.
pub(crate) async fn refresh<R: Runtime>(state_key: &StateKey, store: &SharedStore<'_, R>) -> bool {
    if state_key.origin() != Some(Origin::Store) {
        return false;
    }
    let Some((access, _)) = store.at_hand() else { return false };
    let now = store.runtime().elapsed();
    if now < access.key_is_fresh_until.get() {
        return false;
    }
    access.key_is_fresh_until.set(now.saturating_add(HOLD));
    match read(store).await {
        Some(Some(key)) => state_key.adopt(&key, Origin::Store),
        _ => false,
    }
}

/// Whether the key of an id or a token that does not open may be in the store, which this instance cannot read now.
pub(crate) fn may_be_in_store<R: Runtime>(state_key: &StateKey, store: &SharedStore<'_, R>) -> bool {
    let is_unread = match state_key.origin() {
        Some(Origin::Configured) => false,
        // A store that lost its values has another key since.
        Some(Origin::Store) => store.at_hand().is_none(),
        Some(Origin::Instance) | None => true,
    };
    is_unread && !store.has_none()
}

/// The key shared by all instances of this deployment; `None` without a working store.
async fn agree<R: Runtime>(store: &SharedStore<'_, R>) -> Option<[u8; LENGTH]> {
    if let Some(key) = read(store).await? {
        return Some(key);
    }
    let (access, _) = store.at_hand()?;
    let since_1970 = store.runtime().now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let draws = format!("idhook:n:key:{}", access.deployment);
    let later_draws = format!("{draws}:{}", since_1970.as_secs() / 60);
    for draws in [draws, later_draws] {
        if let Some(key) = draw(store, &draws).await? {
            return Some(key);
        }
    }
    None
}

/// One draw for writing the key; returns the key, unless the first to draw does not write it in time. The outer `None`: the
/// store does not work.
async fn draw<R: Runtime>(store: &SharedStore<'_, R>, draws: &str) -> Option<Option<[u8; LENGTH]>> {
    let (access, kv) = store.at_hand()?;
    let runtime = store.runtime();
    let began = runtime.elapsed();
    let waited = || runtime.elapsed().saturating_sub(began);
    let is_first = store.bounded(access, Call::Write("increment"), kv.increment(draws, 1)).await? == 1;
    // Another instance may have written it between the read and the draw.
    if let Some(key) = read(store).await? {
        return Some(Some(key));
    }
    if is_first && waited() < 2 * CALL_TIME {
        let key: [u8; LENGTH] = random_bytes(runtime);
        let mut written = vec![FORM];
        written.extend_from_slice(&key);
        store.bounded(access, Call::Write("set"), kv.set(&place(&access.deployment), &written)).await?;
        // The stored key counts, in case two have written.
        return read(store).await;
    }
    while waited() < WAIT {
        runtime.sleep(PAUSE).await;
        if let Some(key) = read(store).await? {
            return Some(Some(key));
        }
    }
    Some(None)
}

/// The stored key. The outer `None`: the store does not work.
async fn read<R: Runtime>(store: &SharedStore<'_, R>) -> Option<Option<[u8; LENGTH]>> {
    let (access, kv) = store.at_hand()?;
    let value = store.bounded(access, Call::Get, kv.get(&place(&access.deployment))).await?;
    Some(value.and_then(|value| match value.split_first()? {
        (&FORM, key) => key.try_into().ok(),
        // A foreign value.
        _ => None,
    }))
}

fn place(deployment: &str) -> String {
    format!("idhook:key:{deployment}")
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;
    use crate::shared_state::StoreAccess;
    use crate::shared_state::testing::{Model, Task, World, explore, run};

    struct Instance {
        state_key: Rc<StateKey>,
        access: StoreAccess,
    }

    impl Instance {
        fn new() -> Rc<Self> {
            let state_key = Rc::new(StateKey::new(&[]));
            Rc::new(Self { access: StoreAccess::new(Rc::clone(&state_key), "d".into()), state_key })
        }

        async fn settled(self: Rc<Self>, model: Model) {
            let store = SharedStore::new(&model, Some(&self.access), Duration::MAX);
            settle(&self.state_key, &store).await;
        }
    }

    fn keys(instances: &[Rc<Instance>]) -> Vec<[u8; 32]> {
        let mut keys: Vec<_> = instances.iter().filter_map(|instance| instance.state_key.derive("x")).collect();
        keys.dedup();
        keys
    }

    /// Runs all orders in which `count` instances may agree on a key; returns how many there were.
    fn agree_in_every_order(count: usize, switches: usize, dies: Option<usize>) -> usize {
        let instances = RefCell::new(Vec::new());
        let begin = |models: &[Model]| {
            *instances.borrow_mut() = models.iter().map(|_| Instance::new()).collect::<Vec<_>>();
            let pairs = instances.borrow().iter().cloned().zip(models.iter().cloned()).collect::<Vec<_>>();
            pairs.into_iter().map(|(instance, model)| Box::pin(instance.settled(model)) as Task).collect()
        };
        explore(count, switches, dies, begin, |model, taken| {
            let late = Instance::new();
            run(Box::pin(Rc::clone(&late).settled(model.clone())));
            let mut all = instances.take();
            all.push(late);
            assert_eq!(keys(&all).len(), 1, "{taken:?}");
            assert!(all.iter().skip(1).all(|one| one.state_key.origin() == Some(Origin::Store)), "{taken:?}");
        })
    }

    #[test]
    fn instances_agree_on_one_key_in_every_order_of_their_calls() {
        let (two, three) = (agree_in_every_order(2, 4, None), agree_in_every_order(3, 2, None));
        assert!(two > 50 && three > 100, "{two} {three}");
    }

    #[test]
    fn crashed_writer_is_replaced() {
        for step in 1..8 {
            agree_in_every_order(2, 2, Some(step));
            agree_in_every_order(3, 1, Some(step));
        }
    }

    #[test]
    fn failing_store_leaves_each_instance_its_own_key_until_it_recovers() {
        let model = Model::default();
        model.world.borrow_mut().fails = true;
        let [one, two] = [Instance::new(), Instance::new()];
        run(Box::pin(Rc::clone(&one).settled(model.clone())));
        run(Box::pin(Rc::clone(&two).settled(model.clone())));
        assert_eq!(one.state_key.origin(), Some(Origin::Instance));
        assert_ne!(one.state_key.derive("x"), two.state_key.derive("x"));
        let own = one.state_key.derive("x").unwrap();
        model.world.borrow_mut().fails = false;
        model.world.borrow_mut().elapsed += HOLD;
        run(Box::pin(Rc::clone(&one).settled(model.clone())));
        run(Box::pin(Rc::clone(&two).settled(model.clone())));
        assert_eq!(one.state_key.derive("x"), two.state_key.derive("x"));
        assert!(one.state_key.derive_all("x").contains(&own), "what was signed in the meantime still opens");
    }

    #[test]
    fn instances_agree_again_after_the_store_lost_its_values() {
        let model = Model::default();
        let [one, two] = [Instance::new(), Instance::new()];
        run(Box::pin(Rc::clone(&one).settled(model.clone())));
        let before = one.state_key.derive("x").unwrap();
        *model.world.borrow_mut() = World { randoms: 100, ..World::default() };
        run(Box::pin(Rc::clone(&two).settled(model.clone())));
        assert_ne!(two.state_key.derive("x"), Some(before));
        let refreshed = |instance: &Rc<Instance>| {
            let (instance, model, news) = (Rc::clone(instance), model.clone(), Rc::new(Cell::new(false)));
            let told = Rc::clone(&news);
            run(Box::pin(async move {
                let store = SharedStore::new(&model, Some(&instance.access), Duration::MAX);
                told.set(refresh(&instance.state_key, &store).await);
            }));
            news.get()
        };
        assert!(refreshed(&one) && !refreshed(&one), "it is read once in ten seconds");
        assert_eq!(one.state_key.derive("x"), two.state_key.derive("x"));
        assert!(one.state_key.derive_all("x").contains(&before));
    }

    #[test]
    fn planted_garbage_is_replaced_by_a_key() {
        let model = Model::default();
        for garbage in [&b""[..], b"x", &[FORM], &[FORM; 32], &[FORM; 34]] {
            model.world.borrow_mut().counters.clear();
            model.world.borrow_mut().values.insert(place("d"), garbage.to_vec());
            let one = Instance::new();
            run(Box::pin(Rc::clone(&one).settled(model.clone())));
            assert_eq!(one.state_key.origin(), Some(Origin::Store), "{garbage:?}");
        }
    }
}
