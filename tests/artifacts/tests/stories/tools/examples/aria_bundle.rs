//! `examples/aria-bundle`: the zip, unpacked as ABX and Orchestrator do it, and its handlers called as they call them; against the
//! simulator itself, for there is no webhook in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use idhook_simulator::{
    Fault, FaultKind, FleetVersion, Options as SimulatorOptions, Outcome, Server, Simulator, SyncDuration, credentials,
    seeds,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::ports::free_port;

use super::{ABSENT, GROUP};
use crate::tools::programs::{self, ABX_NODE, End};

/// `handler(context, inputs)` in Orchestrator, by its documentation: what comes as SecureString is a text, the context has no
/// secrets, and what is returned is the result.
const ORCHESTRATOR: &str = r#"
const { handler } = require(process.argv[1]);
const context = { vroURL: "https://orchestrator.example", executionId: "07c137b0-1a96-43f8-9ac1-e1e3c1d3415d" };
handler(context, { ...JSON.parse(process.env.INPUTS), [process.env.SECRET]: process.env.IDHOOK_KEY }).then(
  (result) => console.log(JSON.stringify(result)),
  (e) => { console.error(e.message); process.exit(1); },
);"#;

/// The zip, made once.
fn bundle() -> &'static Path {
    static BUNDLE: OnceLock<PathBuf> = OnceLock::new();
    BUNDLE.get_or_init(|| xtask::bundle::package().unwrap())
}

/// The zip in a folder of its own.
fn unpacked() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let mut zip = Command::new("python3");
    assert!(zip.args(["-m", "zipfile", "-e"]).arg(bundle()).arg(place.path()).status().unwrap().success());
    place
}

fn is_there() -> bool {
    programs::are_there("examples/aria-bundle", &["node", "python3"])
}

async fn call(program: &str, file: PathBuf, password: &str, inputs: Value) -> End {
    let mut command = Command::new("node");
    let secret = if inputs.get("fleetUrl").is_some() { "fleetPassword" } else { "vidmPassword" };
    command.args(["-e", program]).arg(file).env("IDHOOK_KEY", password).env("SECRET", secret);
    command.env("INPUTS", inputs.to_string());
    let end = programs::run(command).await;
    assert!(!end.said().contains(password), "the password is told to nobody: {}", end.said());
    end
}

fn inputs(url: &str, more: Value) -> Value {
    let mut inputs = json!({"vidmUrl": url, "vidmUsername": credentials::VIDM_USERNAME, "vidmPassword": "the secret"});
    inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    inputs
}

#[tokio::test]
async fn an_abx_action_with_idhook_inside() {
    if !is_there() {
        return;
    }
    let place = unpacked();
    let abx =
        async |password: &str, inputs: Value| call(ABX_NODE, place.path().join("main.js"), password, inputs).await;
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(2500)));
    simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let (url, password) = (simulator.vidm_url(), credentials::VIDM_PASSWORD);

    // The inputs from a subscription: custom properties are texts.
    let fault = Fault::new(FaultKind::Reset).on(Server::Vidm).method("GET").path("/syncprofile/sync").after(1).times(2);
    simulator.add_fault(fault);
    let groups = json!([GROUP, seeds::PRESENT_GROUP_NAME]).to_string();
    let properties = json!({"directory": seeds::CORP_NAME, "groups": groups, "addToProfile": "false"});
    let elsewhere = json!({"vidmUrl": "http://elsewhere.example", "vidmUsername": "mallory"});
    let mut given = properties.as_object().unwrap().clone();
    given.extend(elsewhere.as_object().unwrap().clone());
    let end = abx(password, inputs(&url, json!({"customProperties": given, "deploymentId": "d"}))).await;
    assert!(end.is_good && end.out.matches("\"present\"").count() == 2, "{}", end.said());
    let outputs: Value = serde_json::from_str(end.out.lines().last().unwrap()).unwrap();
    assert_eq!((&outputs["status"], &outputs["directory"]["name"]), (&json!("succeeded"), &json!(seeds::CORP_NAME)));
    assert_eq!(simulator.runs_started(seeds::CORP).unwrap(), 1);
    assert!(simulator.faults().is_empty(), "{:?}", simulator.faults());

    let corp = json!({"directory": seeds::CORP_NAME});
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let end = abx(password, inputs(&url, corp.clone())).await;
    assert!(!end.is_good && end.err.contains("safeguard_tripped") && end.err.contains("sync log"), "{}", end.said());

    let end = abx("not the password", inputs(&url, corp.clone())).await;
    assert!(!end.is_good && end.err.contains("upstream_auth") && end.err.contains("user name"), "{}", end.said());

    let end = abx(password, inputs(&url, json!({"directory": "no.such.example"}))).await;
    assert!(!end.is_good && end.err.contains("directory_not_found"), "{}", end.said());

    // A wrong input is named as Aria's form has it.
    let mistakes = json!({"directory": seeds::CORP_NAME, "vidmUrl": "vidm.corp.example", "vidmUsername": ""});
    let end = abx(password, inputs(&url, mistakes)).await;
    let names = ["request_invalid", "vidmUrl ", "vidmUsername "];
    assert!(!end.is_good && names.iter().all(|name| end.err.contains(name)), "{}", end.said());

    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let end = abx(password, inputs(&nobody, corp.clone())).await;
    assert!(!end.is_good && end.err.contains("upstream_unreachable"), "{}", end.said());

    simulator.set_safeguards_trip(seeds::CORP, false).unwrap();
    let absent = json!({"directory": seeds::CORP_NAME, "groups": [seeds::PRESENT_GROUP_NAME, ABSENT]});
    let end = abx(password, inputs(&url, absent)).await;
    assert!(!end.is_good && end.err.contains("group_absent") && end.err.contains("gg-nobody"), "{}", end.said());

    // With groups and without, it ends in time.
    simulator.set_sync_duration(SyncDuration::Manual);
    for groups in [json!([GROUP]), json!("")] {
        let hasty = json!({"directory": seeds::CORP_NAME, "groups": groups, "timeoutSeconds": 2});
        let end = abx(password, inputs(&url, hasty)).await;
        assert!(!end.is_good && end.err.contains("sync_timeout") && end.err.contains("still "), "{}", end.said());
    }
    simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
}

