//! `GET /suite-api/api/auth/sources/vidb/well-known-url`: where the identity broker is.

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use serde::Deserialize;

use crate::error::Result;
use crate::fleet::api::{Fleet, JSON};
use crate::retry::Repeat;
use crate::upstream::{BaseUrl, Endpoint, bare, invalid, read_json};

/// `GET /suite-api/api/auth/sources/vidb/well-known-url` (VCF Operations API, "Authentication"; needs no login)
///
/// Responds with the address of the broker's OpenID configuration; 409 without a broker.
#[derive(Debug)]
pub(in crate::fleet) struct GetWellKnownUrl;

impl Endpoint for GetWellKnownUrl {
    type Api = Fleet;
    /// The broker.
    type Response = BaseUrl;
    const CALL: &'static str = "GET /suite-api/api/auth/sources/vidb/well-known-url";
    const REPEAT: Repeat = Repeat::Always;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, "/suite-api/api/auth/sources/vidb/well-known-url", JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<BaseUrl> {
        #[derive(Deserialize)]
        struct WellKnownUrl {
            url: String,
        }
        let url = read_json::<WellKnownUrl>(Self::CALL, &answer)?.url;
        let parts =
            url.parse::<Uri>().ok().and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
        parts
            .and_then(|origin| BaseUrl::parse(&origin).ok())
            .ok_or_else(|| invalid(Self::CALL, &answer, "its url is not an address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn request_is_encoded() {
        let path = "GET /suite-api/api/auth/sources/vidb/well-known-url\naccept: application/json\n\n";
        assert_eq!(sent(&GetWellKnownUrl), path);
    }

    #[test]
    fn origin_of_the_address_is_the_broker() {
        let read = |body| GetWellKnownUrl.response(answer(200, body)).map(|url| url.as_str().to_owned());
        let body = r#"{"url":"https://vidb.example:8443/acs/t/CUSTOMER/.well-known/openid-configuration"}"#;
        assert_eq!(read(body).unwrap(), "https://vidb.example:8443");
        for body in
            ["{}", "", r#"{"url":"/acs"}"#, r#"{"url":"ftp://x/"}"#, r#"{"url":"https://u:p@x/"}"#, r#"{"url":7}"#]
        {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
