//! Requests for a sync of one directory: no caller gets a success from a run that began before its request, and no run is
//! superfluous.

use std::cell::RefCell;
use std::rc::Rc;

use idhook::webhook::Webhook;
use serde_json::{Value, json};

use super::explorer::{Bounds, Schedule, Task, explore, play, wander};
use super::model::{Clocks, DIRECTORY, LastSync, Log, Model, Run, Shows, World, ask, group, webhook};

/// A scenario.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    callers: usize,
    /// Whether all instances share a store.
    shares: bool,
    /// Whether one instance serves all callers.
    one_instance: bool,
    clocks: Clocks,
    shows: Shows,
    /// VCF Operations in place of vIDM.
    fleet: Option<Log>,
    /// Whether a foreign run is active at first.
    busy_at_first: bool,
    /// Whether callers behave like watchers.
    watches: bool,
    /// Whether each caller requests a group of its own.
    groups: bool,
    /// Whether each caller requests a second sync after its first has succeeded.
    again: bool,
    bounds: Bounds,
}

/// One caller: starts a sync, then polls until it is final, at most `polls` times.
async fn caller(at: usize, webhook: Rc<Webhook>, model: Model, polls: usize, scenario: Scenario) {
    let watches = scenario.watches;
    let body = if scenario.groups { json!({ "groups": [group(at)] }) } else { Value::Null };
    let product = if model.world.borrow().fleet.is_some() { "fleet" } else { "vidm" };
    let path = format!("/{product}/default/v1/directories/{DIRECTORY}/syncs");
    model.world.borrow_mut().told.remove(&at);
    let mut attempts = 0;
    let place = loop {
        let came = model.world.borrow().now;
        model.world.borrow_mut().came.insert(at, came);
        let started = ask(&webhook, &model, ("POST", &path, &body), false).await;
        if let Some(place) = started["links"]["self"].as_str() {
            break place.to_owned();
        }
        // Another instance, which may have crashed, holds the login. It is waited for as long as a request may last.
        assert!(started["code"] == "upstream_busy" && attempts < 3, "{started}");
        attempts += 1;
        model.world.borrow_mut().now += 30_000;
    };
    for _ in 0..polls {
        // Polls are one second apart. All polls together take less time than a lease: a slower caller may cost a further
        // run.
        model.world.borrow_mut().now += 1000;
        let state = ask(&webhook, &model, ("GET", &place, &Value::Null), watches).await;
        match state["status"].as_str() {
            Some("succeeded") => {
                let now = model.world.borrow().now;
                model.world.borrow_mut().told.insert(at, now);
                return;
            }
            Some("queued" | "running" | "unknown") => {}
            _ => panic!("{state}"),
        }
    }
}

impl Scenario {
    fn play(self, schedule: &mut Schedule) -> World {
        let world = Rc::new(RefCell::new(World {
            clocks: self.clocks,
            shows: self.shows,
            fleet: self.fleet,
            now: 5000,
            ..World::default()
        }));
        if self.busy_at_first {
            let run = Run { directory: DIRECTORY.to_owned(), began: 1000, ended: None, drawn: 0 };
            world.borrow_mut().runs.push(run);
        }
        let shared = webhook();
        let tasks = (0..self.callers).map(|at| {
            let webhook = if self.one_instance { Rc::clone(&shared) } else { webhook() };
            let seed = if self.one_instance { 1 } else { 2 * at as u64 + 1 };
            let model = Model { caller: at, world: Rc::clone(&world), shares: self.shares, seed };
            let task: Task = Box::pin(async move {
                caller(at, Rc::clone(&webhook), model.clone(), 36 / self.callers, self).await;
                if self.again && model.world.borrow().told.contains_key(&at) {
                    caller(at, webhook, model, 36 / self.callers, self).await;
                }
            });
            task
        });
        let tasks = tasks.collect();
        play(world, tasks, self.bounds, schedule)
    }

    /// The guarantees of `idhook::sync`, for one schedule.
    fn check(self, world: &World, schedule: &Schedule) {
        let story = || {
            let World { runs, came, told, trace, .. } = world;
            format!(
                "{self:?}\nchoices {:?}\nruns {runs:?}\ncame {came:?}\ntold {told:?}\n{}",
                schedule.taken,
                trace.join("\n")
            )
        };
        // Exact, except when a recent observation replaced a new one.
        let slack = if self.again && self.fleet.is_none() { 500 } else { 0 };
        for (at, told) in &world.told {
            let came = world.came[at];
            let served =
                world.runs.iter().any(|run| run.began + slack >= came && run.ended.is_some_and(|ended| ended <= *told));
            assert!(served, "caller {at} got a success from a run that began before its request: {}", story());
        }
        let requests = self.callers * if self.again { 2 } else { 1 };
        // Every start at VCF Operations follows an observation, so none has to be repeated.
        let each = if self.shares && self.fleet.is_some() && self.bounds.dies.is_none() { 1 } else { 2 };
        assert!(world.starts <= each * requests, "more than {each} starts for a request: {}", story());
        if self.shares && self.bounds.dies.is_none() && !self.again {
            // No run is superfluous: a caller that drew its ticket after the previous run's draw needs it.
            for pair in world.runs.windows(2) {
                let [before, this] = pair else { continue };
                let mut tickets = world.tickets.values().filter_map(|drawn| drawn.first());
                let needed = tickets.any(|ticket| *ticket >= before.drawn && *ticket <= this.drawn);
                assert!(needed, "a run that serves no new request: {}", story());
            }
        }
    }