#[tokio::test]
async fn a_bundle_that_trusts_a_private_ca() {
    if !is_there() {
        return;
    }
    let place = unpacked();
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    let run = async |directory: &str| {
        let inputs = inputs(&simulator.vidm_tls_url(), json!({"directory": directory}));
        call(ABX_NODE, place.path().join("main.js"), credentials::VIDM_PASSWORD, inputs).await
    };
    let end = run(seeds::CORP_NAME).await;
    assert!(!end.is_good && end.err.contains("upstream_tls"), "{}", end.said());
    simulator.write_ca(place.path().join("ca.pem")).unwrap();
    let end = run(seeds::CORP_NAME).await;
    assert!(end.is_good && end.out.contains("\"succeeded\""), "{}", end.said());
    let end = run("no.such.example").await;
    assert!(!end.is_good && end.err.contains("directory_not_found"), "{}", end.said());
}

#[tokio::test]
async fn a_bundle_syncs_vcf_operations() {
    if !is_there() {
        return;
    }
    let place = unpacked();
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    let quick = SyncDuration::Fixed(Duration::from_millis(100));
    simulator.configure_fleet(|settings| settings.sync_duration = quick);
    simulator.add_ad_group(seeds::FLEET_CORP, GROUP, &[]).unwrap();
    let account = json!({"fleetUsername": credentials::FLEET_USERNAME, "fleetPassword": "the secret"});
    let token = json!({"fleetApiToken": "the secret", "fleetBrokerUrl": simulator.broker_url()});
    for (login, secret) in [(account, credentials::FLEET_PASSWORD), (token, credentials::FLEET_API_TOKEN)] {
        let run = async |groups: Value| {
            let mut inputs =
                json!({"fleetUrl": simulator.fleet_url(), "directory": seeds::CORP_NAME, "groups": groups});
            inputs.as_object_mut().unwrap().extend(login.as_object().unwrap().clone());
            call(ABX_NODE, place.path().join("main.js"), secret, inputs).await
        };
        for groups in [json!([GROUP, seeds::PRESENT_GROUP_NAME]), json!("")] {
            let end = run(groups).await;
            assert!(end.is_good && end.out.contains("succeeded"), "{}", end.said());
        }
        let end = run(json!([ABSENT])).await;
        assert!(!end.is_good && end.err.contains("group_absent"), "{}", end.said());
    }
}

