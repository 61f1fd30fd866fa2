//! `examples/gitlab-ci`: held against GitLab's JSON schema, and its job run by a shell as GitLab's runner does.

use std::process::Command;

use serde_json::json;

use super::{Order, ends_well_and_badly, folder, serves_fleet};
use crate::tools::install;
use crate::tools::programs::{self, End};

/// It has GitLab's schema in it.
const VALIDATOR: &str = "check-jsonschema==0.39.0";

#[tokio::test]
async fn a_gitlab_job() {
    if !programs::are_there("examples/gitlab-ci", &["sh", "curl", "python3"]) {
        return;
    }
    let Some(bin) = install::python(&[VALIDATOR]) else { return };
    let here = folder("gitlab-ci");
    let mut command = Command::new(bin.join("check-jsonschema"));
    command
        .args(["--builtin-schema", "vendor.gitlab-ci"])
        .arg(here.join(".gitlab-ci.yml"))
        .arg(here.join("idhook-sync.yml"));
    let end = programs::run(command).await;
    assert!(end.is_good, "{}", end.said());

    let run = async |order: Order<'_>| -> End {
        // The files where the README puts them.
        let place = tempfile::tempdir().unwrap();
        let ci = place.path().join("ci");
        std::fs::create_dir(&ci).unwrap();
        std::fs::copy(here.join("idhook-sync.yml"), ci.join("idhook-sync.yml")).unwrap();
        std::fs::copy(folder("abx-webhook").join("curl.sh"), ci.join("idhook-sync.sh")).unwrap();
        let variables = json!({
            "IDHOOK_TARGET": order.target,
            "IDHOOK_DIRECTORY": order.directory,
            "IDHOOK_GROUPS": order.groups.join("\n"),
            "IDHOOK_TIMEOUT": order.timeout.to_string(),
        });
        let mut command = Command::new(bin.join("python"));
        command.args(["-c", include_str!("gitlab.py")]).arg(&here).arg(place.path());
        command.env("JOB_VARIABLES", variables.to_string()).env("IDHOOK_URL", order.url).env("IDHOOK_KEY", order.key);
        programs::run(command).await
    };
    ends_well_and_badly(run).await;
    serves_fleet(run).await;
}
