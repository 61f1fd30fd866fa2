//! A VCF Operations for the scenarios.

use std::time::Duration;

use http::HeaderMap;
use idhook::fleet::{Cache, Client, Credentials, Target};
use idhook::http::Limits;
use idhook::secret::Secret;
use idhook::upstream::{BaseUrl, Outbound};

use crate::support::script::{Call, Script, post};

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
        .answer(200, format!(r#"{{"token":"{token}","roles":[]}}"#))
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
