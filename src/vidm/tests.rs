//! Helpers for the endpoints' tests, and properties of all endpoints.

use bytes::Bytes;
use http::Response;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Map, Value};

use super::Dialect;
use super::api::Vidm;
use super::directories::ListDirectories;
use super::domains::ListDomains;
use super::groups::Group;
use super::health::GetHealth;
use super::login::{OauthToken, SystemLogin};
use super::scim::{Find, FindByBody, Search};
use super::scim_filter::ByName as _;
use super::sync_start::{StartSync, StartSyncV2};
use super::sync_state::GetSync;
use super::users::User;
use crate::directory::DirectoryRef;
use crate::directory::GroupQuery;
use crate::secret::{Scheme, Secret};
use crate::upstream::{Api as _, Endpoint};

pub(super) use crate::upstream::testing::{answer, sent};

/// Passes `body` to every reader. Any outcome is fine.
fn read_all(body: &[u8]) {
    let secret = Secret::new("s");
    let ignore_safeguards = false;
    let answer = || Response::new(Bytes::copy_from_slice(body));
    let _ = Vidm::read_error(body);
    let _ = SystemLogin { username: "u", password: &secret, scheme: Scheme::Hzn }.response(answer());
    let _ = OauthToken { client_id: "c", client_secret: &secret, account: None }.response(answer());
    let _ = StartSync { directory: "d", ignore_safeguards }.response(answer());
    let _ = StartSyncV2 { directory: "d", ignore_safeguards }.response(answer());
    let _ = ListDomains { directory: "d" }.response(answer());
    let _ = GetHealth.response(answer());
    let search = Search { filter: "", attributes: None, start: 1 };
    let _ = FindByBody::<User>::new(search).response(answer());
    if let Ok(page) = Find::<Group>::new(search).response(answer()) {
        let _ = serde_json::to_string(&page.entries).unwrap();
    }
    if let Ok(directories) = ListDirectories.response(answer()) {
        let text = serde_json::to_string(&directories).unwrap();
        // Serialised again, each directory is one object without duplicate names.
        assert_eq!(serde_json::from_str::<Vec<Map<String, Value>>>(&text).unwrap().len(), directories.len());
    }
    let report = GetSync { directory: "d" }.response(answer()).unwrap();
    assert!(report.upstream_word.as_deref().is_some_and(|word| word.chars().count() <= 81));
    let _ = serde_json::to_string(&report).unwrap();
}

/// Any JSON, from names and words that the readers know.
fn json() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 24] = [
        "items",
        "Resources",
        "errors",
        "error",
        "code",
        "message",
        "directoryId",
        "type",
        "name",
        "id",
        "status",
        "syncStatus",
        "success",
        "running",
        "startTime",
        "syncEndTime",
        "usersAdded",
        "groups",
        "removed",
        "totalResults",
        "AllOk",
        "access_token",
        "sessionToken",
        "urn:scim:schemas:extension:workspace:1.0",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&["RUNNING", "sync", "2026-11-20T10:00:00+", "-1", "true", ""][..]).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let name = prop_oneof![4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn readers_accept_any_bytes(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&body);
    }

    #[test]
    fn readers_accept_any_text(body in "[<\"{]?\\PC{0,40}") {
        read_all(body.as_bytes());
    }

    #[test]
    fn readers_accept_any_json(body in json()) {
        read_all(body.to_string().as_bytes());
    }

    #[test]
    fn any_name_can_be_encoded(text in any::<String>()) {
        let dialect = Dialect::horizon().in_tenant(Some(&text));
        let ignore_safeguards = false;
        let base = "/SAAS/t/";
        let search = GroupQuery::Name(text.clone()).exact_filter();
        let search = Find::<Group>::new(Search { filter: &search, attributes: None, start: 1 }).request(&dialect);
        // An id that is not allowed in a path gives no request.
        let requests = [
            StartSync { directory: &text, ignore_safeguards }.request(&dialect).ok(),
            StartSyncV2 { directory: &text, ignore_safeguards }.request(&dialect).ok(),
            Some(search.unwrap()),
        ];
        for uri in requests.iter().flatten().map(|request| request.uri().clone()) {
            assert!(uri.path().starts_with(base), "{uri}");
            assert!(uri.path().split('/').nth(4) == Some("jersey"), "{uri}");
        }
        let _ = DirectoryRef::parse(&text);
    }
}

#[test]
fn deeply_nested_responses_are_handled() {
    for (open, close) in [("[", "]"), ("{\"status\":", "}"), ("{\"errors\":[", "]}")] {
        read_all(format!("{}1{}", open.repeat(20_000), close.repeat(20_000)).as_bytes());
    }
}
