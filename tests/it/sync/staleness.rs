//! Directories without a recent successful sync, for monitoring.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::script::{Call, START};
use crate::support::vidm::{CORP, LAB, executions, idle, lists, logs_in, sync_state};
use crate::support::webhook::Instance;
use crate::support::{fleet, vidm};

/// A directory of the fixture whose kind is unknown to idhook: it may have syncs.
const TOMORROW: &str = "66666666-7777-4888-8999-000000000005";

/// The names of the listed directories, and each reason with its age.
fn stale(instance: &Instance, path: &str) -> (Vec<Value>, Vec<(Value, Value)>) {
    let answer = instance.get(path);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let found = answer.json();
    let names = found["directories"].as_array().unwrap().iter().map(|directory| directory["name"].clone());
    let why = found["stale"].as_array().unwrap().iter().map(|stale| (stale["reason"].clone(), stale["age"].clone()));
    (names.collect(), why.collect())
}

fn state(id: &str, fields: &Value) -> Call {
    sync_state(id).answer(200, fields.to_string())
}

#[test]
fn stale_directories_are_listed_with_their_reasons() {
    const PATH: &str = "/vidm/default/v1/directories?staleAfter=";
    let instance = Instance::new([logs_in("t1"), lists(), idle(CORP), idle(LAB), idle(TOMORROW)]);
    // The system directory and the one of just-in-time users have no syncs, and no call reads their state.
    assert_eq!(stale(&instance, &format!("{PATH}1h")), (vec![], vec![]));
    let never = sync_state(TOMORROW).answer(204, "");
    instance.then([
        lists(),
        idle(CORP),
        state(LAB, &json!({"status": "FAILED"})),
        never,
        executions(TOMORROW).answer(404, ""),
    ]);
    let (names, why) = stale(&instance, &format!("{PATH}59m"));
    assert_eq!(names, ["corp.example", "Lab", "Tomorrow"]);
    let expected = [("too_old", json!(3600)), ("failed", Value::Null), ("never_synced", Value::Null)];
    assert_eq!(why, expected.map(|(reason, age)| (json!(reason), age)));
    // One that cannot be read is not fresh.
    instance.then([lists(), idle(CORP), sync_state(LAB).answer(403, r#"{"message":"no"}"#), idle(TOMORROW)]);
    let (names, why) = stale(&instance, &format!("{PATH}2h"));
    assert_eq!((names, why), (vec![json!("Lab")], vec![(json!("unknown"), Value::Null)]));
}

#[test]
fn unreadable_states_of_all_directories_are_an_error() {
    let denied = |id: &str| sync_state(id).answer(403, r#"{"message":"no"}"#);
    let instance = Instance::new([logs_in("t1"), lists(), denied(CORP), denied(LAB), denied(TOMORROW)]);
    let answer = instance.get("/vidm/default/v1/directories?staleAfter=2h");
    assert_eq!(
        (answer.status(), answer.json()["code"].clone()),
        (502.try_into().unwrap(), json!("upstream_forbidden"))
    );
}

#[test]
fn vidms_times_are_compared_with_vidms_clock() {
    // vIDM's clock is a day ahead of idhook's.
    let day = Duration::from_secs(86400);
    let run = |minutes: u64| {
        let began = (START + day - Duration::from_secs(60 * minutes)).as_millis();
        state(CORP, &json!({"status": "COMPLETED", "startTime": began}))
            .answer_header("date", "Sat, 21 Nov 2026 10:00:00 GMT")
    };
    for (minutes, is_stale) in [(119, false), (121, true)] {
        let instance = Instance::new([logs_in("t1"), lists(), run(minutes)]);
        let (_, why) = stale(&instance, "/vidm/default/v1/directories?name=corp.example&staleAfter=2h");
        assert_eq!(!why.is_empty(), is_stale, "{minutes}");
    }
}

#[test]
fn directory_with_a_time_in_the_future_is_not_fresh() {
    // The connector reports local time without an offset, two hours ahead: the sync ended an hour ago.
    let run = || state(CORP, &json!({"status": "COMPLETED", "startTime": "2026-11-20T11:00:00"}));
    let dated = || run().answer_header("date", "Fri, 20 Nov 2026 10:00:00 GMT");
    for (call, clock) in
        [(dated(), "its Date header shows 2026-11-20T10:00"), (run(), "idhook's clock shows 2026-11-20T10:00")]
    {
        let instance = Instance::new([logs_in("t1"), lists(), call]);
        let answer = instance.get("/vidm/default/v1/directories?name=corp.example&staleAfter=2h");
        let stale = &answer.json()["stale"][0];
        assert_eq!((&stale["reason"], &stale["age"]), (&json!("unknown"), &Value::Null), "{}", answer.text());
        let message = stale["message"].as_str().unwrap();
        assert!(message.contains("vIDM reports 2026-11-20T11:00:00.000Z for the last sync"), "{message}");
        assert!(message.contains(clock) && message.contains("time zones"), "{message}");
    }
}

#[test]
fn directories_of_vcf_operations_can_be_stale() {
    const PATH: &str = "/fleet/default/v1/directories?staleAfter=2h";
    let ms = |hours: u64| u64::try_from((START - Duration::from_secs(3600 * hours)).as_millis()).unwrap();
    let seen = |status: &str, hours| {
        let directories = || fleet::directories(status, ms(hours));
        let log = fleet::logs("last=true&page=0&pageSize=50").answer(200, r#"{"syncLogs":[]}"#);
        [fleet::realms(), directories(), directories(), log]
    };
    let instance = Instance::new([fleet::logs_in("t1")]);
    for (status, hours, expected) in [
        ("COMPLETED", 1, vec![]),
        ("COMPLETED", 3, vec![(json!("too_old"), json!(3 * 3600))]),
        ("FAILED", 1, vec![(json!("failed"), json!(3600))]),
        ("FUTURE_WORD", 1, vec![(json!("unknown"), Value::Null)]),
    ] {
        instance.then(seen(status, hours));
        assert_eq!(stale(&instance, PATH).1, expected, "{status} {hours}");
    }
}

#[test]
fn wrong_periods_are_rejected_without_a_call() {
    let instance = Instance::new([]);
    for (period, says) in [
        ("2", "use a number and a unit: 90m, 2h, 8d"),
        ("soon", "use a number and a unit: 90m, 2h, 8d"),
        ("59s", "use 1m to 1year"),
        ("99999999999999999999h", "use a number and a unit"),
    ] {
        for kind in ["vidm", "fleet"] {
            let answer = instance.get(&format!("/{kind}/default/v1/directories?staleAfter={period}"));
            assert_eq!(answer.status(), 400, "{period}");
            assert!(answer.text().contains(says), "{period}: {}", answer.text());
        }
    }
}

#[test]
fn more_than_twenty_directories_are_too_many() {
    let items: Vec<_> = (0..21)
        .map(|i| json!({"directoryId": format!("d-{i}"), "name": format!("d{i}"), "type": "ACTIVE_DIRECTORY_LDAP"}))
        .collect();
    let list = vidm::LIST;
    let instance = Instance::new([
        logs_in("t1"),
        crate::support::script::get(list).answer(200, json!({"items": items}).to_string()),
    ]);
    let answer = instance.get("/vidm/default/v1/directories?staleAfter=2h");
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("21 directories match"), "{}", answer.text());
}
