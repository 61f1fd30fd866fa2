//! `examples/abx-webhook`: the two actions with a context as ABX has it, and the shell script.

use std::process::Command;

use serde_json::{Value, json};

use super::{Order, ends_well_and_badly, folder};
use crate::programs::{self, ABX_NODE, ABX_PYTHON, End};

/// An event's payload: what the subscription was told, and the order among the custom properties.
fn inputs(order: &Order<'_>) -> Value {
    json!({
        "idhookUrl": order.url,
        "idhookKey": "the secret",
        "__metadata": {"eventTopicId": "compute.provision.post", "userName": "fritz@corp.example"},
        "deploymentId": "3d9c5a2e-0000-4000-8000-000000000001",
        "resourceNames": ["vm-1"],
        "customProperties": {"directory": order.directory, "groups": order.groups},
    })
}

async fn action(command: &[&str], file: &str) {
    let (program, arguments) = command.split_first().unwrap();
    if !programs::are_there(&format!("examples/abx-webhook/{file}"), &[program]) {
        return;
    }
    ends_well_and_badly(async |order| -> End {
        let mut command = Command::new(program);
        command.args(arguments).arg(folder("abx-webhook").join(file));
        command.env("IDHOOK_KEY", order.key).env("INPUTS", inputs(&order).to_string());
        programs::run(command).await
    })
    .await;
}

#[tokio::test]
async fn an_abx_action_in_javascript() {
    action(&["node", "-e", ABX_NODE], "action.js").await;
}

#[tokio::test]
async fn an_abx_action_in_python() {
    action(&["python3", "-c", ABX_PYTHON], "action.py").await;
}

#[tokio::test]
async fn a_shell_script() {
    if !programs::are_there("examples/abx-webhook/curl.sh", &["sh", "curl"]) {
        return;
    }
    ends_well_and_badly(async |order| -> End {
        let mut command = Command::new(folder("abx-webhook").join("curl.sh"));
        command.arg(order.directory).args(order.groups).env("IDHOOK_URL", order.url).env("IDHOOK_KEY", order.key);
        programs::run(command).await
    })
    .await;
}
