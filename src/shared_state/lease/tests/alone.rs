//! One step of a lease at a time, in a world where nobody else is at work: each bound, and what is written.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Runs `work` with a lease in `model`.
fn with_lease(model: &Model, counters: Counters, work: impl AsyncFnOnce(Lease<'_, Model>, Model) + 'static) {
    let model = model.clone();
    let done = Rc::new(std::cell::Cell::new(false));
    let told = Rc::clone(&done);
    run(Box::pin(async move {
        let access = access();
        let store = SharedStore::new(&model, Some(&access), Duration::MAX);
        work(Lease::new(Backend::Shared(&store), "x".to_owned(), counters), model.clone()).await;
        told.set(true);
    }));
    assert!(done.get());
}

fn passes(model: &Model, time: Duration) {
    model.world.borrow_mut().elapsed += time;
}

/// Claims and crashes: the claim stands, and nothing is written.
async fn crash(lease: &Lease<'_, Model>, generation: u64) {
    lease.draw(generation, CLAIM).await.unwrap();
}

#[test]
fn tickets_between_the_same_claims_have_one_interval() {
    with_lease(&Model::default(), Counters::Kept, async |lease, model| {
        let slot = lease.read().await.unwrap();
        let (first, second) = (lease.ticket(&slot).await.unwrap(), lease.ticket(&slot).await.unwrap());
        assert_eq!((first.interval(), second.interval()), ((1, 0), (1, 0)));
        assert!(first < second && !second.is_after_a_claim());
        let Claim::Won(held) = lease.claim(&model, &slot, LIFE, LIFE).await.unwrap() else { panic!("it is free") };
        let late = lease.ticket(&slot).await.unwrap();
        assert_eq!(late.interval(), (1, 1));
        assert!(late.is_after_a_claim() && held.ticket.is_after_a_claim() && held.ticket < late);
        let slot = lease.release(&model, held, Vec::new()).await.unwrap().unwrap();
        assert_eq!(lease.ticket(&slot).await.unwrap().interval(), (2, 0));
    });
}

#[test]
fn claim_of_a_silent_holder_stands_until_its_time() {
    with_lease(&Model::default(), Counters::Kept, async |lease, model| {
        let slot = lease.read().await.unwrap();
        let claimed = async || lease.is_claimed(&model, &slot, LIFE).await.unwrap();
        lease.ticket(&slot).await.unwrap();
        assert!(!claimed().await, "a ticket is no claim");
        assert_eq!(lease.watched().await.unwrap().map(|watch| watch.generation), None);
        crash(&lease, 1).await;
        assert!(claimed().await);
        let watch = lease.watched().await.unwrap().unwrap();
        assert_eq!((watch.generation, watch.claim, watch.until_ms), (1, 1, unix_ms(model.now() + LIFE)));
        // Looking again does not lengthen the wait.
        passes(&model, LIFE - Duration::from_millis(1));
        assert!(claimed().await);
        assert_eq!(lease.watched().await.unwrap().unwrap().until_ms, watch.until_ms);
        passes(&model, Duration::from_millis(1));
        assert!(!claimed().await, "the holder crashed");
        // The next generation may be claimed, and its holder may crash too.
        crash(&lease, 2).await;
        assert!(claimed().await);
        let watch = lease.watched().await.unwrap().unwrap();
        assert_eq!((watch.generation, watch.claim), (2, 1));
        passes(&model, LIFE);
        assert!(!claimed().await);
    });
}

#[test]
fn wait_recorded_for_a_deleted_counter_counts_no_longer() {
    with_lease(&Model::default(), Counters::Kept, async |lease, model| {
        let slot = lease.read().await.unwrap();
        let until_ms = unix_ms(model.now() + SECOND);
        // The second claim of a counter that has begun anew with one claim.
        lease.record(&Watch { generation: 1, claim: 2, until_ms }).await.unwrap();
        crash(&lease, 1).await;
        assert!(lease.is_claimed(&model, &slot, LIFE).await.unwrap());
        let watch = lease.watched().await.unwrap().unwrap();
        assert_eq!((watch.generation, watch.claim, watch.until_ms), (1, 1, unix_ms(model.now() + LIFE)));
        // A wait for an earlier generation.
        lease.record(&Watch { generation: 0, claim: 1, until_ms }).await.unwrap();
        assert!(lease.is_claimed(&model, &slot, LIFE).await.unwrap());
        assert_eq!(lease.watched().await.unwrap().unwrap().generation, 1);
        // One for a later generation: the one before it is over.
        lease.record(&Watch { generation: 4, claim: 9, until_ms }).await.unwrap();
        assert!(lease.is_claimed(&model, &slot, LIFE).await.unwrap());
        passes(&model, SECOND);
        assert!(!lease.is_claimed(&model, &slot, LIFE).await.unwrap());
        assert_eq!(lease.watched().await.unwrap().unwrap().generation, 4, "nothing is written without a claim");
    });
}

#[test]
fn leases_of_other_names_do_not_share_a_wait() {
    let model = Model::default();
    with_lease(&model, Counters::Kept, async |lease, model| {
        let other = Lease::new(lease.backend(), "y".to_owned(), Counters::Kept);
        for (one, silence) in [(&lease, SECOND), (&other, LIFE)] {
            crash(one, 1).await;
            assert!(one.is_claimed(&model, &Slot::default(), silence).await.unwrap());
        }
        passes(&model, SECOND);
        assert!(!lease.is_claimed(&model, &Slot::default(), LIFE).await.unwrap());
        assert!(other.is_claimed(&model, &Slot::default(), LIFE).await.unwrap());
    });
    assert_eq!(model.world.borrow().values.len(), 2);
}

#[test]
fn loser_waits_for_a_silent_holder_and_then_takes_the_next_generation() {
    for counters in BOTH {
        with_lease(&Model::default(), counters, async |lease, model| {
            let slot = lease.read().await.unwrap();
            crash(&lease, 1).await;
            let began = model.now();
            let pause = if lease.counters == Counters::Kept { PAUSE } else { Duration::ZERO };
            let lost = async || match lease.claim(&model, &slot, LIFE, SECOND).await.unwrap() {
                Claim::Busy { until, slot: None } => until,
                other => panic!("{other:?}"),
            };
            let until = lost().await;
            assert_eq!(until, began + pause + SECOND, "holders of kept counters are given a moment");
            let watch = lease.watched().await.unwrap().unwrap();
            assert_eq!((watch.generation, watch.claim, watch.until_ms), (1, 2, unix_ms(until)));
            // Others wait for the same moment.
            assert_eq!(lost().await, until);
            passes(&model, SECOND);
            let held = match lease.claim(&model, &slot, LIFE, SECOND).await.unwrap() {
                Claim::Won(held) => held,
                other => panic!("{other:?}"),
            };
            assert_eq!((held.generation, held.ticket.0), (2, 1), "its ticket is of the counter that requests use");
            // That one is silent as well: the wait for it begins.
            let again = lost().await;
            assert_eq!(again, model.now() + SECOND);
            assert_eq!(lease.watched().await.unwrap().unwrap().generation, 2);
        });
    }
}

#[test]
fn own_wait_is_not_mistaken_for_that_of_another() {
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        let slot = lease.read().await.unwrap();
        crash(&lease, 1).await;
        // Waits of a claim that is not before this one belong to a counter that was deleted since.
        let until_ms = unix_ms(model.now());
        for claim in [2, 3] {
            lease.record(&Watch { generation: 1, claim, until_ms }).await.unwrap();
            let Claim::Busy { until, .. } = lease.claim(&model, &slot, LIFE, SECOND).await.unwrap() else {
                panic!("the wait of claim {claim} was over")
            };
            assert_eq!(until, model.now() + SECOND);
            lease.backend().delete_counter(&lease.counter(1)).await;
            crash(&lease, 1).await;
        }
    });
}

