//! Prints the figures as a table.

use std::fmt::Display;
use std::io::Write as _;

use crate::cell::{Figures, Operation};

/// Prints a line. A closed pipe is not an error.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The head of the table.
pub(crate) fn head() {
    say(format!(
        "{:<9} {:<7} {:<8} {:<6} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}",
        "server",
        "what",
        "store",
        "op",
        "callers",
        "req/s",
        "p50 ms",
        "p99 ms",
        "CPU ms",
        "memory",
        "upstream",
        "store",
        "CPU x",
        "req/s x",
        "failed"
    ));
}

/// One cell's row. The ratios are to the floor's row.
pub(crate) fn row(figures: &Figures) {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let memory = figures.memory_kb.map_or_else(|| "-".to_owned(), |kb| format!("{} MB", kb / 1000));
    say(format!(
        "{:<9} {:<7} {:<8} {:<6} {:>7} {:>8.0} {:>8.2} {:>8.2} {:>8} {:>9} {:>9.2} {:>6} {:>6} {:>6} {:>6}",
        figures.server,
        figures.component,
        figures.store,
        figures.operation,
        figures.callers,
        figures.requests_per_second,
        figures.p50_ms,
        figures.p99_ms,
        number(figures.cpu_ms),
        memory,
        figures.upstream_calls,
        number(figures.store_calls),
        number(figures.cpu_ratio),
        number(figures.throughput_ratio),
        figures.failures
    ));
}

/// Prints an operation's upstream calls.
pub(crate) fn calls(operation: Operation, lines: &str) {
    let call = |line: &str| line.split('\t').take(2).collect::<Vec<_>>().join(" ");
    let calls: Vec<String> = lines.lines().map(call).collect();
    say(format!("{} calls upstream: {}", operation.name(), calls.join(", ")));
}
