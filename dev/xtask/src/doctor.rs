//! `cargo xtask doctor`: what is wrong with a vIDM or SDDC Manager, or with a running idhook's access to it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};
use http::StatusCode;
use idhook_host::{KeyValue, Output};
use serde_json::{Value, json};

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::https::Https;
use crate::report::Report;
use crate::terminal::{Failure, Progress, hanging, say, width};
use crate::{hosting, settings};

/// The subcommand's name.
pub const NAME: &str = "doctor";

/// The variable with the key for a running idhook.
const KEY: &str = "IDHOOK_KEY";

/// How to fix an untrusted certificate, for the commands that take `--ca-file`.
pub(crate) const TRUST: &str = "give the CA that signed the certificate, as a PEM file: --ca-file corp-ca.pem. To see what the server \
                                sends: openssl s_client -showcerts -connect HOST:443 </dev/null";

/// The output of `cargo xtask doctor --help`.
#[must_use]
pub fn command() -> Command {
    settings::options(
        Command::new(NAME)
            .about("Checks your vIDM or SDDC Manager: network, TLS, login, permissions, data")
            .long_about(
                "Checks your vIDM or SDDC Manager: network, TLS, login, permissions, data. The doctor only reads. Each check that \
                 did not pass says how to fix it.\n\nWithout --url, idhook runs here, with the variables below. With --url, an idhook \
                 that runs elsewhere checks its own targets; its key, with the scope admin, comes from IDHOOK_KEY.",
            )
            .after_help(
                "Exit code: 0 if no check failed (with --strict: and none is a warning), 1 if one did, 2 if the doctor could not \
                 run.\n\nExamples:\n  cargo xtask doctor --vidm-url https://vidm.corp.example --vidm-username svc-idhook\n  \
                 IDHOOK_KEY=idh_… cargo xtask doctor --url https://idhook.corp.example",
            ),
    )
    .arg(Arg::new("url").long("url").value_name("URL").help("address of a running idhook to ask instead"))
    .arg(
        Arg::new("target")
            .long("target")
            .value_name("TARGET")
            .action(ArgAction::Append)
            .help("check only this target: vidm/NAME, vcf/NAME or fleet/NAME; repeatable; default: all"),
    )
    .arg(
        Arg::new("retry")
            .long("retry")
            .action(ArgAction::SetTrue)
            .help("allow one more login after rejected ones, once the account is unlocked"),
    )
    .arg(Arg::new("stale-after").long("stale-after").value_name("PERIOD").value_parser(period).help(
        "also check that each directory had a successful sync within this period: 90m, 2h, 8d; a call for each directory",
    ))
    .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("exit with 1 on a warning too"))
    .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("print the report as JSON"))
}

/// A period in the form that a query can hold; idhook checks the rest.
fn period(text: &str) -> Result<String, String> {
    match text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true if !text.is_empty() => Ok(text.to_owned()),
        _ => Err("use a number with a unit: 90m, 2h, 8d".to_owned()),
    }
}

