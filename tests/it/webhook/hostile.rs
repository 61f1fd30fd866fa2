//! Every input gets a response with a documented status and code, within bounds, and without a panic. Upstream connections
//! are refused, so `upstream_unreachable` is the only justified 5xx.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use idhook::error::ErrorCode;
use idhook::runtime::Clock as _;
use idhook::webhook::Body;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::support::script::Script;
use crate::support::webhook::{Answer, Instance, KEY, READER};

const CASES: u32 = 12_000;

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        6 => Just(Method::POST),
        4 => select(vec![Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]),
        1 => "[A-Za-z!#$%&'*+.^_`|~-]{1,20}".prop_map(|text| Method::from_bytes(text.as_bytes()).unwrap()),
    ]
}

/// Part of a path: a name, or hostile and templated text.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec!["default", "corp.example", "d1000000-0000-4000-8000-0000000000c0", "nowhere"]).prop_map(str::to_owned),
        2 => select(vec![
            "..", ".", "%2e%2e", "%2F", "%5C", "%00", "%0d%0aset-cookie:x", "%FF%FE", "%C0%AF", "%", "%zz", "%u0041", "$%7Bx%7D",
            "${x}", "%20", "%EF%BB%BF", "'%20or%201=1", "%F0%9F%92%A9", "a;b=c", "{target}", "*",
        ]).prop_map(str::to_owned),
        1 => "[!-~&&[^?#\"<>\\\\^`|]]{0,40}",
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| bytes.iter().map(|byte| format!("%{byte:02X}")).collect()),
        1 => (1usize..3000).prop_map(|length| "a".repeat(length)),
    ]
}

const ROUTES: &[&str] = &[
    "/healthz",
    "/readyz",
    "/vidm/@/v1/directories",
    "/vidm/@/v1/directories/@",
    "/vidm/default/v1/directories/@/syncs",
    "/vidm/default/v1/directories/corp.example/syncs",
    "/vidm/default/v1/directories/@/sync",
    "/vidm/default/v1/syncs",
    "/vidm/default/v1/syncs",
    "/vidm/@/v1/syncs/@",
    "/vidm/default/v1/groups",
    "/vidm/default/v1/health",
    "/vidm/default/v1/doctor",
    "/vcf/default/v1/identity-providers",
    "/vcf/default/v1/identity-providers/@",
    "/vcf/default/v1/identity-providers/@/identity-sources",
    "/vcf/default/v1/identity-providers/@/identity-sources/@",
    "/vcf/default/v1/identity-providers/@/sync-client",
    "/vcf/@/v1/identity-broker/prechecks",
    "/@",
    "/@/@/@",
    "",
];

fn target() -> impl Strategy<Value = String> {
    let path = (select(ROUTES), prop::collection::vec(segment(), 3), any::<bool>());
    let query = prop_oneof![
        3 => Just(String::new()),
        1 => "[!-~&&[^#\"<>\\\\^`|{}]]{0,60}".prop_map(|text| format!("?{text}")),
        1 => select(vec![
            "?dn=CN%3Da", "?name=%FF", "?syncable=maybe", "?dn=${x}", "?type=&&==&=", "?dryRun=perhaps", "?dryRun=true&force=1",
            "?syncClientTokenTTL=99999999999999999999", "?syncClientTokenTTL=-1", "?name=a@b&name=c@d",
        ]).prop_map(str::to_owned),
    ];
    (path, query).prop_map(|((route, segments, slash), query)| {
        let mut parts = route.split('@');
        let mut path = parts.next().unwrap_or_default().to_owned();
        for (part, segment) in parts.zip(segments) {
            path.push_str(&segment);
            path.push_str(part);
        }
        format!("{path}{}{query}", if slash { "/" } else { "" })
    })
}