/// Both actions prove users, and bring groups in without a sync.
#[tokio::test]
async fn a_bundle_proves_users_and_provisions_groups() {
    if !is_there() {
        return;
    }
    const MEMBER: &str = "CN=nora,OU=People,DC=corp,DC=example";
    const CHOSEN: &str = "CN=gg-chosen,OU=Picked,DC=corp,DC=example";
    let place = unpacked();
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    let quick = SyncDuration::Fixed(Duration::from_millis(100));
    simulator.set_sync_duration(quick);
    simulator.configure_fleet(|settings| {
        settings.version = FleetVersion::V9_1_1;
        settings.sync_duration = quick;
    });
    simulator.add_directory_user(seeds::CORP, "nora").unwrap();
    for group in [GROUP, CHOSEN] {
        simulator.add_ad_group(seeds::FLEET_CORP, group, &[]).unwrap();
    }
    simulator.add_ad_user(seeds::FLEET_CORP, MEMBER, "nora", &[GROUP]).unwrap();
    let fleet = json!({"fleetUrl": simulator.fleet_url(), "fleetUsername": credentials::FLEET_USERNAME, "fleetPassword": "the secret"});
    let vidm = inputs(&simulator.vidm_url(), json!({}));
    let lists = [json!(["nora@corp.example"]), json!(["nora@corp.example", "nobody@corp.example"])];
    for (target, password) in [(&vidm, credentials::VIDM_PASSWORD), (&fleet, credentials::FLEET_PASSWORD)] {
        for (program, file) in [(ABX_NODE, "main.js"), (ORCHESTRATOR, "orchestrator.js")] {
            let run = async |more: Value| {
                let mut inputs = target.clone();
                inputs["directory"] = json!(seeds::CORP_NAME);
                inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                call(program, place.path().join(file), password, inputs).await
            };
            let [there, absent] = lists.clone();
            let end = run(json!({ "users": there })).await;
            assert!(end.is_good && end.out.contains("nora@corp.example"), "{file}: {}", end.said());
            let end = run(json!({ "users": absent })).await;
            assert!(!end.is_good && end.err.contains("user_absent"), "{file}: {}", end.said());
            let end = run(json!({"groups": [CHOSEN], "provision": true})).await;
            match target == &fleet {
                true => assert!(end.is_good && end.out.contains("gg-chosen"), "{file}: {}", end.said()),
                false => assert!(!end.is_good && end.err.contains("not_supported"), "{file}: {}", end.said()),
            }
        }
    }
    assert_eq!(simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len(), 4, "provisioning starts no run");
}

#[tokio::test]
async fn an_orchestrator_action_with_idhook_inside() {
    if !is_there() {
        return;
    }
    let place = unpacked();
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let (url, password) = (simulator.vidm_url(), credentials::VIDM_PASSWORD);
    let file = place.path().join("orchestrator.js");
    let act_within = async |timeout: f64, password: &str, sync_id: &str, groups: &[&str]| {
        let more = json!({"directory": seeds::CORP_NAME, "groups": groups, "addToProfile": false, "syncId": sync_id, "vidmTenant": "", "waitSeconds": 5, "timeoutSeconds": timeout});
        call(ORCHESTRATOR, file.clone(), password, inputs(&url, more)).await
    };
    let act = async |password: &str, sync_id: &str, groups: &[&str]| act_within(600.0, password, sync_id, groups).await;
    let result =
        |end: &End| -> Value { serde_json::from_str(&end.out).unwrap_or_else(|e| panic!("{e}: {}", end.said())) };

    let done = result(&act(password, "", &[GROUP]).await);
    assert_eq!((&done["status"], &done["groups"]), (&json!("succeeded"), &json!([GROUP])), "{done}");
    // Asked with the id, as by a workflow after a while: the same sync, and no second run.
    let again = result(&act(password, done["id"].as_str().unwrap(), &[GROUP]).await);
    assert_eq!((&again["status"], &again["id"]), (&json!("succeeded"), &done["id"]), "{again}");
    assert_eq!(simulator.runs_started(seeds::CORP).unwrap(), 1);

    let absent = act(password, "", &[seeds::PRESENT_GROUP_NAME, ABSENT]).await;
    assert!(!absent.is_good && absent.err.contains("group_absent"), "{}", absent.said());

    simulator.set_sync_duration(SyncDuration::Manual);
    let running = result(&act(password, "", &[]).await);
    assert_eq!(running["status"], "running", "{running}");
    // The workflow asks again and again; that has an end.
    let late = act_within(3.0, password, running["id"].as_str().unwrap(), &[]).await;
    assert!(
        !late.is_good && late.err.contains("sync_timeout") && late.err.contains("still running"),
        "{}",
        late.said()
    );
    simulator.finish_sync(seeds::CORP, Outcome::Failed("The connector is down.".to_owned())).unwrap();
    let failed = act(password, running["id"].as_str().unwrap(), &[]).await;
    assert!(!failed.is_good && failed.err.contains("The connector is down."), "{}", failed.said());

    let refused = act("not the password", "", &[]).await;
    assert!(!refused.is_good && refused.err.contains("upstream_auth"), "{}", refused.said());
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let inputs = inputs(&nobody, json!({"directory": seeds::CORP_NAME, "groups": []}));
    let down = call(ORCHESTRATOR, file.clone(), password, inputs).await;
    assert!(!down.is_good && down.err.contains("upstream_unreachable"), "{}", down.said());
}

#[test]
fn compatibility_page_has_the_size_of_the_bundle() {
    let size = std::fs::metadata(bundle()).unwrap().len().div_ceil(1000);
    let page = std::fs::read_to_string(xtask::build::root().join("docs/reference/compatibility.md")).unwrap();
    let told = page.split_once("idhook-aria-nodejs.zip` (").unwrap().1.split_once(" kB)").unwrap().0;
    let told: u64 = told.parse().unwrap();
    assert!(told.abs_diff(size) * 20 <= size, "docs/reference/compatibility.md has {told} kB, it is {size} kB");
}
