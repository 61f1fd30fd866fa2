//! `examples/terraform`: every expression is evaluated by Terraform itself. The provider `http` cannot be had where the tests run, so
//! curl sends the request that the data source describes, and a resource without a provider takes the place of its answer.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Outcome, SyncDuration, seeds};
use serde_json::{Value, json};

use super::{ABSENT, GROUP, folder};
use crate::scene::Scene;
use crate::tools::programs::{self, End};

async fn apply(place: &Path, text: &str, variables: &[(&str, String)]) -> End {
    std::fs::write(place.join("main.tf"), text).unwrap();
    let terraform = async |arguments: &[&str]| {
        let mut command = Command::new("terraform");
        command.current_dir(place).args(arguments).env_remove("TF_CLI_CONFIG_FILE").env("CHECKPOINT_DISABLE", "1");
        command.envs(variables.iter().map(|(name, value)| (format!("TF_VAR_{name}"), value)));
        programs::run(command).await
    };
    let init = terraform(&["init", "-no-color", "-input=false"]).await;
    assert!(init.is_good, "{}", init.said());
    let end = terraform(&["apply", "-auto-approve", "-no-color", "-input=false"]).await;
    if !end.is_good {
        return end;
    }
    terraform(&["output", "-json"]).await
}

/// The configuration, asked only for the request that it would send.
fn asking(text: &str) -> String {
    let (before, data) = text.split_once("data \"http\" \"sync\" {").unwrap();
    let (request, _) = data.split_once("  lifecycle {").unwrap();
    format!("{before}output \"request\" {{\n  sensitive = true\n  value = {{\n{request}\n  }}\n}}\n")
}

/// The configuration with this answer.
fn answered(text: &str) -> String {
    let (before, data) = text.split_once("data \"http\" \"sync\" {").unwrap();
    let (_, after) = data.split_once("  lifecycle {").unwrap();
    let after = after
        .replace("self.status_code", "self.output.status_code")
        .replace("self.response_body", "self.output.response_body")
        .replace("data.http.sync", "terraform_data.answer.output");
    format!(
        "variable \"status\" {{ type = number }}\nvariable \"body\" {{ type = string }}\n{before}\
         resource \"terraform_data\" \"answer\" {{\n  input = {{ status_code = var.status, response_body = var.body }}\n  lifecycle {{{after}"
    )
}

/// The text without what only the provider understands.
fn without_provider(text: &str) -> String {
    let (before, rest) = text.split_once("  required_providers {").unwrap();
    let (_, after) = rest.split_once("  }\n}").unwrap();
    format!("{before}}}{after}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terraform_configuration() {
    // Not `are_there`: Terraform is in no package index that the tests may use.
    if !Command::new("terraform").arg("version").output().is_ok_and(|done| done.status.success()) {
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            b"SKIPPED: examples/terraform: terraform is not installed\n",
        );
        return;
    }
    let text = std::fs::read_to_string(folder("terraform").join("main.tf")).unwrap();
    let text = without_provider(&text);
    let scene = Scene::new().await;
    let run = async |key: &str, directory: &str, groups: &[&str], timeout: u32| -> End {
        let place = tempfile::tempdir().unwrap();
        let mut variables = vec![
            ("idhook_url", scene.host.url()),
            ("idhook_key", key.to_owned()),
            ("directory", directory.to_owned()),
            ("groups", json!(groups).to_string()),
            ("timeout", timeout.to_string()),
        ];
        let asked = apply(place.path(), &asking(&text), &variables).await;
        assert!(asked.is_good, "{}", asked.said());
        let asked: Value = serde_json::from_str(&asked.out).unwrap();
        let request = &asked["request"]["value"];
        assert_eq!(request["method"], "POST");
        let mut sent = scene
            .client
            .post(request["url"].as_str().unwrap())
            .body(request["request_body"].as_str().unwrap().to_owned());
        for (name, value) in request["request_headers"].as_object().unwrap() {
            sent = sent.header(name, value.as_str().unwrap());
        }
        let answer = sent.send().await.unwrap();
        variables.push(("status", answer.status().as_u16().to_string()));
        variables.push(("body", answer.text().await.unwrap()));
        let end = apply(place.path(), &answered(&text), &variables).await;
        assert!(!end.said().contains(key), "{}", end.said());
        end
    };
    let key = scene.keys.syncer.as_str();
    let fails = async |key: &str, directory: &str, groups: &[&str], timeout: u32, said: &[&str]| {
        let end = run(key, directory, groups, timeout).await;
        // Terraform wraps what it prints.
        let text = end.said().replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!end.is_good && said.iter().all(|word| text.contains(word)), "{said:?}: {}", end.said());
    };
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(200)));
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let end = run(key, seeds::CORP_NAME, &[GROUP, seeds::PRESENT_GROUP_NAME], 60).await;
    assert!(end.is_good && end.out.contains("succeeded") && end.out.matches("present").count() == 2, "{}", end.said());
    fails(key, seeds::CORP_NAME, &[ABSENT], 60, &["group_absent", "base DN"]).await;
    scene.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    fails(key, seeds::CORP_NAME, &[], 60, &["the sync failed", "safeguard_tripped", "sync log"]).await;
    scene.simulator.set_safeguards_trip(seeds::CORP, false).unwrap();
    fails("no-such-key", seeds::CORP_NAME, &[], 60, &["unauthenticated"]).await;
    fails(key, "no.such.example", &[], 60, &["directory_not_found"]).await;
    scene.simulator.set_sync_duration(SyncDuration::Manual);
    fails(key, seeds::CORP_NAME, &[], 1, &["sync_timeout", "still running after 1 s"]).await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
}
