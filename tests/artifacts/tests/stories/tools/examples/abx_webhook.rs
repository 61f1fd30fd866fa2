//! `examples/abx-webhook`: the two actions with a context as ABX has it, and the shell script.

use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Fault, FaultKind, FleetVersion, Server, SyncDuration, seeds};
use serde_json::{Value, json};
use xtask::artifact::Artifact;
use xtask::ports::free_port;

use super::{ABSENT, Order, ends_well_and_badly, folder, serves_fleet};
use crate::scene::{Scene, Setting};
use crate::tools::programs::{self, ABX_NODE, ABX_PYTHON, End};
use crate::tools::stub::Stub;

/// An event's payload: what the subscription was told, and the order among the custom properties.
fn inputs(order: &Order<'_>) -> Value {
    json!({
        "idhookUrl": order.url,
        "idhookKey": "the secret",
        "idhookTarget": order.target,
        "timeoutSeconds": order.timeout,
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
    let run = async |order: Order<'_>| -> End {
        let mut command = Command::new(program);
        command.args(arguments).arg(folder("abx-webhook").join(file));
        command.env("IDHOOK_KEY", order.key).env("INPUTS", inputs(&order).to_string());
        programs::run(command).await
    };
    ends_well_and_badly(run).await;
    serves_fleet(run).await;
}

#[tokio::test]
async fn an_abx_action_in_javascript() {
    action(&["node", "-e", ABX_NODE], "action.js").await;
}

#[tokio::test]
async fn an_abx_action_in_python() {
    action(&["python3", "-c", ABX_PYTHON], "action.py").await;
}

/// The response to `provision` has no id, so an action must not read the state of a sync.
#[tokio::test]
async fn abx_actions_bring_groups_in_without_a_sync() {
    const GROUP: &str = "CN=gg-at-once,OU=Groups,DC=corp,DC=example";
    if !programs::are_there("examples/abx-webhook", &["node", "python3"]) {
        return;
    }
    for (program, arguments, file) in
        [("node", ["-e", ABX_NODE], "action.js"), ("python3", ["-c", ABX_PYTHON], "action.py")]
    {
        let scene = Scene::with(Setting::with_fleet(Artifact::Spin)).await;
        scene.simulator.configure_fleet(|settings| settings.version = FleetVersion::V9_1_1);
        scene.simulator.add_ad_group(seeds::FLEET_CORP, GROUP, &[]).unwrap();
        let (url, key) = (scene.host.url(), scene.keys.all.as_str());
        let run = async |groups: &[&str]| -> End {
            let order =
                Order { url: &url, key, target: "fleet/default", directory: seeds::CORP_NAME, groups, timeout: 60 };
            let mut inputs = inputs(&order);
            inputs["provision"] = json!(true);
            let mut command = Command::new(program);
            command.args(arguments).arg(folder("abx-webhook").join(file));
            command.env("IDHOOK_KEY", key).env("INPUTS", inputs.to_string());
            programs::run(command).await
        };
        let end = run(&[GROUP]).await;
        assert!(end.is_good && end.out.contains("the groups are present"), "{file}: {}", end.said());
        // The second group cannot be brought in.
        let fault = Fault::new(FaultKind::Html { status: 500 }).on(Server::Fleet).method("POST").path("/principals$");
        scene.simulator.add_fault(fault.after(1).always());
        let end = run(&[GROUP, ABSENT]).await;
        assert!(!end.is_good && end.err.contains("the groups are unknown"), "{file}: {}", end.said());
        assert!(!scene.log().iter().any(|line| line["route"] == "/fleet/{target}/v1/syncs/{sync}"), "{file}");
    }
}

#[tokio::test]
async fn a_shell_script() {
    if !programs::are_there("examples/abx-webhook/curl.sh", &["sh", "curl"]) {
        return;
    }
    let run = async |order: Order<'_>| -> End {
        let mut command = Command::new(folder("abx-webhook").join("curl.sh"));
        command.arg(order.directory).args(order.groups).env("IDHOOK_URL", order.url).env("IDHOOK_KEY", order.key);
        command.env("IDHOOK_TARGET", order.target).env("IDHOOK_TIMEOUT", order.timeout.to_string());
        programs::run(command).await
    };
    ends_well_and_badly(run).await;
    serves_fleet(run).await;
}

/// The documented call that waits: its exit code is that of the sync.
#[tokio::test]
async fn documented_command_waits_and_exits_with_the_outcome() {
    if !programs::are_there("the documented shell command", &["sh", "curl", "jq"]) {
        return;
    }
    let page = std::fs::read_to_string(xtask::build::root().join("docs/reference/syncs.md")).unwrap();
    let section = page.split_once("\n## Wait\n").unwrap().1;
    let shown = section.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let scene = Scene::new().await;
    let run = async |url: &str, key: &str, wait: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &shown.replace("wait=300", wait)]).env("IDHOOK", url).env("IDHOOK_KEY", key);
        programs::run(command).await
    };
    let (url, key) = (scene.host.url(), scene.keys.syncer.as_str());
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(200)));
    let end = run(&url, key, "wait=60").await;
    assert!(!end.is_good && end.out.contains("group_absent"), "{}", end.said());
    scene.simulator.add_directory_group(seeds::CORP, "CN=gg-new,OU=Groups,DC=corp,DC=example").unwrap();
    let end = run(&url, key, "wait=60").await;
    assert!(end.is_good && end.out.contains("succeeded"), "{}", end.said());
    scene.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let end = run(&url, key, "wait=60").await;
    assert!(!end.is_good && end.out.contains("safeguard_tripped"), "{}", end.said());
    scene.simulator.set_sync_duration(SyncDuration::Manual);
    let end = run(&url, key, "wait=1").await;
    assert!(!end.is_good && end.out.contains("running"), "{}", end.said());
    let end = run(&url, "no-such-key", "wait=1").await;
    assert!(!end.is_good && end.out.contains("unauthenticated"), "{}", end.said());
    let end = run(&format!("http://127.0.0.1:{}", free_port().unwrap()), key, "wait=1").await;
    assert!(!end.is_good, "{}", end.said());
    let stub = Stub::start(&[]).await;
    assert!(!run(&stub.url, key, "wait=1").await.is_good, "running is no success");
}

/// The CA as a form passes it on: in one line. What answers here is not idhook, but its certificate is trusted.
#[tokio::test]
async fn abx_actions_trust_the_ca_that_is_their_input() {
    if !programs::are_there("examples/abx-webhook", &["node", "python3"]) {
        return;
    }
    let simulator = idhook_simulator::Simulator::start(idhook_simulator::Options::default()).await.unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let ca = std::fs::read_to_string(ca.path()).unwrap().replace('\n', " ");
    for (program, arguments, file) in
        [("node", ["-e", ABX_NODE], "action.js"), ("python3", ["-c", ABX_PYTHON], "action.py")]
    {
        for (ca, said) in
            [("", "set the input idhookCa"), (ca.as_str(), "idhook returned 404"), ("CORP", "not a PEM text")]
        {
            let inputs = json!({
                "idhookUrl": simulator.vidm_tls_url(), "idhookKey": "the secret", "idhookCa": ca, "directory": "corp.example",
            });
            let mut command = Command::new(program);
            command.args(arguments).arg(folder("abx-webhook").join(file));
            command.env("IDHOOK_KEY", "key").env("INPUTS", inputs.to_string());
            let end = programs::run(command).await;
            assert!(!end.is_good && end.err.contains(said), "{file}, {said}: {}", end.said());
        }
    }
}
