//! Clients of SDDC Manager from PyPI against idhook with an API key: every identity-provider call and its failures. They speak
//! https only, so a TLS proxy is in front of the host.

use std::process::Command;

use xtask::artifact::Artifact;

use crate::scene::{Scene, Setting};
use crate::tools::{install, programs};

#[tokio::test(flavor = "multi_thread")]
async fn vendors_sdk_runs_through_the_gate() {
    runs("gate_sdk.py", "vmware-sddc-manager==9.1.1.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vmware_vcf_runs_through_the_gate() {
    runs("gate_vmware_vcf.py", "vmware-vcf==0.4.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saltext_vcf_runs_through_the_gate() {
    runs("gate_saltext.py", "saltext-vcf==1.0.0").await;
}

async fn runs(program: &str, package: &str) {
    if !programs::are_there("clients of SDDC Manager", &["python3"]) {
        return;
    }
    let Some(python) = install::python(&[package]) else { return };
    let scene = Scene::with(Setting::of(Artifact::Spin)).await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    scene.simulator.write_ca(ca.path()).unwrap();
    let host = scene.host.url().trim_start_matches("http://").parse().unwrap();
    let front = scene.simulator.tls_front(host).await.unwrap();
    let mut command = Command::new(python.join("python"));
    command
        .arg("-B")
        .arg(xtask::build::root().join("tests/python").join(program))
        .env("IDHOOK", format!("https://{}", front.host()))
        .env("IDHOOK_KEY", &scene.keys.all)
        .env("CA_FILE", ca.path());
    let end = programs::run(command).await;
    assert!(end.is_good && end.out.ends_with("OK\n"), "{}", end.said());
    // The clients' logins end at idhook.
    let logins = scene.simulator.calls().iter().filter(|call| call.path() == "/v1/tokens").count();
    assert_eq!(logins, 1, "idhook logs in once");
}