#[test]
fn wait_for_an_earlier_holder_is_over_and_one_for_a_later_holder_counts() {
    with_lease(&Model::default(), Counters::Kept, async |lease, model| {
        let slot = Slot { generation: 1, ..Slot::default() };
        crash(&lease, 2).await;
        lease.record(&Watch { generation: 1, claim: 0, until_ms: unix_ms(model.now()) }).await.unwrap();
        assert!(matches!(lease.claim(&model, &slot, LIFE, SECOND).await.unwrap(), Claim::Busy { slot: None, .. }));
        let watch = lease.watched().await.unwrap().unwrap();
        assert_eq!((watch.generation, watch.claim), (2, 2), "one claim is enough to wait");
        let later = model.now() + SECOND * 20;
        lease.record(&Watch { generation: 5, claim: 9, until_ms: unix_ms(later) }).await.unwrap();
        let Claim::Busy { until, slot: None } = lease.claim(&model, &slot, LIFE, SECOND).await.unwrap() else {
            panic!("the holder of generation 5 is at work")
        };
        assert_eq!(until, later);
    });
}

#[test]
fn claim_that_never_waits_needs_a_free_generation() {
    with_lease(&Model::default(), Counters::Kept, async |lease, model| {
        let slot = Slot { generation: 6, ..Slot::default() };
        let held = lease.claim_if_free(&model, &slot, LIFE).await.unwrap().unwrap();
        assert_eq!((held.generation, held.ticket), (7, Ticket(7, CLAIM)));
        assert!(lease.claim_if_free(&model, &slot, LIFE).await.unwrap().is_none(), "it is claimed");
        assert_eq!(model.elapsed(), Duration::ZERO);
        let slot = lease.release(&model, held, b"p".to_vec()).await.unwrap().unwrap();
        assert_eq!((slot.generation, slot.payload.as_slice()), (7, &b"p"[..]));
    });
}

