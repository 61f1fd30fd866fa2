//! The timer: looks after the syncs that nobody watches, as `deploy/scheduled` does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Call;
use super::world::World;

/// Between two looks at a target.
const EVERY: Duration = Duration::from_secs(3);

/// Looks at each target every few seconds.
pub(super) async fn run(world: Arc<World>, mut random: fastrand::Rng) {
    while !world.is_over() {
        for target in World::targets() {
            look(&world, &target, &mut random).await;
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// One look; returns how many of the seen syncs stay open, one more if not all were seen. `None` if it failed.
async fn look(world: &World, target: &str, random: &mut fastrand::Rng) -> Option<usize> {
    let (path, caller) = (format!("/vidm/{target}/v1/advance"), world.caller());
    let call = Call::post("advance", &path, world.key(caller), String::new());
    let reply = world.client.send(&call, random).await.filter(|reply| reply.status == 200)?;
    let answer = reply.json();
    let is_true = |value: &Value, field: &str| value.get(field) == Some(&Value::Bool(true));
    let open = answer.get("syncs")?.as_array()?.iter().filter(|sync| is_true(sync, "open")).count();
    Some(open + usize::from(is_true(&answer, "hasMore")))
}

/// Looks until no sync is open, or the time is up; returns how many are.
pub(super) async fn drain(world: &World, time: Duration, random: &mut fastrand::Rng) -> usize {
    let begun = Instant::now();
    loop {
        let mut open = 0;
        for target in World::targets() {
            open += look(world, &target, random).await.unwrap_or(1);
        }
        if open == 0 || begun.elapsed() > time {
            return open;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
