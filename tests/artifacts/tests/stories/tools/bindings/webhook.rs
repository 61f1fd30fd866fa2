//! The webhook, called as if it were functions.

use idhook_simulator::{Options as SimulatorOptions, Simulator};
use reqwest::Method;
use serde_json::{Value, json};
use xtask::caller::Caller;

use super::products::{Product, prepare, settings};
use crate::scene::{STATE_KEY, Scene, Setting, send};

/// The component in the host. A session is a host of its own: instances share what is known of an account, by design.
pub(super) struct Webhook {
    scene: Scene,
    /// A key for every scope.
    key: String,
    target: String,
    is_opened: bool,
}

impl Webhook {
    pub(super) async fn new(simulator: SimulatorOptions) -> Self {
        let scopes = ["vidm:read", "vidm:sync", "vidm:profile", "vidm:override", "vcf:read", "vcf:write", "vcf:roles"];
        let scopes = [&scopes[..], &["fleet:read", "fleet:sync", "fleet:profile", "fleet:write"]].concat();
        let caller = Caller::new("bindings", &scopes).unwrap();
        let variables = vec![
            ("api_keys", caller.api_keys),
            ("state_key", STATE_KEY.to_owned()),
            ("store", "none".to_owned()),
            ("first_byte_timeout", "1".to_owned()),
            ("between_bytes_timeout", "1".to_owned()),
            ("request_timeout", "8".to_owned()),
        ];
        // The targets need the simulator's address, which is known only when it is up.
        let mut scene = Scene::with(Setting { simulator, variables, ..Setting::default() }).await;
        let target = |product| {
            let mut target = settings(&scene.simulator, product);
            target.as_object_mut().unwrap().remove("timeouts");
            json!({ "t": target })
        };
        let targets = json!({
            "vidm": target(Product::Vidm), "vcf": target(Product::Vcf), "fleet": target(Product::Fleet)
        });
        scene.stage.variables.insert("targets".to_owned(), targets.to_string());
        // The host allows the URLs of the plain variables, as the manifests do.
        scene.stage.variables.extend(xtask::settings::of_simulated_fleet(&scene.simulator, false));
        prepare(&scene.simulator);
        scene.restart().await;
        Self { scene, key: caller.key, target: String::new(), is_opened: false }
    }

    pub(super) fn simulator(&self) -> &Simulator {
        &self.scene.simulator
    }

    pub(super) fn open(&mut self, product: Product) {
        self.target = format!("/{}/t/v1", product.as_str());
        self.is_opened = true;
    }

    pub(super) async fn call(&mut self, name: &str, arguments: &[Value]) -> Result<Value, Value> {
        if std::mem::take(&mut self.is_opened) {
            self.scene.restart().await;
        }
        let Route { method, path, query, body, wait, if_match } = Route::of(name, arguments);
        let mut request = self.scene.request(method, &format!("{}{path}", self.target));
        request = request.bearer_auth(&self.key).query(&query);
        if let Some(seconds) = wait {
            request = request.header("prefer", format!("wait={seconds}"));
        }
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = send(request).await;
        if !answer.status.is_success() {
            return Err(answer.json());
        }
        let mut document = if answer.text.is_empty() { Value::Null } else { answer.json() };
        // Lists are in an object here, and the list itself there.
        Ok(match name {
            "directories" | "groups" => document[name].take(),
            _ => document,
        })
    }
}

/// The request that a call is.
struct Route {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    wait: Option<u64>,
    if_match: Option<String>,
}

