//! The examples work as documented: each is run as the tool would run it, against the component.

mod abx_webhook;
mod ansible;
mod aria_bundle;
mod fleet;
mod github_actions;
mod gitlab_ci;
mod n8n;
mod powershell;
mod temporal;
mod terraform;
mod vcf;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use idhook_simulator::{Fault, FaultKind, FleetSettings, Outcome, Server, SyncDuration, seeds};
use xtask::ports::free_port;

use crate::scene::{Scene, Setting};
use crate::tools::programs::End;
use crate::tools::stub::{RETRY_AFTER, Stub};

/// The program that runs playbooks.
pub(crate) const ANSIBLE: &str = "ansible-core==2.19.14";
/// A group that the next run brings, with what quotes badly.
const GROUP: &str = "CN=gg-o'brien \"q\" $HOME & {% x %},OU=Groups,DC=corp,DC=example";
/// A group that no run brings.
const ABSENT: &str = "CN=gg-nobody,OU=Groups,DC=corp,DC=example";

/// The inputs of an example.
#[derive(Clone, Copy)]
struct Order<'o> {
    /// Where idhook is.
    url: &'o str,
    key: &'o str,
    /// The target as an input has it: a name, or `fleet/NAME`.
    target: &'static str,
    directory: &'static str,
    groups: &'o [&'o str],
    /// Seconds that it may take.
    timeout: u32,
}

fn folder(example: &str) -> PathBuf {
    xtask::build::root().join("examples").join(example)
}

/// The result of an example: success with the group proven, though idhook cannot ask vIDM for a moment; and a failure, with why
/// and what to do, whenever the sync fails, lacks a group, does not end in time, or cannot be read; with a wrong key; and when idhook is
/// down.
async fn ends_well_and_badly(run: impl AsyncFn(Order<'_>) -> End) {
    let run = async |order: Order<'_>| {
        let key = order.key;
        let end = run(order).await;
        assert!(!end.said().contains(key), "the key is shown to nobody: {}", end.said());
        end
    };
    // So that the example has to come back for the state, some times.
    let variables = vec![("wait_limit", "1".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::of(xtask::artifact::Artifact::Spin) }).await;
    // Long enough that a tool which is slow to start comes back for a second look.
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_secs(6)));
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let (url, key) = (scene.host.url(), scene.keys.syncer.as_str());
    let groups: &[&str] = &[GROUP, seeds::PRESENT_GROUP_NAME];
    let order = Order { url: &url, key, target: "default", directory: seeds::CORP_NAME, groups, timeout: 60 };

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

    let fails = async |what: &str, order: Order<'_>, said: &[&[&str]]| {
        let begun = Instant::now();
        let end = run(order).await;
        assert!(!end.is_good, "{what}: {}", end.said());
        for words in said {
            assert!(words.iter().any(|word| end.said().contains(word)), "{what}, {words:?}: {}", end.said());
        }
        assert!(begun.elapsed() < Duration::from_secs(45), "{what} takes {:?}", begun.elapsed());
    };
    let bare = Order { groups: &[], ..order };
    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    let absent = Order { groups: &[seeds::PRESENT_GROUP_NAME, ABSENT], ..order };
    fails("an absent group", absent, &[&["group_absent"], &["base DN"]]).await;
    scene.simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    let runs = scene.simulator.runs_started(seeds::CORP).unwrap();
    fails("the safeguards", bare, &[&["safeguard_tripped"], &["sync log"]]).await;
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), runs + 1);
    scene.simulator.set_safeguards_trip(seeds::CORP, false).unwrap();

    fails(
        "a wrong key",
        Order { key: "no-such-key", ..bare },
        &[&["unauthenticated"], &["the API key is not configured"]],
    )
    .await;
    fails("no directory", Order { directory: "no.such.example", ..bare }, &[&["directory_not_found"]]).await;
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let refused = ["refused", "cannot be reached", "ECONNREFUSED", "refused the connection"];
    fails("an idhook that is down", Order { url: &nobody, ..bare }, &[&refused]).await;

    scene.simulator.set_sync_duration(SyncDuration::Manual);
    let hasty = Order { timeout: 3, ..order };
    fails("a sync that does not end", hasty, &[&["still running", "sync is running", "sync_timeout"], &["running"]])
        .await;
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    let wibble = FaultKind::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body: r#"{"status": "WIBBLE"}"#.to_owned(),
    };
    let fault = Fault::new(wibble).on(Server::Vidm).method("GET").path("/syncprofile/sync").always();
    scene.simulator.add_fault(fault);
    let unread = Order { groups: &[ABSENT], ..hasty };
    fails("a sync whose end cannot be read", unread, &[&["unknown", "running", "queued"]]).await;
    scene.simulator.clear_faults();
    let _ = scene.simulator.finish_sync(seeds::CORP, Outcome::Completed);

    // A key from a file, with its line break, may or may not be accepted; it is in no output.
    let broken = run(Order { key: &format!("{key}\n"), ..bare }).await;
    assert!(!broken.said().contains(key), "the key is shown: {}", broken.said());

    // Something else at the address.
    let page = Stub::repeating("200 OK", "content-type: text/html\r\n".to_owned(), "<h1>Please sign in</h1>").await;
    fails("a page", Order { url: &page.url, ..bare }, &[]).await;
    let elsewhere = Stub::repeating("200 OK", "content-type: text/html\r\n".to_owned(), "").await;
    let redirect = format!("location: {}/login\r\n", elsewhere.url.replace("127.0.0.1", "localhost"));
    let redirects = Stub::repeating("302 Found", redirect, "").await;
    fails("a redirect", Order { url: &redirects.url, ..bare }, &[]).await;
    assert!(!redirects.requests().is_empty());
    for (head, _) in elsewhere.requests() {
        assert!(!head.contains(key), "the key goes to another host: {head}");
    }

    // A success without the group is a failure, `Retry-After` is respected, and the page of a proxy that restarts ends nothing.
    let stub = Stub::behind_a_proxy(&[seeds::PRESENT_GROUP_NAME]).await;
    let lied_to = Order { url: &stub.url, groups: &[seeds::PRESENT_GROUP_NAME, ABSENT], ..order };
    fails("a success that lacks a group", lied_to, &[&["group_absent"], &["gg-nobody", "1 of 2"]]).await;
    let requests = stub.requests();
    assert!(requests[0].0.starts_with("POST ") && requests.len() == 4, "{requests:?}");
    // Timers of programs may be a moment early.
    let has_waited = requests[2].1 + Duration::from_millis(100) >= RETRY_AFTER;
    assert!(has_waited, "it comes back no sooner than it was asked to: {requests:?}");
}

