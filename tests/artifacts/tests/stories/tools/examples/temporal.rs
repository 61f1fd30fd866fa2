//! `examples/temporal`: the activity, in the environment that Temporal's SDK has for tests of activities.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Outcome, SyncDuration, seeds};
use serde_json::{Value, json};

use super::{Order, ends_well_and_badly, folder, serves_fleet};
use crate::scene::Scene;
use crate::tools::install;
use crate::tools::programs::{self, End};

/// Runs the activity; `run` as temporal.py describes.
async fn activity(bin: &Path, key: &str, mut run: Value) -> End {
    run["folder"] = json!(folder("temporal"));
    let mut command = Command::new(bin.join("python"));
    command.args(["-c", include_str!("temporal.py")]).env("RUN", run.to_string()).env("IDHOOK_KEY", key);
    // The example's folder stays as it is.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    programs::run(command).await
}

#[tokio::test]
async fn a_temporal_activity() {
    if !programs::are_there("examples/temporal", &["python3"]) {
        return;
    }
    let Some(bin) = install::python(&["temporalio==1.35.0"]) else { return };
    let run = async |order: Order<'_>| -> End {
        let order_of_it = json!({"url": order.url, "target": order.target, "directory": order.directory, "groups": order.groups,
            "timeout": order.timeout});
        activity(&bin, order.key, json!({"order": order_of_it})).await
    };
    ends_well_and_badly(run).await;
    serves_fleet(run).await;

    // Before it runs anything a worker has its sandbox import each workflow, and with it the activity's file.
    let workflows = tempfile::tempdir().unwrap();
    std::fs::write(workflows.path().join("temporal_workflow.py"), include_str!("temporal_workflow.py")).unwrap();
    let end = activity(&bin, "", json!({"workflows": workflows.path()})).await;
    assert!(end.is_good, "{}", end.said());

    let scene = Scene::new().await;
    let key = &scene.keys.syncer;
    let order = json!({"url": scene.host.url(), "directory": seeds::CORP_NAME});
    let end = activity(&bin, key, json!({"order": order, "cancelAfter": 0.8})).await;
    assert!(!end.is_good && end.err.contains("cancelled"), "{}", end.said());
    let place = end.out.lines().next().unwrap().strip_prefix("heartbeat ").unwrap();
    assert!(place.starts_with("/vidm/default/v1/syncs/"), "{place}");

    // Tried again elsewhere with what the heartbeat told: the same sync, and no second run.
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    let end = activity(&bin, key, json!({"order": order, "heartbeatDetails": [place]})).await;
    assert!(end.is_good && end.out.contains("\"status\":\"succeeded\""), "{}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
}
