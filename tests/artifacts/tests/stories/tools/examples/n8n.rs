//! `examples/n8n`: the workflow, run by n8n's own engine and nodes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use idhook_simulator::{SyncDuration, seeds};
use serde_json::{Value, json};

use super::{ends_well_and_badly, folder};
use crate::scene::Scene;
use crate::tools::install;
use crate::tools::programs::{self, End};

/// n8n's engine, and what the workflow's nodes load.
const PACKAGES: [&str; 12] = [
    "n8n-core@2.8.1",
    "n8n-workflow@2.8.0",
    "@mozilla/readability@0.6.0",
    "basic-auth@2.0.1",
    "cheerio@1.0.0-rc.6",
    "generate-schema@2.6.0",
    "html-to-text@9.0.5",
    "isbot@3.6.13",
    "jsdom@23.0.1",
    "moment-timezone@0.5.48",
    "sanitize-html@2.12.1",
    "tmp-promise@3.0.3",
];

/// n8n's nodes, without what they depend on: hundreds of megabytes for services that are not called here.
const NODES: &str = r#"
set -e
rm -rf nodes && mkdir nodes
tar xzf "$(npm pack --loglevel=error n8n-nodes-base@2.8.1)" -C nodes --strip-components=1
mv nodes node_modules/n8n-nodes-base && rm n8n-nodes-base-*.tgz"#;

fn engine() -> Option<PathBuf> {
    let tools = install::npm(&PACKAGES)?;
    if !tools.join("node_modules/n8n-nodes-base").exists() {
        let done = Command::new("sh").args(["-c", NODES]).current_dir(&tools).output().unwrap();
        if !done.status.success() {
            crate::tools::skip(&format!("n8n-nodes-base cannot be had: {}", String::from_utf8_lossy(&done.stderr)));
            return None;
        }
    }
    Some(tools)
}

/// Runs `file`; `passed_in` is what another workflow gives, and nothing when it is started by hand.
async fn workflow(tools: &Path, file: &Path, key: &str, passed_in: Value) -> End {
    let home = tempfile::tempdir().unwrap();
    let run = json!({"file": file, "key": key, "passedIn": passed_in});
    let mut command = Command::new("node");
    command.args(["-e", include_str!("n8n.cjs")]).current_dir(tools).env("RUN", run.to_string());
    // n8n keeps a file of its own there.
    command.env("N8N_USER_FOLDER", home.path());
    programs::run(command).await
}

#[tokio::test]
async fn an_n8n_workflow() {
    if !programs::are_there("examples/n8n", &["node", "npm", "tar"]) {
        return;
    }
    let Some(tools) = engine() else { return };
    let file = folder("n8n").join("workflow.json");
    ends_well_and_badly(async |order| -> End {
        let passed_in = json!({"idhook": order.url, "directory": order.directory, "groups": order.groups,
            "timeoutSeconds": order.timeout});
        workflow(&tools, &file, order.key, passed_in).await
    })
    .await;

    // By hand, with idhook's address written into the workflow.
    let scene = Scene::new().await;
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    let text = std::fs::read_to_string(file).unwrap().replace("https://idhook.example", &scene.host.url());
    let place = tempfile::tempdir().unwrap();
    let mine = place.path().join("workflow.json");
    std::fs::write(&mine, text).unwrap();
    let end = workflow(&tools, &mine, &scene.keys.syncer, Value::Null).await;
    assert!(end.is_good && end.out.contains("By hand: 1") && end.out.contains("\"succeeded\""), "{}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
}
