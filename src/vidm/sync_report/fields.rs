//! The data about a run in a response, collected by field names.
//!
//! Names are compared as [`plain`] letters. The outermost field wins; at equal depth, the first in its table.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::words;
use super::words::plain;
use crate::directory::{Changes, Counts, SyncStatus};
use crate::upstream::read_time;

/// The deepest level that is searched.
const DEPTH: usize = 5;

/// Fields that contain a list of runs.
const LISTS: [&str; 9] =
    ["items", "syncexecutions", "executions", "synclogs", "logs", "history", "runs", "results", "content"];

/// Fields with a state of their own that is not the run's.
const OTHERS: [&str; 9] = [
    "links",
    "connector",
    "connectorinstance",
    "directory",
    "profile",
    "schedule",
    "syncschedule",
    "service",
    "health",
];

/// Fields with a status word.
const STATUS: [&str; 12] = [
    "syncstatus",
    "status",
    "syncstate",
    "state",
    "lastsyncstatus",
    "lastsyncstate",
    "currentstatus",
    "executionstatus",
    "syncresult",
    "lastsyncresult",
    "result",
    "outcome",
];

/// Fields with the word inside an object that is itself a status.
const IN_STATUS: [&str; 4] = ["name", "value", "code", "type"];

/// Fields where true means running.
const RUNNING: [&str; 5] = ["running", "isrunning", "inprogress", "syncinprogress", "syncing"];

/// Fields where true or false is the outcome.
const SUCCESS: [&str; 7] = ["success", "successful", "succeeded", "issuccess", "issuccessful", "syncsuccess", "result"];

const MESSAGES: [&str; 14] = [
    "message",
    "errormessage",
    "syncmessage",
    "statusmessage",
    "failuremessage",
    "failurereason",
    "reason",
    "error",
    "errors",
    "alerts",
    "messages",
    "syncresultmessage",
    "syncresultmessagekey",
    "details",
];

const STARTED: [&str; 12] = [
    "starttime",
    "startedat",
    "started",
    "syncstarttime",
    "startdate",
    "starttimestamp",
    "startedon",
    "lastsyncstarttime",
    "syncstartedat",
    "begintime",
    "start",
    "timestamp",
];

const FINISHED: [&str; 12] = [
    "endtime",
    "finishedat",
    "finished",
    "syncendtime",
    "enddate",
    "endtimestamp",
    "finishtime",
    "completedat",
    "completiontime",
    "endedat",
    "lastsyncendtime",
    "end",
];

/// The collected data about one run.
#[derive(Debug, Default)]
pub(super) struct Run {
    word: Best<String>,
    /// The best understood word in a place that concerns syncs.
    sync_word: Best<String>,
    running: Best<bool>,
    success: Best<bool>,
    started: Best<SystemTime>,
    finished: Best<SystemTime>,
    /// Every explaining text, outermost first.
    pub(super) messages: Vec<String>,
    pub(super) counts: Counts,
}

/// The best of several values.
#[derive(Debug)]
struct Best<T>(Option<((usize, usize), T)>);

impl<T> Default for Best<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Best<T> {
    fn offer(&mut self, rank: (usize, usize), value: Option<T>) {
        if let Some(value) = value
            && self.0.as_ref().is_none_or(|(best, _)| rank < *best)
        {
            self.0 = Some((rank, value));
        }
    }

    fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

/// The run in a response; of several the one that started last. `None` without a run.
pub(super) fn newest_run(value: &Value) -> Option<Run> {
    match value {
        Value::Object(map) => {
            let run = Run::of(map);
            if run.says_nothing() {
                let list = map.iter().find(|(name, value)| value.is_array() && LISTS.contains(&plain(name).as_str()));
                return list.and_then(|(_, list)| newest_run(list)).or(Some(run));
            }
            Some(run)
        }
        // The list's order is not documented. Without times the first is used.
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_object)
            .map(Run::of)
            .reduce(|newest, run| if run.started() > newest.started() { run } else { newest }),
        _ => None,
    }
}

/// Every run of a list, in its order; an object that is one run is a list of one. `None` without a list.
pub(super) fn runs(value: &Value) -> Option<Vec<Run>> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(Value::as_object).map(Run::of).collect()),
        Value::Object(map) => {
            let list = map.iter().find(|(name, value)| value.is_array() && LISTS.contains(&plain(name).as_str()));
            let one = || Some(Run::of(map)).filter(|run| !run.says_nothing()).map(|run| vec![run]);
            list.and_then(|(_, list)| runs(list)).or_else(one)
        }
        _ => None,
    }
}

impl Run {
    fn of(map: &Map<String, Value>) -> Self {
        let mut run = Self::default();
        let mut queue = VecDeque::from([(0, String::new(), map)]);
        while let Some((depth, parent, map)) = queue.pop_front() {
            for (name, value) in map {
                let name = plain(name);
                if OTHERS.contains(&name.as_str()) {
                    continue;
                }
                run.field(depth, &parent, &name, value);
                if let Value::Object(map) = value
                    && depth < DEPTH
                {
                    queue.push_back((depth + 1, name, map));
                }
            }
        }
        run
    }

