//! `examples/github-actions`: read by GitHub's own parser, and its step run by bash as GitHub's runner does.

use std::process::Command;

use serde_json::json;

use super::{Order, ends_well_and_badly, folder, serves_fleet};
use crate::tools::install;
use crate::tools::programs::{self, End};

#[tokio::test]
async fn a_github_action() {
    let packages = ["@actions/workflow-parser@0.3.61", "@actions/expressions@0.3.61"];
    if !programs::are_there("examples/github-actions", &["node", "npm", "bash", "curl", "jq"]) {
        return;
    }
    let Some(tools) = install::npm(&packages) else { return };
    let run = async |order: Order<'_>| -> End {
        // The inputs of the workflow's author and of its dispatcher.
        let contexts = json!({
            "inputs": {"directory": order.directory, "groups": order.groups.join("\n")},
            "vars": {"IDHOOK_URL": order.url},
            "secrets": {"IDHOOK_KEY": order.key},
        });
        // The workflow leaves the target and the time to the action; here the time is less.
        let place = tempfile::tempdir().unwrap();
        for (file, from) in [("action.yml", "idhook-sync/action.yml"), ("workflow.yml", "workflow.yml")] {
            let text = std::fs::read_to_string(folder("github-actions").join(from)).unwrap();
            let text = text.replace("default: \"600\"", &format!("default: \"{}\"", order.timeout));
            let text = text.replace("default: default", &format!("default: {}", order.target));
            std::fs::write(place.path().join(file), text).unwrap();
        }
        let run = json!({"folder": place.path(), "contexts": contexts});
        let mut command = Command::new("node");
        command.args(["--input-type=module", "-e", include_str!("github.mjs")]);
        command.current_dir(&tools).env("RUN", run.to_string());
        programs::run(command).await
    };
    ends_well_and_badly(run).await;
    serves_fleet(run).await;
}
