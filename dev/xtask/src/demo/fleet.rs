//! The act with VCF Operations: one workflow for vIDM and for VCF 9.

use anyhow::Result;
use idhook_simulator::{Server, Simulator, seeds};
use serde_json::{Value, json};

use super::api::{Api, Call, Reply};
use super::stage::Act;
use super::vidm::{route, upstream_calls};
use crate::terminal::Progress;

/// The AD group of the act, as both products name it.
const GROUP_DN: &str = "CN=gg-both,OU=Groups,DC=corp,DC=example";
const GROUP: &str = "gg-both@corp.example";

/// The targets of the act.
const TARGETS: [&str; 2] = ["vidm/default", "fleet/default"];

/// Sends the same body to a vIDM and to a VCF Operations.
pub(super) async fn same_workflow(act: &mut Act, api: &Api, simulator: &Simulator) -> Result<()> {
    act.explain(
        "In VCF 9 the identity broker takes vIDM's place. VCF Operations syncs its directories, weekly by default, and its API \
         neither waits for a sync nor proves a group. A workflow that called vIDM through idhook changes one word in the path.",
    );
    simulator.add_directory_group(seeds::CORP, GROUP_DN)?;
    simulator.add_ad_group(seeds::FLEET_CORP, GROUP_DN, &[])?;
    let body = json!({ "directory": seeds::CORP_NAME, "groups": [GROUP] });
    let mut ends: Vec<Reply> = Vec::new();
    for target in TARGETS {
        let call = Call::post(route(target, "syncs"), Some(body.clone())).waiting(60);
        act.request(&call, "");
        simulator.clear_calls();
        let progress = Progress::of("Waiting for the sync");
        let reply = api.send(&call).await;
        drop(progress);
        let reply = reply?.successful()?;
        act.response(&reply, &["status", "directory", "groups", "counts"]);
        ends.push(reply);
    }
    act.row("Behind the second call, idhook called VCF Operations:");
    upstream_calls(act, simulator, Server::Fleet);
    act.gap();
    let is_there = |reply: &Reply| reply.text("/status") == "succeeded" && reply.text("/groups/0/state") == "present";
    act.check(ends.iter().all(is_there), "Both syncs succeeded, and both targets have the group");
    let names = |reply: &Reply| -> Vec<String> {
        // vIDM reports when a run began; VCF Operations does not.
        let fields = reply.body.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        fields.filter(|name| name != "startedAt").collect()
    };
    let [vidm, fleet] = ends.as_slice() else { return Ok(()) };
    act.check(
        names(vidm) == names(fleet) && fleet.body.get("groups").is_some_and(Value::is_array),
        "The workflow reads the same fields from both responses",
    );
    Ok(())
}
