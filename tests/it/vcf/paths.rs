//! Only SDDC Manager's documented routes are ever called, whatever an id contains: its nginx decodes a path before routing,
//! so there an id with `%2F` is another resource.

use http::{Method, Request};
use idhook::webhook::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::script::get;
use crate::support::vcf::{ID, PROVIDER, SOURCE};
use crate::support::webhook::{Instance, KEY};
use crate::vcf::session::login;

const ROOT: &str = "/vcf/default/v1/identity-providers";

/// Hostile, templated and international names, as the service would get them decoded.
const HOSTILE: &[&str] = &[
    " ",
    ".",
    "..",
    "...",
    "../credentials",
    "..\\credentials",
    "a/b",
    "a//b",
    "../../v1/hosts/1",
    "a\\b",
    "a?b=c",
    "a#b",
    "a;b",
    "a;/../b",
    "a b",
    " a",
    "a ",
    "a+b",
    "a&b",
    "a=b",
    "a:b",
    "a@b",
    "a%",
    "a%zz",
    "..%2Fcredentials",
    "..%252Fcredentials",
    "%2e%2e%2fcredentials",
    "%3Fa",
    "%00",
    "a\nb",
    "a\r\nHost: x",
    "a\tb",
    "a\0b",
    "a\u{7f}",
    "müller.example",
    "‥",
    "∕",
    "ａ",
    "a\u{202e}b",
    "a\u{200b}b",
    "\u{feff}a",
    "{id}",
    "*",
    "~root",
    "'",
    "\"",
    "<a>",
    "a|b",
    "a,b",
    "(a)",
    "a.css",
    "A.JS",
    "x.png",
    ".svg",
];

/// The spellings that callers may send: encoded once, twice, and unencoded where possible in a request line.
fn spellings(text: &str) -> Vec<String> {
    let once = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let twice = utf8_percent_encode(&once, NON_ALPHANUMERIC).to_string();
    let small = once.to_ascii_lowercase();
    let raw = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte)).then(|| text.to_owned());
    [once, twice, small].into_iter().chain(raw).collect()
}

fn routes(text: &str) -> Vec<(Method, String, &'static str)> {
    let one = format!("{ROOT}/{text}");
    let source = format!("{ROOT}/{ID}/identity-sources/{text}");
    let mut routes = vec![
        (Method::GET, one.clone(), ""),
        (Method::DELETE, one.clone(), ""),
        (Method::PATCH, one.clone(), PROVIDER),
        (Method::POST, format!("{one}/identity-sources"), SOURCE),
        (Method::POST, format!("{one}/sync-client"), ""),
        (Method::DELETE, format!("{one}/identity-sources/corp.example"), ""),
        (Method::DELETE, source.clone(), ""),
    ];
    for method in [Method::PATCH, Method::PUT] {
        routes.push((method.clone(), source.clone(), SOURCE));
        routes.push((method, format!("{one}/identity-sources/corp.example"), SOURCE));
    }
    routes
}

#[test]
fn hostile_ids_and_domain_names_never_leave_idhook() {
    // A script without calls panics on the first one.
    let instance = Instance::new([]);
    let mut refused = 0;
    for text in HOSTILE {
        for spelling in spellings(text) {
            for (method, path, body) in routes(&spelling) {
                let body = Body::Whole(bytes::Bytes::copy_from_slice(body.as_bytes()));
                let request = Request::builder().method(&method).uri(&path).header("x-api-key", KEY).body(body);
                let Ok(request) = request else { continue };
                let answer = instance.send_request(request);
                let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
                let expected = ["request_invalid", "route_not_found", "method_not_allowed"];
                assert!(expected.contains(&code.as_str()), "{method} {path}: {}", answer.text());
                refused += usize::from(code == "request_invalid");
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
    assert_eq!(instance.calls(), 0);
}

#[test]
fn rejections_name_an_alternative() {
    let instance = Instance::new([]);
    let hint = |path: &str| {
        let problem = instance.send(Method::DELETE, &format!("{ROOT}/{ID}/identity-sources/{path}"), "");
        problem.problem("request_invalid")["hint"].as_str().unwrap_or_default().to_owned()
    };
    assert!(hint("m%C3%BCller.example").contains("punycode"));
    assert!(hint("corp.css").contains("vSphere Client"));
}

#[test]
fn domain_names_in_bodies_are_checked_too() {
    let instance = Instance::new([]);
    for domain in ["a/b", "..%2Fcredentials", "müller.example", "corp.css", ".."] {
        let mut spec: Value = serde_json::from_str(SOURCE).unwrap();
        spec["ldap"]["domainName"] = json!(domain);
        let answer = instance.send(Method::POST, &format!("{ROOT}/{ID}/identity-sources"), &spec.to_string());
        assert_eq!(answer.problem("request_invalid")["errors"][0]["pointer"], "/ldap/domainName", "{domain}");
    }
}

#[test]
fn responses_about_other_resources_are_not_shown() {
    let credentials = r#"{"elements": [{"id": "c1", "username": "root", "password": "hunter2"}]}"#;
    let instance = Instance::new([
        login(),
        get(format!("https://sddc.corp.example/v1/identity-providers/{ID}")).answer(200, credentials),
    ]);
    let answer = instance.get(&format!("{ROOT}/{ID}"));
    answer.problem("upstream_invalid");
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
}
