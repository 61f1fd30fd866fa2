//! Two directories with one connector: never kicked off together, each in its turn.

use std::cell::RefCell;
use std::rc::Rc;

use idhook::webhook::Webhook;
use serde_json::Value;

use super::explorer::{Bounds, Schedule, Task, explore, play, wander};
use super::model::{Clocks, DIRECTORY, Model, OTHER, World, ask, webhook};

async fn caller(at: usize, directory: &'static str, webhook: Rc<Webhook>, model: Model) {
    let path = format!("/vidm/default/v1/directories/{directory}/syncs");
    let started = ask(&webhook, &model, ("POST", &path, &Value::Null), false).await;
    let place = started["links"]["self"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    for _ in 0..12 {
        model.world.borrow_mut().now += 2000;
        let state = ask(&webhook, &model, ("GET", &place, &Value::Null), false).await;
        if state["status"] == "succeeded" {
            let now = model.world.borrow().now;
            model.world.borrow_mut().told.insert(at, now);
            return;
        }
    }
}

fn one(bounds: Bounds, one_instance: bool, schedule: &mut Schedule) -> bool {
    let world = Rc::new(RefCell::new(World { clocks: Clocks::ONE, now: 5000, ..World::default() }));
    let shared = webhook();
    let directories = [DIRECTORY, OTHER];
    let tasks = directories.into_iter().enumerate().map(|(at, directory)| {
        let webhook = if one_instance { Rc::clone(&shared) } else { webhook() };
        let model = Model { caller: at, world: Rc::clone(&world), shares: !one_instance, seed: 2 * at as u64 + 1 };
        let task: Task = Box::pin(caller(at, directory, webhook, model));
        task
    });
    let tasks = tasks.collect();
    let world = play(world, tasks, bounds, schedule);
    for (at, run) in world.runs.iter().enumerate() {
        let beside = world
            .runs
            .iter()
            .skip(at + 1)
            .find(|later| later.directory != run.directory && run.ended.is_none_or(|ended| later.began < ended));
        let trace = world.trace.join("\n");
        assert!(beside.is_none(), "{run:?} and {beside:?}\nchoices {:?}\n{trace}", schedule.taken);
    }
    world.told.len() == directories.len()
}

fn never_at_once(one_instance: bool) {
    let bounds = Bounds { preemptions: 1, dies: None };
    let (count, served) = explore(|schedule| one(bounds, one_instance, schedule));
    assert!(count > 10 && served > count / 2, "{served} of {count}");
    wander(|schedule| {
        one(Bounds { preemptions: usize::MAX, ..bounds }, one_instance, schedule);
    });
}

#[test]
fn directories_take_turns_with_a_shared_store() {
    never_at_once(false);
}

#[test]
fn directories_take_turns_in_one_instance() {
    never_at_once(true);
}
