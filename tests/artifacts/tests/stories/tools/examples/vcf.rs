//! `examples/vcf`: the scripts and programs with their own files, against an SDDC Manager. The PowerShell scripts are in
//! `powershell.rs`.

use std::process::Command;

use idhook_simulator::{Fault, FaultKind, RetryAfter, Server, seeds};
use serde_json::{Value, json};
use xtask::ports::free_port;

use super::{ANSIBLE, folder};
use crate::scene::Scene;
use crate::tools::gate::SDK;
use crate::tools::install;
use crate::tools::programs::{self, End};

const PASSWORD: &str = "planted \"ldap\" $(x)";

#[tokio::test(flavor = "multi_thread")]
async fn script_keeps_an_identity_source_up_to_date() {
    if !programs::are_there("examples/vcf", &["sh", "curl", "jq"]) {
        return;
    }
    let scene = Scene::new().await;
    let file = folder("vcf").join("identity-source.json");
    let run = async |url: &str, key: &str, file: &std::path::Path, options: &[&str]| -> End {
        let mut command = Command::new(folder("vcf").join("identity-source.sh"));
        command.arg(file).args(options).env("IDHOOK_URL", url).env("IDHOOK_KEY", key).env("LDAP_PASSWORD", PASSWORD);
        let end = programs::run(command).await;
        assert!(!end.said().contains(key) && !end.said().contains("planted"), "{}", end.said());
        end
    };
    let (url, key) = (scene.host.url(), scene.keys.all.as_str());
    let outcome = async |options: &[&str], outcome: &str| {
        let end = run(&url, key, &file, options).await;
        let said: Value = serde_json::from_str(&end.out).unwrap_or_else(|e| panic!("{e}: {}", end.said()));
        assert_eq!((end.is_good, &said["outcome"]), (true, &json!(outcome)), "{options:?}: {}", end.said());
    };
    outcome(&["--dry-run"], "created").await;
    outcome(&[], "created").await;
    outcome(&[], "unchanged").await;
    outcome(&["--force"], "updated").await;
    outcome(&["--password", "--dry-run"], "updated").await;
    outcome(&["--password"], "updated").await;

    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.json");
    let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    // SDDC Manager accepts the change and keeps the former endpoints.
    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["ldap://dc03.corp.example"]);
    std::fs::write(&other, spec.to_string()).unwrap();
    scene.simulator.add_fault(Fault::answer(200, "application/json", "{}").on(Server::Sddc).method("PATCH"));
    let end = run(&url, key, &other, &[]).await;
    assert!(!end.is_good && end.out.contains("\"remaining\""), "{}", end.said());
    assert!(end.err.contains("does not show it"), "{}", end.said());

    spec["ldap"]["sourceDetails"]["serverEndpoints"] = json!(["http://dc01"]);
    std::fs::write(&other, spec.to_string()).unwrap();
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    for (end, said) in [
        (run(&url, key, &other, &[]).await, "/ldap/sourceDetails/serverEndpoints/0"),
        (run(&url, "no-such-key", &file, &[]).await, "unauthenticated"),
        (run(&url, scene.keys.reader.as_str(), &file, &[]).await, "forbidden"),
        (run(&nobody, key, &file, &[]).await, "cannot be reached"),
        (run(&url, key, &file, &["--dryrun"]).await, "unknown option"),
    ] {
        assert!(!end.is_good && end.err.contains(said), "{said}: {}", end.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn script_does_a_whole_job() {
    if !programs::are_there("examples/vcf", &["sh", "curl", "jq"]) {
        return;
    }
    let scene = Scene::new().await;
    let run = async |file: &std::path::Path, options: &[&str]| -> End {
        let mut command = Command::new(folder("vcf").join("apply.sh"));
        command.arg(file).args(options).env("IDHOOK_URL", scene.host.url());
        command.env("IDHOOK_KEY", &scene.keys.all).env("LDAP_PASSWORD", PASSWORD);
        let end = programs::run(command).await;
        assert!(!end.said().contains(scene.keys.all.as_str()) && !end.said().contains("planted"), "{}", end.said());
        end
    };
    let file = folder("vcf").join("apply.json");
    for (options, outcomes) in [
        (&["--dry-run"][..], ["wouldCreate", "skipped", "wouldCreate", "wouldCreate"]),
        (&[], ["created", "passed", "created", "created"]),
        (&[], ["unchanged", "passed", "unchanged", "unchanged"]),
    ] {
        let end = run(&file, options).await;
        let shown: Vec<_> = end.out.lines().filter_map(|line| line.split('\t').nth(1)).collect();
        assert!(end.is_good, "{}", end.said());
        assert_eq!(shown, outcomes, "{}", end.said());
    }
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.json");
    let mut job: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    job["roles"][1]["group"] = json!("gg-nobody@corp.example");
    std::fs::write(&other, job.to_string()).unwrap();
    let end = run(&other, &[]).await;
    assert!(!end.is_good && end.err.contains("roles\tfailed") && end.err.contains("not_found"), "{}", end.said());
}

/// The programs beside the scripts: each makes the source match, sets its password, retries after `Retry-After`, and shows errors.
#[tokio::test(flavor = "multi_thread")]
async fn python_and_ansible_keep_an_identity_source_up_to_date() {
    if !programs::are_there("examples/vcf", &["python3"]) {
        return;
    }
    let Some(ansible) = install::python(&[ANSIBLE]) else { return };
    let scene = Scene::new().await;
    let (url, key) = (scene.host.url(), scene.keys.all.as_str());
    let file = folder("vcf").join("identity-source.json");
    let python = async |key: &str, options: &[&str]| -> End {
        let mut command = Command::new("python3");
        command.arg("-B").arg(folder("vcf").join("identity_source.py")).arg(&file).args(options);
        run_hidden(command, &url, key).await
    };
    let play = async |key: &str, options: &[&str]| -> End {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(ansible.join("ansible-playbook"));
        command.arg(folder("vcf").join("identity-source.yml")).arg("-vvv").args(options);
        command.arg(format!("-eidhook_url={url}")).arg(format!("-eidhook_file={}", file.display()));
        command.env("HOME", home.path()).env("ANSIBLE_NOCOLOR", "1").env("LC_ALL", "C.UTF-8");
        run_hidden(command, &url, key).await
    };
    let busy = || {
        // idhook itself tries three times.
        let kind = FaultKind::Busy { status: 503, retry_after: RetryAfter::Seconds(1) };
        scene.simulator.add_fault(Fault::new(kind).method("GET").path("/v1/identity-providers").times(3));
    };
    let says = |end: &End, outcome: &str| {
        assert!(end.is_good && end.out.contains(&format!("\"outcome\": \"{outcome}\"")), "{outcome}: {}", end.said());
    };
    says(&python(key, &["--dry-run"]).await, "created");
    busy();
    let end = python(key, &[]).await;
    says(&end, "created");
    assert!(end.err.contains("upstream_busy") && end.err.contains("next attempt in 1 s"), "{}", end.said());
    says(&python(key, &[]).await, "unchanged");
    says(&python(key, &["--password"]).await, "updated");
    let end = python("no-such-key", &[]).await;
    assert!(!end.is_good && end.err.contains("unauthenticated"), "{}", end.said());

    busy();
    let end = play(key, &[]).await;
    says(&end, "unchanged");
    assert!(end.out.contains("changed=0") && scene.simulator.faults().is_empty(), "{}", end.said());
    let end = play(key, &["-eidhook_rotate=true", "--check"]).await;
    says(&end, "updated");
    assert!(end.out.contains("\"dryRun\": true"), "{}", end.said());
    let end = play(key, &["-eidhook_rotate=true"]).await;
    says(&end, "updated");
    assert!(end.out.contains("changed=1"), "{}", end.said());
    let end = play(key, &[r#"-e{"idhook_if_match": "\"old\""}"#]).await;
    assert!(!end.is_good && end.out.contains("precondition_failed"), "{}", end.said());
}

/// The vendor's SDK through the gate; its environment is that of the gate's stories.
#[tokio::test(flavor = "multi_thread")]
async fn sdk_rotates_a_password_through_the_gate() {
    if !programs::are_there("examples/vcf", &["python3"]) {
        return;
    }
    let Some(bin) = install::python(&[SDK]) else { return };
    let scene = Scene::new().await;
    let rotate = async |url: &str, key: &str, domain: &str| -> End {
        let mut command = Command::new(bin.join("python"));
        command.arg("-B").arg(folder("vcf").join("rotate_with_sdk.py")).arg(domain);
        run_hidden(command, url, key).await
    };
    let (url, key) = (scene.host.url(), scene.keys.all.as_str());
    let end = rotate(&url, key, "rainpole.example").await;
    assert!(!end.is_good && end.err.contains("no identity source of the domain rainpole.example"), "{}", end.said());
    let end = rotate(&url, key, seeds::LDAP_SOURCE_DOMAIN).await;
    assert!(end.is_good && end.out.contains("has the new password"), "{}", end.said());
    let changes = scene.simulator.calls().into_iter().filter(|call| call.method == "PATCH");
    let changes: Vec<_> = changes.map(|call| call.path().to_owned()).collect();
    assert!(changes.len() == 1 && changes[0].ends_with(seeds::LDAP_SOURCE_DOMAIN), "{changes:?}");
    for (key, words) in [("no-such-key", "the key is wrong"), (scene.keys.reader.as_str(), "lacks a scope")] {
        let end = rotate(&url, key, seeds::LDAP_SOURCE_DOMAIN).await;
        assert!(!end.is_good && end.err.contains(words), "{words}: {}", end.said());
    }
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let end = rotate(&nobody, key, seeds::LDAP_SOURCE_DOMAIN).await;
    assert!(!end.is_good && end.err.contains("cannot be reached"), "{}", end.said());
}

/// Runs it with the key and the password; neither is in its output.
async fn run_hidden(mut command: Command, url: &str, key: &str) -> End {
    command.env("IDHOOK_URL", url).env("IDHOOK_KEY", key).env("LDAP_PASSWORD", PASSWORD);
    let end = programs::run(command).await;
    assert!(!end.said().contains(key) && !end.said().contains("planted"), "{}", end.said());
    end
}
