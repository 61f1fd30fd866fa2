//! The acts with vIDM.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use idhook_simulator::{Server, Simulator, seeds};
use serde_json::{Value, json};

use super::api::{Api, Call, Reply, list, text};
use super::stage::{Act, short_ids};
use crate::terminal::Progress;

/// A sync that takes longer than this is left to itself.
const MAX_SYNC: Duration = Duration::from_secs(600);

/// The AD group of the second act.
const GROUP: &str = "CN=gg-new-project,OU=Groups,DC=corp,DC=example";

/// The callers of the second act.
const CALLERS: usize = 3;

/// The simulated vIDM.
const TARGET: &str = "vidm/default";

/// The routes of a target with syncs: `vidm/NAME` or `fleet/NAME`.
pub(super) fn route(target: &str, rest: &str) -> String {
    format!("/{target}/v1/{rest}")
}

/// Lists the directories and syncs one.
pub(super) async fn first_sync(act: &mut Act, api: &Api, simulator: &Simulator) -> Result<()> {
    act.explain(
        "A workflow changed something in Active Directory. vIDM sees the change only at its next scheduled sync, up to an hour \
         later. One call to idhook starts that sync now.",
    );
    simulator.clear_calls();
    directories(act, api, TARGET).await?;
    let call = Call::post(route(TARGET, &format!("directories/{}/syncs", seeds::CORP_NAME)), None);
    act.request(&call, "");
    let started = api.send(&call).await?.successful()?;
    act.response(&started, &["status", "directory", "retryAfter", "links"]);
    let last = follow(act, api, started.text("/links/self")).await?;
    act.row("Behind this, idhook called vIDM:");
    upstream_calls(act, simulator, Server::Vidm);
    act.gap();
    act.check(
        started.status.as_u16() == 202,
        "idhook found the directory by its name, started the sync and returned at once: 202 and a link to the state",
    );
    act.check(last.text("/status") == "succeeded", "The caller polled that link until the sync had succeeded");
    Ok(())
}

/// A new group, a run that started too early to bring it, and three callers who want it.
pub(super) async fn three_callers(act: &mut Act, api: &Api, simulator: &Simulator) -> Result<()> {
    act.explain(
        "A sync is running when a workflow creates the AD group gg-new-project. That run started too early to bring the group \
         into vIDM. Three workflows need the group and call idhook at the same time.",
    );
    let path = route(TARGET, &format!("directories/{}/syncs", seeds::CORP_NAME));
    let early = Call::post(path.clone(), None);
    act.request(&early, "the run that started too early");
    let reply = api.send(&early).await?.successful()?;
    act.response(&reply, &["status"]);
    // Within a second of each other no clock can tell whether the run began before the request.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    simulator.add_directory_group(seeds::CORP, GROUP)?;
    let before = simulator.runs_started(seeds::CORP)?;

    let call = Call::post(path, Some(json!({ "groups": [GROUP] })));
    act.request(&call, "3 callers at once");
    let mut places = Vec::new();
    for (at, reply) in all(api, &vec![call; CALLERS]).await?.into_iter().enumerate() {
        act.status(&reply, &format!("caller {}: {}", at + 1, reply.text("/status")));
        places.push(reply.text("/links/self").to_owned());
    }
    act.gap();

    let waits: Vec<_> = places.iter().map(|place| Call::get(place.as_str()).waiting(120)).collect();
    if let Some(call) = waits.first() {
        act.request(call, "each caller waits for the end in one call");
    }
    let progress = Progress::of("Waiting for both runs");
    let ends = all(api, &waits).await?;
    drop(progress);
    for (at, reply) in ends.iter().enumerate() {
        act.status(reply, &format!("caller {}: {}", at + 1, reply.text("/status")));
    }
    if let Some(reply) = ends.first() {
        act.body(reply, &["status", "groups", "counts"]);
    }

    let runs = simulator.runs_started(seeds::CORP)?.saturating_sub(before);
    act.check(
        runs == 1,
        &format!("{CALLERS} callers, {runs} run: idhook waited for the early run to end and started one run for all"),
    );
    let is_there = |reply: &Reply| reply.text("/status") == "succeeded" && reply.text("/groups/0/state") == "present";
    act.check(
        ends.iter().all(is_there),
        "\"succeeded\" means more than a finished run: idhook looked up the group, and vIDM has it",
    );
    Ok(())
}

/// A run that the safeguards stop.
pub(super) async fn safeguards(act: &mut Act, api: &Api, simulator: &Simulator) -> Result<()> {
    act.explain(
        "vIDM has safeguards: it stops a sync that would delete too many users or groups. idhook leaves them on. It reports the \
         stop as a failure with a reason, so that a workflow can end with an error instead of waiting.",
    );
    simulator.set_safeguards_trip(seeds::CORP, true)?;
    let call = Call::post(route(TARGET, &format!("directories/{}/syncs", seeds::CORP_NAME)), None).waiting(60);
    act.request(&call, "");
    let progress = Progress::of("Waiting for the run");
    let reply = api.send(&call).await;
    drop(progress);
    simulator.set_safeguards_trip(seeds::CORP, false)?;
    let reply = reply?.successful()?;
    act.response(&reply, &["status", "reason", "message", "hint"]);
    act.check(
        reply.text("/status") == "failed" && reply.text("/reason") == "safeguard_tripped",
        "A script reads two fields: status is \"failed\", reason is \"safeguard_tripped\"",
    );
    act.check(
        reply.body.get("hint").is_some_and(Value::is_string),
        "The hint says what to do. The HTTP status is 200, because the request was valid; the sync failed",
    );
    act.gap();
    act.request(&call, "once the cause is corrected");
    let progress = Progress::of("Waiting for the run");
    let again = api.send(&call).await;
    drop(progress);
    let again = again?.successful()?;
    act.response(&again, &["status"]);
    act.check(again.text("/status") == "succeeded", "The same call succeeds once the cause is corrected");
    Ok(())
}

