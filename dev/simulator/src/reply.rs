//! Requests as the simulated servers see them, and their responses.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, RawPathParams};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;

/// The result of every handler; the error side only makes `?` usable.
pub(crate) type Answer = Result<Reply, Reply>;

/// A response before it becomes HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    content_type: Option<Cow<'static, str>>,
    /// A further header.
    extra: Option<(HeaderName, &'static str)>,
    body: Bytes,
}

impl Reply {
    /// A status without body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, extra: None, body: Bytes::new() }
    }

    /// Any text with any content type.
    pub(crate) fn text(status: StatusCode, content_type: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: Some(content_type.into()), extra: None, body: body.into() }
    }

    /// A JSON value with any content type.
    pub(crate) fn json(status: StatusCode, content_type: impl Into<Cow<'static, str>>, body: &Value) -> Self {
        Self::text(status, content_type, body.to_string())
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.extra = Some((name, value));
        self
    }

    /// Removes a field of a JSON object in the body, if there is one.
    pub(crate) fn without(mut self, field: &str) -> Self {
        if let Ok(Value::Object(mut fields)) = serde_json::from_slice(&self.body) {
            fields.remove(field);
            self.body = Value::Object(fields).to_string().into();
        }
        self
    }

    /// The error page of the Apache httpd in front of VCF Operations.
    pub(crate) fn apache(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let page = format!(
            "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{} {reason}</title>\n</head><body>\n\
             <h1>{reason}</h1>\n<p>The server was unable to complete your request.</p>\n</body></html>\n",
            status.as_u16()
        );
        Self::text(status, "text/html; charset=iso-8859-1", page)
    }

    /// The error page of the Tomcat in front of vIDM.
    pub(crate) fn tomcat(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let title = format!("HTTP Status {} \u{2013} {reason}", status.as_u16());
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1>\
             <hr class=\"line\" /><p><b>Type</b> Status Report</p><p><b>Message</b> {reason}</p>\
             <hr class=\"line\" /><h3>Apache Tomcat</h3></body></html>"
        );
        Self::text(status, "text/html;charset=utf-8", page)
    }

    /// The error page of the nginx in front of SDDC Manager.
    pub(crate) fn nginx(status: StatusCode) -> Self {
        let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self::text(status, "text/html", page)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if let Some(value) = self.content_type.and_then(|text| HeaderValue::from_str(&text).ok()) {
            response.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        if let Some((name, value)) = self.extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The request's tenant, set when it was removed from the path.
#[derive(Clone, Debug)]
pub(crate) struct Tenant(pub(crate) String);

/// A mark of requests that arrived over https.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTls;

/// A completely read request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) tenant: String,
    /// Whether it arrived over https.
    pub(crate) tls: bool,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequest<S> for Ask {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state).await.map_err(IntoResponse::into_response)?;
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = body.collect().await.map_err(|_| StatusCode::BAD_REQUEST.into_response())?.to_bytes();
        Ok(Self {
            tenant: parts.extensions.remove::<Tenant>().map(|tenant| tenant.0).unwrap_or_default(),
            tls: parts.extensions.get::<OverTls>().is_some(),
            query: parts.uri.query().map(form).unwrap_or_default(),
            method: parts.method,
            headers: parts.headers,
            body,
            params,
        })
    }
}

impl Ask {
    /// A segment of the path, percent-decoded. Empty if the route has none with that name.
    pub(crate) fn param(&self, name: &str) -> &str {
        find(&self.params, name).unwrap_or_default()
    }

    /// A field of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// A header as text; several of one name are joined by commas (RFC 9110, 5.3).
    pub(crate) fn header(&self, name: http::HeaderName) -> Option<String> {
        let values: Vec<&str> = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Content-Type without its parameters, in lower case.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.header(header::CONTENT_TYPE)?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The body as JSON, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The fields of a form in the body; empty unless the content type is a form's.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        if self.content_type().as_deref() != Some("application/x-www-form-urlencoded") {
            return Vec::new();
        }
        form(&String::from_utf8_lossy(&self.body))
    }
}

/// The first field with that name.
pub(crate) fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Decodes `application/x-www-form-urlencoded`, in a body or a query.
fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
