//! The checks at the end, with all hosts up: what was started against what the upstream and the receiver saw.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use idhook_simulator::{Outcome, Server as Upstream, SyncRun};
use serde_json::Value;
use tokio::task::JoinSet;

use super::client::{Attempt, Call, Fate};
use super::follow;
use super::keyed::Source;
use super::limits::{Accepted, Streams};
use super::timer;
use super::world::{Place, Started, World};

/// How long the open syncs may take once all hosts stay up: the lease of a dead holder, and as much again for two runs.
const DRAIN: Duration = Duration::from_secs(120);

/// How far the clocks of one machine's processes, and the moment of a claim, may be apart.
const JITTER: Duration = Duration::from_millis(500);

/// How long after a run's begin its kick-off may not be recorded yet: its response takes 0.3 s.
const UNRECORDED: Duration = Duration::from_millis(1500);

/// How long an instance remembers the list of directories that were kicked off.
const UNLISTED: Duration = Duration::from_secs(12);

/// The most sync ids that are asked for at every host.
const ASKED: usize = 400;

/// Requests at once.
const AT_ONCE: usize = 8;

/// All checks.
pub(super) async fn check(
    world: &Arc<World>,
    sources: &[Source],
    (accepted, streams): (&Accepted, &Streams),
    random: &mut fastrand::Rng,
) -> Result<()> {
    let open = timer::drain(world, DRAIN, random).await;
    if open > 0 {
        world.tally.broke("everything is done at the end", format!("{open} syncs stay open"));
    }
    end_the_unwatched(world, random).await;
    callbacks(world);
    let [first, second] = World::neighbours();
    for place in World::crowded().iter().chain([&first, &second]) {
        runs(world, place)?;
    }
    neighbours(world, &first, &second)?;
    every_host_answers(world).await;
    changes(world, sources);
    world.tally.add("requests of the hasty caller accepted", accepted.excess().0 as u64);
    world.tally.add("most of them in a minute", accepted.most_in_a_minute() as u64);
    let excess = accepted.excess().1;
    if excess > 2.0 {
        world.tally.broke("no caller exceeds its requests per minute", format!("{excess:.1} too many at once"));
    }
    world.tally.add("most streams of the watcher at once", streams.most() as u64);
    Ok(())
}

fn started(world: &World) -> Vec<Started> {
    world.started.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Those that nobody watched have ended meanwhile.
async fn end_the_unwatched(world: &World, random: &mut fastrand::Rng) {
    let mut all = started(world);
    for sync in all.iter_mut().filter(|sync| sync.end.is_none()) {
        let call = Call::get("state", &sync.path, world.key(sync.caller));
        let Some(reply) = world.client.send(&call, random).await else { continue };
        let state = reply.json();
        if follow::is_final(&state) && reply.status == 200 {
            follow::judge(world, sync, &state);
            sync.end = Some((state, SystemTime::now()));
        } else {
            world.tally.broke("every sync ends", format!("{sync:?} {state}"));
        }
    }
    *world.started.lock().unwrap_or_else(PoisonError::into_inner) = all;
}

/// Each sync with a callback has its message, and one `webhook-id`.
fn callbacks(world: &World) {
    let messages = world.receiver.messages();
    let started = started(world);
    for sync in started.iter().filter(|sync| sync.has_callback) {
        world.tally.count("syncs with a callback");
        let Some(received) = messages.get(&sync.id).filter(|received| received.accepted > 0) else {
            world.tally.broke("each callback is delivered", format!("{sync:?}"));
            continue;
        };
        world.tally.add("messages after an accepted one", received.accepted as u64 - 1);
        if received.ids.iter().any(|id| Some(id) != received.ids.first() || id.is_empty()) {
            world.tally.broke("all messages about a sync have one webhook-id", format!("{received:?}"));
        }
    }
    let unknown = messages.keys().filter(|id| !started.iter().any(|sync| sync.id == **id)).count();
    world.tally.add("messages about syncs whose start had no response", unknown as u64);
}

/// Each kick-off was needed, and each sync was served by a run that began after its request.
fn runs(world: &World, place: &Place) -> Result<()> {
    let runs = world.simulator.runs(&place.directory)?;
    let attempts: Vec<Attempt> = {
        let all = world.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(directory, _)| *directory == place.directory).map(|(_, attempt)| *attempt).collect()
    };
    let crashes = world.hosts.crashes();
    world.tally.add("starts at the hosts", attempts.iter().filter(|one| one.fate != Fate::Refused).count() as u64);
    world.tally.add("runs at the upstream", runs.len() as u64);
    for (at, run) in runs.iter().enumerate() {
        if run.joined > 0 {
            world.tally.add("kick-offs during a run", run.joined.into());
            let hit = crashes.iter().any(|(_, crash)| is_within(*crash, run.began, UNRECORDED));
            if !hit {
                world.tally.broke("no kick-off during a run", format!("{}: {run:?}", place.target));
            }
        }
        let Some(before) = at.checked_sub(1).and_then(|before| runs.get(before)) else { continue };
        let asked_for = |attempt: &&Attempt| {
            attempt.fate != Fate::Refused && attempt.sent <= run.began + JITTER && attempt.done + JITTER >= before.began
        };
        if attempts.iter().any(|attempt| asked_for(&attempt)) {
            continue;
        }
        // Allowed only if the holder died before it could record the run before.
        world.tally.count("runs repeated because their holder died");
        if !crashes.iter().any(|(_, crash)| is_within(*crash, before.began, UNRECORDED)) {
            let text = format!("{}: {run:?}\n  no start since {before:?}", place.target);
            world.tally.broke("each run serves a request that came since the one before", text);
        }
    }
    for sync in started(world).iter().filter(|sync| sync.place == *place) {
        let Some((state, answered)) = &sync.end else { continue };
        if state["status"] == "unknown" {
            continue;
        }
        if !runs.iter().any(|run| serves(run, sync, *answered)) {
            world.tally.broke("each sync is served by a run that began after its request", format!("{sync:?}"));
        }
    }
    Ok(())
}

