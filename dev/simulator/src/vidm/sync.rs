//! Sync runs: the kick-off, the effect of a run, its state.
//!
//! The kick-off returns 200 and `{}`; there is no run id (observed by all users of the call). The responses of `GET
//! …/syncprofile/sync` and `…/syncexecutions` are undocumented: see [`StatusShape`].

use super::state::{Counts, Directory, Group, KickOff, Run, Tenant, User};
use super::{Vidm, errors, media};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{AlreadyRunning, Clocks, Outcome, StatusShape, SyncDuration, VidmSettings};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST …/directoryconfigs/{id}/syncprofile/sync`
pub(super) fn start(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let settings = state.settings.clone();
    media::consumes(ask, settings.strict_media_types, &[media::SYNC])?;
    let content_type = media::produces(ask, settings.strict_media_types, &[media::V1])?;
    let ignore_safeguards = ignore_safeguards(ask)?;
    let directory = can_start(state.directory(ask)?)?;
    if directory.migrated() {
        return Err(errors::conflict("directory.migrated", "The directory was migrated to the enterprise service."));
    }
    kick_off(directory, &settings, ignore_safeguards, false)?;
    Ok(Reply::text(StatusCode::OK, content_type, "{}"))
}

/// `POST …/directoryconfigurations/{id}/sync/v2`
pub(super) fn start_v2(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let settings = state.settings.clone();
    media::consumes(ask, settings.strict_media_types, &[media::SYNC_V2])?;
    let content_type = media::produces(ask, settings.strict_media_types, &[media::SYNC_V2])?;
    let ignore_safeguards = ignore_safeguards(ask)?;
    let directory = can_start(state.directory(ask)?)?;
    if directory.kick_off == KickOff::Classic {
        return Err(errors::not_found("The directory is not served by the enterprise service."));
    }
    kick_off(directory, &settings, ignore_safeguards, true)?;
    Ok(Reply::text(StatusCode::OK, content_type, "{}"))
}

/// No body means false; a boolean is accepted as such or as a string.
fn ignore_safeguards(ask: &Ask) -> Result<bool, Reply> {
    if ask.body.is_empty() {
        return Ok(false);
    }
    let body = ask.json().ok_or_else(|| errors::bad_request("The request body is not JSON."))?;
    match body.get("ignoreSafeguards") {
        _ if !body.is_object() => Err(errors::bad_request("The request body is not an object.")),
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(ignore)) => Ok(*ignore),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
        Some(_) => Err(errors::bad_request("ignoreSafeguards is not a boolean.")),
    }
}

fn can_start(directory: &mut Directory) -> Result<&mut Directory, Reply> {
    if !directory.syncable() {
        return Err(errors::bad_request("The directory cannot be synced."));
    }
    if directory.deleting {
        return Err(errors::conflict("directory.deleting", "The directory is being deleted."));
    }
    Ok(directory)
}

fn kick_off(
    directory: &mut Directory,
    settings: &VidmSettings,
    ignore_safeguards: bool,
    v2: bool,
) -> Result<(), Reply> {
    if let Some(run) = directory.runs.last_mut().filter(|run| run.end.is_none()) {
        return match settings.already_running {
            AlreadyRunning::Join => {
                run.joined += 1;
                Ok(())
            }
            AlreadyRunning::Conflict => {
                Err(errors::conflict("sync.already.running", "A sync of the directory is already in progress."))
            }
        };
    }
    let start = clock::now();
    let planned = match directory.fails_next.take() {
        Some(message) => Outcome::Failed(message),
        None if directory.safeguards_trip && !ignore_safeguards => Outcome::SafeguardsTripped,
        None => Outcome::Completed,
    };
    directory.runs.push(Run {
        id: clock::uuid(),
        asked_for: true,
        ignore_safeguards,
        v2,
        start,
        due: match settings.sync_duration {
            SyncDuration::Fixed(duration) => Some(start + clock::millis(duration)),
            SyncDuration::Manual => None,
        },
        planned,
        found: directory.profile.selected(&directory.in_ad),
        users: directory.users_in_ad.clone(),
        end: None,
        counts: Counts::default(),
        joined: 0,
    });
    Ok(())
}

/// Ends the due runs.
pub(super) fn settle(tenant: &mut Tenant, now: u64) {
    for at in 0..tenant.directories.len() {
        let run = tenant.directories.get(at).and_then(Directory::running);
        if let Some((due, planned)) =
            run.and_then(|run| Some((run.due?, run.planned.clone()))).filter(|(due, _)| *due <= now)
        {
            finish(tenant, at, due, planned);
        }
    }
}

/// Ends the active run, if there is one; a successful one imports its groups into SCIM and removes the directory's others.
pub(crate) fn finish(tenant: &mut Tenant, at: usize, when: u64, outcome: Outcome) -> bool {
    let Some(directory) = tenant.directories.get_mut(at) else { return false };
    let Some(run) = directory.runs.last_mut().filter(|run| run.end.is_none()) else { return false };
    if outcome == Outcome::Completed {
        let before = tenant.groups.len();
        let here = Some(&directory.userstore_id);
        tenant.groups.retain(|group| {
            group.userstore_id.as_ref() != here
                || run.found.iter().any(|found| Some(&found.guid) == group.external_id.as_ref())
        });
        run.counts.groups_removed = u64::try_from(before - tenant.groups.len()).unwrap_or_default();
        for found in &run.found {
            if tenant.groups.iter().any(|group| group.external_id.as_ref() == Some(&found.guid)) {
                continue;
            }
            tenant.groups.push(Group {
                id: clock::uuid(),
                display_name: format!("{}@{}", found.name, directory.name),
                external_id: Some(found.guid.clone()),
                dn: Some(found.dn.clone()),
                domain: Some(directory.name.clone()),
                internal_type: "EXTERNAL",
                userstore_id: Some(directory.userstore_id.clone()),
                created: when,
            });
            run.counts.groups_added += 1;
        }
        for name in &run.users {
            if !tenant.users.iter().any(|user| user.name == *name && user.domain == directory.name) {
                let user = User { id: clock::uuid(), name: name.clone(), domain: directory.name.clone() };
                tenant.users.push(user);
                run.counts.users_added += 1;
            }
        }
        run.counts.users_updated = 3;
    }
    run.end = Some((when, outcome));
    true
}

/// `GET …/directoryconfigs/{id}/syncprofile/sync`
pub(super) fn status(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let settings = state.settings.clone();
    let content_type = media::produces(ask, settings.strict_media_types, &[media::SYNC, media::V1])?;
    let directory = state.directory(ask)?;
    if !directory.syncable() || settings.status_shape == StatusShape::NotFound {
        return Err(Reply::tomcat(StatusCode::NOT_FOUND));
    }
    let shown_from = clock::now().saturating_sub(clock::millis(settings.status_lag));
    let run = directory.runs.iter().rev().find(|run| !run.asked_for || run.start <= shown_from);
    let clocks = settings.clocks;
    let body = match &settings.status_shape {
        StatusShape::Empty => return Ok(Reply::empty(StatusCode::OK)),
        StatusShape::Broker => broker(run, clocks),
        StatusShape::Nested => json!({"syncStatus": {"status": word(run), "message": message(run)}}),
        StatusShape::Word(word) => flat(run, word, clocks),
        StatusShape::Flat | StatusShape::NotFound => flat(run, word(run), clocks),
    };
    Ok(Reply::json(StatusCode::OK, content_type, &body))
}

/// `GET …/directoryconfigs/{id}/syncexecutions`
pub(super) fn executions(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let (newest_first, clocks) = (state.settings.executions_newest_first, state.settings.clocks);
    let have_active = state.settings.executions_have_active;
    let content_type = media::produces(ask, state.settings.strict_media_types, &[media::EXECUTIONS, media::V1])?;
    let directory = state.directory(ask)?;
    let runs = directory.runs.iter().filter(|run| have_active || run.end.is_some());
    let mut items: Vec<Value> = runs.map(|run| execution(run, clocks)).collect();
    if newest_first {
        items.reverse();
    }
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"items": items, "_links": {}})))
}

/// A run as a row of the sync log.
pub(crate) fn execution(run: &Run, clocks: Clocks) -> Value {
    let mut row = flat(Some(run), word(Some(run)), clocks);
    if let Value::Object(fields) = &mut row {
        fields.insert("id".to_owned(), json!(run.id));
        fields.insert("syncType".to_owned(), json!(if run.asked_for { "MANUAL" } else { "SCHEDULED" }));
    }
    row
}

/// The words of vRealize Automation 7.4's wrapper around the same engine, and `FAILED`.
fn word(run: Option<&Run>) -> &'static str {
    match run.map(|run| &run.end) {
        None => "NOT_STARTED",
        Some(None) => "RUNNING",
        Some(Some((_, Outcome::Completed))) => "COMPLETED",
        Some(Some(_)) => "FAILED",
    }
}

/// The beginning of the safeguard text is the vendor's.
fn message(run: Option<&Run>) -> Option<&str> {
    match &run?.end.as_ref()?.1 {
        Outcome::Completed => None,
        Outcome::SafeguardsTripped => Some("Failed to complete sync. Please check safeguards."),
        Outcome::Failed(message) => Some(message),
    }
}

fn flat(run: Option<&Run>, word: &str, clocks: Clocks) -> Value {
    let time = |at: u64| clock::shown(clocks, at);
    let counts = run.map(|run| run.counts).unwrap_or_default();
    json!({
        "status": word,
        "startTime": run.map(|run| time(run.start)),
        "endTime": run.and_then(|run| run.end.as_ref()).map(|(end, _)| time(*end)),
        "message": message(run),
        "usersAdded": counts.users_added,
        "usersUpdated": counts.users_updated,
        "usersRemoved": 0,
        "groupsAdded": counts.groups_added,
        "groupsUpdated": 0,
        "groupsRemoved": counts.groups_removed,
    })
}

/// The words and fields of the VCF Identity Broker's `LdapSyncLog`.
fn broker(run: Option<&Run>, clocks: Clocks) -> Value {
    let time = |at: u64| clock::shown(clocks, at);
    let counts = run.map(|run| run.counts).unwrap_or_default();
    let result = match word(run) {
        "RUNNING" => "IN_PROGRESS",
        "NOT_STARTED" => "UNKNOWN",
        other => other,
    };
    json!({
        "id": run.map(|run| &run.id),
        "success": result == "COMPLETED",
        "syncType": "MANUAL",
        "syncResult": result,
        "syncResultMessageKey": message(run),
        "timeStamp": run.map(|run| time(run.start)),
        "syncDetails": {
            "usersAdded": counts.users_added, "usersUpdated": counts.users_updated, "usersRemoved": 0,
            "groupsAdded": counts.groups_added, "groupsUpdated": 0, "groupsRemoved": counts.groups_removed,
            "syncEndTime": run.and_then(|run| run.end.as_ref()).map(|(end, _)| time(*end)),
        },
    })
}
