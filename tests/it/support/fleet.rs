//! A VCF Operations for the scenarios.

use std::time::Duration;

use http::HeaderMap;
use idhook::fleet::{Cache, Client, Credentials, Target};
use idhook::http::Limits;
use idhook::secret::Secret;
use idhook::upstream::{BaseUrl, Outbound};
use serde_json::{Value, json};

use crate::support::script::{Call, Script, get, post};

pub(crate) const LOGIN: &str = "https://ops.corp.example/suite-api/api/auth/token/acquire";
pub(crate) const PROVIDER: &str = "a1b2c3d4-0000-4000-8000-000000000001";
pub(crate) const CORP: &str = "828ad4fc-cd8a-4f44-b5bc-adb568d67d1c";

/// The URL of a call of the fixture's directory, below it: `/sync-profile`.
pub(crate) fn directory_url(rest: &str) -> String {
    format!(
        "https://ops.corp.example/suite-api/api/fleet-management/iam/identity-providers/{PROVIDER}/ldap-directories/{CORP}{rest}"
    )
}

/// The login, which returns `token`.
pub(crate) fn logs_in(token: &str) -> Call {
    post(LOGIN)
        .without("authorization")
        .body(r#"{"username":"svc-sync","password":"pässword","authSource":"local"}"#)
        .answer(200, json!({"token": token, "validity": 1, "expiresAt": "x", "roles": []}).to_string())
}

/// A target with its cache and a script, for several requests.
pub(crate) struct Fleet {
    target: Target,
    cache: Cache,
    pub(crate) script: Script,
}

impl Fleet {
    /// One with these calls, of which the first is the login if any needs a token.
    pub(crate) fn new(calls: impl IntoIterator<Item = Call>) -> Self {
        let target = Target {
            name: "nine".into(),
            url: BaseUrl::parse("https://ops.corp.example").unwrap(),
            credentials: Credentials::Account {
                username: "svc-sync".into(),
                password: Secret::new("pässword"),
                auth_source: Some("local".into()),
            },
        };
        Self { target, cache: Cache::default(), script: Script::new(calls) }
    }

    /// One whose script begins with the login.
    pub(crate) fn with_login(calls: impl IntoIterator<Item = Call>) -> Self {
        Self::new([logs_in("t::1")].into_iter().chain(calls))
    }

    /// One request's work.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(Client<'_, Script>) -> T) -> T {
        let out = Outbound::new(&self.script, Limits::default(), Duration::from_secs(60), HeaderMap::new());
        self.script.run(work(Client::new(&self.target, &self.cache, &out)))
    }
}

pub(crate) const REALM: &str = "98000000-0000-4000-8000-000000000001";

const OPS: &str = "https://ops.corp.example/suite-api/api";

/// A call with the session token `t1`.
fn iam(call: Call) -> Call {
    call.header("authorization", "OpsToken t1").header("accept", "application/json")
}

pub(crate) fn get_iam(path: &str) -> Call {
    iam(get(format!("{OPS}/fleet-management/iam{path}")))
}

pub(crate) fn post_iam(path: &str) -> Call {
    iam(post(format!("{OPS}/fleet-management/iam{path}")))
}

/// The version.
pub(crate) fn version(major: u32, minor: u32, minor_minor: u32) -> Call {
    let version = json!({"releaseName": format!("VCF Operations {major}.{minor}.{minor_minor}"), "major": major, "minor": minor,
        "minorMinor": minor_minor});
    iam(get(format!("{OPS}/versions/current"))).answer(200, version.to_string())
}

/// The list of realms: one with an identity provider, one without.
pub(crate) fn realms() -> Call {
    let realms = json!({"ssoRealms": [{"id": REALM, "name": "USA", "idpId": PROVIDER}, {"id": "98000000-0000-4000-8000-000000000002"}]});
    get_iam("/ssorealms").answer(200, realms.to_string())
}

/// The provider's directories: one, with this state.
pub(crate) fn directories(status: &str, last_sync: u64) -> Call {
    directories_with(&json!({"lastSyncStatus": status, "lastSyncDateTime": last_sync}))
}

/// The same with these fields.
pub(crate) fn directories_with(fields: &Value) -> Call {
    let mut directory = json!({"ldapConfigurationId": CORP, "name": "corp", "domains": ["corp.example"],
        "setupStatus": "COMPLETED", "numberOfUsers": 3, "numberOfGroups": 2, "numberOfAlerts": 0});
    directory.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    get_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories"))
        .answer(200, json!({"ldapDirectories": [directory]}).to_string())
}

/// The newest entry of the log.
pub(crate) fn last_log(id: &str, success: bool) -> Call {
    let entry = json!({"id": id, "syncResult": if success { "COMPLETED" } else { "FAILED" }, "success": success,
        "syncResultMessageKey": if success { Value::Null } else { json!("ldap.server.unreachable") },
        "timeStamp": 1_700_000_005_000_u64, "syncDetails": {"usersAdded": 1, "groupsAdded": 2, "syncEndTime": 1_700_000_000_000_u64}});
    logs("last=true&page=0&pageSize=50").answer(200, json!({"syncLogs": [entry]}).to_string())
}

pub(crate) fn logs(query: &str) -> Call {
    get_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/sync-logs?{query}"))
}

/// The start of a sync, without a body.
pub(crate) fn starts() -> Call {
    post_iam(&format!("/identity-providers/{PROVIDER}/ldap-directories/{CORP}/sync"))
        .header("content-length", "0")
        .body("")
        .answer(202, r#"{"syncStatus":"IN_PROGRESS"}"#)
}

/// A query for groups of corp.example by name, with this operator, which returns these.
pub(crate) fn group_query(names: &[&str], operator: &str, found: &Value) -> Call {
    group_query_in(&["corp.example"], names, operator, found)
}

/// The same with these spellings of the domain.
pub(crate) fn group_query_in(domains: &[&str], names: &[&str], operator: &str, found: &Value) -> Call {
    let full: Vec<_> = names.iter().map(|name| format!("{name}@corp.example")).collect();
    group_query_for(
        domains,
        &names.iter().copied().chain(full.iter().map(String::as_str)).collect::<Vec<_>>(),
        operator,
        found,
    )
}

/// A query with these terms.
pub(crate) fn group_query_for(domains: &[&str], terms: &[&str], operator: &str, found: &Value) -> Call {
    let terms = json!(terms);
    let names = format!(r#"{{"searchableField":"DISPLAY_NAME","operator":"{operator}","terms":{terms}}}"#);
    let domain = format!(r#"{{"searchableField":"DOMAIN","operator":"EQUALS","terms":{}}}"#, json!(domains));
    post_iam(&format!("/ssorealms/{REALM}/groups/query?page=0&pageSize=50"))
        .body(format!(r#"{{"searchTerms":{{"allOf":[{names},{domain}]}}}}"#))
        .answer(200, json!({"vidbGroups": found}).to_string())
}

/// A group as the broker lists it.
pub(crate) fn group(id: &str, name: &str) -> Value {
    json!({"groupId": id, "groupName": name, "displayName": name, "domainName": "corp.example", "roles": []})
}