#[test]
fn announced_hold_is_seen_by_others_until_its_end() {
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        let slot = lease.read().await.unwrap();
        let Claim::Won(held) = lease.claim(&model, &slot, LIFE, LIFE).await.unwrap() else { panic!("it is free") };
        let until = model.now() + SECOND;
        lease.announce(&held, until, b"who").await.unwrap();
        let seen = lease.read().await.unwrap();
        assert_eq!((seen.generation, seen.payload.as_slice()), (1, &b"who"[..]));
        for slot in [&slot, &seen] {
            match lease.claim(&model, slot, LIFE, LIFE).await.unwrap() {
                Claim::Busy { until: told, slot: Some(told_slot) } => assert_eq!((told, &told_slot), (until, &seen)),
                other => panic!("{other:?}"),
            }
        }
        passes(&model, SECOND);
        assert!(matches!(lease.claim(&model, &seen, LIFE, LIFE).await.unwrap(), Claim::Won(_)));
    });
}

/// Claims for a second, and looks every tenth of one.
async fn acquire(lease: &Lease<'_, Model>, model: &Model, max_wait: Duration) -> Option<(Held, Slot)> {
    lease.acquire(model, SECOND, max_wait, SECOND / 10).await.unwrap()
}

#[test]
fn acquiring_waits_for_the_other_holder_and_no_longer_than_allowed() {
    // The holder is silent: its time passes.
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        crash(&lease, 1).await;
        let (held, slot) = acquire(&lease, &model, SECOND * 5).await.unwrap();
        assert_eq!((held.generation, slot, model.elapsed()), (2, Slot::default(), SECOND));
    });
    // It takes longer than this caller may wait.
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        crash(&lease, 1).await;
        assert!(acquire(&lease, &model, SECOND * 3 / 10).await.is_none());
        assert_eq!(model.elapsed(), SECOND * 3 / 10);
        assert!(acquire(&lease, &model, Duration::ZERO).await.is_none());
        assert_eq!(model.elapsed(), SECOND * 3 / 10, "a caller without patience does not wait");
    });
    // It is done already: the slot is its.
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        let (held, _) = acquire(&lease, &model, Duration::ZERO).await.unwrap();
        lease.release(&model, held, b"p".to_vec()).await.unwrap();
        let (held, slot) = acquire(&lease, &model, Duration::ZERO).await.unwrap();
        assert_eq!((held.generation, slot.payload.as_slice()), (2, &b"p"[..]));
    });
}

