//! `examples/fleet`: the script with its own specification, against a VCF Operations; and the documented script that serves both
//! products.

use std::process::Command;
use std::time::Duration;

use idhook_simulator::{Fault, Server, SyncDuration, seeds};
use serde_json::{Value, json};
use xtask::artifact::Artifact;
use xtask::ports::free_port;

use super::folder;
use crate::scene::{Scene, Setting};
use crate::tools::programs::{self, End};

const PASSWORD: &str = "planted \"ldap\" $(x)";
/// A realm without an identity provider.
const REALM: &str = "New";

#[tokio::test(flavor = "multi_thread")]
async fn script_keeps_a_realms_identity_provider_up_to_date() {
    if !programs::are_there("examples/fleet", &["sh", "curl", "jq"]) {
        return;
    }
    let scene = Scene::with(Setting::with_fleet(Artifact::Spin)).await;
    let file = folder("fleet").join("identity-provider.json");
    let run = async |url: &str, key: &str, realm: &str, file: &std::path::Path, options: &[&str]| -> End {
        let mut command = Command::new(folder("fleet").join("identity-provider.sh"));
        command.arg(realm).arg(file).args(options);
        command.env("IDHOOK_URL", url).env("IDHOOK_KEY", key).env("LDAP_PASSWORD", PASSWORD);
        let end = programs::run(command).await;
        assert!(!end.said().contains(key) && !end.said().contains("planted"), "{}", end.said());
        end
    };
    let (url, key) = (scene.host.url(), scene.keys.all.as_str());
    let outcome = async |realm: &str, file: &std::path::Path, options: &[&str], outcome: &str| -> Value {
        let end = run(&url, key, realm, file, options).await;
        let said: Value = serde_json::from_str(&end.out).unwrap_or_else(|e| panic!("{e}: {}", end.said()));
        assert_eq!((end.is_good, &said["outcome"]), (true, &json!(outcome)), "{options:?}: {}", end.said());
        said
    };
    outcome(REALM, &file, &["--dry-run"], "created").await;
    let created = outcome(REALM, &file, &[], "created").await;
    assert!(created["id"].is_string(), "{created}");
    // By its id too.
    outcome(seeds::FLEET_EMPTY_REALM, &file, &[], "unchanged").await;
    outcome(REALM, &file, &["--force"], "updated").await;

    let place = tempfile::tempdir().unwrap();
    let other = |change: fn(&mut Value)| {
        let mut spec: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        change(&mut spec["provisioningConfig"]["ldapConfigurations"][0]);
        let path = place.path().join("other.json");
        std::fs::write(&path, spec.to_string()).unwrap();
        path
    };
    let more = other(|directory| directory["domains"] = json!(["corp.example", "dev.corp.example"]));
    let updated = outcome(REALM, &more, &["--dry-run"], "updated").await;
    let pointer = "/provisioningConfig/ldapConfigurations/0/domains";
    assert_eq!(updated["changes"][0]["pointer"], pointer, "{updated}");
    // VCF Operations accepts the change and keeps the former domains.
    scene.simulator.add_fault(Fault::answer(200, "application/json", "{}").on(Server::Fleet).method("PUT"));
    let end = run(&url, key, REALM, &more, &[]).await;
    assert!(!end.is_good && end.out.contains("\"remaining\""), "{}", end.said());
    assert!(end.err.contains("does not show it"), "{}", end.said());
    let wrong = other(|directory| {
        directory["ldapBindConfiguration"]["primaryDomainController"]["protocol"] = json!("http");
    });
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    for (end, said) in [
        (run(&url, key, REALM, &wrong, &[]).await, "/primaryDomainController/protocol"),
        (run(&url, key, "Old", &file, &[]).await, "its realms are"),
        (run(&url, "no-such-key", REALM, &file, &[]).await, "unauthenticated"),
        (run(&url, scene.keys.reader.as_str(), REALM, &file, &[]).await, "forbidden"),
        (run(&nobody, key, REALM, &file, &[]).await, "cannot be reached"),
        (run(&url, key, REALM, &file, &["--dryrun"]).await, "unknown option"),
    ] {
        assert!(!end.is_good && end.err.contains(said), "{said}: {}", end.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_script_syncs_vidm_and_vcf_operations() {
    const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
    if !programs::are_there("docs/migrate-to-vcf9.md", &["sh", "curl", "jq"]) {
        return;
    }
    let page = std::fs::read_to_string(xtask::build::root().join("docs/migrate-to-vcf9.md")).unwrap();
    let section = page.split_once("\n## Serve both during the migration\n").unwrap().1;
    let shown = section.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let scene = Scene::with(Setting::with_fleet(Artifact::Spin)).await;
    let quick = SyncDuration::Fixed(Duration::from_millis(100));
    scene.simulator.set_sync_duration(quick);
    scene.simulator.configure_fleet(|settings| settings.sync_duration = quick);
    let run = async |key: &str| -> (bool, Vec<Value>) {
        let mut command = Command::new("sh");
        command.args(["-c", shown, "sync-both.sh", seeds::CORP_NAME, GROUP]);
        command.env("TARGETS", "vidm/default fleet/default").env("IDHOOK", scene.host.url()).env("IDHOOK_KEY", key);
        let end = programs::run(command).await;
        let lines = end.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")));
        (end.is_good, lines.collect())
    };
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let (is_good, lines) = run(&scene.keys.all).await;
    assert!(!is_good && lines.len() == 4, "{lines:?}");
    assert_eq!((&lines[1], &lines[2]["reason"], &lines[3]), (&json!(true), &json!("group_absent"), &json!(false)));
    scene.simulator.add_ad_group(seeds::FLEET_CORP, GROUP, &[]).unwrap();
    let (is_good, lines) = run(&scene.keys.all).await;
    assert!(is_good, "{lines:?}");
    for (line, target) in [(&lines[0], "vidm/default"), (&lines[2], "fleet/default")] {
        assert_eq!((&line["target"], &line["status"]), (&json!(target), &json!("succeeded")), "{lines:?}");
        assert_eq!(line["groups"][0]["state"], "present", "{lines:?}");
    }
    // This caller may sync vIDM alone.
    let (is_good, lines) = run(&scene.keys.syncer).await;
    assert!(!is_good && lines[2]["code"] == "forbidden", "{lines:?}");
}
