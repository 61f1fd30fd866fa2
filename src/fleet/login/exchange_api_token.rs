//! `POST /acs/t/CUSTOMER/token`: an access token for an API token, at the identity broker.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use crate::error::{Error, ErrorCode, Result};
use crate::fleet::api::{Broker, JSON};
use crate::retry::Repeat;
use crate::secret::{AccessToken, Scheme, Secret, jwt_lifetime};
use crate::upstream::{Endpoint, form, read_json, with_body};

/// The grant that exchanges an API token.
const GRANT: &str = "urn:custom:vcf:params:oauth:grant-type:api-token";

/// The assumed lifetime of a token without one.
const UNSAID: Duration = Duration::from_mins(10);

/// `POST /acs/t/CUSTOMER/token` (VMware Identity Broker API; the request as several users of 9.1 published it)
///
/// The tenant is `CUSTOMER` in every published request.
#[derive(Debug)]
pub(in crate::fleet) struct ExchangeApiToken<'a> {
    pub(super) token: &'a Secret,
    /// When the request was made.
    pub(super) now: SystemTime,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<Secret>,
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Endpoint for ExchangeApiToken<'_> {
    type Api = Broker;
    type Response = AccessToken;
    const CALL: &'static str = "POST /acs/t/CUSTOMER/token";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let body = form([("grant_type", GRANT), ("api_token", self.token.expose())]);
        with_body(Method::POST, "/acs/t/CUSTOMER/token", JSON, "application/x-www-form-urlencoded", body)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<AccessToken> {
        let Answer { access_token, expires_in } = read_json(Self::CALL, &answer)?;
        let token = access_token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| Error::new(ErrorCode::UpstreamAuth, format!("{} returned no access_token", Self::CALL)))?;
        let said = expires_in.as_u64().filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let lifetime = said.or_else(|| jwt_lifetime(token.expose())).unwrap_or(UNSAID);
        Ok(AccessToken::new(Scheme::Bearer, token, self.now, lifetime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn request_is_encoded() {
        let call = ExchangeApiToken { token: &Secret::new("a+b/c="), now: SystemTime::UNIX_EPOCH };
        assert_eq!(
            sent(&call),
            "POST /acs/t/CUSTOMER/token\naccept: application/json\ncontent-type: application/x-www-form-urlencoded\n\n\
             grant_type=urn%3Acustom%3Avcf%3Aparams%3Aoauth%3Agrant-type%3Aapi-token&api_token=a%2Bb%2Fc%3D"
        );
    }

    #[test]
    fn token_and_lifetime_are_read() {
        let read = |body| {
            ExchangeApiToken { token: &Secret::new("t"), now: SystemTime::UNIX_EPOCH }.response(answer(200, body))
        };
        let token = read(
            r#"{"scope":"openid profile user email group","access_token":"e.e30.s","token_type":"Bearer","expires_in":1798}"#,
        );
        let token = token.unwrap();
        assert_eq!(token.header().expose(), "Bearer e.e30.s");
        assert_eq!(token.expires(), SystemTime::UNIX_EPOCH + Duration::from_secs(1798));
        assert_eq!(read(r#"{"access_token":"t"}"#).unwrap().expires(), SystemTime::UNIX_EPOCH + UNSAID);
        assert_eq!(read("{}").unwrap_err().code(), ErrorCode::UpstreamAuth);
    }
}
