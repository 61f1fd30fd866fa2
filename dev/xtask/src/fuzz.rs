//! `cargo xtask fuzz`: runs the entry points of `idhook::fuzzing` with libFuzzer, one after the other, and prints what was executed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use idhook::fuzzing::{ENTRY_POINTS, EntryPoint};
use sha2::{Digest as _, Sha256};

use crate::build::root;
use crate::terminal::{Failure, columns, say, width};

/// The subcommand's name.
pub const NAME: &str = "fuzz";

/// The package of the targets.
const PACKAGE: &str = "dev/fuzz";

/// The command and its help.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Fuzzes what reads bytes from outside, with cargo-fuzz and a nightly toolchain")
        .arg(
            Arg::new("targets")
                .value_name("TARGET")
                .num_args(0..)
                .value_parser(PossibleValuesParser::new(ENTRY_POINTS.iter().map(|entry| entry.name)))
                .hide_possible_values(true)
                .help("the entry points; without one, all"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("60")
                .help("how long each runs"),
        )
        .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("list the entry points, and run none"))
}

/// Runs the targets and prints a table.
///
/// # Errors
/// When a tool is missing, a target cannot be built, or an input violates a property.
pub fn run(matches: &ArgMatches) -> Result<()> {
    if matches.get_flag("list") {
        say(columns(ENTRY_POINTS.iter().map(|entry| (entry.name, entry.reads)), width()));
        return Ok(());
    }
    let wanted: Vec<_> = matches.get_many::<String>("targets").into_iter().flatten().collect();
    let entries =
        ENTRY_POINTS.iter().filter(|entry| wanted.is_empty() || wanted.iter().any(|name| *name == entry.name));
    let seconds = matches.get_one::<u32>("seconds").copied().unwrap_or(60);
    check_tools()?;
    say(Figures::HEAD);
    let mut broken = Vec::new();
    for entry in entries {
        let run = Run::new(entry)?;
        let figures = run.fuzz(seconds)?;
        say(figures.row(entry.name));
        if figures.crashes > 0 {
            broken.push(format!(
                "{}: inputs in {}, output in {}",
                entry.name,
                run.crashes.display(),
                run.log.display()
            ));
        }
    }
    ensure!(broken.is_empty(), "some inputs violate a property:\n{}", broken.join("\n"));
    Ok(())
}

/// Checks that the tools are there and that the lock file of the targets is complete.
fn check_tools() -> Result<()> {
    let works = |arguments: &[&str]| {
        let process = Process::new("cargo").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        process.is_ok_and(|status| status.success())
    };
    if !works(&["+nightly", "--version"]) {
        return Err(Failure::new("there is no nightly toolchain", "rustup toolchain install nightly").into());
    }
    if !works(&["+nightly", "fuzz", "--version"]) {
        return Err(Failure::new("cargo-fuzz is not installed", "cargo install --locked cargo-fuzz").into());
    }
    let manifest = root().join(PACKAGE).join("Cargo.toml").display().to_string();
    let metadata = ["+nightly", "metadata", "--locked", "--format-version", "1", "--manifest-path", &manifest];
    ensure!(
        works(&metadata),
        "{PACKAGE}/Cargo.lock does not fit its manifest: run `cargo generate-lockfile` in {PACKAGE}"
    );
    Ok(())
}

/// One target's folders.
struct Run {
    name: &'static str,
    corpus: PathBuf,
    crashes: PathBuf,
    log: PathBuf,
}

