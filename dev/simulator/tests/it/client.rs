//! A plain client that follows no redirect, and the two logins.

use idhook_simulator::{Options, Simulator, credentials, seeds};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const LIST: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.list+json";
pub(crate) const SYNC: &str =
    "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.sync+json";
pub(crate) const SYNC_V2: &str =
    "application/vnd.vmware.horizon.manager.connector.management.directory.sync.trigger.v2+json";
pub(crate) const V1: &str = "application/vnd.vmware.horizon.v1.0+json";
pub(crate) const API: &str = "/SAAS/jersey/manager/api";
pub(crate) const DIRECTORIES: &str = "/SAAS/jersey/manager/api/connectormanagement/directoryconfigs";
pub(crate) const LOGIN: &str = "/SAAS/API/1.0/REST/auth/system/login";

/// The response.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code in an `errors` body.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_else(|| panic!("no errors: {}", self.body)).to_owned()
    }
}

pub(crate) async fn try_send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> reqwest::Result<Got> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(Duration::from_secs(20))
        .build()?;
    let mut request = client.request(method.parse().unwrap(), url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Got { status, headers, body: response.text().await? })
}

pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Got {
    try_send(method, url, headers, body).await.unwrap()
}

pub(crate) async fn start() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

/// The Authorization header of a vIDM user.
pub(crate) async fn log_in(base: &str, username: &str, password: &str) -> String {
    let body = json!({"username": username, "password": password, "issueToken": true}).to_string();
    let headers = [("content-type", "application/json"), ("accept", "application/json")];
    let got = send("POST", &format!("{base}{LOGIN}"), &headers, body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    format!("HZN {}", got.json()["sessionToken"].as_str().unwrap())
}

/// An administrator at a vIDM.
pub(crate) struct Admin {
    pub(crate) simulator: Simulator,
    pub(crate) token: String,
}

impl Admin {
    pub(crate) async fn new() -> Self {
        Self::at(start().await).await
    }

    pub(crate) async fn at(simulator: Simulator) -> Self {
        let token = log_in(&simulator.vidm_url(), credentials::VIDM_USERNAME, credentials::VIDM_PASSWORD).await;
        Self { simulator, token }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut all = vec![("authorization", self.token.as_str())];
        all.extend_from_slice(headers);
        send(method, &format!("{}{path}", self.simulator.vidm_url()), &all, body.to_owned()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], "").await
    }

    /// The kick-off as it should be.
    pub(crate) async fn sync(&self, directory: &str, body: &str) -> Got {
        let path = format!("{DIRECTORIES}/{directory}/syncprofile/sync");
        self.send("POST", &path, &[("content-type", SYNC), ("accept", V1)], body).await
    }

    /// The status document of the ordinary directory.
    pub(crate) async fn status(&self) -> Value {
        self.get(&format!("{DIRECTORIES}/{}/syncprofile/sync", seeds::CORP)).await.json()
    }

    /// The display names that a filter finds.
    pub(crate) async fn groups(&self, filter: &str) -> Vec<String> {
        let got = self.get(&format!("{API}/scim/Groups?count=1000&filter={}", encode(filter))).await;
        assert_eq!(got.status, 200, "{filter}: {}", got.body);
        let resources = got.json()["Resources"].as_array().unwrap().clone();
        resources.iter().map(|group| group["displayName"].as_str().unwrap().to_owned()).collect()
    }
}

/// One part of a URL.
pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
