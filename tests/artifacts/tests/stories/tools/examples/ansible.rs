//! `examples/ansible`: the playbook, run by ansible-core.

use std::process::Command;

use idhook_simulator::seeds;
use serde_json::json;

use super::{ANSIBLE, Order, ends_well_and_badly, folder, serves_fleet};
use crate::scene::Scene;
use crate::tools::install;
use crate::tools::programs::{self, End};

async fn play(bin: &std::path::Path, order: &Order<'_>, arguments: &[&str]) -> End {
    let place = tempfile::tempdir().unwrap();
    let variables = place.path().join("vars.yml");
    // JSON is YAML; `!unsafe`, as in a file of variables of one's own, so that braces in a group's name are no template.
    let groups: Vec<_> = order.groups.iter().map(|group| format!("!unsafe {}", json!(group))).collect();
    let text = format!(
        "idhook_url: {}\nidhook_target: {}\nidhook_directory: {}\nidhook_groups: [{}]\nidhook_timeout: {}\n",
        json!(order.url),
        json!(order.target),
        json!(order.directory),
        groups.join(", "),
        order.timeout
    );
    std::fs::write(&variables, text).unwrap();
    let mut command = Command::new(bin.join("ansible-playbook"));
    command
        .arg(folder("ansible").join("playbook.yml"))
        .args(arguments)
        .arg(format!("--extra-vars=@{}", variables.display()));
    // As on machines with an entry for every host, which must not replace the key.
    let netrc = place.path().join("netrc");
    std::fs::write(&netrc, "default login someone password else\n").unwrap();
    command.env("NETRC", netrc);
    command.env("IDHOOK_KEY", order.key).env("HOME", place.path()).env("ANSIBLE_NOCOLOR", "1").env("LC_ALL", "C.UTF-8");
    programs::run(command).await
}

#[tokio::test]
async fn a_playbook() {
    if !programs::are_there("examples/ansible", &["python3"]) {
        return;
    }
    let Some(bin) = install::python(&[ANSIBLE]) else { return };
    // With all that it can be made to say, the key is not in it.
    ends_well_and_badly(async |order| play(&bin, &order, &["-vvv"]).await).await;
    serves_fleet(async |order| play(&bin, &order, &["-vvv"]).await).await;

    let scene = Scene::new().await;
    let url = scene.host.url();
    let order =
        |key| Order { url: &url, key, target: "default", directory: seeds::CORP_NAME, groups: &[], timeout: 60 };
    let end = play(&bin, &order(&scene.keys.reader), &["--check"]).await;
    assert!(end.is_good, "{}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 0, "--check starts nothing");
    let end = play(&bin, &order("no-such-key"), &["--check"]).await;
    assert!(!end.is_good && end.said().contains("unauthenticated"), "{}", end.said());

    let end = play(&bin, &order(&scene.keys.syncer), &["--tags", "start"]).await;
    assert!(end.is_good && end.out.contains(&format!("{url}/vidm/default/v1/syncs/")), "{}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
}
