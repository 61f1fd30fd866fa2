//! Documents that are served as they are: kept compressed by `build.rs`, handed out so to whoever takes gzip and inflated for
//! the others. Two that are nearly the same are kept as one.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, VARY,
};
use http::{Response, StatusCode};

use super::inflate::inflate;
use crate::error::{Error, ErrorCode};

/// How long a gzip header is that holds no name and nothing else of choice (RFC 1952, section 2.3).
const HEADER: usize = 10;
/// The CRC-32 of the content and its length, four bytes each.
const TRAILER: usize = 8;

/// One document.
#[derive(Debug)]
pub(super) struct Asset {
    gzip: &'static [u8],
    media_type: &'static str,
    /// Of two that are kept as one: the mark of the lines that are this one's alone. Those of both begin with a space.
    of_two: Option<u8>,
}

macro_rules! asset {
    ($file:literal, $media_type:literal, $of_two:expr) => {
        Asset {
            gzip: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".gz")),
            media_type: $media_type,
            of_two: $of_two,
        }
    };
}

/// The OpenAPI 3.1 document.
pub(super) static OPENAPI: Asset = asset!("openapi", "application/json", Some(b'-'));
/// The OpenAPI 3.0 document.
pub(super) static OPENAPI_3_0: Asset = asset!("openapi", "application/json", Some(b'+'));
/// The page; [`super::page`] answers with it.
pub(super) static PAGE: Asset = asset!("page", "text/html; charset=utf-8", None);

impl Asset {
    /// The answer to a request with `headers`: 304 to whoever has this version of it already.
    pub(super) fn response(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Error> {
        let etag = self.etag();
        let mut response = Response::new(Bytes::new());
        let gzip = self.of_two.is_none() && takes_gzip(headers);
        if holds(headers, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let media_type = HeaderValue::from_static(self.media_type);
            response.headers_mut().insert(CONTENT_TYPE, media_type);
            if gzip {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            *response.body_mut() = if gzip { Bytes::from_static(self.gzip) } else { self.inflated()? };
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
        Ok(response)
    }

    /// Names this version of it, in whatever encoding: its own checksum and length do.
    fn etag(&self) -> String {
        let trailer = self.gzip.last_chunk().map_or(0, |trailer: &[u8; TRAILER]| u64::from_le_bytes(*trailer));
        let of_two = self.of_two.map_or(0, u64::from);
        format!("W/\"{:016x}\"", trailer ^ of_two)
    }

    fn inflated(&self) -> Result<Bytes, Error> {
        let damaged = || Error::new(ErrorCode::Internal, "the document that is built in cannot be read");
        let length = self.gzip.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
        let deflated = self.gzip.get(HEADER..self.gzip.len().saturating_sub(TRAILER)).ok_or_else(damaged)?;
        let text = usize::try_from(length).ok().and_then(|length| inflate(deflated, length)).ok_or_else(damaged)?;
        let Some(mark) = self.of_two else { return Ok(Bytes::from(text)) };
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
        let own = lines.filter(|(first, _)| **first == b' ' || **first == mark).flat_map(|(_, rest)| rest);
        Ok(own.copied().collect())
    }
}

/// The items of a header that is a list, each with its parameters.
fn items<'h>(headers: &'h HeaderMap, name: &'h HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|text| text.split(',')).map(str::trim)
}

/// Whether gzip is named among what is accepted, and not with a weight of nothing (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    items(headers, &ACCEPT_ENCODING).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        coding.trim().eq_ignore_ascii_case("gzip") && weight.bytes().any(|digit| matches!(digit, b'1'..=b'9'))
    })
}

/// Whether the caller has what is named `etag`; compared weakly (RFC 9110, section 13.1.2).
fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let plain = etag.trim_start_matches("W/");
    items(headers, &IF_NONE_MATCH).any(|item| item == "*" || item.trim_start_matches("W/") == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tests need of an asset that is kept by itself.
    static PLAIN: Asset = asset!("openapi", "text/plain", None);

    fn ask(headers: &[(HeaderName, &'static str)]) -> Response<Bytes> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        PLAIN.response(&headers).unwrap()
    }

    #[test]
    fn a_document_is_inflated_to_what_it_was() {
        for (asset, text) in
            [(&OPENAPI, include_str!("assets/openapi.json")), (&OPENAPI_3_0, include_str!("assets/openapi-3.0.json"))]
        {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
            let response = asset.response(&headers).unwrap();
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert!(!response.headers().contains_key(CONTENT_ENCODING));
            let served: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(served, serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
        assert_ne!(OPENAPI.etag(), OPENAPI_3_0.etag());
    }

    #[test]
    fn it_comes_compressed_to_whoever_takes_that() {
        for accepted in ["gzip", "br, GZIP;q=0.5", "gzip; q=1.0, identity"] {
            let response = ask(&[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(response.headers()[CONTENT_ENCODING], "gzip", "{accepted}");
            assert_eq!(response.body()[..2], [0x1f, 0x8b]);
        }
        for refused in ["", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*"] {
            let response = ask(&[(ACCEPT_ENCODING, refused)]);
            assert!(!response.headers().contains_key(CONTENT_ENCODING), "{refused}");
            assert_eq!(response.body()[1], b'{', "lines with their marks");
        }
        assert_eq!(ask(&[]).headers()[VARY], "accept-encoding");
    }

    #[test]
    fn who_has_it_is_told_so() {
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
    fn what_is_damaged_is_not_served() {
        for gzip in [b"".as_slice(), b"\x1f\x8b", &[0; 40]] {
            let asset = Asset { gzip, media_type: "text/plain", of_two: None };
            assert_eq!(asset.response(&HeaderMap::new()).unwrap_err().code(), ErrorCode::Internal);
        }
    }
}
