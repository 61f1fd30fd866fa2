//! The floor: sends the upstream calls listed in the request, one after another, and returns the last response's body. No
//! store, no JSON, no checks. Any cost above this is idhook's own.
//!
//! The request body has one call per line, with tab-separated fields: `METHOD`, path with query, `Accept`, `Content-Type`,
//! `Authorization`, body. Unused fields are empty.

use std::cell::OnceCell;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use spin_sdk::http::{Request, Response};
use spin_sdk::variables;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http_compat::{http_from_wasi_response, http_into_wasi_request};

thread_local! {
    /// The variable `upstream`, read once per instance, as idhook reads its own.
    static UPSTREAM: OnceCell<Rc<str>> = const { OnceCell::new() };
}

/// Handles one request; a failed call is a 502 with its reason.
#[spin_sdk::http_service]
async fn handle(request: Request) -> Response<Full<Bytes>> {
    let (status, body) = match replay(request).await {
        Ok(body) => (http::StatusCode::OK, body),
        Err(reason) => (http::StatusCode::BAD_GATEWAY, Bytes::from(reason)),
    };
    let length = body.len();
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

async fn replay(request: Request) -> Result<Bytes, String> {
    let upstream = upstream().await?;
    let list = request.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
    let list = str::from_utf8(&list).map_err(|e| e.to_string())?;
    let mut last = Bytes::new();
    for line in list.lines() {
        last = call(&upstream, line).await?;
    }
    Ok(last)
}

async fn call(upstream: &str, line: &str) -> Result<Bytes, String> {
    let mut fields = line.splitn(6, '\t');
    let mut next = || fields.next().unwrap_or_default();
    let (method, path) = (next(), next());
    let mut request = http::Request::builder().method(method).uri(format!("{upstream}{path}"));
    for name in [ACCEPT, CONTENT_TYPE, AUTHORIZATION] {
        let value = next();
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let body = next();
    if !body.is_empty() {
        request = request.header(CONTENT_LENGTH, body.len());
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).map_err(|e| e.to_string())?;
    let request = http_into_wasi_request(request).map_err(|e| e.to_string())?;
    let response = client::send(request).await.map_err(|e| e.to_string())?;
    let response = http_from_wasi_response(response).map_err(|e| e.to_string())?;
    Ok(response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes())
}

async fn upstream() -> Result<Rc<str>, String> {
    if let Some(upstream) = UPSTREAM.with(|cell| cell.get().cloned()) {
        return Ok(upstream);
    }
    let read: Rc<str> = variables::get("upstream").await.map_err(|e| e.to_string())?.into();
    Ok(UPSTREAM.with(|cell| Rc::clone(cell.get_or_init(|| read))))
}
