//! Sync runs: `…/sync` and `…/sync-logs`, and the effect of a run.
//!
//! The call returns a word and no run id; a run is known by its row in the logs.

use super::paging::Page;
use super::state::{Contents, Counts, Directory, Group, Run, User};
use super::{Fleet, errors, json};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{
    FleetSettings, LastSyncTime, LogOrder, LogWords, OnDemandSync, Outcome, RunningWord, SecondSync, SyncBody,
    SyncDuration,
};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST …/ldap-directories/{ldapDirectoryId}/sync`
pub(super) fn start(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let settings = state.settings.clone();
    let directory = state.directory(ask)?;
    match settings.sync_body {
        SyncBody::Forbidden if ask.body.is_empty() => {}
        SyncBody::Forbidden => return Err(errors::invalid_body("body", "is not expected")),
        SyncBody::Required => drop(super::object(ask)?),
    }
    if !directory.set_up {
        return Err(errors::rejected("ldap.directory.setup.incomplete", "The setup of the directory is not complete."));
    }
    if directory.on_demand && settings.on_demand_sync == OnDemandSync::Rejected {
        return Err(errors::rejected("ldap.directory.sync.mode", "The sync mode of the directory is ON_DEMAND."));
    }
    kick_off(directory, &settings)?;
    Ok(json(StatusCode::ACCEPTED, &json!({"syncStatus": running_word(&settings)})))
}

/// Begins a run, or does what the settings say about a second one.
pub(super) fn kick_off(directory: &mut Directory, settings: &FleetSettings) -> Result<(), Reply> {
    let active = directory.runs.iter_mut().rev().find(|run| run.end.is_none());
    let waits = active.is_some();
    if let Some(run) = active {
        match settings.second_sync {
            SecondSync::Join => {
                run.joined += 1;
                return Ok(());
            }
            SecondSync::Rejected => {
                return Err(errors::conflict(settings, "ldap.sync.already.running", "A sync is already in progress."));
            }
            SecondSync::Queue => {}
        }
    }
    let planned = directory.fails_next.take().map_or(Outcome::Completed, Outcome::Failed);
    directory.runs.push(Run {
        id: clock::uuid(),
        asked_for: true,
        start: None,
        due: None,
        planned,
        found: Contents::default(),
        end: None,
        counts: Counts::default(),
        joined: 0,
    });
    if !waits {
        begin(directory, settings, clock::now());
    }
    Ok(())
}

/// Begins the oldest run that waits.
fn begin(directory: &mut Directory, settings: &FleetSettings, when: u64) {
    let found = directory.selected();
    if let Some(run) = directory.runs.iter_mut().find(|run| run.start.is_none()) {
        run.start = Some(when);
        run.found = found;
        run.due = match settings.sync_duration {
            SyncDuration::Fixed(duration) => Some(when + clock::millis(duration)),
            SyncDuration::Manual => None,
        };
    }
}

impl Directory {
    /// The entries that a run would import now: compliant groups that the profile selects, with their members, and selected users.
    fn selected(&self) -> Contents {
        let nested = self.profile.is_nested();
        let groups = self.ad.groups.iter().filter(|group| group.invalid.is_empty() && self.profile.selects(group));
        let mut found = Contents::default();
        for group in groups {
            let members = self.ad.members(group, nested);
            let flat = members.iter().map(|user| user.dn.clone()).collect();
            found.groups.push(Group { members: flat, ..group.clone() });
            found.add_users(members.into_iter().cloned());
        }
        found.add_users(self.ad.users.iter().filter(|user| self.profile.selects_user(user)).cloned());
        found
    }
}

impl Contents {
    pub(super) fn add_users(&mut self, users: impl Iterator<Item = User>) {
        for user in users {
            if !self.users.iter().any(|known| known.id == user.id) {
                self.users.push(user);
            }
        }
    }
}

/// Ends the due runs, and begins those that waited for them.
pub(super) fn settle(directory: &mut Directory, settings: &FleetSettings, now: u64) {
    while let Some((due, planned)) =
        directory.running().and_then(|run| Some((run.due?, run.planned.clone()))).filter(|(due, _)| *due <= now)
    {
        finish(directory, settings, due, planned);
    }
}

/// Ends the active run, if there is one. A successful one brings what it found into the broker and removes the rest.
pub(crate) fn finish(directory: &mut Directory, settings: &FleetSettings, when: u64, outcome: Outcome) -> bool {
    let Directory { runs, broker, provisioned, .. } = directory;
    let Some(run) = runs.iter_mut().find(|run| run.start.is_some() && run.end.is_none()) else { return false };
    if outcome == Outcome::Completed {
        let mut after = run.found.clone();
        if settings.principals.kept_by_runs {
            let is_new = |id: &String, known: &[&String]| provisioned.contains(id) && !known.contains(&id);
            let known: Vec<&String> = run.found.groups.iter().map(|group| &group.id).collect();
            after.groups.extend(broker.groups.iter().filter(|group| is_new(&group.id, &known)).cloned());
            after.add_users(broker.users.iter().filter(|user| provisioned.contains(&user.id)).cloned());
        } else {
            provisioned.clear();
        }
        let fresh = |before: &[&String], after: &[&String]| {
            u64::try_from(after.iter().filter(|id| !before.contains(id)).count()).unwrap_or_default()
        };
        let groups =
            [broker.groups.iter(), after.groups.iter()].map(|all| all.map(|group| &group.id).collect::<Vec<_>>());
        let users = [broker.users.iter(), after.users.iter()].map(|all| all.map(|user| &user.id).collect::<Vec<_>>());
        let ([groups_before, groups_after], [users_before, users_after]) = (groups, users);
        run.counts = Counts {
            groups_added: fresh(&groups_before, &groups_after),
            groups_removed: fresh(&groups_after, &groups_before),
            users_added: fresh(&users_before, &users_after),
            users_removed: fresh(&users_after, &users_before),
        };
        *broker = after;
    }
    run.end = Some((when, outcome));
    begin(directory, settings, when);
    true
}

impl Directory {
    pub(crate) fn running(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.start.is_some() && run.end.is_none())
    }
}

/// The newest run that had begun at this time, and its outcome if it had ended. Runs of the schedule are always seen.
fn seen(directory: &Directory, at: u64) -> Option<(&Run, Option<&Outcome>)> {
    let begun = |run: &&Run| run.start.is_some_and(|start| !run.asked_for || start <= at);
    let run = directory.runs.iter().rev().find(begun)?;
    let ended = run.end.as_ref().filter(|(end, _)| !run.asked_for || *end <= at);
    Some((run, ended.map(|(_, outcome)| outcome)))
}

fn running_word(settings: &FleetSettings) -> &'static str {
    match settings.running_word {
        RunningWord::InProgress => "IN_PROGRESS",
        RunningWord::Started => "STARTED",
    }
}

/// `lastSyncStatus`; missing in the vendor's example of a directory that was never synced, though required.
pub(super) fn status(directory: &Directory, settings: &FleetSettings) -> Option<&'static str> {
    match seen(directory, clock::now().saturating_sub(clock::millis(settings.status_lag))) {
        None if settings.irregular => None,
        None => Some("UNKNOWN"),
        Some((_, None)) => Some(running_word(settings)),
        Some((_, Some(Outcome::Completed))) => Some("COMPLETED"),
        Some((_, Some(_))) => Some("FAILED"),
    }
}

/// `lastSyncDateTime`
pub(super) fn last_time(directory: &Directory, settings: &FleetSettings) -> Value {
    let at = clock::now().saturating_sub(clock::millis(settings.status_lag));
    let time = match settings.last_sync_time {
        LastSyncTime::Start => seen(directory, at).and_then(|(run, _)| run.start),
        LastSyncTime::End => {
            let ends = directory.runs.iter().rev().filter_map(|run| Some((run, run.end.as_ref()?.0)));
            ends.into_iter().find(|(run, end)| !run.asked_for || *end <= at).map(|(_, end)| end)
        }
    };
    time.map_or(Value::Null, |time| clock::shown(settings.clocks, time))
}

/// The rows of the logs, newest first.
fn rows(directory: &Directory, settings: &FleetSettings) -> Vec<Value> {
    let at = clock::now().saturating_sub(clock::millis(settings.log_lag));
    let is_visible = |run: &&Run| match (&run.end, run.start) {
        (Some((end, _)), _) => !run.asked_for || *end <= at,
        (None, Some(start)) => settings.log_row_during_run && start <= at,
        (None, None) => false,
    };
    directory.runs.iter().rev().filter(is_visible).map(|run| row(run, settings)).collect()
}

/// A run as a row of the logs.
pub(crate) fn row(run: &Run, settings: &FleetSettings) -> Value {
    let time = |at: u64| clock::shown(settings.clocks, at);
    let keys = settings.log_words == LogWords::MessageKeys;
    let (result, key) = match &run.end {
        None if keys => ("message.directory.sync.running", String::new()),
        None => ("IN_PROGRESS", String::new()),
        Some((_, Outcome::Completed)) if keys => {
            ("message.directory.sync.success", "message.directory.sync.success".to_owned())
        }
        Some((_, Outcome::Completed)) => ("COMPLETED", String::new()),
        Some((_, outcome)) => {
            let key = match outcome {
                Outcome::Failed(key) => key.clone(),
                _ => "message.directory.sync.safeguards".to_owned(),
            };
            (if keys { "message.directory.sync.failure" } else { "FAILED" }, key)
        }
    };
    let end = run.end.as_ref().map(|(end, _)| *end);
    // In the vendor's example the row is 5.2 seconds younger than the end.
    let written = end.or(run.start).unwrap_or_default() + if settings.irregular { 5_200 } else { 0 };
    let is_success = run.end.as_ref().is_some_and(|(_, outcome)| *outcome == Outcome::Completed);
    let mut details = json!({
        "usersAdded": run.counts.users_added,
        "usersUpdated": 0,
        "usersRemoved": run.counts.users_removed,
        "groupsAdded": run.counts.groups_added,
        "groupsUpdated": 0,
        "groupsRemoved": run.counts.groups_removed,
    });
    if let (Some(end), Value::Object(fields)) = (end, &mut details) {
        fields.insert("syncEndTime".to_owned(), time(end));
    }
    let mut body = json!({
        "id": run.id,
        "success": is_success,
        "syncResult": result,
        "syncResultMessageKey": key,
        "syncType": "message.directory.sync",
        "timeStamp": time(written),
        "syncDetails": details,
    });
    if let (true, Value::Object(fields)) = (settings.irregular && is_success, &mut body) {
        fields.remove("syncResultMessageKey");
    }
    body
}

/// `GET …/sync-logs`
pub(super) fn logs(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let settings = state.settings.clone();
    let page = Page::of(ask, &state, false, &[])?;
    let mut rows = rows(state.directory(ask)?, &settings);
    match ask.query("last") {
        Some("true") => rows.truncate(1),
        None | Some("false") => {}
        Some(_) => return Err(errors::invalid_parameter("last", "is not a boolean")),
    }
    if settings.log_order == LogOrder::OldestFirst {
        rows.reverse();
    }
    let mut body = page.cut("syncLogs", &rows);
    if let (true, Some(size)) = (settings.irregular, body.pointer_mut("/pageInfo/pageSize")) {
        *size = json!(0);
    }
    Ok(json(StatusCode::OK, &body))
}

/// `GET …/sync-logs/{syncLogId}`
pub(super) fn log(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let settings = state.settings.clone();
    let id = super::state::id_in_path(ask, "syncLogId")?;
    let rows = rows(state.directory(ask)?, &settings);
    let row = rows.iter().find(|row| row.get("id").and_then(Value::as_str) == Some(id));
    let row = row.ok_or_else(|| errors::unknown(settings.unknown_id, "syncLogId"))?;
    Ok(json(StatusCode::OK, row))
}
