//! `examples/vcf`: the scripts with their own files, against an SDDC Manager.

use std::process::Command;

use serde_json::{Value, json};
use xtask::redis::free_port;

use super::folder;
use crate::scene::Scene;
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
