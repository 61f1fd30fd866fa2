//! Starts of syncs: crowds that share runs, syncs that nobody watches, and a directory that shares its connector.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use idhook_simulator::SyncDuration;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::client::{Call, Reply};
use super::follow;
use super::world::{Place, RUN, Started, World};

/// One of so many starts names a group that Active Directory lacks.
const ABSENT: usize = 12;

/// The crowd of one directory: they come within this time.
const SPREAD: f64 = 1.5;

/// What a start contains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    pub(super) group: Group,
    pub(super) callback: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    None,
    /// Made just before.
    New,
    /// Active Directory lacks it.
    Absent,
}

impl Wishes {
    fn any(random: &mut fastrand::Rng) -> Self {
        let group = match random.usize(0..ABSENT) {
            0 => Group::Absent,
            number if number.is_multiple_of(2) => Group::New,
            _ => Group::None,
        };
        Self { group, callback: random.bool() }
    }
}

/// The body of a start, and the group in it.
fn body(world: &World, place: &Place, wishes: Wishes, random: &mut fastrand::Rng) -> (String, Option<(String, bool)>) {
    let mut body = Map::new();
    let mut group = None;
    if wishes.group != Group::None {
        let dn = format!("CN=gg-{:016x},{}", random.u64(..), place.groups);
        let exists = wishes.group == Group::New;
        if exists && let Err(e) = world.simulator.add_directory_group(&place.directory, &dn) {
            world.tally.broke("the harness works", e);
        }
        body.insert("groups".to_owned(), json!([dn]));
        group = Some((dn, exists));
    }
    if wishes.callback {
        body.insert("callback".to_owned(), json!("ticket"));
    }
    (Value::Object(body).to_string(), group)
}

/// Starts a sync, at another host if a connection fails. With `key` all attempts carry this idempotency key.
pub(super) async fn start(world: &World, place: &Place, wishes: Wishes, random: &mut fastrand::Rng) -> Option<Started> {
    let caller = world.caller();
    let (body, group) = body(world, place, wishes, random);
    let path = path(place);
    let call = Call { expects: &[202], ..Call::post("start", &path, world.key(caller), body) };
    let reply = world.client.send(&call, random).await;
    let reply = note(world, place, reply?);
    if reply.status != 202 {
        return None;
    }
    let started = started(place, &reply, (caller, group, wishes.callback));
    world.tally.count("syncs started");
    Some(started)
}

pub(super) fn path(place: &Place) -> String {
    format!("/vidm/{}/v1/directories/{}/syncs", place.target, place.directory)
}

/// Keeps the attempts of a start.
pub(super) fn note(world: &World, place: &Place, reply: Reply) -> Reply {
    let mut attempts = world.attempts.lock().unwrap_or_else(PoisonError::into_inner);
    attempts.extend(reply.attempts.iter().map(|attempt| (place.directory.clone(), *attempt)));
    drop(attempts);
    reply
}

pub(super) fn started(
    place: &Place,
    reply: &Reply,
    (caller, group, has_callback): (usize, Option<(String, bool)>, bool),
) -> Started {
    let id = reply.json().get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let path = reply.header("location").to_owned();
    Started { place: place.clone(), id, path, caller, asked: reply.sent(), group, has_callback, end: None }
}

/// Keeps a started sync for the checks at the end.
pub(super) fn keep(world: &World, started: Started) {
    world.started.lock().unwrap_or_else(PoisonError::into_inner).push(started);
}

/// Starts a sync and follows it to its end.
async fn start_and_follow(world: &World, place: &Place, wishes: Wishes, mut random: fastrand::Rng) {
    tokio::time::sleep(Duration::from_secs_f64(SPREAD * random.f64())).await;
    if let Some(mut started) = start(world, place, wishes, &mut random).await {
        started.end = follow::to_the_end(world, &started, &mut random).await;
        keep(world, started);
    }
}

/// One crowd after another in one directory.
pub(super) async fn crowds(world: Arc<World>, place: Place, callers: usize, mut random: fastrand::Rng) {
    while !world.is_over() {
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let (world, place, mut own) = (Arc::clone(&world), place.clone(), random.fork());
            crowd.spawn(async move { start_and_follow(&world, &place, Wishes::any(&mut own), own.fork()).await });
        }
        while crowd.join_next().await.is_some() {}
        world.tally.count("crowds");
    }
}

/// Syncs that nobody watches: their callbacks depend on the timer.
pub(super) async fn unwatched(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    while !world.is_over() {
        let wishes = Wishes { callback: true, ..Wishes::any(&mut random) };
        if let Some(started) = start(&world, &place, wishes, &mut random).await {
            world.tally.count("syncs that nobody watches");
            keep(&world, started);
        }
        tokio::time::sleep(Duration::from_secs_f64(3.0 * random.f64())).await;
    }
}

/// Now and then a sync of a directory that shares its connector with a busy one.
pub(super) async fn neighbour(world: Arc<World>, place: Place, mut random: fastrand::Rng) {
    while !world.is_over() {
        let wishes = Wishes::any(&mut random);
        start_and_follow(&world, &place, wishes, random.fork()).await;
        tokio::time::sleep(Duration::from_secs_f64(4.0 * random.f64())).await;
    }
}

/// A run that lasts as long as the load, for those who test the limit of watches.
pub(super) async fn long_run(world: &World, random: &mut fastrand::Rng) -> Option<Started> {
    world.simulator.set_sync_duration(SyncDuration::Manual);
    let started = start(world, &World::watched(), Wishes { group: Group::None, callback: false }, random).await;
    world.simulator.set_sync_duration(SyncDuration::Fixed(RUN));
    started
}
