//! A client of VCF Operations with a session token.

use crate::client::{Got, send};
use idhook_simulator::{FleetVersion, Options, Simulator, SyncDuration, contract, credentials, seeds};
use serde_json::{Value, json};

pub(crate) const ACQUIRE: &str = "/suite-api/api/auth/token/acquire";
pub(crate) const IAM: &str = "/suite-api/api/fleet-management/iam";
pub(crate) const JSON: [(&str, &str); 2] = [("content-type", "application/json"), ("accept", "application/json")];

/// An administrator at VCF Operations, whose sync runs end on request. Every response is compared with the vendor's
/// contract at the end, and every request that was not rejected.
pub(crate) struct Ops {
    pub(crate) simulator: Simulator,
    pub(crate) token: String,
}

impl Drop for Ops {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = contract::violations_of_accepted(&self.simulator.exchanges());
            assert!(violations.is_empty(), "{}", violations.join("\n"));
        }
    }
}

impl Ops {
    pub(crate) async fn new(version: FleetVersion) -> Self {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        simulator.configure_fleet(|settings| {
            settings.version = version;
            settings.sync_duration = SyncDuration::Manual;
        });
        simulator.record_bodies();
        let token = log_in(&simulator, credentials::FLEET_USERNAME, credentials::FLEET_PASSWORD).await;
        Self { simulator, token }
    }

    /// Another version from now on.
    pub(crate) fn switch(&self, version: FleetVersion) {
        self.simulator.configure_fleet(|settings| settings.version = version);
    }

    pub(crate) async fn at(&self, method: &str, path: &str, body: &str) -> Got {
        let url = format!("{}{IAM}{path}", self.simulator.fleet_url());
        let mut headers = vec![("authorization", self.token.as_str()), ("accept", "application/json")];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        send(method, &url, &headers, body.to_owned()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let got = self.at("GET", path, "").await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.json()
    }

    /// The row of a directory of the first provider.
    pub(crate) async fn directory(&self, id: &str) -> Value {
        let list = self.get(&format!("/identity-providers/{}/ldap-directories", seeds::FLEET_PROVIDER)).await;
        let rows = list["ldapDirectories"].as_array().unwrap();
        rows.iter().find(|row| row["ldapConfigurationId"] == id).unwrap_or_else(|| panic!("no {id}: {list}")).clone()
    }

    pub(crate) async fn sync(&self, id: &str) -> Got {
        self.at("POST", &format!("{}/sync", path_of(id)), "").await
    }

    pub(crate) async fn last_log(&self, id: &str) -> Value {
        self.get(&format!("{}/sync-logs?last=true", path_of(id))).await["syncLogs"][0].clone()
    }

    /// The display names that a query finds in the first realm.
    pub(crate) async fn groups(&self, terms: Value) -> Vec<String> {
        let body = json!({"searchTerms": {"allOf": terms}}).to_string();
        let path = format!("/ssorealms/{}/groups/query?page=0&pageSize=50", seeds::FLEET_REALM);
        let got = self.at("POST", &path, &body).await;
        assert_eq!(got.status, 200, "{body}: {}", got.body);
        let found = got.json()["vidbGroups"].as_array().unwrap().clone();
        found.iter().map(|group| group["displayName"].as_str().unwrap().to_owned()).collect()
    }
}

/// The path of a directory of the first provider.
pub(crate) fn path_of(id: &str) -> String {
    format!("/identity-providers/{}/ldap-directories/{id}", seeds::FLEET_PROVIDER)
}

pub(crate) fn term(field: &str, operator: &str, terms: &[&str]) -> Value {
    json!({"searchableField": field, "operator": operator, "terms": terms})
}

pub(crate) async fn acquire(simulator: &Simulator, body: &Value) -> Got {
    send("POST", &format!("{}{ACQUIRE}", simulator.fleet_url()), &JSON, body.to_string()).await
}

/// The Authorization header of a local account.
pub(crate) async fn log_in(simulator: &Simulator, username: &str, password: &str) -> String {
    let got = acquire(simulator, &json!({"username": username, "password": password, "authSource": "local"})).await;
    assert_eq!(got.status, 200, "{}", got.body);
    format!("OpsToken {}", got.json()["token"].as_str().unwrap())
}
