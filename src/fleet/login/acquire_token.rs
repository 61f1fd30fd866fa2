//! `POST /suite-api/api/auth/token/acquire`: a session token for an account.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::fleet::api::{Fleet, JSON};
use crate::http::server_time;
use crate::retry::Repeat;
use crate::runtime::from_unix_ms;
use crate::secret::{AccessToken, Scheme, Secret};
use crate::upstream::{Endpoint, json, read_json, with_body};

/// The documented lifetime of a session token after its last use.
const LIFETIME: Duration = Duration::from_hours(6);

/// `POST /suite-api/api/auth/token/acquire` (VCF Operations API, "Authentication")
///
/// Responds with JSON or XML, as `Accept` requests. `validity` is when the token expires, in milliseconds since 1970 on the
/// server's clock; each use extends it. `expiresAt` is a translated text.
#[derive(Debug)]
pub(in crate::fleet) struct AcquireToken<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a Secret,
    pub(super) auth_source: Option<&'a str>,
    /// When the request was made.
    pub(super) now: SystemTime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    username: &'a str,
    #[serde(serialize_with = "Secret::serialize_exposed")]
    password: &'a Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_source: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<Secret>,
    #[serde(default)]
    validity: serde_json::Value,
}

impl Endpoint for AcquireToken<'_> {
    type Api = Fleet;
    type Response = AccessToken;
    const CALL: &'static str = "POST /suite-api/api/auth/token/acquire";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let body = Body { username: self.username, password: self.password, auth_source: self.auth_source };
        with_body(Method::POST, "/suite-api/api/auth/token/acquire", JSON, JSON, json(&body)?)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<AccessToken> {
        let Answer { token, validity } = read_json(Self::CALL, &answer)?;
        let token = token.filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(ErrorCode::UpstreamAuth, format!("{} returned no token", Self::CALL))
                .hint("the account may log in but gets no token: check its role in VCF Operations")
        })?;
        // Both times are the server's, so differing clocks do not matter.
        let expires = validity.as_u64().map(from_unix_ms);
        let left =
            expires.zip(server_time(answer.headers())).and_then(|(expires, now)| expires.duration_since(now).ok());
        let lifetime = left.filter(|left| *left <= LIFETIME).unwrap_or(LIFETIME);
        Ok(AccessToken::new(Scheme::OpsToken, token, self.now, lifetime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    fn call<'a>(password: &'a Secret, auth_source: Option<&'a str>) -> AcquireToken<'a> {
        AcquireToken { username: "admin", password, auth_source, now: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn request_is_encoded() {
        let password = Secret::new("p\"ä");
        let head =
            "POST /suite-api/api/auth/token/acquire\naccept: application/json\ncontent-type: application/json\n\n";
        assert_eq!(
            sent(&call(&password, Some("local"))),
            format!(r#"{head}{{"username":"admin","password":"p\"ä","authSource":"local"}}"#)
        );
        assert_eq!(sent(&call(&password, None)), format!(r#"{head}{{"username":"admin","password":"p\"ä"}}"#));
    }

    #[test]
    fn lifetime_is_the_servers_own_or_six_hours() {
        let password = Secret::new("p");
        let expires = |body: &str, date: Option<&str>| {
            let mut answer = answer(200, body);
            if let Some(date) = date {
                answer.headers_mut().insert(http::header::DATE, date.parse().unwrap());
            }
            let token = call(&password, None).response(answer).unwrap();
            assert_eq!(token.header().expose(), "OpsToken 1::2");
            token.expires().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
        };
        const DATE: Option<&str> = Some("Thu, 26 Nov 2026 12:00:00 GMT");
        assert_eq!(expires(r#"{"token":"1::2","validity":1795698000000,"expiresAt":"x","roles":[]}"#, DATE), 3_600);
        for body in
            [r#"{"token":"1::2","validity":1}"#, r#"{"token":"1::2","validity":99999999999999}"#, r#"{"token":"1::2"}"#]
        {
            assert_eq!(expires(body, DATE), 21_600, "{body}");
        }
        assert_eq!(expires(r#"{"token":"1::2","validity":1795698000000}"#, None), 21_600);
    }

    #[test]
    fn response_without_token_is_rejected() {
        let password = Secret::new("p");
        let read = |body| call(&password, None).response(answer(200, body)).unwrap_err().code();
        assert_eq!((read("{}"), read(r#"{"token":""}"#)), (ErrorCode::UpstreamAuth, ErrorCode::UpstreamAuth));
        assert_eq!(read("<auth-token/>"), ErrorCode::UpstreamInvalid);
    }
}
