//! Static documents: `build.rs` compresses them. A client that accepts gzip receives them as they are; for any other client they
//! are decompressed.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};
use http::{Response, StatusCode};

use super::list_header::{holds_version, items};
use crate::error::{Error, ErrorCode};

/// The length of a gzip trailer in bytes: the CRC-32 and the length of the content (RFC 1952, section 2.3.1).
const TRAILER: usize = 8;

/// One document.
#[derive(Debug)]
pub(super) struct Asset {
    gzip: &'static [u8],
    media_type: &'static str,
}

macro_rules! asset {
    ($file:literal, $media_type:literal) => {
        Asset { gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".gz")), media_type: $media_type }
    };
}

/// The OpenAPI 3.1 document.
pub(super) static OPENAPI: Asset = asset!("openapi", "application/json");
/// The OpenAPI 3.0 document.
pub(super) static OPENAPI_3_0: Asset = asset!("openapi-3.0", "application/json");
/// The page; [`super::page`] adds its headers.
pub(super) static PAGE: Asset = asset!("page", "text/html; charset=utf-8");

impl Asset {
    /// The response to a request with `headers`: 304 if the client has this version already.
    ///
    /// # Errors
    /// `internal` if the embedded document is damaged.
    pub(super) fn response(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
        let etag = self.etag();
        let mut response = Response::new(Bytes::new());
        let gzip = takes_gzip(headers);
        if holds_version(headers, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let media_type = HeaderValue::from_static(self.media_type);
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            if gzip {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            *response.body_mut() = if gzip { Bytes::from_static(self.gzip) } else { self.decompressed()? };
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
        Ok(response)
    }

    /// Identifies this version of the document in any encoding, by its checksum and length.
    fn etag(&self) -> String {
        let trailer = self.gzip.last_chunk().map_or(0, |trailer: &[u8; TRAILER]| u64::from_le_bytes(*trailer));
        format!("W/\"{trailer:016x}\"")
    }

    fn decompressed(&self) -> Result<Bytes, Error> {
        let mut text = Vec::new();
        let read = GzDecoder::new(self.gzip).read_to_end(&mut text);
        read.map_err(|e| Error::new(ErrorCode::Internal, format!("the embedded document cannot be read: {e}")))?;
        Ok(Bytes::from(text))
    }
}

/// Whether the client accepts gzip: it is listed, and its weight is not 0 (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    items(headers, &ACCEPT_ENCODING).any(|item| item.value().eq_ignore_ascii_case("gzip") && item.weight() > 0.0)
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, IF_NONE_MATCH};

    use super::*;

    fn ask(headers: &[(HeaderName, &'static str)]) -> Response<Bytes> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        OPENAPI.response(&headers).unwrap()
    }

    #[test]
    fn document_is_served_as_it_is_in_the_sources() {
        for (asset, text) in
            [(&OPENAPI, include_str!("assets/openapi.json")), (&OPENAPI_3_0, include_str!("assets/openapi-3.0.json"))]
        {
            let response = asset.response(&HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let served: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(served, serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
        assert_ne!(OPENAPI.etag(), OPENAPI_3_0.etag());
    }

    #[test]
    fn document_is_compressed_for_clients_that_accept_gzip() {
        for accepted in ["gzip", "br, GZIP;q=0.5", "gzip; q=1.0, identity", "gzip;q=soon"] {
            let response = ask(&[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(response.headers()[CONTENT_ENCODING], "gzip", "{accepted}");
            assert_eq!(response.body()[..2], [0x1f, 0x8b]);
        }
        for refused in ["", "identity", "br", "gzip;q=0", "gzip;q=0.000", "gzip; Q=0", "*"] {
            let response = ask(&[(ACCEPT_ENCODING, refused)]);
            assert!(!response.headers().contains_key(CONTENT_ENCODING), "{refused}");
            assert_eq!(response.body()[0], b'{', "{refused}");
        }
        assert_eq!(ask(&[]).headers()[VARY], "accept-encoding");
    }

    #[test]
    fn client_with_the_current_version_gets_304() {
        let first = ask(&[]);
        let etag = first.headers()[ETAG].to_str().unwrap();
        for held in [etag, etag.trim_start_matches("W/"), "*", &format!("\"other\", {etag}")] {
            let again = ask(&[(IF_NONE_MATCH, held.to_owned().leak())]);
            assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{held}");
            assert_eq!(again.headers()[ETAG], etag);
        }
        assert_eq!(ask(&[(IF_NONE_MATCH, "\"other\"")]).status(), 200);
    }

    #[test]
    fn damaged_document_is_not_served() {
        for gzip in [b"".as_slice(), b"\x1f\x8b", &[0; 40]] {
            let asset = Asset { gzip, media_type: "text/plain" };
            assert_eq!(asset.response(&HeaderMap::new()).unwrap_err().code(), ErrorCode::Internal);
        }
    }
}
