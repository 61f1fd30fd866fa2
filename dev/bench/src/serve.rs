//! The counterpart of `server`: serves a component in dev/host, in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use idhook_host::{Host, KeyValue, Options, Spin};

/// The subcommand's name; not for people.
pub(crate) const NAME: &str = "serve";

pub(crate) fn command() -> Command {
    let path = |name: &'static str| Arg::new(name).long(name).required(true).value_parser(value_parser!(PathBuf));
    Command::new(NAME)
        .hide(true)
        .arg(path("wasm"))
        .arg(path("manifest"))
        // The component's variables as a JSON object. A command line is visible to others, and Linux limits an environment variable to 128 KiB.
        .arg(path("variables"))
        .arg(Arg::new("port").long("port").required(true).value_parser(value_parser!(u16)))
        .arg(Arg::new("redis").long("redis"))
        .arg(Arg::new("fresh").long("fresh").action(ArgAction::SetTrue))
}

/// Serves until standard input ends; responds to each input line with the store calls so far.
pub(crate) async fn run(matches: &ArgMatches) -> Result<()> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().context("a path is missing");
    let variables: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(path("variables")?)?)?;
    let key_value = match matches.get_one::<String>("redis") {
        Some(url) => KeyValue::redis(url)?,
        None => KeyValue::default(),
    };
    let spin = Spin { variables, key_value: key_value.clone(), ..Spin::new(path("manifest")?) };
    let mut options = Options::new(path("wasm")?, spin);
    let port = matches.get_one::<u16>("port").copied().unwrap_or_default();
    options.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if matches.get_flag("fresh") {
        options.max_instance_reuse_count = Some(1);
    }
    let host = Host::start(options).await?;
    let answers = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            line?;
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&key_value.calls())?)?;
        }
        anyhow::Ok(())
    });
    answers.await??;
    drop(host);
    Ok(())
}
