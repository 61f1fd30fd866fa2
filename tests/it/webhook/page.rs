//! The page at `/`, and that it can be turned off.

use http::Method;

use crate::support::webhook::Instance;

#[test]
fn page_is_public_and_makes_no_call() {
    let instance = Instance::new([]);
    let page = instance.get("/");
    assert_eq!((page.status().as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().starts_with("<!doctype html>") && page.text().ends_with("</html>\n"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    let head = instance.send(Method::HEAD, "/", "");
    assert_eq!((head.status().as_u16(), head.text().len()), (200, 0));
    assert_eq!(head.header("etag"), page.header("etag"));
    instance.send(Method::POST, "/", "").problem("method_not_allowed");
    instance.get("//").problem("route_not_found");
}

#[test]
fn page_can_be_turned_off() {
    let instance = Instance::with(&[("page", "false")], []);
    for method in [Method::GET, Method::OPTIONS, Method::POST] {
        instance.send(method, "/", "").problem("route_not_found");
    }
    assert_eq!(instance.get("/healthz").status(), 200);
}
