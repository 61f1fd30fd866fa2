//! `cargo demo`: the main job as a caller does it, over real HTTP, against the simulator or a real vIDM.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use idhook_host::{Host, KeyValue};
use idhook_simulator::{Options as SimulatorOptions, Simulator, seeds};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::artifact::Artifact;
use crate::caller::Caller;
use crate::settings;
use crate::terminal::say;

/// The subcommand's name.
pub const NAME: &str = "demo";

/// A sync that takes longer than this is left to itself.
const PATIENCE: Duration = Duration::from_secs(600);

/// What `cargo demo -- --help` says.
#[must_use]
pub fn command() -> Command {
    settings::options(Command::new(NAME).bin_name("cargo demo --").about(
        "Does the main job end to end: lists directories, syncs one and watches it, lists identity providers and adds an \
         identity source. Against the built-in simulator; with --vidm-url or --vcf-url against the real thing, where \
         nothing is added unless --add-source is given.",
    ))
    .arg(Arg::new("once").long("once").action(ArgAction::SetTrue).help("end when done instead of staying up for curl"))
    .arg(Arg::new("directory").long("directory").help("name or id of the directory to sync; default: the only one that can be synced"))
    .arg(Arg::new("add-source").long("add-source").value_name("FILE").help("JSON of the identity source (IdentitySourceSpec) to add to the embedded provider"))
}

