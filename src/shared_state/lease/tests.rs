use std::cell::RefCell;
use std::rc::Rc;

use super::slot::{FORM, OUTLIVES};
use super::*;
use crate::runtime::{Clock as _, from_unix_ms};
use crate::shared_state::testing::{Model, Task, explore, run};
use crate::shared_state::{SharedStore, StateKey, StoreAccess};

mod alone;

const LIFE: Duration = Duration::from_secs(45);
const BOTH: [Counters; 2] = [Counters::Kept, Counters::Removed];

/// The events, in order.
#[derive(Debug, Default)]
struct Log {
    at_work: usize,
    /// The generations that holders left.
    left: Vec<u64>,
    claims: Vec<Ticket>,
    /// Tickets, and how many claims had been made when its slot was read and when it was drawn.
    tickets: Vec<(Ticket, usize, usize)>,
}

fn access() -> StoreAccess {
    StoreAccess::new(Rc::new(StateKey::of("pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")), String::new())
}

/// One step, at which others may proceed.
async fn work(model: &Model) {
    let _ = crate::store::Store::get(model, "work").await;
}

/// Claims, works and leaves its generation in the slot; gives up if another caller is at work.
async fn claimant(model: Model, counters: Counters, log: Rc<RefCell<Log>>) -> bool {
    let access = access();
    let store = SharedStore::new(&model, Some(&access), Duration::MAX);
    let lease = Lease::new(Backend::Shared(&store), "x".to_owned(), counters);
    let before = log.borrow().claims.len();
    let mut slot = lease.read().await.unwrap();
    if counters == Counters::Kept {
        let drawn = lease.ticket(&slot).await.unwrap();
        let after = log.borrow().claims.len();
        log.borrow_mut().tickets.push((drawn, before, after));
    }
    for _ in 0..3 {
        match lease.claim(&model, &slot, LIFE, LIFE).await.unwrap() {
            Claim::Won(held) => {
                let before = log.borrow().at_work;
                assert_eq!(before, 0, "two at work: {log:?}");
                log.borrow_mut().at_work += 1;
                log.borrow_mut().claims.push(held.ticket);
                work(&model).await;
                let generation = held.generation;
                log.borrow_mut().at_work -= 1;
                log.borrow_mut().left.push(generation);
                let left = lease.release(&model, held, generation.to_be_bytes().to_vec()).await.unwrap();
                assert!(left.is_some());
                return true;
            }
            Claim::Done(newer) => slot = newer,
            Claim::Busy { .. } => return false,
        }
    }
    false
}

/// Runs every order in which `count` callers claim once; returns how many there were.
fn claim_in_every_order(counters: Counters, count: usize, switches: usize, dies: Option<usize>) -> usize {
    let log = Rc::new(RefCell::new(Log::default()));
    let begin = |models: &[Model]| {
        log.take();
        let task = |model: &Model| {
            let (model, log) = (model.clone(), Rc::clone(&log));
            Box::pin(async move {
                claimant(model, counters, log).await;
            }) as Task
        };
        models.iter().map(task).collect()
    };
    explore(count, switches, dies, begin, |model, taken| {
        let mut seen = log.take();
        let generations: Vec<_> = seen.left.clone();
        assert!(generations.is_sorted_by(|one, other| one < other), "{seen:?} {taken:?}");
        assert!(dies.is_some() || !generations.is_empty(), "nobody won: {taken:?}");
        for (ticket, before, after) in &seen.tickets {
            assert!(seen.claims.iter().take(*before).all(|claim| claim < ticket), "{seen:?} {taken:?}");
            assert!(seen.claims.iter().skip(*after).all(|claim| claim > ticket), "{seen:?} {taken:?}");
        }
        // A later claimant wins: at once, or after the wait for the crashed one.
        seen.at_work = 0;
        log.replace(seen);
        let mut waits = 0;
        loop {
            let won = Rc::new(RefCell::new(false));
            let (model, log, told) = (model.clone(), Rc::clone(&log), Rc::clone(&won));
            let world = Rc::clone(&model.world);
            run(Box::pin(async move { *told.borrow_mut() = claimant(model, counters, log).await }));
            if *won.borrow() {
                break;
            }
            waits += 1;
            assert!(dies.is_some() && waits < 3, "{taken:?} {:?}", world.borrow());
            world.borrow_mut().elapsed += LIFE;
        }
    })
}

#[test]
fn one_caller_at_a_time_works_in_every_order() {
    for counters in BOTH {
        let (two, three) = (claim_in_every_order(counters, 2, 4, None), claim_in_every_order(counters, 3, 2, None));
        assert!(two > 50 && three > 100, "{two} {three}");
    }
}

