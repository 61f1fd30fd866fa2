//! The nginx in front of SDDC Manager, as far as it changes requests: it decodes and resolves the path, serves some endings
//! as static files, routes by a list of names, forwards without encoding again, and limits heads and bodies.
//!
//! From the vendor's `nginx.conf` for VCF 4.4 and 9.0 (in VMware's hardening content), and from nginx 1.22's behaviour.

use axum::body::Body;
use axum::response::IntoResponse as _;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::reply::Reply;
use crate::settings::SddcFront;

/// The longest line of a head (`large_client_header_buffers` is nginx's default).
const MAX_LINE: usize = 8 << 10;

/// The largest body (`client_max_body_size` is nginx's default).
const MAX_BODY: usize = 1 << 20;

/// The first segments below `/v1` that are routed to the common services; `wsas` is routed to another service.
const ROUTED: [&str; 12] = [
    "credentials",
    "domains",
    "hosts",
    "identity-providers",
    "roles",
    "sddc-managers",
    "sso-domains",
    "system",
    "tasks",
    "tokens",
    "users",
    "wsas",
];

/// Endings of static files.
const STATIC: [&str; 7] = [".jpg", ".jpeg", ".gif", ".png", ".svg", ".js", ".css"];

/// The request as the service gets it, or nginx's own response.
pub(crate) fn pass(
    front: SddcFront,
    mut request: Request<Body>,
    body_length: usize,
) -> Result<Request<Body>, Box<Response<Body>>> {
    let page = |status| Box::new(Reply::nginx(status).into_response());
    let lines = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if lines.max().is_some_and(|longest| longest > MAX_LINE) {
        return Err(Box::new(too_large_head()));
    }
    let path = percent_decode_str(request.uri().path()).collect::<Vec<u8>>();
    if path.contains(&0) {
        return Err(page(StatusCode::BAD_REQUEST));
    }
    let path = resolved(&path).ok_or_else(|| page(StatusCode::BAD_REQUEST))?;
    let lower = path.to_ascii_lowercase();
    if STATIC.iter().any(|ending| lower.ends_with(ending.as_bytes())) {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        return Err(page(if reads { StatusCode::NOT_FOUND } else { StatusCode::METHOD_NOT_ALLOWED }));
    }
    // `(.*)` ends at a line break, and the rest is not matched.
    let first_line = path.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !is_routed(front, first_line) {
        return Err(Box::new(to_user_interface(request.headers().get(header::HOST))));
    }
    if body_length > MAX_BODY {
        return Err(page(StatusCode::PAYLOAD_TOO_LARGE));
    }
    // A decoded question mark begins a query now; the service rejects an invalid request line.
    let mut forwarded = first_line.to_vec();
    if let Some(query) = request.uri().query() {
        forwarded.push(b'?');
        forwarded.extend(query.bytes());
    }
    let uri = PathAndQuery::try_from(forwarded.as_slice())
        .ok()
        .and_then(|target| Uri::builder().path_and_query(target).build().ok());
    let Some(uri) = uri else {
        return Err(Box::new(
            Reply::text(StatusCode::BAD_REQUEST, "text/html", "Invalid character found in the request target")
                .into_response(),
        ));
    };
    *request.uri_mut() = uri;
    Ok(request)
}

/// `path` without empty segments and dots; `None` if it leads above the root.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut parts = path.split(|byte| *byte == b'/').peekable();
    let mut ends_open = false;
    while let Some(part) = parts.next() {
        ends_open = parts.peek().is_none() && matches!(part, b"" | b"." | b"..");
        match part {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            part => segments.push(part),
        }
    }
    let mut whole = Vec::new();
    for segment in segments {
        whole.push(b'/');
        whole.extend(segment);
    }
    if ends_open || whole.is_empty() {
        whole.push(b'/');
    }
    Some(whole)
}

/// `location ~ ^/v1/(…)(.*)`: matches by the beginning of the path.
fn is_routed(front: SddcFront, path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/v1/") else { return false };
    let broker: &[u8] = if front.routes_oidc { b"identity-broker/" } else { b"identity-broker/prechecks" };
    rest.starts_with(broker) || ROUTED.iter().any(|name| rest.starts_with(name.as_bytes()))
}

fn to_user_interface(host: Option<&HeaderValue>) -> Response<Body> {
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("sddc-manager");
    let mut response = Reply::nginx(StatusCode::MOVED_PERMANENTLY).into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("https://{host}/ui")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn too_large_head() -> Response<Body> {
    let title = "400 Request Header Or Cookie Too Large";
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n\
         <center>Request Header Or Cookie Too Large</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    Reply::text(StatusCode::BAD_REQUEST, "text/html", page).into_response()
}
