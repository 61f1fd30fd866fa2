//! Every kind of fault at every upstream call of the main job: the caller's result, and that nothing is lost.
//!
//! A cell of the tables is the caller's result: `ok` if the fault has no effect, the state's word if it is not final, else
//! the problem's code without `upstream_`, with `!` if it is not retryable.
//!
//! The tables apply to instances with memory. Without memory an active run is unknown, and after a failed start only vIDM's
//! clock distinguishes runs. The handling of each fault is the same for all of WASI 0.2.
//!
//! After every cell the same holds: the sync profile still has its selection (exactly that, if the caller's result says so),
//! no run began that the caller is asked to request again, and the next request succeeds with all groups.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use idhook_simulator::{Fault, FaultKind, Options as SimulatorOptions, Outcome, credentials, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use xtask::artifact::Artifact;

pub(crate) mod cells;

use cells::{CALLS, Call, ONCE, Phase, REPEATED, SILENT, STAYING, kinds};

use crate::scene::{Answer, STATE_KEY, Scene, Setting, send};

stories! {
    in_spin, several_threads:
    each_fault_at_each_call_is_reported_and_loses_no_group,
}

/// A group that the next run imports by itself.
const NEW_GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
/// One that must be added to the sync profile.
const HANDMADE_GROUP: &str = "CN=gg-handmade,OU=Picked,DC=corp,DC=example";
/// One that was added to it before.
const PICKED_GROUP: &str = "CN=gg-picked,OU=Picked,DC=corp,DC=example";

