//! Possible responses, and what is read from them.

use std::time::Duration;

use crate::directory::Changes;

use super::{
    SyncStatus::{Failed, Queued, Running, Succeeded, Unknown},
    *,
};

fn read(body: &str) -> SyncReport {
    SyncReport::read(body.as_bytes())
}

#[test]
fn status_is_found_in_any_place() {
    for (body, status, word) in [
        // A bare word.
        ("RUNNING", Running, "RUNNING"),
        ("\"COMPLETED\"", Succeeded, "COMPLETED"),
        // vRealize Automation 7.4's wrapper.
        (include_str!("../../../tests/fixtures/vidm/sync_state_wrapper.json"), Running, "RUNNING"),
        (r#"{"syncStatus": {"status": "COMPLETED", "message": null}}"#, Succeeded, "COMPLETED"),
        // Flat, with various names.
        (r#"{"status": "IN_PROGRESS"}"#, Running, "IN_PROGRESS"),
        (r#"{"syncStatus": "STARTED"}"#, Running, "STARTED"),
        (r#"{"state": "queued"}"#, Queued, "queued"),
        (r#"{"lastSyncStatus": "FAILED"}"#, Failed, "FAILED"),
        (r#"{"result": "success"}"#, Succeeded, "success"),
        // An object as status.
        (r#"{"status": {"name": "Pending"}}"#, Queued, "Pending"),
        // Booleans.
        (r#"{"success": true}"#, Succeeded, "success: true"),
        (r#"{"successful": false}"#, Failed, "success: false"),
        (r#"{"result": true}"#, Succeeded, "success: true"),
        (r#"{"running": true}"#, Running, "running: true"),
        (r#"{"running": false}"#, Unknown, "running: false"),
        (r#"{"running": true, "success": false}"#, Running, "running: true"),
        // Completed without success.
        (r#"{"status": "COMPLETED", "success": false}"#, Failed, "COMPLETED"),
        (r#"{"status": "RUNNING", "success": false}"#, Running, "RUNNING"),
        // The outermost counts; another only in a place that concerns syncs.
        (r#"{"a": {"status": "FAILED"}, "status": "RUNNING"}"#, Running, "RUNNING"),
        (r#"{"state": "ENABLED", "lastSync": {"status": "COMPLETED"}}"#, Succeeded, "COMPLETED"),
        (r#"{"status": "REORGANISING", "agent": {"status": "OK"}}"#, Unknown, "REORGANISING"),
        (r#"{"connector": {"status": "OK"}}"#, Unknown, "no status"),
        // Lists.
        (r#"{"items": []}"#, Unknown, "no content"),
        (r#"{"items": [{"status": "COMPLETED"}, {"status": "FAILED"}]}"#, Succeeded, "COMPLETED"),
        (
            r#"{"items": [{"status": "FAILED", "startTime": 1}, {"status": "COMPLETED", "startTime": 2}]}"#,
            Succeeded,
            "COMPLETED",
        ),
        (
            r#"[{"state": "COMPLETED", "startedAt": "2026-01-01T00:00:00Z"}, {"state": "RUNNING", "startedAt": "2026-01-02T00:00:00Z"}]"#,
            Running,
            "RUNNING",
        ),
        (r#"{"status": "RUNNING", "items": [{"status": "FAILED"}]}"#, Running, "RUNNING"),
        // Nothing readable.
        ("", Unknown, "no content"),
        (" \n", Unknown, "no content"),
        ("{}", Unknown, "no content"),
        ("null", Unknown, "no content"),
        ("[]", Unknown, "no content"),
        ("42", Unknown, "42"),
        (r#"{"status": null}"#, Unknown, "no content"),
        (r#"{"status": 3}"#, Unknown, "3"),
        (r#"{"status": "HIBERNATING"}"#, Unknown, "HIBERNATING"),
        ("<html><body>Sign in</body></html>", Unknown, "<html><body>Sign in</body></html>"),
    ] {
        let report = read(body);
        assert_eq!((report.status, report.upstream_word.as_deref()), (status, Some(word)), "{body}");
    }
}

#[test]
fn status_words_are_read_in_any_spelling() {
    for (status, spellings) in [
        (
            Running,
            "RUNNING running IN_PROGRESS in-progress inProgress InProgress STARTED SYNCING SYNC_IN_PROGRESS syncRunning PROCESSING",
        ),
        (Queued, "QUEUED PENDING scheduled SYNC_PENDING"),
        (
            Succeeded,
            "COMPLETED complete SUCCESS SUCCESSFUL Succeeded SYNC_SUCCESS LAST_SYNC_SUCCESSFUL FINISHED done OK",
        ),
        (
            Failed,
            "FAILED FAILURE ERROR SYNC_FAILED syncError ABORTED CANCELLED canceled TIMED_OUT UNSUCCESSFUL SAFEGUARD_EXCEEDED",
        ),
        (Unknown, "UNKNOWN IDLE sync status last is NEW"),
    ] {
        for word in spellings.split(' ') {
            assert_eq!(read(&format!(r#"{{"status": "{word}"}}"#)).status, status, "{word}");
        }
    }
    assert_eq!(read(r#"{"status": "In progress"}"#).status, Running);
    assert_eq!(read(r#"{"status": "Completed with errors"}"#).status, Failed);
}

#[test]
fn complete_report_is_read() {
    let report = read(include_str!("../../../tests/fixtures/vidm/sync_state_log.json"));
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(report.status, Succeeded);
    assert_eq!((report.started_at, report.finished_at), (at(1_795_168_800), at(1_795_168_842)));
    let users = Changes { added: Some(3), updated: Some(2), removed: Some(0) };
    let groups = Changes { added: Some(1), updated: Some(0), removed: Some(0) };
    assert_eq!(report.counts, Some(Counts { users, groups }));
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        r#"{"status":"succeeded","upstreamWord":"COMPLETED","startedAt":"2026-11-20T10:00:00.000Z","finishedAt":"2026-11-20T10:00:42.000Z","counts":{"users":{"added":3,"updated":2,"removed":0},"groups":{"added":1,"updated":0,"removed":0}}}"#
    );
}

#[test]
fn safeguards_are_recognised_in_all_product_languages() {
    for said in [
        "Synchronisierung fehlgeschlagen. Überprüfen Sie die Schutzmaßnahmen.",
        "BITTE SYNCHRONISIERUNGS-SCHUTZMASSNAHMEN PRÜFEN",
        "Schutzma\u{fffd}nahmen",
        "De synchronisatie is mislukt. Controleer de synchronisatiebeveiligingen.",
        "Échec de la synchronisation. Vérifiez les mesures de protection.",
        "Consultez les protections de\u{a0}synchronisation.",
        "Controllare le soglie di protezione della sincronizzazione.",
        "No se pudo completar. Compruebe los elementos de protección.",
        "Compruebe los elementos de proteccio\u{301}n.",
        "Verifique as proteções de sincronização.",
        "Не удалось завершить синхронизацию. Проверьте меры защиты.",
        "同期を完了できませんでした。同期のセーフガードを確認してください。",
        "동기화를 완료하지 못했습니다. 보호 조치를 확인하십시오.",
        "无法完成同步。请检查同步安全措施。",
        "無法完成同步。請檢查防護措施。",
    ] {
        let report = read(&serde_json::json!({"status": "FAILED", "message": said}).to_string());
        assert_eq!(report.reason, Some(FailureReason::SafeguardTripped), "{said}");
        assert_eq!(report.message.as_deref(), Some(excerpt(said).as_str()));
    }
    // Other kinds of protection do not count.
    for said in [
        "LDAP: Extended Protection for Authentication ist erforderlich",
        "la protección del canal no está disponible",
        "Échec de la protection du canal LDAP",
        "Sicherheitsfehler",
        "ошибка защиты канала",
    ] {
        let report = read(&serde_json::json!({"status": "FAILED", "message": said}).to_string());
        assert_eq!(report.reason, Some(FailureReason::SyncFailed), "{said}");
    }
    // Without a status, only the vendor's English words mean a failure.
    assert_eq!(read(r#"{"message": "Schutzmaßnahmen"}"#).status, SyncStatus::Unknown);
}

#[test]
fn safeguard_failures_are_distinguished() {
    const STOPPED: &str = "Failed to complete sync. Please check safeguards for details.";
    const LIMIT: &str = "You are attempting to remove 40% of current users from an existing group, more than your current limit of 10%.";
    for (body, reason, message) in [
        (format!(r#"{{"status": "FAILED", "message": "{STOPPED}"}}"#), FailureReason::SafeguardTripped, Some(STOPPED)),
        (
            format!(r#"{{"syncStatus": {{"status": "ERROR", "message": "{LIMIT}"}}}}"#),
            FailureReason::SafeguardTripped,
            Some(LIMIT),
        ),
        (
            format!(r#"{{"success": false, "alerts": [{{"text": "One."}}, {{"text": "{STOPPED}"}}]}}"#),
            FailureReason::SafeguardTripped,
            Some(STOPPED),
        ),
        (format!(r#"{{"message": "{STOPPED}"}}"#), FailureReason::SafeguardTripped, Some(STOPPED)),
        (r#"{"status": "SAFEGUARD_THRESHOLD_EXCEEDED"}"#.to_owned(), FailureReason::SafeguardTripped, None),
        (
            r#"{"status": "FAILED", "message": "Bind failed."}"#.to_owned(),
            FailureReason::SyncFailed,
            Some("Bind failed."),
        ),
        (r#"{"status": "FAILED", "ignoreSafeguards": true}"#.to_owned(), FailureReason::SyncFailed, None),
        (
            r#"{"status": "FAILED", "errors": ["Bind failed.", "x"]}"#.to_owned(),
            FailureReason::SyncFailed,
            Some("Bind failed."),
        ),
    ] {
        let report = read(&body);
        assert_eq!(
            (report.status, report.reason, report.message.as_deref()),
            (Failed, Some(reason), message),
            "{body}"
        );
    }
    for body in [
        format!(r#"{{"status": "RUNNING", "message": "{STOPPED}"}}"#),
        r#"{"status": "COMPLETED", "message": "Safeguards were ignored."}"#.to_owned(),
    ] {
        assert_eq!(read(&body).reason, None, "{body}");
    }
}

#[test]
fn counts_are_read_under_many_names() {
    let removed = |body: &str| read(body).counts.and_then(|counts| counts.users.removed);
    for body in [
        r#"{"usersRemoved": 4}"#,
        r#"{"syncDetails": {"usersDeleted": "4"}}"#,
        r#"{"numUsersRemoved": 4}"#,
        r#"{"removedUsersCount": 4}"#,
        r#"{"users": {"removed": 4}}"#,
        r#"{"summary": {"users": {"deletedCount": 4}}}"#,
        r#"{"usersRemoved": 4, "details": {"usersRemoved": 5}}"#,
    ] {
        assert_eq!(removed(body), Some(4), "{body}");
    }
    for body in [
        "{}",
        r#"{"usersRemoved": null}"#,
        r#"{"removed": 4}"#,
        r#"{"groupUsersRemoved": 4}"#,
        r#"{"userCount": 4}"#,
        r#"{"usersRemoved": -4}"#,
    ] {
        assert_eq!(read(body).counts, None, "{body}");
    }
}

#[test]
fn long_words_are_cut() {
    let report = read(&format!(r#"{{"status": "{}"}}"#, "ä ".repeat(4_000)));
    assert!(report.upstream_word.unwrap().chars().count() <= MAX_WORD + 1);
    let report = read(&"<p>".repeat(100_000));
    assert!(report.upstream_word.unwrap().len() < 400);
}

#[test]
fn not_started_is_a_directory_without_runs_unless_it_has_a_start() {
    for body in
        [r#"{"status":"NOT_STARTED"}"#, r#"{"syncStatus":{"status":"Not Started","message":null}}"#, "NOT_STARTED"]
    {
        assert!(SyncReport::read(body.as_bytes()).shows_no_run(), "{body}");
    }
    let waits = SyncReport::read(br#"{"status":"NOT_STARTED","startTime":1764000000000}"#);
    assert_eq!((waits.status, waits.shows_no_run()), (Queued, false));
}
