//! VCF Operations in the model: no run has a start time or an id; its log and the time of the last sync tell runs apart.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{DIRECTORY, EPOCH_MS, Run, World};

/// Undocumented behaviour of VCF Operations' syncs.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync::schedules) struct Log {
    /// Whether an active run has an entry.
    pub(in crate::sync::schedules) while_active: bool,
    /// How many milliseconds late an entry appears.
    pub(in crate::sync::schedules) late: u64,
    /// Whether the log can be read.
    pub(in crate::sync::schedules) readable: bool,
    /// The meaning of the time of the last sync.
    pub(in crate::sync::schedules) last_sync: LastSync,
    /// Whether a start during a run is followed by another run; otherwise it joins.
    pub(in crate::sync::schedules) queues: bool,
}

/// The meaning of `lastSyncDateTime`.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync::schedules) enum LastSync {
    /// When the last run that has ended did so.
    End,
    /// When the latest run began.
    Start,
    /// It is not reported.
    Absent,
}

/// The group that a caller requests.
pub(in crate::sync::schedules) fn group(caller: usize) -> String {
    format!("gg-{caller}@corp.example")
}

impl World {
    /// VCF Operations' response; `None` for an unknown call.
    pub(super) fn answer_of_fleet(
        &mut self,
        log: Log,
        caller: usize,
        (method, path, body): (&str, &str, &Bytes),
    ) -> Option<Value> {
        if path.ends_with("/auth/token/acquire") {
            return Some(json!({ "token": "token" }));
        }
        if path.ends_with("/ssorealms") {
            return Some(json!({"ssoRealms": [{"id": "realm", "idpId": "provider"}]}));
        }
        if path.ends_with("/groups/query") {
            // Each caller's group is made with its request, so only a later run brings it.
            let body = String::from_utf8_lossy(body);
            let (at, came) = self.came.iter().find(|(at, _)| body.contains(&group(**at))).unwrap();
            let is_there = self.runs.iter().any(|run| run.began >= *came && run.ended.is_some());
            let found =
                json!({"groupId": "g", "displayName": group(*at).split('@').next(), "domainName": "corp.example"});
            return Some(json!({ "vidbGroups": if is_there { vec![found] } else { vec![] } }));
        }
        let runs = || self.runs.iter().filter(|run| run.directory == DIRECTORY && run.began <= self.now);
        match (method, path.rsplit('/').next()?) {
            ("GET", "ldap-directories") => {
                let active = runs().any(|run| run.ended.is_none());
                let time = match log.last_sync {
                    LastSync::End => runs().filter_map(|run| run.ended).max(),
                    LastSync::Start => runs().map(|run| run.began).max(),
                    LastSync::Absent => None,
                };
                let status = match (active, runs().next().is_some()) {
                    (true, _) => Some("IN_PROGRESS"),
                    (false, true) => Some("COMPLETED"),
                    (false, false) => None,
                };
                let directory = json!({"ldapConfigurationId": DIRECTORY, "setupStatus": "COMPLETED",
                    "lastSyncStatus": status, "lastSyncDateTime": time.map(|time| EPOCH_MS + time)});
                Some(json!({ "ldapDirectories": [directory] }))
            }
            ("GET", "sync-logs") if log.readable => {
                let entry = |(at, run): (usize, &Run)| {
                    let written = run.ended.or(log.while_active.then_some(run.began))?;
                    (written + log.late <= self.now).then(|| {
                        json!({"id": format!("log-{at}"), "success": run.ended.is_some(),
                            "syncResult": if run.ended.is_some() { "COMPLETED" } else { "IN_PROGRESS" }})
                    })
                };
                let newest = runs().enumerate().filter_map(entry).last();
                Some(json!({ "syncLogs": newest.into_iter().collect::<Vec<_>>() }))
            }
            ("POST", "sync") => {
                let drawn = self.tickets.get(&caller).and_then(|drawn| drawn.last()).copied().unwrap_or(self.now);
                let run = |began| Run { directory: DIRECTORY.to_owned(), began, ended: None, drawn };
                self.starts += 1;
                match self.running(DIRECTORY).is_some() {
                    false => self.runs.push(run(self.now)),
                    // It begins as soon as the active one has ended.
                    true if log.queues => self.queued = Some(run(u64::MAX)),
                    true => {}
                }
                Some(json!({ "syncStatus": "IN_PROGRESS" }))
            }
            _ => None,
        }
    }
}
