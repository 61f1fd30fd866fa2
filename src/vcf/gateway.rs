//! Responses of the nginx in front of SDDC Manager, in HTML (the vendor's `nginx.conf` for VCF 4.4 and 9.0): the meaning of
//! each page, and the fix.

use http::StatusCode;

use crate::error::{Error, ErrorCode, UpstreamEvidence};

/// The beginning of a redirect's evidence, followed by its location.
const REDIRECT: &str = "redirect to ";

const NO_SUCH_OPERATION: &str = "SDDC Manager redirects unknown paths to its user interface: check its version in the \
                                 VCF API reference. VCF 9.0.0 does not route …/identity-broker/sddc-manager-oidc from outside, and \
                                 no version before 5.1 has …/identity-broker and …/sync-client";

const TOO_LARGE: &str = "SDDC Manager's nginx accepts bodies of at most 1 MB: send only the CA certificates of the directory's servers, \
                         not a whole bundle";

const BUSY: &str = "SDDC Manager's nginx serves at most 100 connections at a time: retry later, and look for clients that \
                    keep connections open";

const HEADERS: &str = "SDDC Manager's nginx accepts request headers of at most 8 KB: check for a proxy that adds headers, and for an \
                       access token of unusual size";

const DOWN: &str = "SDDC Manager's nginx is running, but its common services do not respond: they take some minutes to start; check \
                    their state on the appliance (systemctl status commonsvcs)";

const STATIC_FILE: &str = "SDDC Manager's nginx did not forward the request: it serves paths that end in .css, .gif, .jpeg, .jpg, \
                           .js, .png or .svg as static files; manage such an identity source in the vSphere Client";

/// `error` with nginx's meaning, if nginx sent the response.
pub(super) fn explained(error: Error) -> Error {
    let Some(said) = error.evidence().filter(|said| !said.is_vendor) else { return error };
    let Some(status) = said.status else { return error };
    let message = said.message.as_deref().unwrap_or_default();
    if status.is_redirection() && is_user_interface(message) {
        let detail =
            format!("this version of SDDC Manager has no such operation: {} returned {status}, {message}", said.call);
        // An expired token is not redirected, so a login would change nothing.
        let said = UpstreamEvidence { may_deny_token: false, ..said.clone() };
        let error = error.recode(ErrorCode::UpstreamInvalid, detail).hint(NO_SUCH_OPERATION);
        return error.upstream(said).not_retryable();
    }
    let is_page = message.contains("HTML page");
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => error.hint(TOO_LARGE),
        StatusCode::SERVICE_UNAVAILABLE if is_page => error.hint(BUSY),
        StatusCode::BAD_REQUEST if message.contains("Header Or Cookie Too Large") => error.hint(HEADERS),
        StatusCode::METHOD_NOT_ALLOWED if is_page => error.hint(STATIC_FILE),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT if is_page => error.hint(DOWN),
        _ => error,
    }
}

/// Whether the evidence is a redirect to `https://HOST/ui`.
fn is_user_interface(message: &str) -> bool {
    let place = message.strip_prefix(REDIRECT).unwrap_or_default();
    let path = place
        .split_once("://")
        .map_or(place, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default());
    path == "/ui" || path.starts_with("/ui/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: ErrorCode, status: StatusCode, message: &str, is_vendor: bool) -> Error {
        let evidence = UpstreamEvidence {
            call: "GET /v1/x",
            status: Some(status),
            is_vendor,
            message: Some(message.to_owned()),
            ..UpstreamEvidence::default()
        };
        explained(Error::new(code, "d").hint("general").upstream(evidence))
    }

    #[test]
    fn redirects_to_the_user_interface_mean_an_unknown_operation() {
        for place in [
            "https://sddc.corp.example/ui",
            "https://sddc.corp.example/ui/",
            "/ui",
            "https://sddc.corp.example:443/ui/login",
        ] {
            let error = error(
                ErrorCode::UpstreamInvalid,
                StatusCode::MOVED_PERMANENTLY,
                &format!("redirect to {place}"),
                false,
            );
            assert!(error.detail().starts_with("this version of SDDC Manager has no such operation"), "{error}");
            assert!(!error.is_retryable() && error.hint_text().unwrap().contains("5.1"), "{error}");
        }
        for place in
            ["https://sddc.corp.example/v1/x", "https://ui/", "https://sso.corp.example/login", "https://h/uix"]
        {
            let error = error(ErrorCode::UpstreamInvalid, StatusCode::FOUND, &format!("redirect to {place}"), false);
            assert_eq!((error.detail(), error.hint_text()), ("d", Some("general")), "{place}");
        }
    }

    #[test]
    fn each_nginx_page_has_its_own_hint() {
        let hint = |status: u16, message: &str, is_vendor: bool| {
            let status = StatusCode::from_u16(status).unwrap();
            error(ErrorCode::UpstreamFailed, status, message, is_vendor).hint_text().unwrap().to_owned()
        };
        for (status, title, word) in [
            (413, "413 Request Entity Too Large", "1 MB"),
            (503, "503 Service Temporarily Unavailable", "100 connections"),
            (400, "400 Request Header Or Cookie Too Large", "8 KB"),
            (405, "405 Not Allowed", "static file"),
            (502, "502 Bad Gateway", "common services"),
            (504, "504 Gateway Time-out", "common services"),
        ] {
            let page = format!("an HTML page: {title}");
            assert!(hint(status, &page, false).contains(word), "{status}");
            assert_eq!(hint(status, &page, true), "general", "the service's own response");
        }
        assert_eq!(hint(400, "an HTML page: 400 The plain HTTP request was sent to HTTPS port", false), "general");
        assert_eq!(hint(500, "an HTML page: 500", false), "general");
    }
}
