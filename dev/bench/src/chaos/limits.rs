//! Two callers that want more than they may have: requests per minute, and open event streams.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::client::{Call, Fate, Opened, Part};
use super::world::{RATE, Started, WATCHES, World};

/// Between two requests of the hasty caller: four times its limit.
const HASTE: Duration = Duration::from_millis(500);

/// The streams that the watcher tries to hold.
const WANTED: usize = WATCHES + 2;

/// The pause after a refusal: short enough to see when a place becomes free, and so long that all streams together stay below
/// the limit of requests.
const AGAIN: RangeInclusive<f64> = 16.0..=22.0;

/// How long the stream of a host that died may count: 30 s after it was last counted, which is up to 15 s late.
const DEAD: Duration = Duration::from_secs(45);

/// The requests of the hasty caller that were not refused.
#[derive(Debug, Default)]
pub(super) struct Accepted(Mutex<Vec<SystemTime>>);

impl Accepted {
    /// How many requests exceeded the limit at the worst moment: a bucket of the limit's size that refills evenly.
    pub(super) fn excess(&self) -> (usize, f64) {
        let accepted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (accepted.len(), excess(&accepted, f64::from(RATE)))
    }

    /// The most in a minute, without the first: then the bucket was full.
    pub(super) fn most_in_a_minute(&self) -> usize {
        let accepted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = Duration::from_secs(60);
        let Some(from) = accepted.first().map(|first| *first + minute) else { return 0 };
        let later = accepted.iter().filter(|at| **at >= from);
        later
            .clone()
            .map(|begin| later.clone().filter(|at| **at >= *begin && **at < *begin + minute).count())
            .max()
            .unwrap_or_default()
    }
}

/// The lowest level of a bucket of `limit` requests from which these were drawn, below zero.
fn excess(drawn: &[SystemTime], limit: f64) -> f64 {
    let (mut level, mut lowest, mut last) = (limit, 0.0_f64, drawn.first().copied());
    for at in drawn {
        let passed = last.and_then(|last| at.duration_since(last).ok()).unwrap_or_default();
        level = (level + passed.as_secs_f64() * limit / 60.0).min(limit) - 1.0;
        lowest = lowest.min(level);
        last = last.max(Some(*at));
    }
    -lowest
}

/// Asks for a sync that does not exist, more often than allowed: 404 is an accepted request.
pub(super) async fn hasty(world: Arc<World>, accepted: Arc<Accepted>, mut random: fastrand::Rng) {
    let path = "/vidm/default/v1/syncs/none";
    let call = Call { expects: &[404, 429], ..Call::get("hasty", path, world.key(world.hasty())) };
    while !world.is_over() {
        if let Some(reply) = world.client.send(&call, &mut random).await
            && reply.status == 404
        {
            let mut accepted = accepted.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The broken attempts may have been counted as well; these certainly were accepted.
            let answered = reply.attempts.iter().filter(|attempt| attempt.fate == Fate::Answered);
            accepted.extend(answered.map(|attempt| attempt.done));
        }
        tokio::time::sleep(HASTE).await;
    }
}

/// The watcher's streams, as the client sees them.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    open: usize,
    most: usize,
    /// Requests on their way.
    opening: usize,
    /// When streams were cut.
    cut: Vec<Instant>,
}

impl Streams {
    fn with<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The most that were open at once.
    pub(super) fn most(&self) -> usize {
        self.with(|seen| seen.most)
    }
}

/// Keeps one stream of a long run open; again at another host, when it is cut.
pub(super) async fn watcher(world: Arc<World>, streams: Arc<Streams>, run: Started, mut random: fastrand::Rng) {
    let mut lost_at = None;
    while !world.is_over() {
        let mut call = Call::get("stream", &run.path, world.key(world.watcher()));
        call.headers.push(("accept", "text/event-stream".to_owned()));
        call.expects = &[200, 429];
        streams.with(|seen| seen.opening += 1);
        let opened = world.client.open(&call, &mut random).await;
        streams.with(|seen| seen.opening -= 1);
        match opened {
            Some(Opened::Stream(stream)) => {
                if let Some(lost_at) = lost_at.take() {
                    world.tally.time("a cut stream open again", Instant::elapsed(&lost_at));
                }
                if hold(&world, &streams, stream).await == Part::Cut {
                    lost_at = Some(Instant::now());
                }
            }
            Some(Opened::Refused(reply)) => {
                refused(&world, &streams, &reply.text);
                let pause = AGAIN.start() + random.f64() * (AGAIN.end() - AGAIN.start());
                tokio::time::sleep(Duration::from_secs_f64(pause)).await;
            }
            None => {}
        }
    }
}

/// A refusal is right if that many streams are open, or were until their host died.
fn refused(world: &World, streams: &Streams, text: &str) {
    if !text.contains("event streams open") {
        world.tally.count("requests of the watcher beyond its limit of requests");
        return;
    }
    world.tally.count("streams refused");
    let (open, opening, dead) = streams.with(|seen| {
        seen.cut.retain(|at| at.elapsed() < DEAD);
        (seen.open, seen.opening, seen.cut.len())
    });
    if open + opening + dead < WATCHES {
        let text = format!("{open} open, {opening} opening, {dead} cut: {text}");
        world.tally.broke("the places of dead streams become free", text);
    }
}

async fn hold(world: &World, streams: &Streams, mut stream: super::client::Stream) -> Part {
    let open = streams.with(|seen| {
        seen.open += 1;
        seen.most = seen.most.max(seen.open);
        seen.open
    });
    if open > WATCHES {
        world.tally.broke("a caller has no more streams than its limit", open);
    }
    let last = loop {
        if world.is_over() {
            break Part::End;
        }
        match stream.next().await {
            Part::State(_) | Part::Other => {}
            Part::Silent => {
                world.tally.broke("no request hangs", "a watcher's stream without a heartbeat");
                break Part::Silent;
            }
            last => break last,
        }
    };
    streams.with(|seen| {
        seen.open -= 1;
        if last == Part::Cut {
            seen.cut.push(Instant::now());
        }
    });
    if last == Part::Cut {
        world.tally.count("streams of the watcher cut");
    }
    last
}

/// Starts the watcher's tasks.
pub(super) fn watchers(
    world: &Arc<World>,
    streams: &Arc<Streams>,
    run: &Started,
) -> Vec<impl Future<Output = ()> + use<>> {
    (0..WANTED)
        .map(|number| {
            let random = world.random(9000 + number);
            watcher(Arc::clone(world), Arc::clone(streams), run.clone(), random)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_within_the_bucket_exceed_nothing() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        // Thirty at once, and then one each two seconds, as it refills.
        let allowed: Vec<_> = std::iter::repeat_n(at(0), 30).chain((1..100).map(|n| at(2 * n))).collect();
        assert!(excess(&allowed, 30.0).abs() < 1e-6);
        let more: Vec<_> = std::iter::repeat_n(at(0), 33).collect();
        assert!((excess(&more, 30.0) - 3.0).abs() < 1e-6);
    }
}
