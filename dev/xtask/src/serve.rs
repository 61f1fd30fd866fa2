//! `cargo serve`: the built component in the embedded host, by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Arg, ArgMatches, Command};
use idhook_host::{Host, KeyValue};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::terminal::{Mark, hanging, say, width, wrap};
use crate::{hosting, settings};

/// The subcommand's name.
pub const NAME: &str = "serve";

/// The output of `cargo serve --help`.
#[must_use]
pub fn command() -> Command {
    settings::options(
        Command::new(NAME)
            .bin_name("cargo serve")
            .about("Serves idhook on this machine, as Spin does")
            .long_about(
                "Builds the component and serves it on this machine in a host that follows spin.toml as Spin does. Without --api-keys \
                 it creates a key for this run and prints it.",
            )
            .after_help(
                "Example:\n  cargo serve --vidm-url https://vidm.corp.example --vidm-username svc-idhook --ca-file corp-ca.pem\n\n\
                 Passwords are better in the environment (IDHOOK_VIDM_PASSWORD) than on the command line; at a terminal, serve asks \
                 for those that are missing.",
            ),
    )
    .arg(settings::port())
    .arg(Arg::new("redis").long("redis").value_name("URL").help(
        "Redis server for the state that instances share: redis://host[:port][/database]; default: memory, for this run",
    ))
}

/// Serves until Ctrl-C.
///
/// # Errors
/// When the component cannot be built or served.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let mut variables = settings::variables(matches);
    settings::ask_for_passwords(&mut variables)?;
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
    let wasm = hosting::build()?;
    let mut options = Artifact::Spin.options(wasm, variables.clone(), key_value);
    options.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, matches.get_one("port").copied().unwrap_or(3000)));
    options.ca_file = matches.get_one::<PathBuf>("ca-file").cloned();
    let host = hosting::start(options, &variables).await?;
    show(&host, key.as_deref()).await?;
    tokio::select! {
        () = host.stopped() => anyhow::bail!("the host stopped accepting connections"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// Where it is, what its configuration lacks, and how to call it.
async fn show(host: &Host, key: Option<&str>) -> Result<()> {
    let (url, width) = (host.url(), width());
    say(format!("\nidhook listens on {url}. Ctrl-C ends it. In a browser: {url}/\n"));
    let ready: Value = reqwest::Client::new().get(format!("{url}/readyz")).send().await?.json().await?;
    let findings = findings(&ready, width);
    findings.iter().for_each(say);
    if !findings.is_empty() {
        say("");
    }
    if let Some(key) = key {
        say(format!("{}\n", wrap("A key for this run, with all scopes but vidm:override:", 0, width)));
        say(format!("export IDHOOK={url}\nexport IDHOOK_KEY={key}\n"));
    }
    Ok(())
}

/// The mistakes and warnings of `/readyz`, each with its fix.
fn findings(ready: &Value, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (mark, list) in [(Mark::Bad, "errors"), (Mark::Warning, "warnings")] {
        for one in ready[list].as_array().into_iter().flatten() {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            let what = format!("{}{} {}", text("variable"), text("pointer"), text("detail"));
            lines.push(hanging(&format!("{mark} "), &what, width));
            if !text("hint").is_empty() {
                lines.push(hanging("  Fix: ", text("hint"), width));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mistakes_and_warnings_are_shown_with_their_fixes() {
        let ready = json!({
            "errors": [{"variable": "vidm_password", "pointer": "", "detail": "is not set"}],
            "warnings": [{"variable": "targets", "pointer": "/vidm/a/url", "detail": "is http", "hint": "use https"}],
        });
        let lines =
            findings(&ready, 80).iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect::<Vec<_>>();
        assert_eq!(lines, ["✗ vidm_password is not set", "! targets/vidm/a/url is http", "  Fix: use https"]);
        assert!(findings(&json!({"status": "ready", "warnings": []}), 80).is_empty());
    }
}