#[test]
fn crashed_holder_delays_by_at_most_its_time() {
    for counters in BOTH {
        for step in 1..12 {
            claim_in_every_order(counters, 2, 2, Some(step));
            claim_in_every_order(counters, 3, 1, Some(step));
        }
    }
}

#[test]
fn removed_counters_leave_only_the_slot() {
    let model = Model::default();
    for _ in 0..3 {
        assert!(won(&model, Counters::Removed));
    }
    let world = model.world.borrow();
    assert_eq!((world.counters.len(), world.values.len()), (0, 1), "{world:?}");
}

fn won(model: &Model, counters: Counters) -> bool {
    let won = Rc::new(RefCell::new(false));
    let (model, told) = (model.clone(), Rc::clone(&won));
    run(Box::pin(async move { *told.borrow_mut() = claimant(model, counters, Rc::default()).await }));
    *won.borrow()
}

#[test]
fn kept_counters_outlive_their_generation_and_are_deleted_then() {
    let model = Model::default();
    for _ in 0..40 {
        assert!(won(&model, Counters::Kept));
        model.world.borrow_mut().elapsed += Duration::from_secs(1);
    }
    assert_eq!(model.world.borrow().counters.len(), 40);
    let mut most = 0;
    for _ in 0..40 {
        model.world.borrow_mut().elapsed += OUTLIVES;
        assert!(won(&model, Counters::Kept));
        most = most.max(model.world.borrow().counters.len());
    }
    assert!(model.world.borrow().counters.len() <= 3, "{:?}", model.world.borrow().counters);
    assert!(most <= 42, "{most}");
}

#[test]
fn late_holder_leaves_no_slot() {
    let model = Model::default();
    let checked = Rc::new(RefCell::new(false));
    let (this, told) = (model.clone(), Rc::clone(&checked));
    run(Box::pin(async move {
        let access = access();
        let store = SharedStore::new(&this, Some(&access), Duration::MAX);
        let lease = Lease::new(Backend::Shared(&store), "x".to_owned(), Counters::Kept);
        let slot = lease.read().await.unwrap();
        let Claim::Won(held) = lease.claim(&this, &slot, LIFE, LIFE).await.unwrap() else { panic!("free") };
        this.world.borrow_mut().elapsed += LIFE;
        assert_eq!(lease.release(&this, held, vec![1]).await.unwrap(), None);
        assert_eq!(lease.read().await.unwrap(), slot);
        assert!(this.now() > SystemTime::UNIX_EPOCH);
        *told.borrow_mut() = true;
    }));
    assert!(*checked.borrow());
}

#[test]
fn hold_ends_at_its_time() {
    let slot = Slot { held_until_ms: 1_000, ..Slot::default() };
    for (now, until) in [(0, Some(1_000)), (999, Some(1_000)), (1_000, None), (1_001, None)] {
        assert_eq!(slot.held_until(from_unix_ms(now)), until.map(from_unix_ms), "{now}");
    }
}

#[test]
fn counters_are_deleted_when_no_request_can_need_them() {
    let (begun, outlives) = (10_000_000, u64::try_from(OUTLIVES.as_millis()).unwrap());
    let mut sweep = Sweep::default();
    assert_eq!(sweep.advance(5, begun, false), [0; 0]);
    assert_eq!(sweep.advance(9, begun + outlives - 1, false), [0; 0]);
    assert_eq!(sweep.advance(12, begun + outlives, false), [1, 2, 3, 4, 5]);

    // A few at once; in a hurry only from a backlog of 64.
    let many = Sweep { done: 40, ready: 100, next: 100, next_ms: begun };
    let deleted = |generation, is_hurried| { many }.advance(generation, begun, is_hurried);
    let some: Vec<u64> = (41..=56).collect();
    assert_eq!((deleted(103, true), deleted(104, true), deleted(103, false)), (Vec::new(), some.clone(), some));
}

#[test]
fn slot_survives_a_round_trip_and_other_bytes_fail() {
    let sweep = Sweep { done: 1, ready: 2, next: 3, next_ms: u64::MAX };
    let slot = Slot { generation: 7, held_until_ms: 9, payload: b"p".to_vec(), sweep };
    assert_eq!(Slot::read(&slot.write()), Some(slot));
    for bytes in [&b""[..], &[FORM], &[FORM; 48], &[0; 60]] {
        assert_eq!(Slot::read(bytes), None, "{bytes:?}");
    }
}
