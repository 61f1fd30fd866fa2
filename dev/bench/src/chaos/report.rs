//! The progress, the table at the end, and the JSON document.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::store::Load;
use super::tally::Counts;
use super::world::World;
use crate::report::say;

/// Between two lines of progress.
const EVERY: Duration = Duration::from_secs(15);

/// Prints a line every few seconds.
pub(super) async fn progress(world: Arc<World>) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(EVERY).await;
        let counts = world.tally.snapshot();
        let fact = |name| counts.facts.get(name).copied().unwrap_or_default();
        say(format!(
            "{:>4} s: {} kills, {} syncs started, {} succeeded, {} failed as they should, {} messages, {} keys, {} connections \
             cut, {} unexpected, {} broken",
            begun.elapsed().as_secs(),
            fact("hosts killed"),
            fact("syncs started"),
            fact("syncs succeeded"),
            fact("syncs failed as they should"),
            fact("messages"),
            fact("keys: identity sources") + fact("keys: syncs"),
            fact("connections cut"),
            counts.unexpected(),
            counts.broken(),
        ));
    }
}

/// Prints all counts.
pub(super) fn table(counts: &Counts, load: &Load) {
    say("\nfacts");
    for (fact, count) in &counts.facts {
        say(format!("  {fact:<62} {count:>9}"));
    }
    say("\nresponses");
    for (response, count) in &counts.responses {
        say(format!("  {response:<62} {count:>9}"));
    }
    say(format!("\n{:<64} {:>9} {:>9} {:>9} {:>9}", "times, in ms", "count", "p50", "p99", "max"));
    for (what, times) in counts.times() {
        let (p50, p99, max) = (times.p50_ms, times.p99_ms, times.max_ms);
        say(format!("  {what:<62} {:>9} {p50:>9.0} {p99:>9.0} {max:>9.0}", times.count));
    }
    say(format!("\n{load}"));
    for (title, kinds) in [("unexpected", &counts.unexpected)] {
        for (what, seen) in kinds {
            say(format!("{title}: {what}: {} times, such as {}", seen.count, first(&seen.examples)));
        }
    }
    for (promise, seen) in &counts.broken {
        say(format!("BROKEN: {promise}: {} times", seen.count));
        for example in &seen.examples {
            say(format!("  {example}"));
        }
    }
}

fn first(examples: &[String]) -> &str {
    examples.first().map(String::as_str).unwrap_or_default()
}

/// Writes all figures.
pub(super) fn write(file: &Path, options: &Value, counts: &Counts, load: &Load) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let document =
        json!({"options": options, "cores": cores, "counts": counts, "times": counts.times(), "store": load});
    std::fs::write(file, serde_json::to_vec_pretty(&document)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    say(format!("written to {}", file.display()));
    Ok(())
}
