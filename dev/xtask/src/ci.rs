//! `cargo xtask ci`: everything a change must pass, gate by gate.

mod gates;
mod release;
mod reproducible;

use std::time::Instant;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};

use self::gates::{GATES, Gate};
pub(crate) use self::reproducible::copy_checkout;
use crate::terminal::{Failure, columns, say, width};

/// The subcommand's name.
pub const NAME: &str = "ci";

/// The output of `cargo xtask ci --help`.
#[must_use]
pub fn command() -> Command {
    let names = GATES.iter().map(|gate| gate.name).collect::<Vec<_>>();
    let list = columns(GATES.iter().map(|gate| (gate.name, gate.about)), width());
    Command::new(NAME)
        .about("Runs the checks that a change must pass: all gates, or those that you name")
        .after_help(format!("Gates, in this order:\n{list}"))
        .arg(
            Arg::new("gate")
                .value_name("GATE")
                .num_args(0..)
                .value_parser(names.clone())
                .help("gates to run; default: all")
                .hide_possible_values(true),
        )
        .arg(
            Arg::new("except")
                .long("except")
                .value_name("GATE")
                .action(ArgAction::Append)
                .value_parser(names)
                .hide_possible_values(true)
                .help("gate to leave out; repeatable"),
        )
}

/// Runs the gates, one after the other; the first that fails ends it.
///
/// # Errors
/// When a gate fails.
pub fn run(matches: &ArgMatches) -> Result<()> {
    let given = |name: &str| matches.get_many::<String>(name).into_iter().flatten().cloned().collect::<Vec<_>>();
    let (wanted, except) = (given("gate"), given("except"));
    let is_wanted = |gate: &&Gate| {
        (wanted.is_empty() || wanted.iter().any(|name| name == gate.name))
            && !except.iter().any(|name| name == gate.name)
    };
    let begun = Instant::now();
    for gate in GATES.iter().filter(is_wanted) {
        say(format!("\n=== {} ({}) after {} s", gate.name, gate.about, begun.elapsed().as_secs()));
        if let Err(e) = (gate.run)() {
            let fix = format!("correct it and repeat the gate: cargo xtask ci {}", gate.name);
            return Err(Failure::new(format!("the gate {} failed: {e:#}", gate.name), fix).into());
        }
    }
    say(format!("\nall gates passed after {} s", begun.elapsed().as_secs()));
    Ok(())
}
