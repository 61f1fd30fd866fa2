//! Groups added to one sync profile concurrently: none is lost, neither new nor old, and no repair is needed.

use std::cell::RefCell;
use std::rc::Rc;

use idhook::webhook::Webhook;
use serde_json::json;

use super::explorer::{Bounds, Schedule, Task, explore, play, wander};
use super::model::{Clocks, DIRECTORY, Model, World, ask, webhook};

const BEFORE: &str = "CN=before,OU=Groups,DC=corp,DC=example";

fn group(at: usize) -> String {
    format!("CN=gg-{at},OU=Groups,DC=corp,DC=example")
}

async fn caller(at: usize, webhook: Rc<Webhook>, model: Model) {
    let path = format!("/vidm/default/v1/directories/{DIRECTORY}/syncs");
    let body = json!({"groups": [group(at)], "addToProfile": true});
    let started = ask(&webhook, &model, ("POST", &path, &body), false).await;
    if started["id"].is_string() {
        let now = model.world.borrow().now;
        model.world.borrow_mut().told.insert(at, now);
    }
}

fn one(bounds: Bounds, one_instance: bool, schedule: &mut Schedule) -> World {
    let profile = vec![BEFORE.to_owned()];
    let world = Rc::new(RefCell::new(World { clocks: Clocks::ONE, now: 5000, profile, ..World::default() }));
    let shared = webhook();
    let tasks = (0..2).map(|at| {
        let webhook = if one_instance { Rc::clone(&shared) } else { webhook() };
        let model = Model { caller: at, world: Rc::clone(&world), shares: !one_instance, seed: 2 * at as u64 + 1 };
        let task: Task = Box::pin(caller(at, webhook, model));
        task
    });
    let tasks = tasks.collect();
    let world = play(world, tasks, bounds, schedule);
    let story = || format!("choices {:?}\n{}", schedule.taken, world.trace.join("\n"));
    assert_eq!(world.lost, [""; 0], "{}", story());
    for at in world.told.keys() {
        assert!(world.profile.contains(&group(*at)), "{at} got a success: {}", story());
    }
    world
}

fn none_is_lost(one_instance: bool) {
    let bounds = Bounds { preemptions: 1, dies: None };
    let (count, served) = explore(|schedule| {
        let world = one(bounds, one_instance, schedule);
        assert_eq!(world.writes, 2, "each wrote once\nchoices {:?}\n{}", schedule.taken, world.trace.join("\n"));
        world.told.len() == 2
    });
    assert!(count > 20 && served == count, "{served} of {count}");
    wander(|schedule| {
        one(Bounds { preemptions: usize::MAX, ..bounds }, one_instance, schedule);
    });
}

#[test]
fn no_group_is_lost_with_a_shared_store() {
    none_is_lost(false);
}

#[test]
fn no_group_is_lost_in_one_instance() {
    none_is_lost(true);
}

#[test]
fn crash_of_the_lease_holder_loses_no_group() {
    for when in 1..40 {
        let bounds = Bounds { preemptions: 0, dies: Some((0, when)) };
        explore(|schedule| one(bounds, false, schedule).told.contains_key(&1));
    }
}
