//! Request input: query, fields, placeholders; each mistake is named, and no upstream call is made.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use idhook::webhook::Body;
use serde_json::{Value, json};

use crate::support::vidm::{CORP, classic, idle, lists, logs_in};
use crate::support::webhook::{Instance, KEY, READER, digest};

const SYNCS: &str = "/vidm/default/v1/syncs";
const PROVIDERS: &str = "/vcf/default/v1/identity-providers";

#[test]
fn unknown_query_parameters_are_rejected_on_every_route() {
    let instance = Instance::new([]);
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/healthz"),
        (Method::HEAD, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/openapi-3.0.json"),
        (Method::GET, "/vidm/default/v1/directories"),
        (Method::GET, "/vidm/default/v1/directories/corp.example"),
        (Method::GET, "/vidm/default/v1/directories/corp.example/syncs"),
        (Method::POST, "/vidm/default/v1/directories/corp.example/syncs"),
        (Method::GET, "/vidm/default/v1/directories/corp.example/sync"),
        (Method::POST, SYNCS),
        (Method::GET, "/vidm/default/v1/syncs/x"),
        (Method::GET, "/vidm/default/v1/groups"),
        (Method::GET, "/vidm/default/v1/health"),
        (Method::GET, "/vidm/default/v1/doctor"),
        (Method::GET, PROVIDERS),
        (Method::PUT, PROVIDERS),
        (Method::DELETE, "/vcf/default/v1/identity-providers/x"),
        (Method::PUT, "/vcf/default/v1/identity-providers/x/identity-sources/corp.example"),
        (Method::POST, "/vcf/default/v1/identity-providers/x/sync-client"),
        (Method::GET, "/vcf/default/v1/identity-broker/prechecks"),
        (Method::GET, "/vcf/default/v1/identity-broker/sddc-manager-oidc"),
        (Method::GET, "/vcf/default/v1/doctor"),
        (Method::POST, "/hooks/any"),
    ] {
        let answer = instance.send(method.clone(), &format!("{path}?nope=1"), "");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{method} {path}: {}", answer.text());
        if method != Method::HEAD {
            let detail = answer.problem("request_invalid")["detail"].to_string();
            assert!(detail.contains("nope"), "{method} {path}: {detail}");
        }
    }
    assert_eq!(instance.calls(), 0);
}

