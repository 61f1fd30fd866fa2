//! `deploy/scheduled`: the script that a timer runs, against a vIDM.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Outcome, SyncDuration, seeds};

use super::programs::{self, End};
use crate::scene::Scene;

async fn run(scene: &Scene, key: &str, stale_after: &str) -> End {
    run_at(&scene.host.url(), key, stale_after).await
}

async fn run_at(url: &str, key: &str, stale_after: &str) -> End {
    let mut command = Command::new(xtask::build::root().join("deploy/scheduled/keep-fresh.sh"));
    command.arg(stale_after).env("IDHOOK_URL", url).env("IDHOOK_KEY", key);
    let end = programs::run(command).await;
    assert!(!end.said().contains(key), "{}", end.said());
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn timer_syncs_only_directories_without_a_recent_sync() {
    if !programs::are_there("deploy/scheduled", &["sh", "curl", "jq"]) {
        return;
    }
    let scene = Scene::new().await;
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(300)));
    let key = scene.keys.syncer.as_str();
    // The simulator's directories were synced some minutes ago.
    let first = run(&scene, key, "1m").await;
    assert!(first.is_good && first.out.contains(&format!("synced\ttoo_old\t{}", seeds::CORP)), "{}", first.said());
    // Now every directory is fresh, and no sync starts.
    let second = run(&scene, key, "1m").await;
    assert!(second.is_good && second.out.is_empty(), "{}", second.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
    scene.simulator.fail_next_sync(seeds::CORP, "The connector is down.").unwrap();
    scene.post(&format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP), "{}").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The failed sync is done again, and the next failure is reported.
    scene.simulator.fail_next_sync(seeds::CORP, "The connector is down.").unwrap();
    let third = run(&scene, key, "1m").await;
    assert!(!third.is_good && third.out.contains("failed\tfailed"), "{}", third.said());
    assert!(third.err.contains("sync_failed: The connector is down."), "{}", third.said());
    for (key, period, says) in [("no-such-key", "2h", "unauthenticated"), (key, "soon", "use a number and a unit")] {
        let end = run(&scene, key, period).await;
        assert!(!end.is_good && end.err.contains(says), "{}", end.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn timer_begins_a_queued_sync_that_nobody_watches() {
    if !programs::are_there("deploy/scheduled", &["sh", "curl", "jq"]) {
        return;
    }
    let scene = Scene::new().await;
    scene.simulator.set_sync_duration(SyncDuration::Manual);
    let path = format!("/vidm/default/v1/directories/{}/syncs", seeds::CORP);
    let first = scene.post(&path, "{}").await;
    assert_eq!(scene.get(first.header("location")).await.json()["status"], "running");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(scene.post(&path, "{}").await.json()["status"], "queued");
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    // The timer is content with an observation of the last two seconds.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let key = scene.keys.syncer.as_str();
    let timer = run(&scene, key, "never").await;
    assert!(timer.is_good && timer.out == format!("open\trunning\t{}\n", seeds::CORP), "{}", timer.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 2);
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let timer = run(&scene, key, "never").await;
    assert!(timer.is_good && timer.out == format!("ended\tsucceeded\t{}\n", seeds::CORP), "{}", timer.said());
    let timer = run(&scene, key, "never").await;
    assert!(timer.is_good && timer.out.is_empty(), "{}", timer.said());
    assert!(!run(&scene, &scene.keys.reader, "never").await.is_good);
}

/// curl sends the request again by itself. On a pipe the body of its first attempt once remained before the second.
#[tokio::test(flavor = "multi_thread")]
async fn timer_reads_only_the_response_to_the_last_attempt() {
    if !programs::are_there("deploy/scheduled", &["sh", "curl", "jq"]) {
        return;
    }
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let answers = std::thread::spawn(move || {
        let busy = r#"{"code":"upstream_busy","detail":"wait","status":503}"#;
        let open = r#"{"syncs":[{"open":true,"status":"running","directory":"d"}]}"#;
        for (status, body) in [("503 Busy", busy), ("200 OK", open), ("200 OK", r#"{"stale":[]}"#)] {
            let (mut connection, _) = socket.accept().unwrap();
            assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nRetry-After: 1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    let end = run_at(&url, "a-key", "2h").await;
    assert!(end.is_good && end.out == "open\trunning\td\n", "{}", end.said());
    answers.join().unwrap();
}
