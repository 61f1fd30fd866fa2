//! The aliases `embedded` and `external` in place of a provider's id, and deletions: which calls each request makes.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vcf::{ADFS, ID, LIST, PATH, PROVIDER, ROOT, SOURCE};
use crate::support::webhook::Instance;
use crate::vcf::session::login;

const NEXT_ID: &str = "11111111-2222-4333-8444-555555555555";
const NOT_FOUND: &str = r#"{"errorCode":"IDENTITY_PROVIDER_NOT_FOUND","message":"no such provider"}"#;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn listed() -> Call {
    get(ROOT).answer(200, LIST)
}

fn without_external() -> Call {
    let mut list = parsed(LIST);
    list["elements"].as_array_mut().unwrap().truncate(1);
    get(ROOT).answer(200, list.to_string())
}

fn deletion(path: &str) -> Call {
    Call::new(Method::DELETE, format!("{ROOT}/{path}")).without("content-type").body("")
}

/// The calls as method and path, without the login.
fn calls(instance: &Instance) -> Vec<String> {
    let requests = instance.script.requests();
    let calls = requests.iter().filter(|request| request.uri().path() != "/v1/tokens");
    calls.map(|request| format!("{} {}", request.method(), request.uri().path())).collect()
}

#[test]
fn alias_reads_with_one_list_call() {
    let instance = Instance::new([login(), listed(), listed()]);
    for (alias, id) in [("embedded", ID), ("external", ADFS)] {
        let answer = instance.get(&format!("{PATH}/{alias}"));
        assert_eq!((answer.status().as_u16(), &answer.json()["id"]), (200, &json!(id)));
    }
    assert_eq!(instance.calls(), 3);
}

#[test]
fn embedded_id_is_remembered_between_writes() {
    let sources = format!("{ROOT}/{ID}/identity-sources");
    let one = format!("{ID}/identity-sources/corp.example");
    let instance = Instance::new([
        login(),
        listed(),
        post(&sources).answer(204, ""),
        post(&sources).answer(204, ""),
        Call::new(Method::PATCH, format!("{ROOT}/{one}")).answer(204, ""),
        deletion(&one).answer(204, ""),
    ]);
    let root = format!("{PATH}/embedded/identity-sources");
    let added = instance.send(Method::POST, &root, SOURCE);
    assert_eq!((added.status().as_u16(), added.header("location")), (201, format!("{root}/embedded-ids.com").as_str()));
    assert_eq!(instance.send(Method::POST, &root, SOURCE).status(), 201);
    assert_eq!(instance.send(Method::PATCH, &format!("{root}/corp.example"), SOURCE).status(), 204);
    assert_eq!(instance.send(Method::DELETE, &format!("{root}/corp.example"), "").status(), 204);
    assert_eq!(instance.calls(), 6, "one login, one list, four writes");
}

#[test]
fn remembered_id_that_is_unknown_is_looked_up_once_again() {
    let mut rebuilt = parsed(LIST);
    rebuilt["elements"][0]["id"] = json!(NEXT_ID);
    let sources = |id: &str| format!("{ROOT}/{id}/identity-sources");
    let instance = Instance::new([
        login(),
        listed(),
        post(sources(ID)).answer(404, NOT_FOUND),
        get(ROOT).answer(200, rebuilt.to_string()),
        post(sources(NEXT_ID)).answer(204, ""),
        post(sources(NEXT_ID)).answer(204, ""),
    ]);
    instance.get(&format!("{PATH}/embedded"));
    let root = format!("{PATH}/embedded/identity-sources");
    for _ in 0..2 {
        assert_eq!(instance.send(Method::POST, &root, SOURCE).status(), 201);
    }
}