async fn each_fault_at_each_call_is_reported_and_loses_no_group(artifact: Artifact) {
    let once: Vec<_> = cells(|call| CALLS.contains(call), Some(1)).collect();
    let staying: Vec<_> = cells(|call| REPEATED.contains(&call.name), None).collect();
    let cells: Vec<_> = once.into_iter().chain(staying).collect();
    // A silent server costs the whole timeout: those cells have hosts of their own with short timeouts.
    let (silent, others): (Vec<_>, Vec<_>) = cells.iter().cloned().partition(Cell::is_silent);
    let (of_silence, of_others) = tokio::join!(play_all(artifact, &silent), play_all(artifact, &others));
    let mut outcomes: Outcomes = of_silence.into_iter().chain(of_others).collect();

    let expected: BTreeMap<_, _> = expected(ONCE, true).into_iter().chain(expected(STAYING, false)).collect();
    let differs = |cell: &&Cell| outcomes[&cell.name()] != expected[&cell.name()];
    let differing: Vec<_> = cells.iter().filter(differs).cloned().collect();
    // So many concurrent cells can make a busy machine exceed another timeout, such as the store's 500 ms. A differing cell
    // is played again alone, and that result counts.
    for cell in differing {
        #[allow(clippy::print_stderr, reason = "the test harness shows it if the test fails")]
        {
            eprintln!("{:?}: {}; once more", cell.name(), outcomes[&cell.name()]);
        }
        outcomes.extend(play(artifact, vec![cell]).await);
    }
    let differing: Vec<_> = expected
        .iter()
        .filter(|(cell, expected)| outcomes[*cell] != **expected)
        .map(|(cell, expected)| format!("{cell:?}: expected {expected}, got {}", outcomes[cell]))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The outcome of each cell, as the table has it; a failed assertion in full.
type Outcomes = BTreeMap<Name, String>;

/// A fault at a call.
#[derive(Clone, Debug)]
struct Cell {
    kind: (&'static str, FaultKind),
    call: Call,
    /// `None`: until it is removed.
    times: Option<u32>,
}

type Name = (&'static str, &'static str, bool);

impl Cell {
    fn name(&self) -> Name {
        (self.kind.0, self.call.name, self.times.is_some())
    }

    fn is_silent(&self) -> bool {
        SILENT.contains(&self.kind.0)
    }
}

fn cells(has: impl Fn(&Call) -> bool, times: Option<u32>) -> impl Iterator<Item = Cell> {
    let calls: Vec<_> = CALLS.into_iter().filter(has).collect();
    kinds().into_iter().flat_map(move |kind| {
        let cell = move |call| Cell { kind: kind.clone(), call, times };
        calls.clone().into_iter().map(cell)
    })
}

/// Reads a table: a line of calls, then a line of outcomes for each kind of fault. Columns are 12 characters wide, because
/// outcomes may contain spaces.
fn expected(table: &str, once: bool) -> BTreeMap<Name, String> {
    let split = |line: &str| -> Vec<String> {
        let characters: Vec<char> = line.chars().collect();
        let (kind, outcomes) = characters.split_at(characters.len().min(13));
        [kind]
            .into_iter()
            .chain(outcomes.chunks(12))
            .map(|column| column.iter().collect::<String>().trim().to_owned())
            .collect()
    };
    let mut lines = table.trim_matches('\n').lines().map(split);
    let columns = lines.next().unwrap();
    let mut expected = BTreeMap::new();
    for line in lines {
        let (kind, _) = kinds().into_iter().find(|(kind, _)| *kind == line[0]).unwrap();
        assert_eq!(line.len(), columns.len(), "{line:?}");
        for (column, outcome) in columns.iter().zip(&line).skip(1) {
            let call = CALLS.into_iter().find(|call| call.name == *column).unwrap();
            expected.insert((kind, call.name, once), outcome.clone());
        }
    }
    expected
}

/// How many cells one host plays. Each is a target, and an instance reads all targets of its host: with all cells on one host that was
/// half of the work.
const PER_HOST: usize = 32;

/// Plays cells, on two hosts at a time.
async fn play_all(artifact: Artifact, cells: &[Cell]) -> Vec<(Name, String)> {
    let played = cells.chunks(PER_HOST).map(|cells| play(artifact, cells.to_vec()));
    stream::iter(played).buffer_unordered(2).collect::<Vec<_>>().await.concat()
}

/// Plays cells on one host, each against its own tenant.
async fn play(artifact: Artifact, cells: Vec<Cell>) -> Vec<(Name, String)> {
    let timeout = if cells.iter().any(Cell::is_silent) { "4" } else { "30" };
    let tenants: Vec<_> = (0..cells.len()).map(|number| format!("t{number}")).collect();
    let simulator = SimulatorOptions { tenants: tenants.clone(), ..SimulatorOptions::default() };
    let variables = vec![
        ("state_key", STATE_KEY.to_owned()),
        ("upstream_body_limit", "100000".to_owned()),
        ("request_timeout", "20".to_owned()),
        ("first_byte_timeout", timeout.to_owned()),
        ("between_bytes_timeout", timeout.to_owned()),
    ];
    // The targets need the simulator's address, which is known only once it runs.
    let mut scene = Scene::with(Setting { simulator, variables, ..Setting::of(artifact) }).await;
    let target = |tenant: &String| {
        let (username, password) = (credentials::VIDM_USERNAME, credentials::VIDM_PASSWORD);
        let url = scene.simulator.vidm_url();
        (tenant.clone(), json!({"url": url, "tenant": tenant, "username": username, "password": password}))
    };
    let targets: serde_json::Map<_, _> = tenants.iter().map(target).collect();
    scene.stage.variables.insert("targets".to_owned(), json!({ "vidm": targets }).to_string());
    scene.restart().await;
    let stages = cells.into_iter().enumerate().map(|(at, cell)| Stage::new(&scene, at, cell).play());
    join_all(stages).await
}

/// The place of one cell: a tenant.
struct Stage<'s> {
    scene: &'s Scene,
    cell: Cell,
    tenant: String,
    directory: String,
}

impl<'s> Stage<'s> {
    fn new(scene: &'s Scene, at: usize, cell: Cell) -> Self {
        // The seeds' ids contain the tenant's number; the one in the host has 0.
        let directory = seeds::CORP.replacen("d1000000", &format!("d1{:06x}", at + 1), 1);
        Self { scene, cell, tenant: format!("t{at}"), directory }
    }

    async fn play(self) -> (Name, String) {
        let name = self.cell.name();
        let outcome = AssertUnwindSafe(self.outcome()).catch_unwind().await;
        let failed = |panic: Box<dyn std::any::Any + Send>| match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(_) => "an assertion failed; its message is above".to_owned(),
        };
        (name, outcome.unwrap_or_else(failed))
    }

    async fn outcome(self) -> String {
        for group in [NEW_GROUP, HANDMADE_GROUP] {
            self.scene.simulator.add_directory_group(&self.directory, group).unwrap();
        }
        let told = match self.cell.call.phase {
            Phase::Start => self.start().await,
            Phase::Join => self.join().await,
            Phase::Profile => self.profile().await,
            Phase::Proof => self.proof().await,
            Phase::Wait => self.wait().await,
            Phase::Events => self.events().await,
        };
        self.mended();
        self.comes_to_a_good_end(&told).await;
        told
    }

    fn fault(&self) -> Fault {
        let Call { method, path, after, .. } = self.cell.call;
        let path = match path.starts_with('/') {
            true => format!("/t/{}{path}", self.tenant),
            false => format!("{}/{path}", self.directory),
        };
        Fault { after, times: self.cell.times, ..Fault::new(self.cell.kind.1.clone()).method(method).path(&path) }
    }

    fn broken(&self) {
        self.scene.simulator.add_fault(self.fault());
    }

    fn mended(&self) {
        self.scene.simulator.clear_faults_at(&self.fault().path);
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.scene.request(method, path).bearer_auth(&self.scene.keys.all).header("content-type", "application/json")
    }

    async fn post(&self, directory: &str, body: &Value) -> Answer {
        let path = format!("/vidm/{}/v1/directories/{directory}/syncs", self.tenant);
        send(self.request(Method::POST, &path).body(body.to_string())).await
    }

    /// Starts a sync that must start, and returns its path.
    async fn started(&self, body: &Value) -> String {
        let started = self.post(&self.directory, body).await;
        assert_eq!(started.status, 202, "{:?}: {}", self.cell, started.text);
        started.header("location").to_owned()
    }

    /// Ends the active run, if there is one.
    fn end(&self) {
        let _ = self.scene.simulator.finish_sync(&self.directory, Outcome::Completed);
    }

    async fn start(&self) -> String {
        self.broken();
        let answer = self.post(seeds::CORP_NAME, &json!({})).await;
        let runs = self.scene.simulator.runs_started(&self.directory).unwrap();
        if answer.status.is_success() && runs == 0 {
            return self.later(answer.header("location")).await;
        }
        if answer.json()["retryable"] == true {
            assert_eq!(runs, 0, "{:?}: the caller is asked to repeat the request: {}", self.cell, answer.text);
        }
        self.word(&answer, &["running"])
    }

    /// vIDM's response was unusable, and nothing was started: when no run appears, one is started.
    async fn later(&self, place: &str) -> String {
        let begun = Instant::now();
        loop {
            let answer = send(self.request(Method::GET, place)).await;
            match answer.json()["status"].as_str() {
                Some("succeeded") => return "later".to_owned(),
                Some("running") => self.end(),
                other => panic!("{:?}: {other:?}", self.cell),
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}: {}", self.cell, answer.text);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn join(&self) -> String {
        self.started(&json!({})).await;
        self.broken();
        let answer = self.post(&self.directory, &json!({})).await;
        let word = self.word(&answer, &["queued"]);
        // The directory's state could not be observed, so the start is sent anyway; vIDM joins it to the active run.
        let joined = self.scene.simulator.runs(&self.directory).unwrap()[0].joined;
        assert_eq!(joined > 0, word == "running", "{:?}: {}", self.cell, answer.text);
        word
    }

    async fn profile(&self) -> String {
        let selected = || self.scene.simulator.selected(&self.directory).unwrap();
        let before = selected();
        self.broken();
        let answer = self.post(&self.directory, &json!({"groups": [HANDMADE_GROUP], "addToProfile": true})).await;
        let (cell, now) = (&self.cell, selected());
        assert!(now.is_superset(&before), "{cell:?}: {before:?} became {now:?}: {}", answer.text);
        if answer.text.contains("was not changed") {
            assert_eq!(now, before, "{cell:?}: {}", answer.text);
        }
        if answer.status.is_success() {
            assert!(now.contains(HANDMADE_GROUP), "{cell:?}: {now:?}");
        } else {
            assert_eq!(self.scene.simulator.runs_started(&self.directory).unwrap(), 0, "{cell:?}: {}", answer.text);
        }
        self.word(&answer, &["running"])
    }

    async fn proof(&self) -> String {
        let place = self.started(&json!({"groups": [NEW_GROUP]})).await;
        self.end();
        self.broken();
        let answer = send(self.request(Method::GET, &place)).await;
        self.word(&answer, &["succeeded"])
    }

    async fn wait(&self) -> String {
        let place = self.started(&json!({"groups": [NEW_GROUP]})).await;
        self.broken();
        // A lasting fault outlasts the caller's wait.
        let patience = if self.cell.times.is_some() { 60 } else { 4 };
        let wait = send(self.request(Method::GET, &place).header("prefer", format!("wait={patience}")));
        let (answer, ()) = tokio::join!(wait, async {
            // The first observation succeeds and sees it running; the fault waits for the second.
            let waits = |fault: &Fault| fault.path == self.fault().path && fault.after > 0;
            while self.scene.simulator.faults().iter().any(waits) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.end();
        });
        self.word(&answer, &["succeeded"])
    }

    /// A lasting fault ends when the stream has reported it.
    async fn events(&self) -> String {
        let place = self.started(&json!({"groups": [NEW_GROUP]})).await;
        self.broken();
        let mut stream = self.request(Method::GET, &place).header("accept", "text/event-stream").send().await.unwrap();
        let (mut text, mut told, mut last) = (String::new(), Vec::new(), Value::Null);
        while let Some(piece) = stream.chunk().await.unwrap() {
            text.push_str(&String::from_utf8_lossy(&piece));
            while let Some((event, rest)) = text.split_once("\n\n") {
                match event.trim_start_matches("id: final\n").split_once("\ndata: ") {
                    Some(("event: state", data)) => {
                        last = serde_json::from_str(data).unwrap();
                        self.end();
                    }
                    Some(("event: problem", data)) => {
                        told.push(word_of_problem(&serde_json::from_str(data).unwrap()));
                        self.mended();
                    }
                    _ => assert_eq!(event, ":", "{:?}", self.cell),
                }
                text = rest.to_owned();
            }
        }
        match last["status"].as_str().unwrap() {
            "succeeded" if told.is_empty() => "ok".to_owned(),
            "succeeded" => format!("{},ok", told.join(",")),
            "running" if !told.is_empty() => told.join(","),
            other => format!("{},{other}", told.join(",")),
        }
    }

    /// The response in one word; `ok` stands for `good`.
    fn word(&self, answer: &Answer, good: &[&str]) -> String {
        if answer.status.is_success() {
            let state = answer.json();
            let status = state["status"].as_str().unwrap();
            return if good.contains(&status) { "ok".to_owned() } else { status.to_owned() };
        }
        let code = answer.json()["code"].as_str().unwrap().to_owned();
        let problem = answer.problem(&code);
        word_of_problem(&problem)
    }

    /// The next request is served, and all groups are present.
    async fn comes_to_a_good_end(&self, told: &str) {
        let groups = json!({"groups": [seeds::PRESENT_GROUP_DN, PICKED_GROUP, HANDMADE_GROUP], "addToProfile": true});
        let started = self.post(&self.directory, &groups).await;
        if self.cell.call.name == "login" && told.starts_with("auth") {
            // The account is spared for a quarter of an hour.
            started.problem("upstream_auth");
            return;
        }
        assert_eq!(started.status, 202, "{:?}: {}", self.cell, started.text);
        let begun = Instant::now();
        loop {
            let last = send(self.request(Method::GET, started.header("location"))).await.json();
            if last["status"] == "succeeded" {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}, told {told}: {last}", self.cell);
            self.end();
            // After a start whose outcome is unknown, its run may appear for ten seconds.
            if last["status"] == "queued" {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// A problem's code, which must match its status.
fn word_of_problem(problem: &Value) -> String {
    let code = problem["code"].as_str().unwrap();
    let (word, status) = match code {
        "upstream_rejected" => ("rejected", 422),
        "upstream_timeout" => ("timeout", 504),
        "upstream_busy" => ("busy", 503),
        "request_invalid" => ("request", 400),
        "directory_not_found" => ("not found", 404),
        other => (other.strip_prefix("upstream_").unwrap(), 502),
    };
    assert_eq!(problem["status"], status, "{problem}");
    format!("{word}{}", if problem["retryable"] == true { "" } else { "!" })
}