#[test]
fn misspelt_dry_run_changes_nothing() {
    let instance = Instance::new([]);
    for (query, says) in [
        ("dryrun=true", "did you mean `dryRun`?"),
        ("dry_run=true", "did you mean `dryRun`?"),
        ("dryRun=false&dryRun=true", "more than once"),
        ("dryRun", "no value"),
        ("dryRun=", "no value"),
        ("force=true&dryRum=true", "did you mean `dryRun`?"),
    ] {
        let answer = instance.send(Method::PUT, &format!("{PROVIDERS}?{query}"), r#"{"name":"x"}"#);
        let problem = answer.problem("request_invalid");
        assert!(problem["errors"].to_string().contains(says), "{query}: {problem}");
    }
    let answer = instance.send(Method::POST, &format!("{SYNCS}?dryRun=true"), r#"{"directory":"corp.example"}"#);
    assert!(answer.problem("request_invalid")["detail"].to_string().contains("field of the body"));
    assert_eq!(instance.calls(), 0);
}

#[test]
fn both_placeholder_forms_are_rejected_everywhere() {
    let instance = Instance::new([]);
    for (method, path, body) in [
        (Method::POST, SYNCS, r#"{"directory":"corp.example","groups":["{{ vidm_group }}"]}"#),
        (Method::POST, SYNCS, r#"{"directory":"{{ directory }}"}"#),
        (Method::POST, SYNCS, r#"{"directory":"corp.example","ignoreSafeguards":"{{ flag }}"}"#),
        (Method::POST, SYNCS, r#"{"directory":"corp.example","ignoreSafeguards":{{ flag }}}"#),
        (Method::POST, "/vidm/default/v1/directories/%7B%7B%20directory%20%7D%7D/syncs", ""),
        (Method::GET, "/vidm/%7B%7Btarget%7D%7D/v1/directories", ""),
        (Method::GET, "/vidm/default/v1/syncs/%7B%7Bid%7D%7D", ""),
        (Method::GET, "/vidm/default/v1/groups?dn=%7B%7B%20group_dn%20%7D%7D", ""),
        (Method::GET, "/vidm/default/v1/groups?name={{group}}", ""),
        (Method::POST, PROVIDERS, r#"{"name":"{{ name }}","type":"AD_FS"}"#),
        (Method::DELETE, "/vcf/default/v1/identity-providers/%7B%7Bid%7D%7D", ""),
        (
            Method::POST,
            "/vcf/default/v1/identity-providers/x/identity-sources",
            r#"{"name":"corp","ldap":{"sourceDetails":{"usersBaseDn":"{{ users_base_dn }}"}}}"#,
        ),
    ] {
        let answer = instance.send(method.clone(), path, body);
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{method} {path} {body}: {}", answer.text());
        answer.problem("unresolved_placeholder");
    }
    assert_eq!(instance.calls(), 0);
}
/// A start with `body` that vIDM accepts.
fn starts(instance: &Instance, body: &str) -> Value {
    instance.then([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let answer = instance.send(Method::POST, SYNCS, body);
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{body}: {}", answer.text());
    answer.json()
}

#[test]
fn misspelt_fields_start_nothing() {
    let instance = Instance::new([]);
    for (body, pointer, meant) in [
        (r#"{"directory":"corp.example","group":["CN=a,DC=b"]}"#, "/group", "groups"),
        (r#"{"directory":"corp.example","Groups":["CN=a,DC=b"]}"#, "/Groups", "groups"),
        (r#"{"directory":"corp.example","dryrun":true}"#, "/dryrun", "dryRun"),
        (r#"{"Directory":"corp.example"}"#, "/Directory", "directory"),
        (r#"{"inputs":{"directory":"corp.example","add_to_profile":true}}"#, "/inputs/add_to_profile", "addToProfile"),
        (
            r#"{"directory":"corp.example","customProperties":{"group":"a@corp.example"}}"#,
            "/customProperties/group",
            "groups",
        ),
    ] {
        let problem = instance.send(Method::POST, SYNCS, body).problem("request_invalid");
        let told = json!([{"pointer": pointer, "detail": format!("did you mean `{meant}`?")}]);
        assert_eq!(problem["errors"], told, "{body}");
        assert_eq!(problem["detail"], format!("{pointer}: did you mean `{meant}`?"));
        assert!(problem["hint"].as_str().unwrap().contains("hook"), "{problem}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = instance.send_with(Method::POST, SYNCS, &form, "directory=corp.example&Group=a%40b");
    assert!(answer.problem("request_invalid")["detail"].as_str().unwrap().starts_with("/Group: did you mean"));
    let event =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"directory":"corp.example","dry-run":1}}"#;
    let answer = instance.send_with(Method::POST, SYNCS, &[("content-type", "application/cloudevents+json")], event);
    assert!(answer.problem("request_invalid")["detail"].as_str().unwrap().starts_with("/data/dry-run: did you mean"));
    assert_eq!(instance.calls(), 0);
}

#[test]
fn start_lists_ignored_fields() {
    let instance = Instance::new([]);
    let document = starts(
        &instance,
        r#"{"directory":"corp.example","correlation_id":"x","inputs":{"__metadata":{}},"customProperties":{"dryRun":"true"}}"#,
    );
    assert_eq!(document["ignored"], json!(["/customProperties/dryRun", "/correlation_id", "/inputs/__metadata"]));
    let plain = Instance::new([]);
    assert_eq!(starts(&plain, r#"{"directory":"corp.example"}"#)["ignored"], Value::Null);
}

#[test]
fn custom_properties_cannot_set_privileged_options() {
    let instance = Instance::new([]);
    let document = starts(
        &instance,
        r#"{"customProperties":{"directory":"corp.example","addToProfile":"true","ignoreSafeguards":"true","callback":"x","dryRun":"true"}}"#,
    );
    assert_eq!(document["status"], "running", "a sync is started, not a dry run");
    assert_eq!(document["ignored"].as_array().unwrap().len(), 4);
    let line: Value = serde_json::from_str(&instance.script.lines().pop().unwrap()).unwrap();
    assert_eq!(line["ignore_safeguards"], Value::Null);
}

#[test]
fn adding_to_the_profile_requires_its_scope() {
    let keys = json!([{"name": "all", "sha256": digest(KEY), "scopes": ["vidm:read", "vidm:sync"]}]);
    let instance = Instance::with(&[("api_keys", &keys.to_string())], []);
    let body = r#"{"directory":"corp.example","groups":["CN=a,DC=b"],"addToProfile":true}"#;
    let answer = instance.send(Method::POST, SYNCS, body);
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.problem("forbidden")["detail"].as_str().unwrap().contains("vidm:profile"));
    assert_eq!(instance.calls(), 0);
}

#[test]
fn duplicate_credential_headers_are_rejected() {
    let instance = Instance::new([]);
    for name in ["x-api-key", "authorization"] {
        let bearer = format!("Bearer {KEY}");
        let value = if name == "authorization" { bearer.as_str() } else { KEY };
        let request = Request::get("/vidm/default/v1/directories").header(name, value).header(name, value);
        let answer = instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap());
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(answer.problem("request_invalid")["detail"].as_str().unwrap().contains(name));
    }
    assert_eq!(instance.calls(), 0);
}

#[test]
fn each_challenge_has_its_own_line_basic_first() {
    let instance = Instance::new([]);
    let request = Request::get("/vidm/default/v1/directories").body(Body::Whole(Bytes::new())).unwrap();
    let answer = instance.send_request(request);
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let lines: Vec<_> =
        answer.response.headers().get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(lines, [r#"Basic realm="idhook", charset="UTF-8""#, r#"Bearer realm="idhook""#]);
}

#[test]
fn challenge_says_that_the_sent_token_is_invalid() {
    let instance = Instance::new([]);
    for (path, lines) in [("/vidm/default/v1/directories", 2), ("/vcf/default/v1/tokens", 1)] {
        let method = if lines == 1 { Method::POST } else { Method::GET };
        let request = Request::builder().method(method).uri(path).header("authorization", "bearer wrong");
        let request = request.header("content-type", "application/json");
        let answer =
            instance.send_request(request.body(Body::Whole(Bytes::from_static(b"{\"password\":\"x\"}"))).unwrap());
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenges: Vec<_> = answer.response.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges.len(), lines, "{path}");
        assert_eq!(challenges[lines - 1], r#"Bearer realm="idhook", error="invalid_token""#, "{path}");
    }
}

#[test]
fn challenge_says_that_the_sent_token_does_not_suffice() {
    let instance = Instance::new([]);
    for (name, value, challenge) in [
        ("authorization", format!("Bearer {READER}"), r#"Bearer realm="idhook", error="insufficient_scope""#),
        ("x-api-key", READER.to_owned(), ""),
    ] {
        let request = Request::post("/vidm/default/v1/directories/x/syncs").header(name, value);
        let answer = instance.send_request(request.body(Body::Whole(Bytes::new())).unwrap());
        answer.problem("forbidden");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[test]
fn instance_of_a_problem_is_a_uri_reference() {
    let instance = Instance::new([]);
    for (id, instance_of) in [("a:b", "a%3Ab"), ("1:2:3", "1%3A2%3A3"), ("a/b=+", "a/b=+")] {
        let answer = instance.send_with(Method::GET, "/nowhere", &[("x-request-id", id)], "");
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(answer.problem("route_not_found")["instance"], instance_of);
    }
}

#[test]
fn change_requested_by_a_foreign_page_is_rejected() {
    let instance = Instance::new([]);
    let body = r#"{"directory":"corp.example"}"#;
    for site in ["cross-site", "same-site", "Cross-Site", " same-site "] {
        let headers = [("sec-fetch-site", site)];
        for (method, path) in [(Method::POST, SYNCS), (Method::DELETE, "/vcf/default/v1/identity-providers/x")] {
            let answer = instance.send_with(method, path, &headers, body);
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{site}");
            answer.problem("forbidden");
        }
        // An image in a foreign page can send this; each such request would be a further login after a rejected one.
        let doctor = "/vidm/default/v1/doctor?retry=true";
        instance.send_with(Method::GET, doctor, &headers, "").problem("forbidden");
    }
    assert_eq!(instance.calls(), 0);
    instance.then([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
    let own = instance.send_with(Method::POST, SYNCS, &[("sec-fetch-site", "same-origin")], body);
    assert_eq!(own.status(), StatusCode::ACCEPTED);
    instance.then([lists()]);
    let read = instance.send_with(Method::GET, "/vidm/default/v1/directories", &[("sec-fetch-site", "cross-site")], "");
    assert_eq!(read.status(), StatusCode::OK);
}

/// Without TLS a browser sends no `Sec-Fetch-Site`, but `Origin` with everything that is not a `GET`.
#[test]
fn change_requested_by_a_page_of_another_origin_is_rejected() {
    let instance = Instance::new([]);
    let body = r#"{"directory":"corp.example"}"#;
    let send = |headers: &[(&'static str, &str)]| instance.send_with(Method::POST, SYNCS, headers, body);
    for origin in ["http://evil.example", "http://idhook.corp.example.evil.example", "null", ""] {
        let problem = send(&[("host", "idhook.corp.example"), ("origin", origin)]).problem("forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("(Origin)"), "{origin}: {problem}");
    }
    let twice =
        [("host", "idhook.corp.example"), ("origin", "http://idhook.corp.example"), ("origin", "http://evil.example")];
    send(&twice).problem("forbidden");
    assert_eq!(instance.calls(), 0);
    // Behind a proxy that ends TLS and passes Host on without its port.
    for (host, origin) in [
        ("idhook.corp.example", "https://idhook.corp.example:8443"),
        ("IDHOOK.corp.example:80", "http://idhook.corp.example"),
        ("[::1]:3000", "http://[::1]:3000"),
    ] {
        let instance = Instance::new([logs_in("t1"), lists(), idle(CORP), classic(CORP)]);
        let own = instance.send_with(Method::POST, SYNCS, &[("host", host), ("origin", origin)], body);
        assert_eq!(own.status(), StatusCode::ACCEPTED, "{host}");
    }
    let instance = Instance::new([logs_in("t1"), lists()]);
    let read =
        instance.send_with(Method::GET, "/vidm/default/v1/directories", &[("origin", "http://evil.example")], "");
    assert_eq!(read.status(), StatusCode::OK);
}
