//! The same control over HTTP, for manual use: `/_simulator` on each plain-http port.

use crate::reply::Reply;
use crate::settings::Clocks;
use crate::settings::FleetVersion;
use crate::settings::{Outcome, SyncDuration};
use crate::{Fault, Shared, clock};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

const HELP: &str = include_str!("control.txt");

#[derive(Deserialize)]
struct NewGroup {
    directory: String,
    dn: String,
}

#[derive(Deserialize)]
struct AdGroup {
    directory: String,
    dn: String,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Deserialize)]
struct AdUser {
    directory: String,
    dn: String,
    account: String,
    #[serde(default)]
    groups: Vec<String>,
}

/// Only the given fields are changed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FleetChange {
    version: Option<String>,
    sync_milliseconds: Option<u64>,
    sync_manual: Option<bool>,
    irregular: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finish {
    outcome: Option<String>,
    message: Option<String>,
}

/// Only the given fields are changed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    sync_milliseconds: Option<u64>,
    sync_manual: Option<bool>,
    strict_media_types: Option<bool>,
    healthy: Option<bool>,
}

/// One request below `/_simulator`.
pub(crate) fn answer(shared: &Shared, method: &Method, path: &str, body: &Bytes) -> Reply {
    let path = path.strip_prefix("/_simulator").unwrap_or(path).trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let done = match (method.as_str(), parts.as_slice()) {
        ("GET", [""]) => return Reply::text(StatusCode::OK, "text/plain; charset=utf-8", HELP),
        ("GET", ["calls"]) => return ok(&json!(shared.calls.all())),
        ("GET", ["faults"]) => return ok(&json!(shared.faults.all())),
        ("GET", ["state"]) => return ok(&state(shared)),
        ("DELETE", ["calls"]) => {
            shared.calls.clear();
            Ok(())
        }
        ("DELETE", ["faults"]) => {
            shared.faults.clear();
            Ok(())
        }
        ("POST", ["faults"]) => parse::<Fault>(body).map(|fault| shared.faults.add(fault)),
        ("POST", ["groups"]) => {
            parse::<NewGroup>(body).and_then(|group| shared.add_directory_group(&group.directory, &group.dn))
        }
        ("POST", ["tokens", "expire"]) => {
            shared.expire_tokens();
            Ok(())
        }
        ("POST", ["settings"]) => parse::<Change>(body).map(|change| apply(shared, &change)),
        ("POST", ["directories", id, "finish"]) => outcome(body).and_then(|outcome| shared.finish_sync(id, outcome)),
        ("POST", ["fleet", "groups"]) => parse::<AdGroup>(body).and_then(|group| {
            let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
            shared.add_ad_group(&group.directory, &group.dn, &members)
        }),
        ("POST", ["fleet", "users"]) => parse::<AdUser>(body).and_then(|user| {
            let groups: Vec<&str> = user.groups.iter().map(String::as_str).collect();
            shared.add_ad_user(&user.directory, &user.dn, &user.account, &groups)
        }),
        ("POST", ["fleet", "settings"]) => {
            parse::<FleetChange>(body).and_then(|change| apply_to_fleet(shared, &change))
        }
        ("POST", ["fleet", "directories", id, "finish"]) => {
            outcome(body).and_then(|outcome| shared.finish_fleet_sync(id, outcome))
        }
        ("POST", ["directories", id, "safeguards"]) => {
            parse::<bool>(body).and_then(|trip| shared.directory(id, |directory| directory.safeguards_trip = trip))
        }
        _ => return Reply::text(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", HELP),
    };
    match done {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(error) => Reply::text(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", format!("{error:#}\n")),
    }
}

fn ok(body: &Value) -> Reply {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    Reply::text(StatusCode::OK, "application/json", format!("{text}\n"))
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(body)?)
}

fn outcome(body: &Bytes) -> anyhow::Result<Outcome> {
    let finish = if body.is_empty() { Finish::default() } else { parse(body)? };
    match finish.outcome.as_deref() {
        None | Some("completed") => Ok(Outcome::Completed),
        Some("safeguards") => Ok(Outcome::SafeguardsTripped),
        Some("failed") => Ok(Outcome::Failed(finish.message.unwrap_or_else(|| "The sync failed.".to_owned()))),
        Some(other) => anyhow::bail!("outcome {other:?} is not one of completed, safeguards, failed"),
    }
}

fn apply(shared: &Shared, change: &Change) {
    let mut state = shared.vidm.state();
    let settings = &mut state.settings;
    if let Some(milliseconds) = change.sync_milliseconds {
        settings.sync_duration = SyncDuration::Fixed(Duration::from_millis(milliseconds));
    }
    if change.sync_manual == Some(true) {
        settings.sync_duration = SyncDuration::Manual;
    }
    settings.strict_media_types = change.strict_media_types.unwrap_or(settings.strict_media_types);
    settings.healthy = change.healthy.unwrap_or(settings.healthy);
}

fn apply_to_fleet(shared: &Shared, change: &FleetChange) -> anyhow::Result<()> {
    let version = match change.version.as_deref() {
        None => None,
        Some("9.0") => Some(FleetVersion::V9_0),
        Some("9.1.0") => Some(FleetVersion::V9_1_0),
        Some("9.1.1") => Some(FleetVersion::V9_1_1),
        Some(other) => anyhow::bail!("version {other:?} is not one of 9.0, 9.1.0, 9.1.1"),
    };
    let mut state = shared.fleet.state();
    let settings = &mut state.settings;
    settings.version = version.unwrap_or(settings.version);
    if let Some(milliseconds) = change.sync_milliseconds {
        settings.sync_duration = SyncDuration::Fixed(Duration::from_millis(milliseconds));
    }
    if change.sync_manual == Some(true) {
        settings.sync_duration = SyncDuration::Manual;
    }
    settings.irregular = change.irregular.unwrap_or(settings.irregular);
    Ok(())
}

/// Directories, runs and groups of VCF Operations.
fn fleet_state(shared: &Shared) -> Value {
    let fleet = shared.fleet.state();
    let directories: Vec<Value> = fleet
        .realms
        .iter()
        .flat_map(|realm| fleet.directories_of(&realm.id).map(move |directory| (realm, directory)))
        .map(|(realm, directory)| {
            let runs: Vec<Value> =
                directory.runs.iter().map(|run| crate::fleet::sync::row(run, &fleet.settings)).collect();
            let in_ad: Vec<&str> = directory.ad.groups.iter().map(|group| group.dn.as_str()).collect();
            let in_broker: Vec<&str> = directory.broker.groups.iter().map(|group| group.dn.as_str()).collect();
            json!({
                "id": directory.id, "name": directory.name, "domains": directory.domains, "realm": realm.name,
                "running": directory.running().is_some(), "runs": runs, "groupsInActiveDirectory": in_ad,
                "groupsInBroker": in_broker, "selected": directory.profile.selections(),
            })
        })
        .collect();
    json!({"directories": directories})
}

/// Everything except tokens.
fn state(shared: &Shared) -> Value {
    let vidm = shared.vidm.state();
    let tenants: Vec<Value> = vidm
        .tenants
        .values()
        .map(|tenant| {
            let directories: Vec<Value> = tenant
                .directories
                .iter()
                .map(|directory| {
                    let runs: Vec<Value> =
                        directory.runs.iter().map(|run| crate::vidm::sync::execution(run, Clocks::default())).collect();
                    let groups: Vec<&str> = directory.in_ad.iter().map(|group| group.dn.as_str()).collect();
                    json!({
                        "id": directory.id, "name": directory.name, "type": directory.kind,
                        "running": directory.running().is_some(), "safeguardsTrip": directory.safeguards_trip,
                        "runs": runs, "groupsInActiveDirectory": groups, "selected": directory.profile.selections(),
                    })
                })
                .collect();
            let groups: Vec<&str> = tenant.groups.iter().map(|group| group.display_name.as_str()).collect();
            json!({"tenant": tenant.name, "directories": directories, "groupsInScim": groups})
        })
        .collect();
    drop(vidm);
    let sddc = shared.sddc.state();
    let providers: Vec<Value> = sddc.providers.iter().map(crate::sddc::state::Provider::json).collect();
    json!({
        "now": clock::iso(clock::now()),
        "vidm": tenants,
        "sddc": {"identityProviders": providers},
        "fleet": fleet_state(shared),
    })
}
