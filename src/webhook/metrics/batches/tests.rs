use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::shared_state::testing::{Model, Task, explore, run};
use crate::shared_state::{StateKey, StoreAccess};
use crate::webhook::metrics::{Family, Metrics};

fn access() -> StoreAccess {
    StoreAccess::new(Rc::new(StateKey::of("pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")), String::new())
}

/// An instance that counts one failure of the store.
fn instance() -> Rc<Metrics> {
    let metrics = Rc::new(Metrics::default());
    metrics.count(|totals| totals.count(Family::StoreFailures, &[]));
    metrics
}

fn failures(totals: &Totals) -> u64 {
    totals.of(Family::StoreFailures).map(|(_, values)| values[0]).sum()
}

fn lost(totals: &Totals) -> u64 {
    totals.of(Family::LostBatches).map(|(_, values)| values[0]).sum()
}

/// Runs `work` with the store of `model`, with nobody else at it.
fn alone(model: &Model, work: impl AsyncFnOnce(&SharedStore<'_, Model>) + 'static) {
    let model = model.clone();
    run(Box::pin(async move {
        let access = access();
        work(&SharedStore::new(&model, Some(&access), Duration::MAX)).await;
    }));
}

/// What a scrape of an instance returns that counted nothing itself.
fn scraped(model: &Model) -> u64 {
    let found = Rc::new(RefCell::new(0));
    let result = Rc::clone(&found);
    alone(model, async move |store| {
        result.replace(failures(&Metrics::default().sums(store, 0).await.unwrap()));
    });
    found.take()
}

async fn hands_in(model: Model, metrics: Rc<Metrics>) {
    let access = access();
    metrics.hand_in(&SharedStore::new(&model, Some(&access), Duration::MAX), 0).await.unwrap();
}

/// Numbers up to the one before an instance's turn to add are drawn, as by instances that crashed.
fn before_a_turn(model: &Model) {
    alone(model, async |store| {
        store.increment(NUMBERS, EVERY - 2).await.unwrap();
    });
}

#[test]
fn no_order_loses_or_repeats_a_batch() {
    for (dies, orders) in [(None, 400), (Some(1), 10), (Some(2), 100), (Some(4), 100), (Some(6), 100)] {
        let begin = |models: &[Model]| {
            before_a_turn(&models[0]);
            models.iter().map(|model| Box::pin(hands_in(model.clone(), instance())) as Task).collect()
        };
        let played = explore(3, 2, dies, begin, |model, taken| {
            let sums = scraped(model);
            assert!(sums == 3 || sums == 2 && dies.is_some_and(|steps| steps <= 2), "{sums} {dies:?} {taken:?}");
            assert_eq!(scraped(model), sums);
        });
        assert!(played > orders, "{played} {dies:?}");
    }
}

#[test]
fn no_order_decreases_what_scrapes_return() {
    let scrapes = |model: Model| async move {
        let access = access();
        let store = SharedStore::new(&model, Some(&access), Duration::MAX);
        let metrics = instance();
        let mut last = 0;
        for _ in 0..2 {
            let sums = failures(&metrics.sums(&store, 0).await.unwrap());
            assert!(sums >= last, "{last}, then {sums}");
            last = sums;
        }
    };
    let begin = |models: &[Model]| {
        before_a_turn(&models[0]);
        let hand_in = models.iter().skip(1).map(|model| Box::pin(hands_in(model.clone(), instance())) as Task);
        std::iter::once(Box::pin(scrapes(models[0].clone())) as Task).chain(hand_in).collect()
    };
    let played = explore(3, 2, None, begin, |model, taken| assert_eq!(scraped(model), 3, "{taken:?}"));
    assert!(played > 500, "{played}");
}

#[test]
fn batch_that_is_written_late_is_counted_once() {
    let model = Model::default();
    let batch = || {
        let mut counts = Totals::default();
        counts.count(Family::StoreFailures, &[]);
        Batch::new(counts, (1, 0, 0))
    };
    alone(&model, async move |store| {
        let [late, second] = [number(store).await.unwrap(), number(store).await.unwrap()];
        batch().hand_in(second, store).await.unwrap();
        let mut sums = Sums::default();
        sums.collect(store).await.unwrap();
        assert_eq!((failures(&sums.totals), &sums.missing), (1, &vec![late]));
        batch().hand_in(late, store).await.unwrap();
        for _ in 0..2 {
            sums.collect(store).await.unwrap();
            assert_eq!((failures(&sums.totals), sums.missing.len()), (2, 0));
        }
        // Of many that never come, a few are looked for again, until their places belong to others.
        store.increment(NUMBERS, 300).await.unwrap();
        sums.collect(store).await.unwrap();
        assert_eq!((sums.missing.len(), sums.missing.last()), (MAX_MISSING, Some(&302)));
        assert_eq!(lost(&sums.totals), 300 - u64::try_from(MAX_MISSING).unwrap());
        store.increment(NUMBERS, RING).await.unwrap();
        sums.collect(store).await.unwrap();
        assert!(sums.missing.iter().all(|number| *number > 302), "{:?}", sums.missing);
        // All that never came, but for the newest.
        assert_eq!(lost(&sums.totals) + u64::try_from(MAX_MISSING).unwrap(), 300 + RING);
    });
}

#[test]
fn batches_that_nobody_adds_are_bounded() {
    let model = Model::default();
    run(Box::pin(hands_in(model.clone(), instance())));
    assert_eq!(scraped(&model), 1);
    alone(&model, async |store| {
        for _ in 0..RING + 10 {
            let mut counts = Totals::default();
            counts.count(Family::StoreFailures, &[]);
            Batch::new(counts, (1, 0, 0)).hand_in(number(store).await.unwrap(), store).await.unwrap();
        }
    });
    // The sums, and the places.
    assert_eq!(model.world.borrow().values.len(), 1 + usize::try_from(RING).unwrap());
    alone(&model, async |store| {
        let totals = Metrics::default().sums(store, 0).await.unwrap();
        assert_eq!((failures(&totals), lost(&totals)), (1 + RING, 10));
    });
    assert_eq!(scraped(&model), 1 + RING);
}

#[test]
fn counting_goes_on_after_the_store_lost_the_counter() {
    let model = Model::default();
    for _ in 0..3 {
        run(Box::pin(hands_in(model.clone(), instance())));
    }
    assert_eq!(scraped(&model), 3);
    model.world.borrow_mut().counters.retain(|name, _| !name.ends_with(NUMBERS));
    model.world.borrow_mut().values.retain(|name, _| !name.contains(NUMBERS));
    run(Box::pin(hands_in(model.clone(), instance())));
    assert_eq!(scraped(&model), 4);
}

#[test]
fn unreadable_values_count_as_absent() {
    let mut totals = Totals::default();
    totals.count(Family::StoreFailures, &[]);
    let written = Sums { totals: totals.clone(), read: 7, missing: vec![6] }.write();
    let sums = Sums::read(&written);
    assert_eq!((sums.totals, sums.read, sums.missing), (totals, 7, vec![6]));
    for bytes in [&[][..], b"\x01", b"\x02\xff\xff\xff\xff", &written[..written.len() - 4], &written[1..]] {
        assert_eq!(Sums::read(bytes).totals, Totals::default(), "{bytes:?}");
    }
}
