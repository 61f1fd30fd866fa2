//! `ETag` and `If-Match`: a change is made only in the state that the caller read.

use http::Method;
use serde_json::{Value, json};

use crate::support::script::{Call, get};
use crate::support::vcf::{ADFS, ID, LIST, PATH, PROVIDER, ROOT, SOURCE};
use crate::support::webhook::{Answer, Instance};
use crate::vcf::aliases::listed;
use crate::vcf::session::login;

/// The list after another writer changed both providers.
fn changed() -> Call {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"][0]["identitySources"][2]["ldap"]["username"] = json!("other@domain.com");
    list["elements"][1]["oidc"]["clientId"] = json!("other");
    get(ROOT).answer(200, list.to_string())
}

fn source_path() -> String {
    format!("{PATH}/embedded/identity-sources/embedded-ids.com")
}

fn send(instance: &Instance, method: Method, path: &str, tag: &str, body: &str) -> Answer {
    instance.send_with(method, path, &[("if-match", tag)], body)
}

#[test]
fn etag_is_in_headers_list_items_and_outcomes() {
    let mut other: Value = serde_json::from_str(LIST).unwrap();
    // The order of sources and a message for people are no part of the state.
    other["elements"][0]["identitySources"].as_array_mut().unwrap().reverse();
    other["elements"][0]["idpMessage"] = json!("busy");
    let instance = Instance::new([login(), listed(), listed(), get(ROOT).answer(200, other.to_string()), changed()]);
    let list = instance.get(PATH).json();
    let of = |at: usize| list["elements"][at]["etag"].as_str().unwrap().to_owned();
    assert_eq!((instance.get(&format!("{PATH}/external")).header("etag"), of(0) == of(1)), (of(1).as_str(), false));
    assert_eq!(instance.get(&format!("{PATH}/embedded")).header("etag"), of(0));
    let after = instance.get(PATH).json();
    for at in [0, 1] {
        assert_ne!(after["elements"][at]["etag"], list["elements"][at]["etag"]);
    }
    let sources = |list: &Value| list["elements"][0]["identitySources"].clone();
    assert_eq!(sources(&after)[0]["etag"], sources(&list)[0]["etag"]);
    assert_ne!(sources(&after)[2]["etag"], sources(&list)[2]["etag"]);
}

#[test]
fn reader_with_the_current_version_gets_304() {
    let instance = Instance::new([login()]);
    for path in [source_path(), format!("{PATH}/external")] {
        instance.then([listed()]);
        let etag = instance.get(&path).header("etag").to_owned();
        for held in [etag.clone(), format!("W/{etag}"), "*".to_owned(), format!("\"other\", {etag}")] {
            instance.then([listed()]);
            let again = instance.send_with(Method::GET, &path, &[("if-none-match", &held)], "");
            assert_eq!((again.status().as_u16(), again.text().as_str()), (304, ""), "{held}");
            assert_eq!(again.header("etag"), etag);
        }
        instance.then([changed()]);
        let newer = instance.send_with(Method::GET, &path, &[("if-none-match", &etag)], "");
        assert_eq!(newer.status(), 200, "{path}");
    }
}