impl Route {
    fn of(name: &str, arguments: &[Value]) -> Self {
        let text = |at: usize| percent(arguments[at].as_str().unwrap());
        let argument = |at: usize| arguments.get(at).cloned().unwrap_or_default();
        let providers = "/identity-providers";
        let source = || format!("{providers}/{}/identity-sources/{}", text(0), text(1));
        let (method, path) = match name {
            "directories" => (Method::GET, "/directories".to_owned()),
            "directory" => (Method::GET, format!("/directories/{}", text(0))),
            "startSync" | "dryRun" => (Method::POST, format!("/directories/{}/syncs", text(0))),
            "sync" | "waitForSync" => (Method::GET, format!("/syncs/{}", text(0))),
            "latestSync" => (Method::GET, format!("/directories/{}/sync", text(0))),
            "syncHistory" => (Method::GET, format!("/directories/{}/syncs", text(0))),
            "groups" => (Method::GET, "/groups".to_owned()),
            "health" => (Method::GET, "/health".to_owned()),
            "identityProviders" => (Method::GET, providers.to_owned()),
            "identityProvider" => (Method::GET, format!("{providers}/{}", text(0))),
            "addIdentityProvider" | "createIdentityProvider" => (Method::POST, providers.to_owned()),
            "putIdentityProvider" => (Method::PUT, providers.to_owned()),
            "updateIdentityProvider" => (Method::PATCH, format!("{providers}/{}", text(0))),
            "deleteIdentityProvider" => (Method::DELETE, format!("{providers}/{}", text(0))),
            "addIdentitySource" => (Method::POST, format!("{providers}/{}/identity-sources", text(0))),
            "putIdentitySource" => (Method::PUT, source()),
            "updateIdentitySource" => (Method::PATCH, source()),
            "deleteIdentitySource" => (Method::DELETE, source()),
            "setIdentitySourceCredentials" => (Method::POST, format!("{}/credentials", source())),
            "setIdentitySourceCertificates" => (Method::POST, format!("{}/certificates", source())),
            "setClientSecret" => (Method::POST, format!("{providers}/{}/client-secret", text(0))),
            "apply" => (Method::POST, "/apply".to_owned()),
            "generateSyncClientToken" => (Method::POST, format!("{providers}/{}/sync-client", text(0))),
            "syncClient" => (Method::GET, format!("{providers}/{}/sync-client", text(0))),
            "task" => (Method::GET, format!("/tasks/{}", text(0))),
            "validateSamlMetadata" => (Method::POST, "/saml-metadata/validate".to_owned()),
            "prechecks" => (Method::GET, "/identity-broker/prechecks".to_owned()),
            "sddcManagerOidc" => (Method::GET, "/identity-broker/sddc-manager-oidc".to_owned()),
            other => panic!("{other} is no call"),
        };
        let (mut query, body) = match name {
            "directories" => (argument(0), None),
            "groups" if arguments[0].as_str().unwrap().contains('=') => (json!({"dn": arguments[0]}), None),
            "groups" => (json!({"name": arguments[0]}), None),
            "prechecks" if !arguments.is_empty() => (json!({"type": arguments[0]}), None),
            "generateSyncClientToken" => (json!({"syncClientTokenTTL": argument(1)["ttlSeconds"]}), None),
            "startSync" => (Value::Null, Some(argument(1)).filter(|order| !order.is_null())),
            "dryRun" => (Value::Null, Some(json!({"dryRun": true}))),
            "addIdentityProvider" | "createIdentityProvider" | "validateSamlMetadata" => {
                (Value::Null, Some(argument(0)))
            }
            "putIdentityProvider" | "apply" => (argument(1), Some(argument(0))),
            "addIdentitySource" => (Value::Null, Some(argument(1))),
            "putIdentitySource"
            | "updateIdentitySource"
            | "setIdentitySourceCredentials"
            | "setIdentitySourceCertificates" => (argument(3), Some(argument(2))),
            "updateIdentityProvider" | "setClientSecret" => (argument(2), Some(argument(1))),
            "deleteIdentityProvider" => (argument(1), None),
            "deleteIdentitySource" => (argument(2), None),
            _ => (Value::Null, None),
        };
        let if_match = query.as_object_mut().and_then(|options| options.remove("ifMatch"));
        let if_match = if_match.and_then(|tag| tag.as_str().map(str::to_owned));
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let query = query.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let query = query.map(|(name, value)| (name.clone(), word(value))).collect();
        let wait = (name == "waitForSync").then(|| argument(1)["timeoutSeconds"].as_u64().unwrap());
        Self { method, path, query, body, wait, if_match }
    }
}

/// A text as a segment of a path; the dots of `..` too, which the client would take for its own.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            b'.' if text != ".." => ".".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
