//! Programs that stories run as their users would, with their whole output.

use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idhook_simulator::{FleetVersion, Simulator, SyncDuration, credentials, seeds};

/// The longest time that a program may take.
const TIMEOUT: Duration = Duration::from_secs(90);

/// An ABX action on Node.js: `handler(context, inputs)`, as the vendor's documentation has it, with a context that knows one
/// secret. `$1` is the file; the inputs are JSON in `INPUTS`, and the key in `IDHOOK_KEY` is the secret.
pub(crate) const ABX_NODE: &str = r#"
const { handler } = require(process.argv[1]);
const context = { getSecret: (name) => (name === "the secret" ? process.env.IDHOOK_KEY : undefined) };
handler(context, JSON.parse(process.env.INPUTS)).then(
  (outputs) => console.log(JSON.stringify(outputs)),
  (e) => { console.error(e.message); process.exit(1); },
);"#;

/// The same for Python.
pub(crate) const ABX_PYTHON: &str = r#"
import json, os, runpy, sys
class Context:
    def getSecret(self, name):
        return {"the secret": os.environ["IDHOOK_KEY"]}[name]
print(json.dumps(runpy.run_path(sys.argv[1])["handler"](Context(), json.loads(os.environ["INPUTS"]))))"#;

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) is_good: bool,
    /// On stdout.
    pub(crate) out: String,
    /// On stderr.
    pub(crate) err: String,
}

impl End {
    /// All it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Whether these programs are installed; says so where one is not, and what cannot be told for that.
pub(crate) fn are_there(what: &str, needs: &[&str]) -> bool {
    let missing = |tool: &&&str| {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output();
        !found.is_ok_and(|found| found.status.success())
    };
    let missing: Vec<_> = needs.iter().filter(missing).copied().collect();
    if !missing.is_empty() {
        crate::tools::skip(&format!("{what} cannot be run: {} not installed", missing.join(", ")));
    }
    missing.is_empty()
}

/// The environment of a program that calls VCF Operations: 9.1.1, whose runs take a moment.
pub(crate) fn fleet_settings(simulator: &Simulator) -> Vec<(&'static str, String)> {
    simulator.configure_fleet(|settings| {
        settings.version = FleetVersion::V9_1_1;
        settings.sync_duration = SyncDuration::Fixed(Duration::from_millis(400));
    });
    vec![
        ("FLEET_URL", simulator.fleet_url()),
        ("FLEET_USERNAME", credentials::FLEET_USERNAME.to_owned()),
        ("FLEET_PASSWORD", credentials::FLEET_PASSWORD.to_owned()),
        ("FLEET_API_TOKEN", credentials::FLEET_API_TOKEN.to_owned()),
    ]
}

/// Runs it to its end.
pub(crate) async fn run(mut command: Command) -> End {
    let mut said = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
    let [out, err] = [0, 1].map(|at| said[at].try_clone().unwrap());
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > TIMEOUT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} does not end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let [out, err] = [0, 1].map(|at| {
        let mut text = String::new();
        said[at].rewind().unwrap();
        said[at].read_to_string(&mut text).unwrap();
        text
    });
    End { is_good: status.success(), out, err }
}

/// Runs a documented program, which ensures `group` in vIDM at `url`, to its good end and to each bad one. `run` runs it with a
/// URL, a password and a timeout in seconds.
pub(crate) async fn ensures_a_group(
    simulator: &Simulator,
    url: &str,
    group: &str,
    run: &impl AsyncFn(&str, &str, &str) -> End,
) {
    let password = credentials::VIDM_PASSWORD;
    let fails = async |url: &str, password: &str, timeout: &str, code: &str| {
        let end = run(url, password, timeout).await;
        assert!(!end.is_good && end.err.contains(code), "{code}: {}", end.said());
    };
    simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(200)));
    fails(url, password, "60", "group_absent").await;
    simulator.add_directory_group(seeds::CORP, group).unwrap();
    let end = run(url, password, "60").await;
    assert!(end.is_good && end.out.contains("succeeded"), "{}", end.said());
    simulator.set_safeguards_trip(seeds::CORP, true).unwrap();
    fails(url, password, "60", "safeguard_tripped").await;
    simulator.set_safeguards_trip(seeds::CORP, false).unwrap();
    simulator.set_sync_duration(SyncDuration::Manual);
    fails(url, password, "1", "sync_timeout").await;
    fails(url, "wrong", "60", "upstream_auth").await;
    let nobody = format!("http://127.0.0.1:{}", xtask::ports::free_port().unwrap());
    fails(&nobody, password, "60", "upstream_unreachable").await;
}

/// The program under the heading "VCF Operations" of a page in docs/start, in `language`, as shown except for its address.
pub(crate) fn fleet_program(page: &str, language: &str, simulator: &Simulator) -> String {
    let text = std::fs::read_to_string(xtask::build::root().join("docs/start").join(page)).unwrap();
    let section = text.split_once("\n## VCF Operations\n").unwrap().1;
    let shown = section.split_once(&format!("```{language}\n")).unwrap().1.split_once("```").unwrap().0;
    shown.replace("https://ops.corp.example", &simulator.fleet_url()).replace("svc-idhook", credentials::FLEET_USERNAME)
}

/// Runs a documented program, which ensures a group and its member in VCF Operations, to its good end and to bad ones. `run`
/// runs it with a password.
pub(crate) async fn ensures_a_group_and_a_user(simulator: &Simulator, run: &impl AsyncFn(&str) -> End) {
    const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
    let quick = SyncDuration::Fixed(Duration::from_millis(200));
    simulator.configure_fleet(|settings| settings.sync_duration = quick);
    let fails = async |password: &str, code: &str| {
        let end = run(password).await;
        assert!(!end.is_good && end.err.contains(code), "{code}: {}", end.said());
    };
    let password = credentials::FLEET_PASSWORD;
    fails(password, "group_absent").await;
    simulator.add_ad_group(seeds::FLEET_CORP, GROUP, &[]).unwrap();
    fails(password, "user_absent").await;
    simulator.add_ad_user(seeds::FLEET_CORP, "CN=jdoe,OU=People,DC=corp,DC=example", "jdoe", &[GROUP]).unwrap();
    let end = run(password).await;
    assert!(end.is_good && end.out.contains("succeeded"), "{}", end.said());
    fails("wrong", "upstream_auth").await;
}
