//! Outbound HTTP through `wasi:http`, with every timeout set: Spin's defaults are 600 s each.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use idhook::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::{RequestOptionsExtension, http_from_wasi_response, http_into_wasi_request};

use crate::runtime::Spin;

impl HttpClient for Spin {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
        limits: &Limits,
    ) -> Result<http::Response<Bytes>, TransportError> {
        request.extensions_mut().insert(RequestOptionsExtension(options(limits)));
        let request = http_into_wasi_request(request.map(Full::new)).map_err(failed)?;
        let response = http_from_wasi_response(client::send(request).await.map_err(failed)?).map_err(failed)?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, limits.max_body).collect().await {
            Ok(whole) => Ok(http::Response::from_parts(parts, whole.to_bytes())),
            Err(e) => Err(match e.downcast::<ErrorCode>() {
                Ok(code) => failed(*code),
                Err(e) if e.is::<LengthLimitError>() => {
                    TransportError::new(TransportErrorKind::BodyTooLarge, format!("over {} bytes", limits.max_body))
                }
                Err(e) => TransportError::new(TransportErrorKind::Interrupted, e.to_string()),
            }),
        }
    }
}

fn options(limits: &Limits) -> RequestOptions {
    let nanoseconds = |time: Duration| Some(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let options = RequestOptions::new();
    // A host without support for one of these uses its own; the core's deadline applies in any case.
    let _ = options.set_connect_timeout(nanoseconds(limits.connect_timeout));
    let _ = options.set_first_byte_timeout(nanoseconds(limits.first_byte_timeout));
    let _ = options.set_between_bytes_timeout(nanoseconds(limits.between_bytes_timeout));
    options
}

/// A `wasi:http` error in the core's terms.
#[allow(clippy::needless_pass_by_value, reason = "the form map_err wants")]
fn failed(code: ErrorCode) -> TransportError {
    use TransportErrorKind as Kind;
    let kind = match &code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Kind::HostNotAllowed,
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => Kind::Dns,
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionLimitReached => Kind::Refused,
        ErrorCode::ConnectionTimeout => Kind::ConnectTimeout,
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => Kind::Tls,
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            Kind::Timeout
        }
        ErrorCode::HttpResponseBodySize(_) => Kind::BodyTooLarge,
        ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpUpgradeFailed => Kind::Protocol,
        // A connection closed in the middle causes any of several codes, `HttpProtocolError` among them.
        _ => Kind::Interrupted,
    };
    TransportError::new(kind, code.to_string())
}