impl Run {
    /// Makes the folders, with the seeds in the corpus.
    fn new(entry: &'static EntryPoint) -> Result<Self> {
        let folder = root().join("target/fuzz");
        let part = |name: &str| folder.join(name).join(entry.name);
        let (corpus, crashes, logs) = (part("corpus"), part("crashes"), folder.join("logs"));
        for folder in [&corpus, &crashes, &logs] {
            fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        for seed in entry.seeds {
            let name: String = Sha256::digest(seed).iter().take(20).map(|byte| format!("{byte:02x}")).collect();
            fs::write(corpus.join(name), seed).context("a seed cannot be written")?;
        }
        Ok(Self { name: entry.name, corpus, crashes, log: logs.join(entry.name) })
    }

    /// Runs the target for this long.
    fn fuzz(&self, seconds: u32) -> Result<Figures> {
        // The core has no `unsafe`, so a sanitizer would find nothing.
        let options = ["--sanitizer", "none", "--fuzz-dir", PACKAGE, "--target-dir", "target/fuzz/build"];
        self.cargo("build", &options, &[])?;
        let limits = [
            format!("-max_total_time={seconds}"),
            format!("-artifact_prefix={}/", self.crashes.display()),
            "-timeout=10".to_owned(),
            "-print_final_stats=1".to_owned(),
        ];
        let before = files(&self.crashes);
        let started = Instant::now();
        self.cargo("run", &options, &limits)?;
        let crashes = files(&self.crashes) - before;
        let output = fs::read_to_string(&self.log).context("the output cannot be read")?;
        Ok(Figures { took: started.elapsed(), corpus: files(&self.corpus), crashes, ..Figures::of(&output) })
    }

    /// Runs cargo-fuzz with its output in the log. A crash is no error here: it leaves an input.
    fn cargo(&self, command: &str, options: &[&str], limits: &[String]) -> Result<()> {
        let log = fs::File::create(&self.log).context("the log cannot be written")?;
        let mut process = Process::new("cargo");
        process.args(["+nightly", "fuzz", command]).args(options).arg(self.name).current_dir(root());
        if !limits.is_empty() {
            process.arg(&self.corpus).arg("--").args(limits);
        }
        let status = process.stdout(Stdio::null()).stderr(log).status().context("cargo cannot be run")?;
        ensure!(status.success() || !limits.is_empty(), "{} cannot be built; see {}", self.name, self.log.display());
        Ok(())
    }
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// What one target did.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    executions: u64,
    features: u64,
    took: Duration,
    corpus: usize,
    crashes: usize,
}

impl Figures {
    const HEAD: &str = "target               executions   per second  seconds  corpus  features  crashes";

    /// The figures in libFuzzer's output.
    fn of(output: &str) -> Self {
        let number = |line: &str, after: &str| line.split_once(after)?.1.split_whitespace().next()?.parse().ok();
        let last = |after: &str| output.lines().rev().find_map(|line| number(line, after)).unwrap_or(0);
        Self { executions: last("stat::number_of_executed_units:"), features: last(" ft: "), ..Self::default() }
    }

    fn row(&self, name: &str) -> String {
        let seconds = self.took.as_secs().max(1);
        format!(
            "{name:<18} {:>12} {:>12} {seconds:>8} {:>7} {:>9} {:>8}",
            self.executions,
            self.executions / seconds,
            self.corpus,
            self.features,
            self.crashes
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_point_has_a_target_and_no_other_exists() {
        let manifest = fs::read_to_string(root().join(PACKAGE).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let targets = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap());
        assert_eq!(targets.collect::<Vec<_>>(), ENTRY_POINTS.iter().map(|entry| entry.name).collect::<Vec<_>>());
    }

    #[test]
    fn figures_are_read_from_the_output_of_libfuzzer() {
        let output = "#8\tINITED cov: 10 ft: 11 corp: 2/8b exec/s: 0 rss: 40Mb\n#4096\tDONE   cov: 120 ft: 345 corp: 9/1Kb\nDone\n\
                      stat::number_of_executed_units: 4096\nstat::average_exec_per_sec:     2048\n";
        assert_eq!(Figures::of(output), Figures { executions: 4096, features: 345, ..Figures::default() });
        assert_eq!(Figures::HEAD.len(), Figures::default().row("dn").len());
    }
}
