//! Follows a sync to its end: by polling, by waiting or by an event stream, and at another host when the connection is cut.

use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::client::{Call, Opened, Part};
use super::world::{Started, World};

/// The longest time to the end of a sync: a holder of a lease that dies delays others by 45 s, and so may the next.
const LONGEST: Duration = Duration::from_secs(240);

/// The wait of one request.
const WAIT: Duration = Duration::from_secs(20);

/// The time after which a sync counts as delayed: no holder that lives is so slow.
const DELAYED: Duration = Duration::from_secs(30);

/// How a caller follows its sync.
#[derive(Clone, Copy, Debug)]
enum Way {
    Poll,
    Wait,
    Stream,
}

/// What one request for the state shows.
enum Seen {
    Final(Value),
    Pause(Duration),
}

/// Follows it until it is final; returns the state and when it was complete.
pub(super) async fn to_the_end(
    world: &World,
    started: &Started,
    random: &mut fastrand::Rng,
) -> Option<(Value, SystemTime)> {
    let way = match random.usize(0..3) {
        0 => Way::Poll,
        1 => Way::Wait,
        _ => Way::Stream,
    };
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        let seen = match way {
            Way::Poll => state(world, started, None, random).await,
            Way::Wait => state(world, started, Some(WAIT), random).await,
            Way::Stream => stream(world, started, random).await,
        };
        match seen {
            Seen::Final(state) => {
                let took = begun.elapsed();
                world.tally.time("sync", took);
                if took > DELAYED {
                    world.tally.count("syncs that took more than 30 s");
                }
                judge(world, started, &state);
                return Some((state, SystemTime::now()));
            }
            Seen::Pause(pause) => tokio::time::sleep(pause).await,
        }
    }
    world.tally.broke("every sync ends", format!("{way:?} {started:?}"));
    None
}

pub(super) fn is_final(state: &Value) -> bool {
    !matches!(state["status"].as_str(), Some("queued" | "running"))
}

async fn state(world: &World, started: &Started, wait: Option<Duration>, random: &mut fastrand::Rng) -> Seen {
    let name = if wait.is_some() { "wait" } else { "state" };
    let mut call = Call::get(name, &started.path, world.key(started.caller));
    if let Some(wait) = wait {
        call.headers.push(("prefer", format!("wait={}", wait.as_secs())));
        call.wait = wait;
    }
    let Some(reply) = world.client.send(&call, random).await else { return Seen::Pause(Duration::from_secs(1)) };
    if wait.is_some() && reply.broken() > 0 {
        world.tally.count("waits resumed");
    }
    if reply.status == 404 {
        world.tally.broke("every host answers for a sync id", &reply.text);
    }
    let state = reply.json();
    if reply.status == 200 && is_final(&state) { Seen::Final(state) } else { Seen::Pause(reply.pause()) }
}

async fn stream(world: &World, started: &Started, random: &mut fastrand::Rng) -> Seen {
    let mut call = Call::get("events", &started.path, world.key(started.caller));
    call.headers.push(("accept", "text/event-stream".to_owned()));
    let mut stream = match world.client.open(&call, random).await {
        Some(Opened::Stream(stream)) => stream,
        Some(Opened::Refused(reply)) => return Seen::Pause(reply.pause()),
        None => return Seen::Pause(Duration::from_secs(1)),
    };
    loop {
        match stream.next().await {
            Part::State(state) if is_final(&state) => return Seen::Final(state),
            Part::State(_) | Part::Other => {}
            Part::End => return Seen::Pause(Duration::ZERO),
            Part::Cut => {
                world.tally.count("event streams resumed");
                return Seen::Pause(Duration::ZERO);
            }
            Part::Silent => {
                world.tally.broke("no request hangs", "an event stream without a heartbeat");
                return Seen::Pause(Duration::ZERO);
            }
        }
    }
}

/// Whether the final state is the right one: runs succeed, so the named group decides.
pub(super) fn judge(world: &World, started: &Started, state: &Value) {
    let status = state["status"].as_str().unwrap_or_default();
    let proof = state.pointer("/groups/0/state").and_then(Value::as_str).unwrap_or_default();
    let is_right = match &started.group {
        None => status == "succeeded",
        Some((_, true)) => status == "succeeded" && proof == "present",
        Some((_, false)) => status == "failed" && state["reason"] == "group_absent" && proof == "absent",
    };
    world.tally.count(match status {
        "succeeded" => "syncs succeeded",
        "failed" => "syncs failed as they should",
        _ => "syncs with another end",
    });
    if !is_right {
        world.tally.broke("every sync ends in the right state", format!("{:?} {state}", started.group));
    }
}