/// Lists the directories; gives them.
pub(super) async fn directories(act: &Act, api: &Api, target: &str) -> Result<Vec<Value>> {
    let call = Call::get(route(target, "directories"));
    act.request(&call, "");
    let reply = api.send(&call).await?.successful()?;
    act.status(&reply, "");
    let directories = reply.list("/directories").to_vec();
    for directory in &directories {
        let note = if is_syncable(directory) { "can be synced" } else { "" };
        act.row(format!("{:<20} {:<24} {note}", text(directory, "/name"), text(directory, "/type")));
    }
    act.gap();
    Ok(directories)
}

pub(super) fn is_syncable(directory: &Value) -> bool {
    directory.pointer("/syncable") == Some(&Value::Bool(true))
}

/// Polls the state of a sync as its responses ask for, until it is final, and shows each response.
pub(super) async fn follow(act: &Act, api: &Api, place: &str) -> Result<Reply> {
    let call = Call::get(place);
    act.request(&call, "again after each retryAfter");
    let began = Instant::now();
    loop {
        let reply = api.send(&call).await?.successful()?;
        let status = reply.text("/status").to_owned();
        if !matches!(status.as_str(), "running" | "queued") {
            act.response(&reply, &["status", "reason", "message", "hint", "groups", "counts"]);
            return Ok(reply);
        }
        act.status(&reply, &status);
        if began.elapsed() > MAX_SYNC {
            bail!("the sync is still {status} after {} minutes; it goes on without the demo", MAX_SYNC.as_secs() / 60);
        }
        let seconds = reply.body.pointer("/retryAfter").and_then(Value::as_u64).unwrap_or(1);
        let progress = Progress::of(format!("{status}: next request in {seconds} s"));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        drop(progress);
    }
}

/// The calls that idhook made since the calls were cleared, equal calls once.
pub(super) fn upstream_calls(act: &Act, simulator: &Simulator, server: Server) {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for call in simulator.calls().iter().filter(|call| call.server == server) {
        let line = format!("{:<5} {}", call.method, short_ids(call.path()));
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => lines.push((line, 1)),
        }
    }
    for (line, count) in lines {
        act.row(format!("  {line}{}", if count > 1 { format!("   {count} times") } else { String::new() }));
    }
}

/// Sends all at once; the replies in the order of the calls.
async fn all(api: &Api, calls: &[Call]) -> Result<Vec<Reply>> {
    let mut tasks = Vec::new();
    for call in calls {
        let (api, call) = (api.clone(), call.clone());
        tasks.push(tokio::spawn(async move { api.send(&call).await }));
    }
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await??.successful()?);
    }
    Ok(replies)
}

/// The directory to sync: the one that was named, or the only one that can be synced.
pub(super) fn chosen(
    directories: &[Value],
    wanted: Option<&str>,
) -> Result<(String, String), crate::terminal::Failure> {
    let pair = |directory: &Value| (text(directory, "/id").to_owned(), text(directory, "/name").to_owned());
    let names: Vec<_> = directories.iter().filter(|one| is_syncable(one)).map(|one| text(one, "/name")).collect();
    let fix = format!("name one with --directory: {}", names.join(", "));
    let failure = |what: String| crate::terminal::Failure::new(what, fix.clone());
    match wanted {
        Some(wanted) => {
            let is_it = |one: &&Value| {
                [text(one, "/id"), text(one, "/name")].iter().any(|known| known.eq_ignore_ascii_case(wanted))
                    || list(one, "/domains").iter().any(|domain| domain.as_str() == Some(wanted))
            };
            directories.iter().find(is_it).map(pair).ok_or_else(|| failure(format!("there is no directory {wanted}")))
        }
        None => {
            let mut syncable = directories.iter().filter(|one| is_syncable(one));
            match (syncable.next(), syncable.next()) {
                (Some(only), None) => Ok(pair(only)),
                (None, _) => Err(failure("no directory can be synced".to_owned())),
                _ => Err(failure("several directories can be synced".to_owned())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_is_chosen_by_name_or_id_or_if_it_is_the_only_one() {
        let one = json!({"id": "1", "name": "corp.example", "syncable": true});
        let other = json!({"id": "2", "name": "lab.example", "syncable": true});
        let local = json!({"id": "3", "name": "System Directory", "syncable": false});
        let (all, only) = ([one.clone(), other, local.clone()], [one, local]);
        assert_eq!(chosen(&only, None).unwrap().1, "corp.example");
        assert_eq!(chosen(&all, Some("LAB.example")).unwrap().0, "2");
        assert_eq!(chosen(&all, Some("1")).unwrap().1, "corp.example");
        let several = chosen(&all, None).unwrap_err();
        assert!(several.fix().contains("--directory: corp.example, lab.example"), "{}", several.fix());
        assert!(chosen(&all, Some("nope")).is_err());
    }
}