#[test]
fn slot_that_is_kept_for_a_while_is_ignored_then() {
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        let lease = lease.kept_for(SECOND);
        let (held, _) = lease.acquire(&model, LIFE, SECOND, SECOND).await.unwrap().unwrap();
        lease.release(&model, held, b"p".to_vec()).await.unwrap();
        passes(&model, SECOND - Duration::from_millis(1));
        assert_eq!(lease.read().await.unwrap().payload, b"p");
        passes(&model, Duration::from_millis(1));
        assert_eq!(lease.read().await.unwrap(), Slot::default());
    });
}

#[test]
fn right_that_is_given_back_leaves_nothing() {
    let model = Model::default();
    with_lease(&model, Counters::Removed, async |lease, model| {
        let (held, _) = lease.acquire(&model, LIFE, SECOND, SECOND).await.unwrap().unwrap();
        lease.announce(&held, model.now() + LIFE, b"who").await.unwrap();
        lease.give_back(&model, held).await;
    });
    assert!(model.world.borrow().values.is_empty() && model.world.borrow().counters.is_empty());
}

#[test]
fn right_that_is_given_back_too_late_changes_nothing() {
    with_lease(&Model::default(), Counters::Removed, async |lease, model| {
        let (late, _) = lease.acquire(&model, LIFE, SECOND, SECOND).await.unwrap().unwrap();
        passes(&model, LIFE);
        let (held, _) = acquire(&lease, &model, LIFE).await.unwrap();
        lease.release(&model, held, b"other".to_vec()).await.unwrap();
        lease.give_back(&model, late).await;
        assert_eq!(lease.read().await.unwrap().payload, b"other");
    });
}

#[test]
fn erased_lease_leaves_nothing() {
    // After a release; after a crash whose wait was recorded; after a crash in the generation that followed.
    for crashes in 0..3 {
        let model = Model::default();
        with_lease(&model, Counters::Removed, async move |lease, model| {
            let (held, _) = lease.acquire(&model, LIFE, SECOND, SECOND).await.unwrap().unwrap();
            lease.release(&model, held, Vec::new()).await.unwrap();
            let slot = lease.read().await.unwrap();
            for crashed in 0..crashes {
                crash(&lease, slot.generation + 1 + crashed).await;
                lease.claim(&model, &slot, LIFE, SECOND).await.unwrap();
                passes(&model, SECOND);
            }
            lease.erase(&slot).await.unwrap();
        });
        let world = model.world.borrow();
        assert!(world.values.is_empty() && world.counters.is_empty(), "{crashes}: {world:?}");
    }
}

#[test]
fn forgotten_lease_has_no_slot_and_no_wait() {
    let model = Model::default();
    with_lease(&model, Counters::Kept, async |lease, model| {
        let (held, slot) = lease.acquire(&model, LIFE, SECOND, SECOND).await.unwrap().unwrap();
        lease.release(&model, held, Vec::new()).await.unwrap();
        lease.record(&Watch { generation: slot.generation, claim: 1, until_ms: 1 }).await.unwrap();
        lease.forget().await;
    });
    assert!(model.world.borrow().values.is_empty());
}

#[test]
fn hurried_holder_leaves_former_counters_to_a_later_one() {
    let model = Model::default();
    for is_hurried in [true, false] {
        for _ in 0..4 {
            with_lease(&model, Counters::Kept, async move |lease, model| {
                let slot = lease.read().await.unwrap();
                let held = lease.claim_if_free(&model, &slot, LIFE).await.unwrap().unwrap();
                let held = if is_hurried { held.hurried() } else { held };
                lease.release(&model, held, Vec::new()).await.unwrap();
            });
            passes(&model, OUTLIVES);
        }
        let left = model.world.borrow().counters.len();
        assert_eq!(left, if is_hurried { 4 } else { 1 });
    }
}
