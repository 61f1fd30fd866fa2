//! `cargo serve`: the built component in the embedded host, by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Arg, ArgMatches, Command};
use idhook_host::{Host, KeyValue};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::settings;
use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "serve";

/// What `cargo serve --help` says.
#[must_use]
pub fn command() -> Command {
    settings::options(Command::new(NAME).bin_name("cargo serve --").about(
        "Builds the component and serves it in the embedded host, which honours spin.toml as Spin does. \
         Without --api-keys a key is made and shown.",
    ))
    .arg(Arg::new("redis").long("redis").value_name("URL").help(
        "keep what instances share on this Redis server (redis://host[:port][/database]); without it: in memory, for this \
         process",
    ))
}

/// Serves until Ctrl-C.
///
/// # Errors
/// When the component cannot be built or served.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let wasm = Artifact::Spin.build()?;
    let mut variables = settings::variables(matches);
    let mut key = None;
    if !variables.contains_key("api_keys") {
        let caller = Caller::for_trying()?;
        variables.insert("api_keys".to_owned(), caller.api_keys);
        key = Some(caller.key);
    }
    let key_value = match matches.get_one::<String>("redis") {
        Some(url) => KeyValue::redis(url)?,
        None => KeyValue::default(),
    };
    let mut options = Artifact::Spin.options(wasm, variables, key_value);
    options.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, matches.get_one("port").copied().unwrap_or(3000)));
    options.ca_file = matches.get_one::<PathBuf>("ca-file").cloned();
    let host = Host::start(options).await?;
    let url = host.url();
    say(format!("idhook listens on {url}; Ctrl-C ends it"));
    say(format!("  curl {url}/readyz, or {url}/ in a browser"));
    show_configuration(&format!("{url}/readyz")).await?;
    if let Some(key) = key {
        say(format!("a key made for this run (all scopes but vidm:override and admin):\n  export IDHOOK_KEY={key}"));
    }
    tokio::select! {
        () = host.stopped() => anyhow::bail!("the host stopped accepting connections"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Shows what the webhook itself reports of its configuration: each mistake, each warning.
async fn show_configuration(url: &str) -> Result<()> {
    let ready: Value = reqwest::Client::new().get(url).send().await?.json().await?;
    for (kind, list) in [("mistake", "errors"), ("warning", "warnings")] {
        for one in ready.get(list).and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
            let (variable, pointer, detail, hint) = (text("variable"), text("pointer"), text("detail"), text("hint"));
            let hint = if hint.is_empty() { String::new() } else { format!("; {hint}") };
            say(format!("{kind}: {variable}{pointer} {detail}{hint}"));
        }
    }
    Ok(())
}