#[test]
fn create_only_is_rejected_because_it_is_not_evaluated() {
    let instance = Instance::new([]);
    for (method, path) in [(Method::PUT, source_path()), (Method::POST, PATH.to_owned())] {
        let problem = instance.send_with(method, &path, &[("if-none-match", "*")], "{}").problem("request_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("If-None-Match"), "{problem}");
    }
    assert_eq!(instance.calls(), 0);
}

#[test]
fn changed_object_is_not_written() {
    let instance = Instance::new([login(), listed(), listed()]);
    let source = instance.get(&source_path()).header("etag").to_owned();
    let provider = instance.get(&format!("{PATH}/external")).header("etag").to_owned();
    let external = format!("{PATH}/external");
    let cases = [
        (Method::PUT, source_path(), &source, SOURCE),
        (Method::PATCH, source_path(), &source, SOURCE),
        (Method::DELETE, source_path(), &source, ""),
        (Method::PUT, PATH.to_owned(), &provider, PROVIDER),
        (Method::PATCH, external.clone(), &provider, PROVIDER),
        (Method::DELETE, external, &provider, ""),
    ];
    for (method, path, tag, body) in cases {
        instance.then([changed()]);
        let answer = send(&instance, method.clone(), &path, tag, body);
        assert_eq!(answer.status(), 412, "{method} {path}: {}", answer.text());
        let problem = answer.problem("precondition_failed");
        assert!(problem["detail"].as_str().unwrap().contains("changed since it was read"), "{problem}");
        assert!(problem["hint"].as_str().unwrap().contains("new ETag"), "{problem}");
    }
}

#[test]
fn unchanged_object_is_written() {
    let instance = Instance::new([login(), listed(), listed()]);
    let source = instance.get(&source_path()).header("etag").to_owned();
    let provider = instance.get(&format!("{PATH}/external")).header("etag").to_owned();
    let one = format!("{ROOT}/{ID}/identity-sources/embedded-ids.com");
    let written = |method: &Method, url: &str| Call::new(method.clone(), url).answer(204, "");
    let external = (format!("{PATH}/external"), format!("{ROOT}/{ADFS}"));
    for (method, (path, url), tag, body) in [
        (Method::PATCH, (source_path(), one.clone()), source.as_str(), SOURCE),
        (Method::PATCH, (source_path(), one.clone()), "*", SOURCE),
        (Method::DELETE, (source_path(), one), &format!("\"x\", {source}"), ""),
        (Method::PATCH, external.clone(), &provider, PROVIDER),
        (Method::DELETE, external, &provider, ""),
    ] {
        instance.then([listed(), written(&method, &url)]);
        assert_eq!(send(&instance, method.clone(), &path, tag, body).status(), 204, "{method} {path}");
    }
}

#[test]
fn absent_object_fails_every_condition() {
    let mut list: Value = serde_json::from_str(LIST).unwrap();
    list["elements"].as_array_mut().unwrap().truncate(1);
    let none = || get(ROOT).answer(200, list.to_string());
    let instance = Instance::new([login()]);
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["ldap"]["domainName"] = Value::Null;
    let spec = spec.to_string();
    let other = format!("{PATH}/embedded/identity-sources/new.example");
    for (method, path, body) in [
        (Method::PUT, other.clone(), spec.as_str()),
        (Method::DELETE, other.clone(), ""),
        (Method::PUT, PATH.to_owned(), PROVIDER),
        (Method::DELETE, format!("{PATH}/external"), ""),
    ] {
        instance.then([none()]);
        let answer = send(&instance, method, &path, "*", body);
        assert!(answer.problem("precondition_failed")["detail"].as_str().unwrap().contains("does not exist"));
    }
    // It is gone already, as the caller wants.
    instance.then([none()]);
    assert_eq!(send(&instance, Method::DELETE, &format!("{other}?absent=ok"), "*", "").status(), 200);
}

#[test]
fn repeated_request_replays_the_tag_and_is_bound_to_its_condition() {
    let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
    spec["name"] = json!("embedded-ids-name");
    let instance = Instance::new([login(), listed()]);
    let put = |condition: &str| {
        let headers = [("idempotency-key", "k"), ("if-match", condition)];
        instance.send_with(Method::PUT, &source_path(), &headers, &spec.to_string())
    };
    let (first, again) = (put("*"), put("*"));
    assert_eq!((first.status().as_u16(), again.header("idempotency-status")), (200, "replayed"));
    assert_eq!((first.header("etag").len(), again.header("etag")), (34, first.header("etag")));
    put("\"other\"").problem("idempotency_key_reused");
    assert_eq!(instance.calls(), 2);
}

#[test]
fn malformed_condition_makes_no_call() {
    let instance = Instance::new([]);
    for tag in ["", "abc", "\"a", "*, \"a\""] {
        let problem = send(&instance, Method::PUT, PATH, tag, PROVIDER).problem("request_invalid");
        assert!(problem["detail"].as_str().unwrap().contains("If-Match"), "{problem}");
    }
}