    fn explore(self) -> (usize, usize) {
        let alive = self.callers - usize::from(self.bounds.dies.is_some());
        explore(|schedule| {
            let world = self.play(schedule);
            self.check(&world, schedule);
            world.told.len() >= alive
        })
    }

    /// The same where nothing shows which run serves a request without groups: no success is certain.
    fn explore_and_wander_in_doubt(self) {
        let (count, served) = self.explore();
        assert!(count > 20 && served == 0, "{served} of {count}");
        self.wander();
    }

    /// All schedules with one preemption, and some hundred random ones with any number.
    fn explore_and_wander(self) {
        let (count, served) = self.explore();
        assert!(count > 20 && served > count / 2, "{served} of {count}");
        self.wander();
    }

    fn wander(self) {
        let free = Self { bounds: Bounds { preemptions: usize::MAX, ..self.bounds }, ..self };
        wander(|schedule| {
            let world = free.play(schedule);
            free.check(&world, schedule);
        });
    }
}

const UNTIMED: Clocks = Clocks { starts: false, ..Clocks::ONE };

const SCENARIO: Scenario = Scenario {
    callers: 2,
    shares: true,
    one_instance: false,
    clocks: Clocks::ONE,
    shows: Shows { late: 0, ended_only: false },
    fleet: None,
    busy_at_first: true,
    watches: false,
    groups: false,
    again: false,
    bounds: Bounds { preemptions: 1, dies: None },
};

#[test]
fn requests_during_a_run_are_served_with_a_shared_store() {
    SCENARIO.explore_and_wander();
}

#[test]
fn requests_during_a_run_are_served_without_times() {
    Scenario { clocks: UNTIMED, ..SCENARIO }.explore_and_wander();
}

#[test]
fn watchers_during_a_run_are_served() {
    Scenario { watches: true, ..SCENARIO }.explore_and_wander();
}

#[test]
fn watchers_during_a_run_are_served_without_times() {
    Scenario { watches: true, clocks: UNTIMED, ..SCENARIO }.explore_and_wander();
}

