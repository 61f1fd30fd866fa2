//! What stands in `examples/` does what it says: each is run as the tool would run it, against the component.

mod abx_webhook;
mod ansible;
mod aria_bundle;
mod github_actions;
mod n8n;
mod temporal;

use std::path::PathBuf;
use std::time::Duration;

use idhook_simulator::{Fault, FaultKind, Server, SyncDuration, seeds};
use xtask::redis::free_port;

use crate::programs::End;
use crate::scene::{Scene, Setting};

/// A group that the next run brings, with what quotes badly.
const GROUP: &str = "CN=gg-o'brien \"q\" $HOME & {{ x }},OU=Groups,DC=corp,DC=example";

/// What an example is asked to do.
struct Order<'o> {
    /// Where idhook is.
    url: &'o str,
    key: &'o str,
    directory: &'static str,
    groups: &'o [&'o str],
}

fn folder(example: &str) -> PathBuf {
    xtask::build::root().join("examples").join(example)
}

/// The four things that the user of an example sees: success with the group proven, though idhook cannot ask vIDM for a moment;
/// a sync that fails, with what to do about it; a wrong key; an idhook that is down.
async fn ends_well_and_badly(run: impl AsyncFn(Order<'_>) -> End) {
    let run = async |order: Order<'_>| {
        let key = order.key;
        let end = run(order).await;
        assert!(!end.said().contains(key), "the key is told to nobody: {}", end.said());
        end
    };
    // So that the example has to come back for the state, some times.
    let variables = vec![("wait_limit", "1".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(xtask::artifact::Artifact::Spin) }).await;
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(2500)));
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let (url, key) = (scene.host.url(), scene.keys.syncer.as_str());
    let order = Order { url: &url, key, directory: seeds::CORP_NAME, groups: &[GROUP, seeds::PRESENT_GROUP_NAME] };

    // Each look is tried three times: two answers of idhook are 502s.
    let fault = Fault::new(FaultKind::Reset).on(Server::Vidm).method("GET").path("/syncprofile/sync").after(1).times(6);
    scene.simulator.add_fault(fault);
    let end = run(order).await;
    assert!(end.is_good, "{}", end.said());
    assert!(end.out.contains("succeeded") && end.out.matches("\"present\"").count() == 2, "{}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 1);
    assert!(
        scene.simulator.faults().is_empty(),
        "vIDM was asked while it could not be: {:?}",
        scene.simulator.faults()
    );

    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    scene.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let end = run(Order { url: &url, key, directory: seeds::CORP_NAME, groups: &[] }).await;
    assert!(!end.is_good, "{}", end.said());
    assert!(end.said().contains("safeguard_tripped"), "why: {}", end.said());
    assert!(end.said().contains("sync log"), "what to do: {}", end.said());
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 2);

    let end = run(Order { url: &url, key: "no-such-key", directory: seeds::CORP_NAME, groups: &[] }).await;
    assert!(!end.is_good && end.said().contains("unauthenticated"), "{}", end.said());
    assert!(end.said().contains("not one of those configured"), "in words: {}", end.said());

    let end = run(Order { url: &url, key, directory: "no.such.example", groups: &[] }).await;
    assert!(!end.is_good && end.said().contains("directory_not_found"), "{}", end.said());

    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let end = run(Order { url: &nobody, key, directory: seeds::CORP_NAME, groups: &[] }).await;
    let refused = ["refused", "cannot be reached", "ECONNREFUSED", "refused the connection"];
    assert!(!end.is_good && refused.iter().any(|word| end.said().contains(word)), "{}", end.said());
}