#[test]
fn missing_source_of_a_known_provider_is_not_tried_twice() {
    let one = format!("{ID}/identity-sources/corp.example");
    let instance = Instance::new([login(), listed(), deletion(&one).answer(404, NOT_FOUND), listed()]);
    instance.get(&format!("{PATH}/embedded"));
    let answer = instance.send(Method::DELETE, &format!("{PATH}/embedded/identity-sources/corp.example"), "");
    answer.problem("not_found");
    assert_eq!(instance.calls(), 4);
}

#[test]
fn source_is_put_through_the_alias_in_one_read() {
    let instance = Instance::new([login(), listed()]);
    let mut spec = parsed(SOURCE);
    spec["name"] = json!("embedded-ids-name");
    let path = format!("{PATH}/embedded/identity-sources/embedded-ids.com");
    assert_eq!(instance.send(Method::PUT, &path, &spec.to_string()).json()["outcome"], "unchanged");
    assert_eq!(calls(&instance), ["GET /v1/identity-providers"]);
}

#[test]
fn source_is_read_by_its_domain() {
    let instance = Instance::new([login(), listed(), listed()]);
    let path = |domain: &str| format!("{PATH}/embedded/identity-sources/{domain}");
    let answer = instance.get(&path("EMBEDDED-ids.com"));
    assert_eq!((answer.status().as_u16(), &answer.json()["name"]), (200, &json!("embedded-ids-name")));
    assert!(!answer.header("etag").is_empty());
    instance.get(&path("other.example")).problem("not_found");
}

#[test]
fn external_alias_is_looked_up_each_time() {
    let instance = Instance::new([
        login(),
        listed(),
        Call::new(Method::PATCH, format!("{ROOT}/{ADFS}")).answer(204, ""),
        listed(),
        get(format!("{ROOT}/{ADFS}")).answer(200, json!({ "id": ADFS }).to_string()),
        post(format!("{ROOT}/{ADFS}/sync-client"))
            .answer(200, include_str!("../../fixtures/vcf/sync-client.answer.json")),
    ]);
    assert_eq!(instance.send(Method::PATCH, &format!("{PATH}/external"), PROVIDER).status(), 204);
    assert_eq!(instance.send(Method::POST, &format!("{PATH}/external/sync-client"), "").status(), 200);
}

#[test]
fn unknown_id_that_is_answered_with_500_is_not_found() {
    // The specification declares 200, 401 and 500 only.
    let failed = |id| get(format!("{ROOT}/{id}")).answer(500, r#"{"errorCode":"INTERNAL_SERVER_ERROR"}"#);
    let instance = Instance::new([login(), failed(NEXT_ID), listed()]);
    let problem = instance.get(&format!("{PATH}/{NEXT_ID}")).problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains(NEXT_ID), "{problem}");
    instance.then([failed(ADFS), listed()]);
    instance.get(&format!("{PATH}/{ADFS}")).problem("upstream_failed");
}