    fn field(&mut self, depth: usize, parent: &str, name: &str, value: &Value) {
        let at = |table: &[&str]| table.iter().position(|known| *known == name).map(|place| (depth, place));
        let in_status = || if STATUS.contains(&parent) { at(&IN_STATUS) } else { None };
        if let Some(rank) = at(&STATUS).or_else(in_status) {
            let word = word(value);
            let speaks_of_sync = [parent, name].iter().any(|name| name.contains("sync") || name.contains("execution"));
            let understood = word.as_deref().is_some_and(|word| words::status(word).is_some());
            self.sync_word.offer(rank, word.clone().filter(|_| understood && speaks_of_sync));
            self.word.offer(rank, word);
        }
        if let Some(rank) = at(&RUNNING) {
            self.running.offer(rank, value.as_bool());
        }
        if let Some(rank) = at(&SUCCESS) {
            self.success.offer(rank, value.as_bool());
        }
        if let Some(rank) = at(&STARTED) {
            self.started.offer(rank, read_time(value));
        }
        if let Some(rank) = at(&FINISHED) {
            self.finished.offer(rank, read_time(value));
        }
        if MESSAGES.contains(&name) {
            texts(value, &mut self.messages);
        }
        if let (Some(slot), Some(count)) = (slot(&mut self.counts, parent, name), number(value)) {
            slot.get_or_insert(count);
        }
    }

    fn says_nothing(&self) -> bool {
        self.word.get().is_none() && self.running.get().is_none() && self.success.get().is_none()
    }

    pub(super) fn started(&self) -> Option<SystemTime> {
        self.started.get().copied()
    }

    pub(super) fn finished(&self) -> Option<SystemTime> {
        self.finished.get().copied()
    }

    /// The best word: the outermost, unless only another one is understood.
    fn best_word(&self) -> Option<&String> {
        let outermost = self.word.get();
        let understood = outermost.filter(|word| words::status(word).is_some());
        understood.or(self.sync_word.get()).or(outermost)
    }

    pub(super) fn status(&self) -> SyncStatus {
        let ended = self.success.get().map(|well| if *well { SyncStatus::Succeeded } else { SyncStatus::Failed });
        match self.best_word().and_then(|word| words::status(word)) {
            // Completed does not imply success.
            Some(SyncStatus::Succeeded) => ended.unwrap_or(SyncStatus::Succeeded),
            Some(status) => status,
            None if self.running.get() == Some(&true) => SyncStatus::Running,
            None => ended.unwrap_or(SyncStatus::Unknown),
        }
    }

    /// The word that the status was read from.
    pub(super) fn word(&self) -> Option<String> {
        let runs = self.running.get().filter(|running| **running).map(|_| "running: true".to_owned());
        let ended = || self.success.get().map(|well| format!("success: {well}"));
        let rests = || self.running.get().map(|_| "running: false".to_owned());
        self.best_word().cloned().or(runs).or_else(ended).or_else(rests)
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) if !word.trim().is_empty() => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Texts, also from a list of texts or of objects with texts.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => into.push(text.clone()),
        Value::Array(values) => {
            for value in values {
                match value {
                    Value::Object(map) => {
                        let told = |name: &str| MESSAGES.contains(&name) || matches!(name, "text" | "description");
                        let told = map.iter().filter(|(name, value)| value.is_string() && told(&plain(name)));
                        told.for_each(|(_, value)| texts(value, into));
                    }
                    Value::String(_) => texts(value, into),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The counter for a field: `usersAdded`, `numUsersAdded`, `addedUsersCount`, or `added` within `users`.
fn slot<'c>(counts: &'c mut Counts, parent: &str, name: &str) -> Option<&'c mut Option<u64>> {
    let kind_of = |name: &str| match (name.contains("user"), name.contains("group")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    let (users, change) = match kind_of(name) {
        Some(users) => (users, name.to_owned()),
        None if matches!(parent, "users" | "user" | "groups" | "group") => {
            (parent.starts_with("user"), name.to_owned())
        }
        None => return None,
    };
    let change = change.replace(if users { "user" } else { "group" }, "");
    let change = ["numberof", "num", "total"].iter().find_map(|prefix| change.strip_prefix(prefix)).unwrap_or(&change);
    let change = change.strip_suffix("count").unwrap_or(change);
    // The rest of the plural, before or after.
    let change = change.strip_prefix('s').or(change.strip_suffix('s')).unwrap_or(change);
    let changes: &mut Changes = if users { &mut counts.users } else { &mut counts.groups };
    match change {
        "added" | "add" | "created" | "new" => Some(&mut changes.added),
        "updated" | "update" | "modified" | "changed" => Some(&mut changes.updated),
        "removed" | "remove" | "deleted" | "delete" => Some(&mut changes.removed),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