fn serves(run: &SyncRun, sync: &Started, answered: SystemTime) -> bool {
    let has_group = sync.group.as_ref().is_none_or(|(dn, exists)| run.groups.contains(dn) == *exists);
    run.began + JITTER >= sync.asked
        && has_group
        && run.outcome == Some(Outcome::Completed)
        && run.ended.is_some_and(|ended| ended <= answered)
}

/// Whether `at` is within `time` after `begin`, give or take the clocks.
fn is_within(at: SystemTime, begin: SystemTime, time: Duration) -> bool {
    at + JITTER >= begin && at <= begin + time
}

/// Two directories of one connector are not synced at once. One that was never kicked off may be missed for some seconds.
fn neighbours(world: &World, first: &Place, second: &Place) -> Result<()> {
    let settled = |runs: Vec<SyncRun>| {
        let known = runs.first().map(|run| run.began + UNLISTED);
        runs.into_iter().filter(move |run| known.is_some_and(|known| run.began > known))
    };
    let others: Vec<SyncRun> = settled(world.simulator.runs(&second.directory)?).collect();
    let now = SystemTime::now();
    world.tally.add("runs of the neighbour of a busy directory", others.len() as u64);
    for run in settled(world.simulator.runs(&first.directory)?) {
        let overlaps =
            |other: &&SyncRun| run.began < other.ended.unwrap_or(now) && other.began < run.ended.unwrap_or(now);
        for other in others.iter().filter(overlaps) {
            let text = format!("{:?} to {:?}, {:?} to {:?}", run.began, run.ended, other.began, other.ended);
            world.tally.broke("directories of one connector take turns", text);
        }
    }
    Ok(())
}

/// Each host has the same final state for every sync id.
async fn every_host_answers(world: &Arc<World>) {
    let all = started(world);
    let every = all.len().div_ceil(ASKED).max(1);
    let chosen: Vec<Started> = all.into_iter().step_by(every).collect();
    world.tally.add("sync ids asked for at every host", chosen.len() as u64);
    let mut tasks = JoinSet::new();
    for sync in chosen {
        if tasks.len() >= AT_ONCE {
            tasks.join_next().await;
        }
        let world = Arc::clone(world);
        tasks.spawn(async move {
            let Some((end, _)) = &sync.end else { return };
            for host in 0..world.hosts.addresses().len() {
                let caller = world.caller();
                let call = Call::get("state at the end", &sync.path, world.key(caller));
                let Some(reply) = world.client.send_to(host, &call).await else {
                    world.tally.broke("every host answers for a sync id", format!("host {host}: no response"));
                    continue;
                };
                let state = reply.json();
                if reply.status != 200 || ["status", "groups"].iter().any(|field| state.get(field) != end.get(field)) {
                    let text = format!("host {host}: {} {}\n  it was {end}", reply.status, reply.text);
                    world.tally.broke("every host answers for a sync id", text);
                }
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// The calls that added identity sources: one for each key, and a further one only after a connection was cut.
fn changes(world: &World, sources: &[Source]) {
    let mut calls: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for call in world.simulator.exchanges() {
        let is_addition = call.server == Upstream::Sddc
            && call.method == "POST"
            && call.path_and_query.ends_with("/identity-sources");
        let body: Value = serde_json::from_slice(&call.request).unwrap_or_default();
        if let Some(domain) = body.pointer("/ldap/domainName").and_then(Value::as_str).filter(|_| is_addition) {
            calls.entry(domain.to_owned()).or_default().push(call.status);
        }
    }
    for Source { domain, broken } in sources {
        let statuses = calls.get(domain).map(Vec::as_slice).unwrap_or_default();
        let done = statuses.iter().filter(|status| **status < 300).count();
        let text = || format!("{domain}: {statuses:?} upstream, {broken} connections cut");
        match (statuses.len(), done) {
            (1, 1) => world.tally.count("keys with one call upstream"),
            (_, 1) if statuses.len() <= 1 + *broken as usize => {
                world.tally.count("keys called again after their holder died with the change made");
            }
            (_, 1) => world.tally.broke("a key is carried out once, and again only after its holder died", text()),
            _ => world.tally.broke("a key changes the upstream once", text()),
        }
    }
}
