//! The scene of every story: a simulator, the component in the host, and callers with keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use idhook_host::{Host, KeyValue, Options, Output};
use idhook_simulator::{Call, Options as SimulatorOptions, Simulator, SyncDuration, contract, credentials};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use xtask::artifact::Artifact;
use xtask::caller::Caller;

/// The state key of the scenes, shared by all instances.
pub(crate) const STATE_KEY: &str = "the same text on every instance, long enough";

/// An artifact, built once for all stories.
pub(crate) fn wasm(artifact: Artifact) -> &'static Path {
    static BUILT: [OnceLock<PathBuf>; Artifact::ALL.len()] = [const { OnceLock::new() }; Artifact::ALL.len()];
    BUILT[artifact as usize].get_or_init(|| artifact.build().unwrap())
}

/// The library component, built once for all stories.
pub(crate) fn library_wasm() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| xtask::build::library().unwrap())
}

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) host: Host,
    pub(crate) keys: Keys,
    pub(crate) client: reqwest::Client,
    pub(crate) stage: Stage,
    _ca: tempfile::NamedTempFile,
}

/// A key for each kind of caller.
pub(crate) struct Keys {
    /// All scopes.
    pub(crate) all: String,
    /// Reads only vIDM.
    pub(crate) reader: String,
    /// Reads and syncs, but only with the safeguards.
    pub(crate) syncer: String,
    /// All scopes, at the SDDC Manager only.
    pub(crate) elsewhere: String,
}

/// One complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is the problem `code`, in its whole form, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(problem["status"], self.status.as_u16(), "{}", self.text);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["retryable"].is_boolean());
        problem
    }
}

/// The settings of a scene.
pub(crate) struct Setting {
    pub(crate) artifact: Artifact,
    pub(crate) simulator: SimulatorOptions,
    pub(crate) tls: bool,
    pub(crate) trusted: bool,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) key_value: KeyValue,
    /// The login at the simulated VCF Operations, if that is a target as well.
    pub(crate) fleet: Option<FleetLogin>,
}

impl Default for Setting {
    fn default() -> Self {
        Self::of(Artifact::Spin)
    }
}

impl Setting {
    pub(crate) fn of(artifact: Artifact) -> Self {
        Self {
            artifact,
            simulator: SimulatorOptions::default(),
            tls: false,
            trusted: true,
            variables: Vec::new(),
            key_value: KeyValue::default(),
            fleet: None,
        }
    }

    /// With VCF Operations too.
    pub(crate) fn with_fleet(artifact: Artifact) -> Self {
        Self { fleet: Some(FleetLogin::Account), ..Self::of(artifact) }
    }

    /// As [`of`](Self::of), without using the store.
    pub(crate) fn without_store(artifact: Artifact) -> Self {
        Self { variables: vec![("store", "none".to_owned())], ..Self::of(artifact) }
    }

    /// With a store if the artifact can have one, and without.
    pub(crate) fn with_and_without_store(artifact: Artifact) -> Vec<Self> {
        let with = artifact.has_store().then(|| Self::of(artifact));
        with.into_iter().chain([Self::without_store(artifact)]).collect()
    }
}

/// How idhook logs in at VCF Operations.
#[derive(Clone, Copy)]
pub(crate) enum FleetLogin {
    Account,
    ApiToken,
}

impl FleetLogin {
    fn variables(self, simulator: &Simulator, tls: bool) -> BTreeMap<String, String> {
        let mut variables = xtask::settings::of_simulated_fleet(simulator, tls);
        if let Self::ApiToken = self {
            variables.retain(|name, _| name == "fleet_url");
            variables.insert("fleet_api_token".to_owned(), credentials::FLEET_API_TOKEN.to_owned());
            // The hosts allow it by this variable.
            let broker = if tls { simulator.broker_tls_url() } else { simulator.broker_url() };
            variables.insert("fleet_broker_url".to_owned(), broker);
        }
        variables
    }
}

/// The parts of an artifact's host.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) artifact: Artifact,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) key_value: KeyValue,
    ca_file: Option<PathBuf>,
}

impl Stage {
    pub(crate) fn options(&self) -> Options {
        let wasm = wasm(self.artifact).to_owned();
        let mut options = self.artifact.options(wasm, self.variables.clone(), self.key_value.clone());
        options.output = Output::Capture;
        // So that "warm" does not depend on the load of the machine.
        options.idle_instance_timeout = Duration::from_secs(30);
        options.ca_file.clone_from(&self.ca_file);
        options
    }
}

/// Every call to VCF Operations, and to an SDDC Manager of a documented version, kept the vendor's contract.
impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = contract::violations(&self.simulator.exchanges());
            assert!(violations.is_empty(), "{}", violations.join("\n"));
        }
    }
}