fn content_type() -> impl Strategy<Value = &'static str> {
    select(vec![
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=utf-16",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/cloudevents+json; charset=\"UTF-8\"",
        "application/scim+json",
        "multipart/form-data; boundary=x",
        "text/xml",
        ";;;=;",
        "",
    ])
}

/// A header, odd or not. Line breaks and NUL are excluded: no HTTP library passes them on.
fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let known = select(vec![
        "prefer",
        "accept",
        "idempotency-key",
        "webhook-id",
        "x-github-delivery",
        "x-request-id",
        "traceparent",
        "content-encoding",
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "authorization",
        "content-length",
        "transfer-encoding",
        "host",
        "expect",
    ]);
    let value = prop_oneof![
        select(vec![
            "wait=1",
            "wait=99999999999999999999",
            "text/event-stream",
            "gzip",
            "identity",
            "1.0",
            "0.3",
            "i-1",
            "https://vcenter/sdk",
            "\"key\"",
            "\"unfinished",
            "Bearer",
            "Basic !!!!",
            "chunked",
            "-1",
            "100-continue",
            "00-0-0-00",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(prop_oneof![Just(b'\t'), 32u8..127, 128u8..=255], 0..80),
        (0usize..5000).prop_map(|length| vec![b'k'; length]),
    ];
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z][a-z0-9-]{0,20}"]
        .prop_flat_map(move |name| (Just(name), value.clone()))
}