/// Runs the checks and prints them; the exit code says whether they passed.
///
/// # Errors
/// When the doctor cannot run.
pub async fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let ca_file = matches.get_one::<PathBuf>("ca-file").cloned();
    let wanted = Wanted::of(matches);
    let reports = match matches.get_one::<String>("url") {
        Some(url) => {
            let key = std::env::var(KEY).unwrap_or_default();
            if key.trim().is_empty() {
                let fix = format!(
                    "export {KEY}=…, a key of that idhook with the scope admin (cargo xtask key --name NAME --scope admin)"
                );
                return Err(Failure::new(format!("{KEY} is not set"), fix).into());
            }
            examine(&Https::new(ca_file.as_deref())?, url.trim_end_matches('/'), key.trim(), &wanted, None).await?
        }
        None => here(matches, ca_file, &wanted).await?,
    };
    if matches.get_flag("json") {
        let ok = reports.iter().all(Report::is_ok);
        let targets: Vec<_> = reports.iter().map(Report::json).collect();
        say(serde_json::to_string_pretty(&json!({ "ok": ok, "targets": targets }))?);
    } else {
        show(&reports);
    }
    let passed = |report: &Report| if matches.get_flag("strict") { report.is_clean() } else { report.is_ok() };
    Ok(if reports.iter().all(passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which targets to check, and how.
struct Wanted {
    targets: Vec<String>,
    retry: bool,
    stale_after: Option<String>,
}

impl Wanted {
    fn of(matches: &ArgMatches) -> Self {
        let targets = matches.get_many::<String>("target").into_iter().flatten().cloned().collect();
        let stale_after = matches.get_one("stale-after").cloned();
        Self { targets, retry: matches.get_flag("retry"), stale_after }
    }

    /// The query for a target of this kind. SDDC Manager has no directory syncs.
    fn query(&self, kind: &str) -> String {
        let retry = self.retry.then(|| "retry=true".to_owned());
        let period = self.stale_after.as_ref().filter(|_| kind != "vcf").map(|period| format!("staleAfter={period}"));
        retry.into_iter().chain(period).collect::<Vec<_>>().join("&")
    }
}

/// The reports of an idhook that runs in this process.
async fn here(matches: &ArgMatches, ca_file: Option<PathBuf>, wanted: &Wanted) -> Result<Vec<Report>> {
    let mut variables = settings::variables(matches);
    if !["vidm_url", "vcf_url", "fleet_url", "targets"].iter().any(|name| variables.contains_key(*name)) {
        let fix = "give --vidm-url, --vcf-url or --fleet-url and an account, or --url of a running idhook (cargo xtask doctor --help)";
        return Err(Failure::new("there is no target to check", fix).into());
    }
    settings::ask_for_passwords(&mut variables)?;
    let caller = Caller::new("doctor", &["admin"])?;
    add_caller(&mut variables, &caller);
    // Checks of instances that share a store do not apply to a run of a second.
    variables.entry("state_key".to_owned()).or_insert_with(|| caller.key.clone());
    settings::checked(&variables)?;
    let wasm = hosting::build()?;
    let mut options = Artifact::Spin.options(wasm, variables.clone(), KeyValue::default());
    options.ca_file = ca_file;
    // The log lines hold nothing that the report does not.
    options.output = Output::Capture;
    let host = hosting::start(options, &variables).await?;
    examine(&Https::new(None)?, &host.url(), &caller.key, wanted, Some(TRUST)).await
}

/// Lets `caller` in beside those that are configured. A list that is wrong stays as it is, so that its mistake is reported.
fn add_caller(variables: &mut BTreeMap<String, String>, caller: &Caller) {
    let ours: Vec<Value> = serde_json::from_str(&caller.api_keys).unwrap_or_default();
    let mut all = match variables.get("api_keys").filter(|text| !text.trim().is_empty()) {
        None => Vec::new(),
        Some(text) => match serde_json::from_str::<Vec<Value>>(text) {
            Ok(theirs) => theirs,
            Err(_) => return,
        },
    };
    all.extend(ours);
    variables.insert("api_keys".to_owned(), Value::Array(all).to_string());
}

/// Asks the idhook at `url` for the report of each target.
async fn examine(client: &Https, url: &str, key: &str, wanted: &Wanted, trust: Option<&str>) -> Result<Vec<Report>> {
    let (status, ready) = client.get(&format!("{url}/readyz"), None).await?;
    let names = |kind: &str| {
        let names = ready.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
        names.iter().filter_map(|name| Some(format!("{kind}/{}", name.as_str()?))).collect::<Vec<_>>()
    };
    if status != StatusCode::OK {
        return Err(not_ready(url, &ready));
    }
    let known = [names("vidm"), names("vcf"), names("fleet")].concat();
    if let Some(unknown) = wanted.targets.iter().find(|target| !known.contains(target)) {
        let fix = format!("choose from: {}", known.join(", "));
        return Err(Failure::new(format!("there is no target {unknown}"), fix).into());
    }
    let mut reports = Vec::new();
    for target in known.into_iter().filter(|target| wanted.targets.is_empty() || wanted.targets.contains(target)) {
        let Some((kind, name)) = target.split_once('/') else { continue };
        let progress = Progress::of(format!("Checking {target}"));
        let query = wanted.query(kind);
        let (status, document) = client.get(&format!("{url}/{kind}/{name}/v1/doctor?{query}"), Some(key)).await?;
        drop(progress);
        if status != StatusCode::OK {
            return Err(refused(status, &document));
        }
        reports.push(Report::new(target, document, trust));
    }
    Ok(reports)
}

/// idhook is there and not configured: all of its mistakes.
fn not_ready(url: &str, ready: &Value) -> anyhow::Error {
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let errors = ready["errors"].as_array().cloned().unwrap_or_default();
    let lines: Vec<_> = errors
        .iter()
        .map(|error| format!("{}{} {}", text(error, "variable"), text(error, "pointer"), text(error, "detail")))
        .collect();
    let fixes: Vec<_> = errors.iter().map(|error| text(error, "hint")).filter(|hint| !hint.is_empty()).collect();
    Failure::new(format!("{url} is not ready:\n{}", lines.join("\n")), fixes.join("\n")).into()
}

/// idhook rejected the request.
fn refused(status: StatusCode, problem: &Value) -> anyhow::Error {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let fix = match status {
        StatusCode::FORBIDDEN => "use a key whose entry in api_keys has the scope admin, and this target",
        _ => text("hint"),
    };
    Failure::new(format!("idhook returned {status}: {}", text("detail")), fix).into()
}

fn show(reports: &[Report]) {
    let width = width();
    for report in reports {
        say(format!("\n{}\n", console::style(&report.target).bold()));
        report.show(2, width);
    }
    say("");
    for report in reports {
        let (mark, text) = report.verdict();
        say(hanging(&format!("{mark} "), &text, width));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_the_query_of_targets_that_have_them() {
        let query = |arguments: &[&str], kind| {
            let matches = command().try_get_matches_from([&["doctor"], arguments].concat()).unwrap();
            Wanted::of(&matches).query(kind)
        };
        assert_eq!(query(&[], "vidm"), "");
        assert_eq!(query(&["--retry", "--stale-after", "8d"], "fleet"), "retry=true&staleAfter=8d");
        assert_eq!(query(&["--retry", "--stale-after", "8d"], "vcf"), "retry=true");
        for wrong in ["", "8d&strict=true", "8 d"] {
            let error = command().try_get_matches_from(["doctor", "--stale-after", wrong]).unwrap_err();
            assert!(error.to_string().contains("90m, 2h, 8d"), "{error}");
        }
    }
}
