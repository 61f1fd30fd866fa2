//! The commands: what the help lists, and which code runs each.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::StyledStr;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::terminal::{columns, complain, say, width};
use crate::{
    bench, build, bundle, ci, completions, contract, demo, dist, docs, doctor, fuzz, key, npm, openapi, python,
    release, serve, simulator, version, watchers,
};

/// The name of the subcommand that prints help.
const HELP: &str = "help";

/// Exit code of a command that could not do its work, where 1 is one of its results.
const COULD_NOT_RUN: u8 = 2;

/// The commands of those who work on idhook itself; hidden unless they are asked for.
fn maintainers() -> [Command; 10] {
    [
        bench::command(),
        bench::chaos(),
        ci::command(),
        contract::command(),
        docs::command(),
        fuzz::command(),
        openapi::command(),
        release::command(),
        version::command(),
        watchers::command(),
    ]
}

/// `cargo xtask` with all its commands.
#[must_use]
pub fn command() -> Command {
    Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .about("Commands to try, run, check and package idhook")
        .version(env!("CARGO_PKG_VERSION"))
        .term_width(width())
        .after_help(
            "Short forms: cargo demo, cargo serve, cargo simulator\nHelp for a command: cargo xtask COMMAND --help\nMaintainers' \
             commands: cargo xtask help --all",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(demo::command())
        .subcommand(serve::command())
        .subcommand(simulator::command())
        .subcommand(doctor::command())
        .subcommand(key::command())
        .subcommand(build::command())
        .subcommand(npm::command())
        .subcommand(python::command())
        .subcommand(bundle::command())
        .subcommand(dist::command())
        .subcommand(completions::command())
        .subcommands(maintainers().map(|command| command.hide(true)))
        .subcommand(
            Command::new(HELP)
                .about("Prints this help, or that of a command; with --all, also the maintainers' commands")
                .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help("list the maintainers' commands too"))
                .arg(Arg::new("command").value_name("COMMAND").help("the command to print the help of")),
        )
}

/// Runs the command that the arguments name, the program's own name first.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // `cargo demo -- --once` arrives as `xtask demo -- --once`: the alias has a `--` of its own already.
    let arguments = arguments.into_iter().enumerate().filter(|(at, argument)| !(*at == 2 && argument == "--"));
    let matches = command().get_matches_from(arguments.map(|(_, argument)| argument));
    match dispatch(&matches).await {
        Ok(code) => code,
        Err(e) => {
            complain(&e);
            let is_doctor = matches.subcommand_name() == Some(doctor::NAME);
            if is_doctor { ExitCode::from(COULD_NOT_RUN) } else { ExitCode::FAILURE }
        }
    }
}

async fn dispatch(matches: &ArgMatches) -> Result<ExitCode> {
    match matches.subcommand() {
        Some((demo::NAME, matches)) => return demo::run(matches).await,
        Some((doctor::NAME, matches)) => return doctor::run(matches).await,
        Some((serve::NAME, matches)) => serve::run(matches).await,
        Some((simulator::NAME, matches)) => simulator::run(matches).await,
        Some((contract::NAME, matches)) => contract::run(matches).await,
        Some((watchers::NAME, matches)) => watchers::run(matches).await,
        Some((bench::NAME, matches)) => bench::run(matches),
        Some((bench::CHAOS, matches)) => bench::run_chaos(matches),
        Some((bundle::NAME, _)) => bundle::run(),
        Some((ci::NAME, matches)) => ci::run(matches),
        Some((completions::NAME, matches)) => completions::run(matches, command()),
        Some((dist::NAME, matches)) => dist::run(matches),
        Some((docs::NAME, matches)) => docs::run(matches),
        Some((fuzz::NAME, matches)) => fuzz::run(matches),
        Some((HELP, matches)) => help(matches),
        Some((key::NAME, matches)) => key::run(matches),
        Some((npm::NAME, _)) => npm::run(),
        Some((python::NAME, _)) => python::run(),
        Some((openapi::NAME, matches)) => openapi::run(matches),
        Some((release::NAME, matches)) => release::run(matches),
        Some((version::NAME, matches)) => version::run(matches),
        _ => build::run(),
    }
    .map(|()| ExitCode::SUCCESS)
}

fn help(matches: &ArgMatches) -> Result<()> {
    let mut root = command();
    root.build();
    let Some(name) = matches.get_one::<String>("command") else {
        say(styled(&root.render_help()));
        if matches.get_flag("all") {
            say(format!("\nMaintainers' commands:\n{}", maintainers_help()));
        }
        return Ok(());
    };
    match root.find_subcommand_mut(name) {
        Some(command) => say(styled(&command.render_long_help())),
        // clap knows how to suggest the right one.
        None => {
            say(command().try_get_matches_from(["cargo xtask", name]).err().map_or_else(String::new, |e| e.to_string()))
        }
    }
    Ok(())
}

/// With colours where they are wanted.
fn styled(text: &StyledStr) -> String {
    if console::colors_enabled() { text.ansi().to_string() } else { text.to_string() }
}

fn maintainers_help() -> String {
    let commands = maintainers();
    let about =
        commands.iter().map(|one| one.get_about().map(ToString::to_string).unwrap_or_default()).collect::<Vec<_>>();
    columns(commands.iter().zip(&about).map(|(one, about)| (one.get_name(), about.as_str())), width())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn the_help_hides_the_maintainers_commands_and_lists_them_on_demand() {
        let text = command().render_help().to_string();
        for command in maintainers() {
            let name = command.get_name();
            assert!(!text.contains(&format!("\n  {name} ")), "{name}: {text}");
            assert!(maintainers_help().contains(&format!("  {name} ")), "{name}");
            assert!(super::command().find_subcommand(name).is_some(), "{name} still runs");
        }
        assert!(text.contains("\n  doctor ") && text.contains("\n  completions "), "{text}");
    }

    #[test]
    fn no_line_of_any_help_is_wider_than_the_terminal() {
        let mut root = command().term_width(80);
        root.build();
        let names: Vec<_> = root.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        for name in names {
            let text = root.find_subcommand_mut(&name).unwrap().render_long_help().to_string();
            // An example is one line, whatever its length.
            let long = text.lines().find(|line| line.chars().count() > 80 && !line.starts_with("  "));
            assert_eq!(long, None, "{name}");
        }
    }

    #[test]
    fn a_wrong_command_or_option_suggests_the_right_one() {
        for (arguments, right) in [
            (vec!["simulater"], "simulator"),
            (vec!["demo", "--vidm-ulr", "x"], "--vidm-url"),
            (vec!["doctor", "--ca-fiel", "x"], "--ca-file"),
            (vec!["key", "--name", "a", "--scope", "vidm:reed"], "vidm:read"),
        ] {
            let error = command().try_get_matches_from([vec!["cargo xtask"], arguments].concat()).unwrap_err();
            assert!(error.to_string().contains(right), "{error}");
        }
    }
}