#[test]
fn three_requests_for_an_idle_directory_are_served() {
    Scenario { callers: 3, busy_at_first: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn requests_are_served_in_one_instance_without_a_store() {
    Scenario { shares: false, one_instance: true, ..SCENARIO }.explore_and_wander();
}

#[test]
fn requests_are_served_on_two_instances_without_a_store() {
    Scenario { shares: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn crashed_claimant_does_not_block_others() {
    for when in 1..40 {
        let scenario = Scenario { bounds: Bounds { preemptions: 0, dies: Some((0, when)) }, ..SCENARIO };
        let (count, served) = scenario.explore();
        assert!(served > 0, "died at step {when}: in none of {count} schedules was the other served");
    }
}

/// Hours apart in either direction, in whole seconds, fast and slow, or absent.
const CLOCKS: [Clocks; 10] = [
    Clocks { ahead: 2_000, ..Clocks::ONE },
    Clocks { ahead: -2_000, ..Clocks::ONE },
    Clocks { ahead: 14 * 3_600_000, ..Clocks::ONE },
    Clocks { ahead: -14 * 3_600_000, ..Clocks::ONE },
    Clocks { date_ahead: Some(30_000), ..Clocks::ONE },
    Clocks { date_ahead: Some(-30_000), ahead: 14 * 3_600_000, ..Clocks::ONE },
    Clocks { whole_seconds: true, date_ahead: None, ..Clocks::ONE },
    Clocks { whole_seconds: true, ahead: -3_600_500, ..Clocks::ONE },
    Clocks { drift: 20, ahead: 500, ..Clocks::ONE },
    Clocks { drift: -20, date_ahead: None, ..Clocks::ONE },
];

/// With every clock each caller is served by a run that began after its request; one of the clocks is tried in all
/// schedules.
fn under_every_clock(scenario: Scenario) {
    for clocks in CLOCKS {
        let bounds = Bounds { preemptions: 0, dies: None };
        let (count, served) = Scenario { clocks, bounds, ..scenario }.explore();
        assert!(served == count, "{clocks:?}: {served} of {count}");
    }
    Scenario { clocks: CLOCKS[5], ..scenario }.explore_and_wander();
}

#[test]
fn clocks_do_not_matter_with_a_shared_store() {
    under_every_clock(SCENARIO);
}

#[test]
fn clocks_do_not_matter_on_two_instances_without_a_store() {
    under_every_clock(Scenario { shares: false, ..SCENARIO });
}

#[test]
fn clocks_do_not_matter_in_one_instance_without_a_store() {
    under_every_clock(Scenario { shares: false, one_instance: true, busy_at_first: false, ..SCENARIO });
}

#[test]
fn second_sync_after_a_recent_one_is_correct() {
    let again = Scenario { again: true, busy_at_first: false, ..SCENARIO };
    under_every_clock(again);
    Scenario { clocks: UNTIMED, ..again }.explore_and_wander();
}

/// The log has entries of ended runs only, at once, and the time of the last sync is its end.
const LOG: Log = Log { while_active: false, late: 0, readable: true, last_sync: LastSync::End, queues: false };

/// Every combination of what is unknown about VCF Operations: entries of active runs, late entries, no log, no times, starts
/// that queue.
fn logs() -> impl Iterator<Item = Log> {
    let last_syncs = [LastSync::End, LastSync::Start, LastSync::Absent];
    last_syncs.into_iter().flat_map(|last_sync| {
        let logs = [
            LOG,
            Log { while_active: true, ..LOG },
            Log { late: 1500, ..LOG },
            Log { while_active: true, late: 1500, ..LOG },
            Log { readable: false, ..LOG },
        ];
        let with = |queues: bool| logs.map(|log| Log { last_sync, queues, ..log });
        with(false).into_iter().chain(with(true))
    })
}

/// With every VCF Operations each caller is served by a run that began after its request.
fn with_every_log(scenario: Scenario) {
    for log in logs() {
        let bounds = Bounds { preemptions: 0, dies: None };
        let (count, served) = Scenario { fleet: Some(log), bounds, ..scenario }.explore();
        assert!(served == count, "{log:?}: {served} of {count}");
    }
    for log in [LOG, Log { while_active: true, late: 1500, queues: true, ..LOG }] {
        Scenario { fleet: Some(log), ..scenario }.explore_and_wander();
    }
}

#[test]
fn log_entries_tell_runs_apart_with_a_shared_store() {
    with_every_log(SCENARIO);
}

#[test]
fn log_entries_tell_runs_apart_on_two_instances_without_a_store() {
    with_every_log(Scenario { shares: false, ..SCENARIO });
}

#[test]
fn log_entries_tell_runs_of_an_idle_directory_apart() {
    with_every_log(Scenario { busy_at_first: false, ..SCENARIO });
    with_every_log(Scenario { busy_at_first: false, shares: false, one_instance: true, ..SCENARIO });
}

#[test]
fn second_sync_after_a_recent_one_is_told_apart_by_its_entry() {
    with_every_log(Scenario { again: true, busy_at_first: false, ..SCENARIO });
}

#[test]
fn groups_of_second_syncs_are_never_reported_absent_too_early() {
    with_every_log(Scenario { groups: true, again: true, busy_at_first: false, ..SCENARIO });
}

/// Runs appear in the state after a second and a half.
const LATE: Shows = Shows { late: 1500, ended_only: false };

/// Two instances without a store know nothing of each other's starts: they are not in this test.
#[test]
fn run_that_appears_late_serves_no_later_request() {
    for busy_at_first in [true, false] {
        let late = Scenario { shows: LATE, busy_at_first, ..SCENARIO };
        late.explore_and_wander();
        Scenario { clocks: UNTIMED, ..late }.explore_and_wander();
        Scenario { shares: false, one_instance: true, ..late }.explore_and_wander();
    }
}

/// The state cannot be read, and the list of runs has a run at its end, or a second and a half later.
fn ended_only(late: u64) -> Shows {
    Shows { late, ended_only: true }
}

#[test]
fn list_of_ended_runs_alone_proves_nothing() {
    let busy = Scenario { shows: ended_only(1500), ..SCENARIO };
    busy.explore_and_wander_in_doubt();
    for scenario in [busy, Scenario { shows: ended_only(0), busy_at_first: false, ..busy }] {
        let one = Scenario { bounds: Bounds { preemptions: 0, dies: None }, ..scenario };
        for scenario in [
            Scenario { clocks: UNTIMED, ..one },
            Scenario { shares: false, ..one },
            Scenario { shares: false, one_instance: true, ..one },
        ] {
            let (_, served) = scenario.explore();
            assert_eq!(served, 0, "{scenario:?}");
        }
    }
}
