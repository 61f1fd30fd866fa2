//! `/tasks/{taskId}`: removals, which end after a while.

use super::errors;
use super::state::{Removal, State, Task, id_in_path};
use super::{Fleet, json};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::TaskCall;
use http::StatusCode;
use serde_json::{Value, json};

/// Begins a removal: 202 with the task's id and nothing else.
pub(super) fn begin(state: &mut State, removes: Removal) -> Reply {
    let settings = &state.settings.providers;
    let start = clock::now();
    let task = Task {
        id: clock::uuid(),
        removes,
        start,
        due: start + clock::millis(settings.task_duration),
        fails: settings.task_fails.clone(),
        is_done: false,
    };
    let body = json!({"taskId": task.id});
    state.tasks.push(task);
    json(StatusCode::ACCEPTED, &body)
}

/// Ends the due tasks.
pub(super) fn settle(state: &mut State, now: u64) {
    let State { tasks, providers, realms, .. } = state;
    for task in tasks.iter_mut().filter(|task| !task.is_done && task.due <= now) {
        task.is_done = true;
        if task.fails.is_some() {
            continue;
        }
        match &task.removes {
            Removal::Provider(id) => providers.retain(|provider| provider.id != *id),
            Removal::Realm(id) => {
                providers.retain(|provider| provider.realm != *id);
                realms.retain(|realm| realm.id != *id);
            }
        }
    }
}

/// `GET /tasks/{taskId}`
pub(super) fn one(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let id = id_in_path(ask, "taskId")?;
    match state.settings.providers.task_call {
        TaskCall::Works => {}
        TaskCall::NotFound => return Err(errors::unknown(crate::settings::UnknownId::NotFound, "taskId")),
        TaskCall::Fails => return Err(errors::internal()),
    }
    let task = state.tasks.iter().find(|task| task.id == id);
    let task = task.ok_or_else(|| errors::unknown(state.settings.unknown_id, "taskId"))?;
    let now = clock::now();
    let status = match (&task.fails, task.is_done) {
        (Some(_), true) => "FAILED",
        (None, true) => "COMPLETED",
        // It waits for the first third of its time.
        (_, false) if now.saturating_sub(task.start) * 3 < task.due - task.start => "QUEUED",
        (_, false) => "IN_PROGRESS",
    };
    let kind = match task.removes {
        Removal::Provider(_) => "IDP_RESET",
        Removal::Realm(_) => "SSO_REALM_RESET",
    };
    let mut body = json!({"taskId": task.id, "taskStatus": status, "taskType": kind});
    if let (Some(key), true, Value::Object(fields)) = (&task.fails, task.is_done, &mut body) {
        let details = json!({"errorCode": key, "errorMessage": "The removal failed.", "timestamp": task.due});
        fields.insert("errorDetails".to_owned(), details);
    }
    Ok(json(StatusCode::OK, &body))
}
