//! A vIDM for the scenarios.

use http::HeaderMap;
use idhook::directory::{DirectoryRef, DirectorySummary};
use idhook::error::{ErrorCode, Result};
use idhook::http::Limits;
use idhook::runtime::Runtime;
use idhook::secret::{Scheme, Secret};
use idhook::upstream::{BaseUrl, Outbound};
use idhook::vidm::{Cache, Client, Credentials, Dialect, SyncApi, Target};
use std::time::Duration;

use crate::support::script::{Call, Script, get, post};

pub(crate) const LOGIN: &str = "https://vidm.corp.example/SAAS/API/1.0/REST/auth/system/login";
pub(crate) const LIST: &str =
    "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs?includeJitDirectories=true";
pub(crate) const DIRECTORIES: &str = include_str!("../../fixtures/vidm/directories.json");

/// Ids of the fixture: `System Directory` (local), `corp.example`, `Lab` (migrated), `Partners` (just in time).
pub(crate) const LOCAL: &str = "11111111-2222-4333-8444-000000000001";
pub(crate) const CORP: &str = "66666666-7777-4888-8999-000000000002";
pub(crate) const LAB: &str = "66666666-7777-4888-8999-000000000003";
pub(crate) const NOBODY: &str = "99999999-7777-4888-8999-000000000009";

pub(crate) fn system() -> Credentials {
    Credentials::System { username: "svc-sync".into(), password: Secret::new("pässword"), scheme: Scheme::Hzn }
}

pub(crate) fn target(credentials: Credentials) -> Target {
    Target {
        name: "prod".into(),
        url: BaseUrl::parse("https://vidm.corp.example").unwrap(),
        tenant: None,
        credentials,
        dialect: Dialect::horizon(),
        sync_api: SyncApi::Auto,
    }
}

/// The login, which returns `token`.
pub(crate) fn logs_in(token: &str) -> Call {
    post(LOGIN)
        .without("authorization")
        .body(r#"{"username":"svc-sync","password":"pässword","issueToken":true}"#)
        .answer(200, format!(r#"{{"id":null,"sessionToken":"{token}","admin":false}}"#))
}

/// The list, which returns the fixture.
pub(crate) fn lists() -> Call {
    get(LIST).answer(200, DIRECTORIES)
}

/// The observation before a start: the directory's last run ended an hour ago.
pub(crate) fn idle(id: &str) -> Call {
    let began = (crate::support::script::START - Duration::from_secs(3600)).as_millis();
    sync_state(id).answer(200, format!(r#"{{"status":"COMPLETED","startTime":{began}}}"#))
}

/// The call for a directory's earlier runs.
pub(crate) fn executions(id: &str) -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{id}/syncexecutions"
    ))
}

/// The call for a directory's latest run.
pub(crate) fn sync_state(id: &str) -> Call {
    get(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{id}/syncprofile/sync"
    ))
}

pub(crate) fn classic(id: &str) -> Call {
    post(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{id}/syncprofile/sync"
    ))
    .body(r#"{"ignoreSafeguards":false}"#)
}

pub(crate) fn v2(id: &str) -> Call {
    post(format!(
        "https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigurations/{id}/sync/v2"
    ))
    .body(r#"{"ignoreSafeguards":false}"#)
}

pub(crate) fn domains(id: &str) -> Call {
    get(format!("https://vidm.corp.example/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{id}/domains"))
}

/// Starts a sync like the protocol: a name is located first, and again if it led to a directory that is gone; an id was
/// located by an earlier request. Returns whether a run was already active.
pub(crate) async fn start<R: Runtime>(
    client: &Client<'_, R>,
    directory: &str,
    ignore_safeguards: bool,
) -> Result<bool> {
    let which = DirectoryRef::parse(directory);
    if let DirectoryRef::Id(id) = which {
        let located = client.recall(DirectorySummary { id, name: None, kind: None }).await;
        return client.start_sync(&located, ignore_safeguards).await;
    }
    match client.start_sync(&client.locate(&which).await?, ignore_safeguards).await {
        Err(error) if error.code() == ErrorCode::DirectoryNotFound => {
            client.start_sync(&client.locate(&which).await?, ignore_safeguards).await
        }
        done => done,
    }
}

/// A target with its cache and a script, for several requests.
pub(crate) struct Estate {
    pub(crate) target: Target,
    pub(crate) memory: Cache,
    pub(crate) script: Script,
}

impl Estate {
    pub(crate) fn new(calls: impl IntoIterator<Item = Call>) -> Self {
        Self { target: target(system()), memory: Cache::default(), script: Script::new(calls) }
    }

    /// One that is logged in, with or without the list read.
    pub(crate) fn warm(with_list: bool) -> Self {
        let estate =
            Self::new([logs_in("t1"), if with_list { lists() } else { get(LIST).answer(200, r#"{"items":[]}"#) }]);
        estate.run(async |client| client.directories().await).unwrap();
        estate
    }

    /// Appends these calls to the script.
    pub(crate) fn then(self, calls: impl IntoIterator<Item = Call>) -> Self {
        self.script.then(calls);
        self
    }

    /// One request's work.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(Client<'_, Script>) -> T) -> T {
        let out = Outbound::new(&self.script, Limits::default(), Duration::from_secs(60), HeaderMap::new());
        self.script.run(work(Client::new(&self.target, &self.memory, &out)))
    }

    /// One request to sync `directory`, with safeguards.
    pub(crate) fn start(&self, directory: &str) -> Result<bool> {
        self.run(async |client| start(&client, directory, false).await)
    }
}
