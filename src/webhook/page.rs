//! The page at `/`: the state of idhook, directory syncs, SDDC Manager, the doctor, and the API reference. It is one static
//! document that loads nothing from other servers; `build.rs` assembles it and computes the hashes of its style and its script.
//!
//! Like `/readyz`, it needs no caller, and it contains no more than `/readyz` reports. The key that a person enters is only in the
//! header of the page's own requests.

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY};

use super::asset::PAGE;
use crate::error::Error;

/// Only the page's own style and script, and requests to its own origin (CSP Level 3).
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/page.csp"));

/// Headers of the page. `nosniff` is in every response.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Revalidated at each visit: after an upgrade, an old page would not fit the new routes.
    (CACHE_CONTROL, "no-cache"),
];

/// The page, to a request with `headers`.
pub(super) fn response(headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
    let mut response = PAGE.response(headers)?;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use http::header;
    use sha2::{Digest as _, Sha256};

    fn page() -> String {
        let response = response(&HeaderMap::new()).unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        String::from_utf8(response.body().to_vec()).unwrap()
    }

    /// Each text between two marks.
    fn between<'t>(text: &'t str, from: &'t str, to: &'t str) -> impl Iterator<Item = &'t str> {
        text.split(from).skip(1).map(move |rest| rest.split_once(to).unwrap().0)
    }

    #[test]
    fn policy_allows_exactly_this_style_and_script() {
        let page = page();
        for (directive, element) in [("style-src", "style"), ("script-src", "script")] {
            let (from, to) = (format!("<{element}>"), format!("</{element}>"));
            let content: Vec<_> = between(&page, &from, &to).collect();
            assert_eq!(content.len(), 1, "{element}");
            let hash = STANDARD.encode(Sha256::digest(content[0]));
            assert!(POLICY.contains(&format!("{directive} 'sha256-{hash}';")), "{POLICY}");
        }
        assert!(POLICY.starts_with("default-src 'none'; ") && !POLICY.contains("unsafe"), "{POLICY}");
        for directive in ["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
            assert!(POLICY.contains(directive), "{directive}");
        }
        assert!(
            !page.contains(" style=") && !page.contains(" onclick="),
            "a policy without unsafe-inline blocks these"
        );
    }

    #[test]
    fn page_refers_to_no_other_server() {
        let page = page();
        let (markup, script) = page.split_once("<script>").unwrap();
        for attribute in ["src=\"", "href=\"", "action=\""] {
            for place in between(markup, attribute, "\"") {
                let is_route = crate::webhook::route::find(&format!("/{place}")).is_ok();
                assert!(is_route || place.starts_with("data:") || place.starts_with('#'), "{place}");
            }
        }
        for no in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "sessionStorage",
            "cookie",
        ] {
            assert!(!script.contains(no), "{no}");
        }
        assert!(!markup.contains("url(") && !markup.contains("@import"));
        assert!(!page.contains("{page."), "assembled");
    }

    #[test]
    fn page_is_revalidated_at_each_visit() {
        let first = response(&HeaderMap::new()).unwrap();
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
        let held = HeaderMap::from_iter([(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone())]);
        let again = response(&held).unwrap();
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0));
        assert_eq!(again.headers()[CONTENT_SECURITY_POLICY], POLICY);
    }
}
