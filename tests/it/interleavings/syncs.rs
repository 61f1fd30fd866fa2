//! Requests for a sync of one directory: nobody is told of success by a run that began before, and no run is for nothing.

use std::cell::RefCell;
use std::rc::Rc;

use idhook::webhook::Webhook;
use serde_json::Value;

use super::explorer::{Bounds, Schedule, Task, explore, play, wander};
use super::model::{DIRECTORY, Model, Run, World, ask, webhook};

/// What a scenario is made of.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    callers: usize,
    /// Whether all instances share a store.
    shares: bool,
    /// Whether all callers are served by one instance.
    one_instance: bool,
    tells_times: bool,
    /// Whether a run of somebody else's is going on at first.
    busy_at_first: bool,
    /// Whether callers ask as watchers do.
    watches: bool,
    bounds: Bounds,
}

/// One caller: starts a sync, then asks until it is final, as long as the schedule gives it `polls`.
async fn caller(at: usize, webhook: Rc<Webhook>, model: Model, polls: usize, watches: bool) {
    let came = model.world.borrow().now;
    model.world.borrow_mut().came.insert(at, came);
    let path = format!("/vidm/default/v1/directories/{DIRECTORY}/syncs");
    let started = ask(&webhook, &model, ("POST", &path, &Value::Null), false).await;
    let place = started["links"]["self"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    for _ in 0..polls {
        // A poll comes a second after the one before. All polls together stay below a lease: who is slower than that may cost
        // a run more.
        model.world.borrow_mut().now += 1000;
        let state = ask(&webhook, &model, ("GET", &place, &Value::Null), watches).await;
        match state["status"].as_str() {
            Some("succeeded") => {
                let now = model.world.borrow().now;
                model.world.borrow_mut().told.insert(at, now);
                return;
            }
            Some("queued" | "running") => {}
            _ => panic!("{state}"),
        }
    }
}

impl Scenario {
    fn play(self, schedule: &mut Schedule) -> World {
        let world = Rc::new(RefCell::new(World { tells_times: self.tells_times, now: 5000, ..World::default() }));
        if self.busy_at_first {
            let run = Run { directory: DIRECTORY.to_owned(), began: 1000, ended: None, drawn: 0 };
            world.borrow_mut().runs.push(run);
        }
        let shared = webhook();
        let tasks = (0..self.callers).map(|at| {
            let webhook = if self.one_instance { Rc::clone(&shared) } else { webhook() };
            let seed = if self.one_instance { 1 } else { 2 * at as u64 + 1 };
            let model = Model { caller: at, world: Rc::clone(&world), shares: self.shares, seed };
            let task: Task = Box::pin(caller(at, webhook, model, 36 / self.callers, self.watches));
            task
        });
        let tasks = tasks.collect();
        play(world, tasks, self.bounds, schedule)
    }

    /// The promises of `idhook::sync`, for one schedule.
    fn check(self, world: &World, schedule: &Schedule) {
        let story = || {
            let World { runs, came, told, trace, .. } = world;
            format!(
                "{self:?}\nchoices {:?}\nruns {runs:?}\ncame {came:?}\ntold {told:?}\n{}",
                schedule.taken,
                trace.join("\n")
            )
        };
        // Exact where there is a common ledger; to the second of the Date header where only the clocks can tell.
        let slack = if self.shares || self.one_instance { 0 } else { 1000 };
        for (at, told) in &world.told {
            let came = world.came[at];
            let served =
                world.runs.iter().any(|run| run.began + slack >= came && run.ended.is_some_and(|ended| ended <= *told));
            assert!(served, "caller {at} was told of success by a run that began before it came: {}", story());
        }
        if self.shares && self.bounds.dies.is_none() {
            // No run is for nothing: somebody needs it who drew a ticket after the run before had drawn its own. The one run
            // more is that of a first kick-off that could not know whether it had joined.
            for pair in world.runs.windows(2) {
                let [before, this] = pair else { continue };
                let mut tickets = world.tickets.values().filter_map(|drawn| drawn.first());
                let is_blind = !self.tells_times
                    && world.runs.iter().find(|run| run.drawn > 0).is_some_and(|first| first.began == before.began);
                let needed = tickets.any(|ticket| *ticket >= before.drawn && *ticket <= this.drawn) || is_blind;
                assert!(needed, "a run that serves nobody new: {}", story());
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

    /// All schedules with one preemption, and some hundred drawn by chance with any number.
    fn explore_and_wander(self) {
        let (count, served) = self.explore();
        assert!(count > 20 && served > count / 2, "{served} of {count}");
        let free = Self { bounds: Bounds { preemptions: usize::MAX, ..self.bounds }, ..self };
        wander(|schedule| {
            let world = free.play(schedule);
            free.check(&world, schedule);
        });
    }
}

const SCENARIO: Scenario = Scenario {
    callers: 2,
    shares: true,
    one_instance: false,
    tells_times: true,
    busy_at_first: true,
    watches: false,
    bounds: Bounds { preemptions: 1, dies: None },
};

#[test]
fn two_callers_during_a_run_on_two_instances_with_a_shared_store() {
    SCENARIO.explore_and_wander();
}

#[test]
fn the_same_when_vidm_tells_no_times() {
    Scenario { tells_times: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn the_same_when_they_take_each_others_looks() {
    Scenario { watches: true, ..SCENARIO }.explore_and_wander();
}

#[test]
fn and_when_it_tells_no_times_besides() {
    Scenario { watches: true, tells_times: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn three_callers_on_an_idle_directory() {
    Scenario { callers: 3, busy_at_first: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn two_callers_in_one_instance_without_a_store() {
    Scenario { shares: false, one_instance: true, ..SCENARIO }.explore_and_wander();
}

#[test]
fn two_callers_on_two_instances_without_a_store() {
    Scenario { shares: false, ..SCENARIO }.explore_and_wander();
}

#[test]
fn a_claimant_that_dies_at_any_step_does_not_stop_the_other() {
    for when in 1..40 {
        let scenario = Scenario { bounds: Bounds { preemptions: 0, dies: Some((0, when)) }, ..SCENARIO };
        let (count, served) = scenario.explore();
        assert!(served > 0, "died at step {when}: in none of {count} schedules was the other served");
    }
}
