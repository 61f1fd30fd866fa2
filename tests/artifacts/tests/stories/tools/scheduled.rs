//! `deploy/scheduled`: the script that a timer runs, against a vIDM.

use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Outcome, SyncDuration, seeds};

use super::programs::{self, End};
use crate::scene::Scene;

async fn run(scene: &Scene, key: &str, stale_after: &str) -> End {
    let mut command = Command::new(xtask::build::root().join("deploy/scheduled/keep-fresh.sh"));
    command.arg(stale_after).env("IDHOOK_URL", scene.host.url()).env("IDHOOK_KEY", key);
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