/// Runs the demo.
///
/// # Errors
/// When something cannot be built or started, or the job fails.
pub async fn run(matches: &ArgMatches) -> Result<()> {
    let wasm = Artifact::Spin.build()?;
    let size = std::fs::metadata(&wasm)?.len();
    let mut variables = settings::variables(matches);
    let is_real = ["vidm_url", "vcf_url", "targets"].iter().any(|name| variables.contains_key(*name));
    let directory = matches.get_one::<String>("directory").map(String::as_str);

    let ca = tempfile::NamedTempFile::new()?;
    let mut ca_file = matches.get_one::<PathBuf>("ca-file").cloned();
    let simulator = if is_real {
        None
    } else {
        let simulator = Simulator::start(SimulatorOptions::default()).await?;
        simulator.write_ca(ca.path())?;
        ca_file = Some(ca.path().to_owned());
        variables.extend(settings::of_simulator(&simulator, true));
        Some(simulator)
    };
    let caller = Caller::for_trying()?;
    variables.insert("api_keys".to_owned(), caller.api_keys);
    // Its log would run through the story.
    variables.entry("log_level".to_owned()).or_insert_with(|| "error".to_owned());

    let started = Instant::now();
    let (has_vidm, has_vcf) = (variables.contains_key("vidm_url"), variables.contains_key("vcf_url"));
    let mut options = Artifact::Spin.options(wasm, variables, KeyValue::default());
    let port = matches.get_one::<u16>("port").copied().unwrap_or(3000);
    // --once needs no address one could remember, and must not fail over a taken one.
    let port = if matches.get_flag("once") { 0 } else { port };
    options.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    options.ca_file = ca_file;
    let host = Host::start(options).await?;
    say(format!(
        "\nidhook_spin.wasm ({} kB) is served on {} after {} ms",
        size.div_ceil(1000),
        host.url(),
        started.elapsed().as_millis()
    ));
    if let Some(simulator) = &simulator {
        say(format!(
            "against a simulated vIDM on {} and SDDC Manager on {}",
            simulator.vidm_tls_url(),
            simulator.sddc_tls_url()
        ));
    }

    let api = Api { client: reqwest::Client::new(), url: host.url(), key: caller.key };
    let mut synced = None;
    if has_vidm {
        synced = Some(match &simulator {
            Some(simulator) => group_arrives(&api, simulator).await?,
            None => sync(&api, directory).await?,
        });
    }
    if has_vcf {
        identity_sources(&api, matches.get_one::<String>("add-source"), simulator.as_ref()).await?;
    }
    say("\nDone.");
    if matches.get_flag("once") {
        return Ok(());
    }
    by_hand(&api, synced.as_deref(), has_vcf);
    tokio::select! {
        () = host.stopped() => bail!("the host stopped accepting connections"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

/// The webhook, as a caller sees it.
struct Api {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Api {
    /// Says what is asked, asks it, and gives the JSON; a problem ends the demo with its own words.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        say(format!("\n{method} {path}"));
        self.quietly(method, path, body).await
    }

    async fn quietly(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.context("idhook does not answer")?;
        let status = response.status();
        let text = response.text().await?;
        let value: Value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).context("the answer is not JSON")?
        };
        if !status.is_success() {
            bail!("{status}: {}", serde_json::to_string_pretty(&value)?);
        }
        Ok((status, value))
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("–")
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The story of the README: a new group in Active Directory, three workflows that want it at once, and the proof.
async fn group_arrives(api: &Api, simulator: &Simulator) -> Result<String> {
    const GROUP: &str = "CN=gg-new-project,OU=Groups,DC=corp,DC=example";
    const SYNCS: &str = "/vidm/default/v1/syncs";
    let directory = sync(api, Some(seeds::CORP_NAME)).await?;

    say("\na run is going on when a workflow makes the AD group gg-new-project, and three callers want it");
    let (_, first) = api.call(Method::POST, SYNCS, Some(&json!({ "directory": seeds::CORP_NAME }))).await?;
    say(format!("  {}", text(&first, "/status")));
    // Within a second of each other no clock tells a run that was begun from one that was joined.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    simulator.add_directory_group(seeds::CORP, GROUP)?;
    let wanted = json!({ "directory": seeds::CORP_NAME, "groups": [GROUP] });
    let mut places = Vec::new();
    for _ in 0..3 {
        let (_, started) = api.call(Method::POST, SYNCS, Some(&wanted)).await?;
        say(format!("  {}", text(&started, "/status")));
        places.push(text(&started, "/links/self").to_owned());
    }
    for place in &places {
        let last = watch(api, place).await?;
        say(format!("  {} is {}", text(&last, "/groups/0/displayName"), text(&last, "/groups/0/state")));
    }
    say(format!("  runs in all: {}, one for the three of them", simulator.runs_started(seeds::CORP)?));

    say("\nand a run that the safeguards stop");
    simulator.set_safeguards_trip(seeds::CORP, true)?;
    let (_, started) = api.call(Method::POST, SYNCS, Some(&json!({ "directory": seeds::CORP_NAME }))).await?;
    let last = follow(api, text(&started, "/links/self")).await?;
    say(format!("  {}: {}", text(&last, "/status"), text(&last, "/reason")));
    simulator.set_safeguards_trip(seeds::CORP, false)?;
    Ok(directory)
}

fn is_syncable(directory: &Value) -> bool {
    directory.pointer("/syncable") == Some(&Value::Bool(true))
}

/// Lists the directories, syncs one, and watches it; gives the directory's id.
async fn sync(api: &Api, wanted: Option<&str>) -> Result<String> {
    let (_, answer) = api.call(Method::GET, "/vidm/default/v1/directories", None).await?;
    let directories = list(&answer, "/directories");
    for directory in directories {
        let mark = if is_syncable(directory) { "can be synced" } else { "" };
        say(format!("  {:<22} {:<24} {mark}", text(directory, "/name"), text(directory, "/type")));
    }
    let wanted = match wanted {
        Some(wanted) => wanted.to_owned(),
        None => {
            let mut syncable = directories.iter().filter(|directory| is_syncable(directory));
            match (syncable.next(), syncable.next()) {
                (Some(only), None) => text(only, "/id").to_owned(),
                _ => bail!("say which directory to sync: --directory NAME"),
            }
        }
    };

    let (status, started) =
        api.call(Method::POST, "/vidm/default/v1/syncs", Some(&json!({ "directory": wanted }))).await?;
    say(format!("  {status}, {} for {}", text(&started, "/status"), text(&started, "/directory/name")));
    let last = watch(api, text(&started, "/links/self")).await?;
    Ok(text(&last, "/directory/id").to_owned())
}

/// Follows a sync, which has to succeed.
async fn watch(api: &Api, place: &str) -> Result<Value> {
    let last = follow(api, place).await?;
    if text(&last, "/status") != "succeeded" {
        bail!("the sync did not succeed: {}", serde_json::to_string_pretty(&last)?);
    }
    Ok(last)
}

/// Asks for the state of a sync until it is final, and shows it as it goes.
async fn follow(api: &Api, place: &str) -> Result<Value> {
    say(format!("\nGET {}…", place.get(..40).unwrap_or(place)));
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("  {spinner} {msg} {elapsed}")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let began = Instant::now();
    let last = loop {
        let (_, state) = api.quietly(Method::GET, place, None).await?;
        let word = text(&state, "/status").to_owned();
        bar.set_message(word.clone());
        if bar.is_hidden() {
            say(format!("  {word} {:.1} s", began.elapsed().as_secs_f64()));
        }
        if !matches!(word.as_str(), "running" | "queued") || began.elapsed() > PATIENCE {
            break state;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    bar.finish_and_clear();
    let counts = last.pointer("/counts").unwrap_or(&Value::Null);
    say(format!("  {} after {:.1} s; counts {counts}", text(&last, "/status"), began.elapsed().as_secs_f64()));
    Ok(last)
}

/// Lists the identity providers and adds an identity source to the embedded one.
async fn identity_sources(api: &Api, file: Option<&String>, simulator: Option<&Simulator>) -> Result<()> {
    const PROVIDERS: &str = "/vcf/default/v1/identity-providers";
    let (_, answer) = api.call(Method::GET, PROVIDERS, None).await?;
    let mut embedded = None;
    for provider in list(&answer, "/elements") {
        say(format!("  {:<22} {:<16} {}", text(provider, "/name"), text(provider, "/type"), text(provider, "/status")));
        for source in list(provider, "/identitySources") {
            say(format!("    {:<20} {}", text(source, "/name"), text(source, "/type")));
        }
        if text(provider, "/type").eq_ignore_ascii_case("embedded") {
            embedded = Some(text(provider, "/id").to_owned());
        }
    }
    let spec: Value = match (file, simulator) {
        (Some(file), _) => serde_json::from_slice(&std::fs::read(file).with_context(|| format!("cannot read {file}"))?)
            .with_context(|| format!("{file} is not JSON"))?,
        (None, Some(_)) => example_source(),
        (None, None) => return Ok(()),
    };
    let embedded = embedded.context("SDDC Manager lists no embedded identity provider")?;
    let (status, added) =
        api.call(Method::POST, &format!("{PROVIDERS}/{embedded}/identity-sources"), Some(&spec)).await?;
    say(format!("  {status}: {}", added.pointer("/message").and_then(Value::as_str).unwrap_or("added")));
    let (_, provider) = api.call(Method::GET, &format!("{PROVIDERS}/{embedded}"), None).await?;
    let domain = text(&added, "/domainName");
    let there =
        list(&provider, "/identitySources").iter().any(|source| list(source, "/domainNames").contains(&json!(domain)));
    if !there {
        bail!("the source for {domain} was added but is not listed");
    }
    say(format!("  the source for {domain} is there"));
    Ok(())
}

fn example_source() -> Value {
    json!({
        "name": "research",
        "ldap": {
            "type": "ActiveDirectory",
            "domainName": "research.example",
            "domainAlias": "RESEARCH",
            "username": "svc-ldap@research.example",
            "password": "an example, not a secret",
            "sourceDetails": {
                "usersBaseDn": "OU=People,DC=research,DC=example",
                "groupsBaseDn": "OU=Groups,DC=research,DC=example",
                "certChain": [],
                "serverEndpoints": ["ldap://dc01.research.example", "ldap://dc02.research.example"]
            }
        }
    })
}

fn by_hand(api: &Api, directory: Option<&str>, has_vcf: bool) {
    let url = &api.url;
    say(format!("\nTry it by hand; Ctrl-C ends it:\n\n  export IDHOOK={url} IDHOOK_KEY={}", api.key));
    say(format!("  {url}/ in a browser, with that key"));
    say("  curl $IDHOOK/readyz");
    if let Some(directory) = directory {
        say("  curl -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK/vidm/default/v1/directories");
        say(format!(
            "  curl -i -X POST -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK/vidm/default/v1/directories/{directory}/syncs"
        ));
        say("  curl -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK<the Location of that answer>");
        say(format!(
            "  curl -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK/vidm/default/v1/directories/{directory}/sync"
        ));
        say(
            "  curl -G -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK/vidm/default/v1/groups --data-urlencode 'name=gg-app@corp.example'",
        );
    }
    if has_vcf {
        say("  curl -H \"Authorization: Bearer $IDHOOK_KEY\" $IDHOOK/vcf/default/v1/identity-providers");
    }
    say("");
}