impl Scene {
    /// For stories that do not concern the contract, with one artifact.
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn of(artifact: Artifact) -> Self {
        Self::with(Setting::of(artifact)).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let simulator = Simulator::start(setting.simulator).await.unwrap();
        simulator.set_sync_duration(SyncDuration::Manual);
        simulator.configure_fleet(|settings| settings.sync_duration = SyncDuration::Manual);
        simulator.record_bodies();
        let ca = tempfile::NamedTempFile::new().unwrap();
        simulator.write_ca(ca.path()).unwrap();

        let all = Caller::with_all_scopes("all", setting.fleet.is_some()).unwrap();
        let reader = Caller::new("reader", &["vidm:read"]).unwrap();
        let syncer = Caller::new("syncer", &["vidm:read", "vidm:sync", "vidm:profile"]).unwrap();
        let elsewhere = Caller::with_all_scopes("elsewhere", setting.fleet.is_some()).unwrap();
        let mut entries: Vec<Value> = [&all, &reader, &syncer, &elsewhere]
            .iter()
            .flat_map(|caller| serde_json::from_str::<Vec<Value>>(&caller.api_keys).unwrap())
            .collect();
        entries[3]["targets"] = serde_json::json!(["vcf/default"]);

        let mut variables = xtask::settings::of_simulator(&simulator, setting.tls);
        if let Some(login) = setting.fleet {
            variables.extend(login.variables(&simulator, setting.tls));
        }
        variables.insert("api_keys".to_owned(), Value::Array(entries).to_string());
        if !setting.artifact.keeps_instances() {
            // As documented.
            variables.insert("state_key".to_owned(), STATE_KEY.to_owned());
        }
        variables.extend(setting.variables.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let ca_file = (setting.tls && setting.trusted).then(|| ca.path().to_owned());
        let stage = Stage { artifact: setting.artifact, variables, key_value: setting.key_value, ca_file };
        let host = Host::start(stage.options()).await.unwrap();
        let keys = Keys { all: all.key, reader: reader.key, syncer: syncer.key, elsewhere: elsewhere.key };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { simulator, host, keys, client, stage, _ca: ca }
    }

    /// Another host like the first, on the same store: other instances. `change` sets the difference.
    pub(crate) async fn another_host(&self, change: impl FnOnce(&mut Stage)) -> Host {
        let mut stage = self.stage.clone();
        change(&mut stage);
        Host::start(stage.options()).await.unwrap()
    }

    /// Whether a request knows what the previous one learned: from a store, or from the same instance.
    pub(crate) fn remembers(&self) -> bool {
        let artifact = self.stage.artifact;
        let is_left_alone = self.stage.variables.get("store").is_some_and(|store| store == "none");
        artifact.keeps_instances() || (artifact.has_store() && !is_left_alone)
    }

    /// Stops the host and starts it again: its instances are gone.
    pub(crate) async fn restart(&mut self) {
        self.host = self.another_host(|_| {}).await;
    }

    /// A request without a key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.host.url()))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(&self.keys.all)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.write(Method::POST, path, body).await
    }

    pub(crate) async fn write(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self.request(method, path).bearer_auth(&self.keys.all).header("content-type", "application/json");
        send(request.body(body.to_owned())).await
    }

    /// The upstream calls since the last query, as `METHOD path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked =
            self.simulator.calls().iter().map(|call: &Call| format!("{} {}", call.method, call.path())).collect();
        self.simulator.clear_calls();
        asked
    }

    /// The same without logins: without memory each request has one.
    pub(crate) fn asked_once_in(&self) -> Vec<String> {
        let mut asked = self.asked();
        asked.retain(|call| !call.ends_with("/login") && call != "POST /v1/tokens");
        asked
    }

    /// The log lines so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        let lines: Vec<Value> = self.host.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.iter().for_each(assert_fits_schema);
        lines
    }
}

/// Every log line matches the published schema.
#[track_caller]
fn assert_fits_schema(line: &Value) {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = std::fs::read_to_string(xtask::build::root().join("docs/reference/log.schema.json")).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
    });
    let faults: Vec<_> = SCHEMA.iter_errors(line).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "docs/reference/log.schema.json: {faults:#?}\n{line}");
}

/// Sends it, and compares the response with the OpenAPI document.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let wants_no_body = request.headers().get("prefer").is_some_and(|preference| preference == "reply");
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let answer = Answer { status, headers, text: response.text().await.unwrap() };
    if wants_no_body && status.is_success() {
        // The document says so in words: what a response has cannot depend on a header of the request there.
        assert!(answer.text.is_empty() && !answer.headers.contains_key("content-type"), "{}", answer.text);
    } else {
        crate::contract::holds(&method, &path, status, &answer.headers, &answer.text);
    }
    answer
}