#[test]
fn missing_provider_behind_an_alias_is_explained() {
    let none = || get(ROOT).answer(200, r#"{"elements":[]}"#);
    let instance = Instance::new([login(), without_external(), without_external(), without_external(), none()]);
    for (method, body) in [(Method::GET, ""), (Method::DELETE, ""), (Method::PATCH, PROVIDER)] {
        let problem = instance.send(method, &format!("{PATH}/external"), body).problem("not_found");
        assert_eq!(problem["detail"], "there is no external identity provider");
        assert!(problem["hint"].as_str().unwrap().contains("POST or PUT"), "{problem}");
    }
    instance.get(&format!("{PATH}/embedded")).problem("upstream_invalid");
}

#[test]
fn embedded_provider_is_never_deleted() {
    // By the alias: no call at all. By an unknown id: one read. By the remembered id: no call again.
    let instance = Instance::new([login(), listed()]);
    for (id, calls) in [("embedded", 0), (ID, 2), (&ID.to_uppercase(), 2), ("embedded", 2)] {
        let problem = instance.send(Method::DELETE, &format!("{PATH}/{id}?absent=ok"), "").problem("request_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("Embedded provider"), "{problem}");
        assert_eq!(instance.calls(), calls, "{id}");
    }
}

#[test]
fn external_provider_is_deleted_after_one_read() {
    let instance =
        Instance::new([login(), listed(), deletion(ADFS).answer(204, ""), listed(), deletion(ADFS).answer(204, "")]);
    for id in ["external", ADFS] {
        assert_eq!(instance.send(Method::DELETE, &format!("{PATH}/{id}"), "").status(), 204);
    }
}

#[test]
fn missing_provider_is_unchanged_only_with_absent_ok() {
    let instance = Instance::new([
        login(),
        without_external(),
        without_external(),
        listed(),
        deletion(ADFS).answer(404, NOT_FOUND),
    ]);
    for id in ["external", ADFS, ADFS] {
        let answer = instance.send(Method::DELETE, &format!("{PATH}/{id}?absent=ok"), "");
        assert_eq!((answer.status().as_u16(), answer.json()), (200, json!({"outcome": "unchanged"})), "{id}");
    }
    instance.then([without_external(), deletion(ADFS).answer(404, NOT_FOUND)]);
    instance.send(Method::DELETE, &format!("{PATH}/{ADFS}"), "").problem("not_found");
}

#[test]
fn missing_source_is_unchanged_only_with_absent_ok() {
    let one = |domain: &str| format!("{ID}/identity-sources/{domain}");
    let path = |domain: &str| format!("{PATH}/{ID}/identity-sources/{domain}?absent=ok");
    let instance =
        Instance::new([login(), listed(), listed(), deletion(&one("embedded-ids.com")).answer(404, NOT_FOUND)]);
    let answer = instance.send(Method::DELETE, &path("gone.example"), "");
    let unchanged = json!({"outcome": "unchanged", "domainName": "gone.example"});
    assert_eq!((answer.status().as_u16(), answer.json(), instance.calls()), (200, unchanged, 2));
    // Deleted by somebody else after the read.
    let answer = instance.send(Method::DELETE, &path("embedded-ids.com"), "");
    assert_eq!((answer.status().as_u16(), &answer.json()["outcome"]), (200, &json!("unchanged")));
    instance.then([listed(), deletion(&one("embedded-ids.com")).answer(204, "")]);
    assert_eq!(instance.send(Method::DELETE, &path("embedded-ids.com"), "").status(), 204);
    instance.then([deletion(&one("gone.example")).answer(404, NOT_FOUND)]);
    instance.send(Method::DELETE, path("gone.example").trim_end_matches("?absent=ok"), "").problem("not_found");
    let problem =
        instance.send(Method::DELETE, &path("x.example").replace("=ok", "=true"), "").problem("request_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("use ok"), "{problem}");
}

/// SDDC Manager may compare the domain in a path with its case, so its own spelling is sent.
#[test]
fn source_is_deleted_and_changed_under_the_servers_spelling() {
    let one = format!("{ID}/identity-sources/embedded-ids.com");
    let path = format!("{PATH}/embedded/identity-sources/EMBEDDED-IDS.com");
    let instance = Instance::new([login(), listed(), deletion(&one).answer(204, "")]);
    assert_eq!(instance.send(Method::DELETE, &format!("{path}?absent=ok"), "").status(), 204);
    for (method, body) in [(Method::DELETE, ""), (Method::PATCH, SOURCE)] {
        instance.then([listed(), Call::new(method.clone(), format!("{ROOT}/{one}")).answer(204, "")]);
        assert_eq!(instance.send_with(method, &path, &[("if-match", "*")], body).status(), 204);
    }
}

/// A list with the Embedded provider alone, changed.
fn only_embedded(change: impl FnOnce(&mut Value)) -> String {
    let mut list = parsed(LIST);
    list["elements"].as_array_mut().unwrap().truncate(1);
    change(&mut list);
    list.to_string()
}

#[test]
fn incomplete_list_proves_no_absence() {
    let cut = only_embedded(|list| list["pageMetadata"] = json!({"totalElements": 2}));
    for (list, why) in [
        ("{}", "not even the Embedded one"),
        (r#"{"elements":[]}"#, "no provider"),
        (cut.as_str(), "only 1 of 2 elements"),
    ] {
        let list = || get(ROOT).answer(200, list.to_owned());
        let instance = Instance::new([login(), list(), list(), list(), list()]);
        let one = format!("{PATH}/{ADFS}");
        for (method, path, body) in [
            (Method::DELETE, format!("{one}?absent=ok"), ""),
            (Method::DELETE, format!("{PATH}/external?absent=ok"), ""),
            (Method::DELETE, format!("{one}/identity-sources/corp.example?absent=ok"), ""),
            (Method::PUT, PATH.to_owned(), PROVIDER),
        ] {
            let problem = instance.send(method, &path, body).problem("upstream_invalid");
            assert!(problem["detail"].as_str().unwrap().contains(why), "{path}: {problem}");
        }
    }
    let instance = Instance::new([login(), get(ROOT).answer(200, cut.clone())]);
    instance.get(&format!("{PATH}/embedded"));
}

#[test]
fn alias_for_several_external_providers_changes_none() {
    let mut list = parsed(LIST);
    let mut second = list["elements"][1].clone();
    second["id"] = json!(NEXT_ID);
    second["name"] = json!("Second");
    list["elements"].as_array_mut().unwrap().push(second);
    let list = || get(ROOT).answer(200, list.to_string());
    let instance = Instance::new([login(), list(), list(), list()]);
    let external = format!("{PATH}/external");
    for (method, path, body) in [
        (Method::DELETE, &external, ""),
        (Method::PATCH, &external, PROVIDER),
        (Method::PUT, &PATH.to_owned(), PROVIDER),
    ] {
        let problem = instance.send(method, path, body).problem("request_invalid");
        let ids: Vec<_> = problem["candidates"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, [ADFS, NEXT_ID], "{problem}");
    }
    instance.then([list(), deletion(NEXT_ID).answer(204, "")]);
    assert_eq!(instance.send(Method::DELETE, &format!("{PATH}/{NEXT_ID}"), "").status(), 204);
}

#[test]
fn provider_without_a_type_is_not_taken_for_an_external_one() {
    let list = || {
        let text = only_embedded(|list| drop(list["elements"][0].as_object_mut().unwrap().remove("type")));
        get(ROOT).answer(200, text)
    };
    let instance = Instance::new([login(), list(), list()]);
    for id in ["external", ID] {
        let problem = instance.send(Method::DELETE, &format!("{PATH}/{id}"), "").problem("upstream_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("without a type"), "{problem}");
    }
}

#[test]
fn sources_that_the_list_omits_are_read_from_the_provider_itself() {
    let omitted = || {
        let text = only_embedded(|list| drop(list["elements"][0].as_object_mut().unwrap().remove("identitySources")));
        get(ROOT).answer(200, text)
    };
    let one = || get(format!("{ROOT}/{ID}"));
    let whole = one().answer(200, parsed(LIST)["elements"][0].to_string());
    let instance = Instance::new([login(), omitted(), whole]);
    let path = format!("{PATH}/embedded/identity-sources");
    let source = instance.get(&format!("{path}/embedded-ids.com"));
    assert_eq!(source.json()["name"], "embedded-ids-name");
    let bare = || one().answer(200, json!({"id": ID, "type": "Embedded"}).to_string());
    instance.then([omitted(), bare(), omitted(), bare()]);
    for method in [Method::GET, Method::DELETE] {
        let query = if method == Method::DELETE { "?absent=ok" } else { "" };
        let answer = instance.send(method, &format!("{path}/gone.example{query}"), "");
        let problem = answer.problem("upstream_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("without its identity sources"), "{problem}");
    }
}
