//! The stage of every story: a simulator, the component in the host, and callers with keys.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use idhook_host::{Host, KeyValue, Options, Output};
use idhook_simulator::{Call, Options as SimulatorOptions, Simulator, SyncDuration};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use xtask::caller::Caller;

/// For stories with many instances: without it each derives one from the passwords, which is slow on purpose.
pub(crate) const STATE_KEY: &str = "the same text on every instance, long enough";

/// The component, built once for all stories.
pub(crate) fn wasm() -> &'static Path {
    static WASM: OnceLock<std::path::PathBuf> = OnceLock::new();
    WASM.get_or_init(|| xtask::build::component().unwrap())
}

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) host: Host,
    pub(crate) keys: Keys,
    pub(crate) client: reqwest::Client,
    pub(crate) options: Options,
    _ca: tempfile::NamedTempFile,
}

/// A key for each kind of caller.
pub(crate) struct Keys {
    /// All scopes.
    pub(crate) all: String,
    /// Reads vIDM and nothing else.
    pub(crate) reader: String,
    /// Reads and syncs, but must leave the safeguards on.
    pub(crate) syncer: String,
    /// All scopes, at the SDDC Manager only.
    pub(crate) elsewhere: String,
}

/// One answer, read whole.
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

    /// Asserts that this is the problem `code`, in its whole form, and gives it.
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

/// How a stage is set.
pub(crate) struct Setting {
    pub(crate) simulator: SimulatorOptions,
    pub(crate) tls: bool,
    pub(crate) trusted: bool,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) key_value: KeyValue,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            simulator: SimulatorOptions::default(),
            tls: false,
            trusted: true,
            variables: Vec::new(),
            key_value: KeyValue::default(),
        }
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let simulator = Simulator::start(setting.simulator).await.unwrap();
        simulator.set_sync_duration(SyncDuration::Manual);
        let ca = tempfile::NamedTempFile::new().unwrap();
        simulator.write_ca(ca.path()).unwrap();

        let scopes = ["vidm:read", "vidm:sync", "vidm:override", "vcf:read", "vcf:write", "admin"];
        let all = Caller::new("all", &scopes).unwrap();
        let reader = Caller::new("reader", &["vidm:read"]).unwrap();
        let syncer = Caller::new("syncer", &["vidm:read", "vidm:sync"]).unwrap();
        let elsewhere = Caller::new("elsewhere", &scopes).unwrap();
        let mut entries: Vec<Value> = [&all, &reader, &syncer, &elsewhere]
            .iter()
            .flat_map(|caller| serde_json::from_str::<Vec<Value>>(&caller.api_keys).unwrap())
            .collect();
        entries[3]["targets"] = serde_json::json!(["vcf/default"]);

        let mut options = Options::new(wasm(), xtask::build::manifest());
        options.output = Output::Capture;
        // So that "warm" does not depend on how busy the machine is.
        options.idle_instance_timeout = Duration::from_secs(30);
        options.ca_file = (setting.tls && setting.trusted).then(|| ca.path().to_owned());
        options.key_value = setting.key_value;
        options.variables = xtask::settings::of_simulator(&simulator, setting.tls);
        options.variables.insert("api_keys".to_owned(), Value::Array(entries).to_string());
        options.variables.extend(setting.variables.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let host = Host::start(options.clone()).await.unwrap();
        let keys = Keys { all: all.key, reader: reader.key, syncer: syncer.key, elsewhere: elsewhere.key };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { simulator, host, keys, client, options, _ca: ca }
    }

    /// A further host like the first, on the same store: other instances. `change` is what is different about it.
    pub(crate) async fn another_host(&self, change: impl FnOnce(&mut Options)) -> Host {
        let mut options = self.options.clone();
        change(&mut options);
        Host::start(options).await.unwrap()
    }

    /// Ends the host and starts it anew: nothing is left of its instances.
    pub(crate) async fn restart(&mut self) {
        self.host = self.another_host(|_| {}).await;
    }

    /// A request with no key.
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

    /// What upstream was asked since the last time, as `METHOD path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked =
            self.simulator.calls().iter().map(|call: &Call| format!("{} {}", call.method, call.path())).collect();
        self.simulator.clear_calls();
        asked
    }

    /// The log lines so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.host.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Sends it, and holds the answer against the OpenAPI document.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let answer = Answer { status, headers, text: response.text().await.unwrap() };
    crate::contract::holds(&method, &path, status, &answer.headers, &answer.text);
    answer
}
