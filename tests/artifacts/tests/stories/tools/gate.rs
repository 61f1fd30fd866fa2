//! Clients of SDDC Manager from PyPI against idhook with an API key: every identity-provider call and its failures. They speak
//! https only, so a TLS proxy is in front of the host. Each client's calls are counted, as `docs/reference/gate.md` states them.

use std::process::Command;

use serde_json::{Value, json};
use xtask::artifact::Artifact;

use crate::gate;
use crate::scene::{Scene, Setting};
use crate::tools::{install, programs};

/// The vendor's SDK.
pub(crate) const SDK: &str = "vmware-sddc-manager==9.1.1.0";

/// A client, and its calls. A call is a function of the client with one outcome: a success, or one error.
struct Client {
    package: &'static str,
    program: &'static str,
    /// How many calls pass.
    passed: usize,
    /// The calls whose response the client cannot read.
    unread: &'static [&'static str],
}

const CLIENTS: [Client; 3] = [
    Client {
        package: SDK,
        program: "gate_sdk.py",
        passed: 17,
        unread: &[
            "add_embedded_identity_source",
            "add_external_identity_provider",
            "generate_sync_client_token",
            "create_token: 401",
            "get_identity_provider_by_id: 404",
            "delete_external_identity_provider: 401",
        ],
    },
    Client { package: "vmware-vcf==0.4.0", program: "gate_vmware_vcf.py", passed: 14, unread: &[] },
    Client { package: "saltext-vcf==1.0.0", program: "gate_saltext.py", passed: 14, unread: &[] },
];

#[tokio::test(flavor = "multi_thread")]
async fn vendors_sdk_runs_through_the_gate() {
    runs(&CLIENTS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vmware_vcf_runs_through_the_gate() {
    runs(&CLIENTS[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saltext_vcf_runs_through_the_gate() {
    runs(&CLIENTS[2]).await;
}

async fn runs(client: &Client) {
    if !programs::are_there("clients of SDDC Manager", &["python3"]) {
        return;
    }
    let Some(python) = install::python(&[client.package]) else { return };
    let scene = Scene::with(Setting::of(Artifact::Spin)).await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    scene.simulator.write_ca(ca.path()).unwrap();
    let host = scene.host.url().trim_start_matches("http://").parse().unwrap();
    let front = scene.simulator.tls_front(host).await.unwrap();
    let mut command = Command::new(python.join("python"));
    command
        .arg("-B")
        .arg(xtask::build::root().join("tests/python").join(client.program))
        .env("IDHOOK", format!("https://{}", front.host()))
        .env("IDHOOK_KEY", &scene.keys.all)
        .env("CA_FILE", ca.path());
    let end = programs::run(command).await;
    assert!(end.is_good && end.out.ends_with("OK\n"), "{}", end.said());
    let report: Value = serde_json::from_str(end.out.lines().rev().nth(1).unwrap()).unwrap();
    assert_eq!(report["unread"], json!(client.unread), "{}", end.out);
    assert_eq!(report["passed"].as_array().unwrap().len(), client.passed, "{}", end.out);
    // The clients' logins end at idhook.
    let logins = scene.simulator.calls().iter().filter(|call| call.path() == "/v1/tokens").count();
    assert_eq!(logins, 1, "idhook logs in once");
}

/// The page states the numbers that these stories assert.
#[test]
fn page_of_the_gate_states_the_counted_calls() {
    let page = std::fs::read_to_string(xtask::build::root().join("docs/reference/gate.md")).unwrap();
    let (replayed, refused) = gate::requests_of_powervcf();
    let rows = CLIENTS.iter().map(|client| {
        let names = client.unread.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        (client.package.replace("==", " "), client.passed, names)
    });
    let refused_names = vec![format!("`{}`", refused.join("`, `"))];
    let rows: Vec<_> = rows.chain([("PowerVCF 2.4.1 (replayed)".to_owned(), replayed, refused_names)]).collect();
    let (mut passed, mut all) = (0, 0);
    for (client, count, names) in rows {
        let unread = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let row = format!("| {client} | {} | {count} | {unread} |", count + names.len());
        assert!(page.contains(&row), "{row}");
        passed += count;
        all += count + names.len();
    }
    let total = format!("{passed} of {all} calls pass");
    assert!(page.contains(&total), "{total}");
}