/// A text that a route may accept, in JSON or nearly.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1e309",
            "-1e-999",
            "123456789012345678901234567890",
            "1.",
            "01",
            "NaN",
            "\"\"",
            "\"true\"",
            "\"60\"",
            "\"corp.example\"",
            "\"${x}\"",
            "${x}",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"\u{202e}\"",
            "\"[1\"",
            "\"[\\\"CN=a,DC=b\\\"]\"",
            "\"CN=a,DC=b\"",
            "\"a@b\"",
            "\"1.0\"",
            "\"e30=\"",
            "'x'",
            "\"\u{feff}\"",
            "/**/1",
            "\"\t\"",
        ])
        .prop_map(str::to_owned),
        "\"[ -!#-\\[\\]-~]{0,30}\"",
        (1usize..4000).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        (1usize..300).prop_map(|depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth))),
        (1usize..300).prop_map(|depth| format!("{}1{}", "{\"inputs\":".repeat(depth), "}".repeat(depth))),
        (1usize..2000).prop_map(|count| format!("[{}]", vec!["\"CN=a,DC=b\""; count].join(","))),
    ];
    let name = select(vec![
        "directory",
        "groups",
        "dryRun",
        "ignoreSafeguards",
        "addToProfile",
        "callback",
        "inputs",
        "customProperties",
        "payload",
        "specversion",
        "id",
        "source",
        "type",
        "data",
        "data_base64",
        "datacontenttype",
        "name",
        "ldap",
        "oidc",
        "certChain",
        "password",
        "sourceDetails",
        "serverEndpoints",
        "__metadata",
        "\\u0064irectory",
        "",
        "a/b~c",
        "${x}",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            3 => prop::collection::vec((name.clone(), inner.clone()), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(name, item)| format!("\"{name}\":{item}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
            1 => prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

fn body() -> impl Strategy<Value = Body> {
    let whole = |bytes: Vec<u8>| Body::Whole(Bytes::from(bytes));
    prop_oneof![
        10 => json().prop_map(move |text| whole(text.into_bytes())),
        3 => (json(), any::<prop::sample::Index>()).prop_map(move |(text, at)| {
            let mut bytes = text.into_bytes();
            bytes.truncate(at.index(bytes.len() + 1));
            whole(bytes)
        }),
        2 => (json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(move |(text, at, byte)| {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            whole(bytes)
        }),
        2 => json().prop_map(move |text| whole([b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat())),
        1 => json().prop_map(move |text| whole(text.encode_utf16().flat_map(u16::to_le_bytes).collect())),
        1 => json().prop_map(move |text| whole(format!("payload={}", text.replace('&', "%26")).into_bytes())),
        1 => "[a-zA-Z0-9%&=+.${}\\[\\]]{0,200}".prop_map(move |text| whole(text.into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(whole),
        1 => (1usize..20_000).prop_map(move |count| whole(format!("{{{}}}", vec!["\"a\":1"; count].join(",")).into_bytes())),
        1 => select(vec![Body::TooLarge, Body::TooSlow, Body::Broken, Body::Whole(Bytes::new())]),
    ]
}

fn request() -> impl Strategy<Value = Request<Body>> {
    let key = prop_oneof![12 => Just(Some(KEY)), 2 => Just(Some(READER)), 1 => Just(Some("guess")), 1 => Just(None)];
    let content_type = prop::option::weighted(0.8, content_type());
    (method(), target(), key, content_type, prop::collection::vec(header(), 0..4), body()).prop_filter_map(
        "no request line",
        |(method, target, key, content_type, headers, body)| {
            let mut request = Request::new(body);
            *request.method_mut() = method;
            *request.uri_mut() = Uri::try_from(target).ok()?;
            for (name, value) in headers {
                let value = HeaderValue::from_bytes(&value).ok()?;
                request.headers_mut().append(HeaderName::try_from(name).ok()?, value);
            }
            if let Some(key) = key {
                request.headers_mut().insert("x-api-key", HeaderValue::from_static(key));
            }
            if let Some(content_type) = content_type {
                request.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
            }
            Some(request)
        },
    )
}

/// The response is a documented one.
fn check(answer: &Answer) -> Result<(), TestCaseError> {
    let status = answer.status();
    // The page is the largest.
    prop_assert!(answer.response.body().len() < 128 << 10, "a response of {} bytes", answer.response.body().len());
    prop_assert!(!answer.header("x-request-id").is_empty());
    if status.is_success() {
        return Ok(());
    }
    prop_assert_eq!(answer.header("content-type"), "application/problem+json");
    if answer.response.body().is_empty() {
        return Ok(());
    }
    let problem: Value = serde_json::from_slice(answer.response.body()).unwrap();
    let code = ErrorCode::ALL.iter().find(|code| problem["code"] == code.as_str());
    let code = code.unwrap_or_else(|| panic!("an undocumented code: {problem}"));
    prop_assert_eq!(code.status(), status);
    prop_assert_eq!(&problem["status"], status.as_u16());
    prop_assert!(!status.is_server_error() || *code == ErrorCode::UpstreamUnreachable, "{}", problem);
    prop_assert!(!answer.text().contains("pässword") && !answer.text().contains(KEY), "{}", problem);
    Ok(())
}

#[test]
fn any_input_gets_a_documented_response() {
    let variables = [("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")];
    let instance = Instance::over(Script::refusing(), &variables);
    let mut seen = std::collections::BTreeMap::<u16, u32>::new();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) };
    let seen_by = std::cell::RefCell::new(&mut seen);
    proptest!(config, |(request in request())| {
        let began = instance.script.elapsed();
        let answer = instance.send_request(request);
        // Taken before any check returns, so that the next case begins without lines.
        let lines = instance.script.take_lines();
        check(&answer)?;
        // Attempts and the waits between them; a requested wait stays within its bound.
        let took = instance.script.elapsed() - began;
        prop_assert!(took <= Duration::from_secs(330), "{took:?}");
        prop_assert_eq!(lines.len(), 1, "one log line");
        prop_assert!(lines[0].len() < 8 << 10 && serde_json::from_str::<Value>(&lines[0]).is_ok(), "{}", lines[0]);
        *seen_by.borrow_mut().entry(answer.status().as_u16()).or_default() += 1;
    });
    // Not all were rejected early.
    for status in [200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 502] {
        assert!(seen.contains_key(&status), "{status} among {seen:?}");
    }
}