/// The result of an example with a VCF Operations as the target, with the same inputs otherwise.
async fn serves_fleet(run: impl AsyncFn(Order<'_>) -> End) {
    let variables = vec![("wait_limit", "1".to_owned())];
    let scene = Scene::with(Setting { variables, ..Setting::with_fleet(xtask::artifact::Artifact::Spin) }).await;
    let duration = |time| move |settings: &mut FleetSettings| settings.sync_duration = SyncDuration::Fixed(time);
    scene.simulator.configure_fleet(duration(Duration::from_secs(3)));
    scene.simulator.add_ad_group(seeds::FLEET_CORP, GROUP, &[]).unwrap();
    let (url, key) = (scene.host.url(), scene.keys.all.as_str());
    let groups: &[&str] = &[GROUP, seeds::PRESENT_GROUP_NAME];
    let order = Order { url: &url, key, target: "fleet/default", directory: seeds::CORP_NAME, groups, timeout: 60 };
    let end = run(order).await;
    assert!(end.is_good, "{}", end.said());
    assert!(end.out.contains("succeeded") && end.out.matches("\"present\"").count() == 2, "{}", end.said());
    assert_eq!(scene.simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len(), 1);
    assert_eq!(scene.simulator.runs_started(seeds::CORP).unwrap(), 0, "vIDM is not called");

    scene.simulator.configure_fleet(duration(Duration::from_millis(100)));
    let absent = Order { groups: &[ABSENT], ..order };
    // This caller has no scope of VCF Operations.
    let stranger = Order { key: &scene.keys.syncer, ..order };
    for (order, said) in [(absent, "group_absent"), (stranger, "fleet:sync")] {
        let end = run(order).await;
        assert!(!end.is_good && end.said().contains(said), "{said}: {}", end.said());
    }
}

/// A folder without a README, or one that the index does not list, is of no use to anybody.
#[test]
fn every_example_has_a_readme_and_a_line_in_the_index() {
    let examples = xtask::build::root().join("examples");
    let index = std::fs::read_to_string(examples.join("README.md")).unwrap();
    let folders = std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut seen = 0;
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(folder.join("README.md").is_file(), "{name}");
        assert!(index.contains(&format!("[{name}]({name}/README.md)")), "{name}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}
