//! `POST /SAAS/API/1.0/REST/auth/system/login`

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::Granted;
use crate::error::{Error, ErrorCode, Result};
use crate::retry::Repeat;
use crate::secret::{Scheme, Secret};
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};
use crate::vidm::api::Vidm;
use crate::vidm::dialect::{Dialect, Media, Path};

/// `POST /SAAS/API/1.0/REST/auth/system/login` (VMware Smart Assurance 10.1 installation guide; vmware/priam
/// `core/token.go`)
///
/// Responds with 200 and a `sessionToken`, in JSON, or in XML to clients that do not accept JSON.
#[derive(Debug)]
pub(crate) struct SystemLogin<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a Secret,
    /// The token's scheme; vIDM accepts both.
    pub(crate) scheme: Scheme,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    username: &'a str,
    #[serde(serialize_with = "Secret::serialize_exposed")]
    password: &'a Secret,
    issue_token: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    session_token: Option<Secret>,
}

impl Endpoint for SystemLogin<'_> {
    type Api = Vidm;
    type Response = Granted;
    const CALL: &'static str = "POST /SAAS/API/1.0/REST/auth/system/login";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let body = json(&Body { username: self.username, password: self.password, issue_token: true })?;
        let media = dialect.media(Media::Login);
        with_body(Method::POST, &dialect.path(Path::SystemLogin), &media, &media, body)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Granted> {
        let token = match std::str::from_utf8(answer.body()).map(str::trim_start) {
            Ok(text) if text.starts_with('<') => from_xml(text).ok_or_else(|| not_json(&answer))?,
            _ => read_json::<Answer>(Self::CALL, &answer)?.session_token.unwrap_or_else(|| Secret::new("")),
        };
        if token.is_empty() {
            return Err(Error::new(ErrorCode::UpstreamAuth, format!("{} returned no sessionToken", Self::CALL))
                .hint("the account may log in but gets no token: use a local administrator of the System Domain"));
        }
        Ok(Granted { scheme: self.scheme, token, expires_in: None })
    }
}

/// The token in `<userSession><admin>false</admin><sessionToken>…</sessionToken></userSession>`, the response if a proxy
/// dropped our `Accept`.
fn from_xml(text: &str) -> Option<Secret> {
    let (_, rest) = text.split_once("sessionToken>")?;
    let (token, _) = rest.split_once("</")?;
    Some(Secret::new(token.trim()))
}

fn not_json(answer: &Response<Bytes>) -> Error {
    invalid(SystemLogin::CALL, answer, "it is a page or XML without a sessionToken")
        .hint("check the target's URL; if a proxy is in between, make it forward Accept: application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};

    const BODY: &str = r#"{"username":"svc-sync","password":"p\"ä\\","issueToken":true}"#;

    fn login(secret: &Secret) -> SystemLogin<'_> {
        SystemLogin { username: "svc-sync", password: secret, scheme: Scheme::Hzn }
    }

    #[test]
    fn request_is_encoded() {
        let password = Secret::new("p\"ä\\");
        for dialect in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(
                sent(&login(&password), &dialect),
                format!(
                    "POST /SAAS/API/1.0/REST/auth/system/login\naccept: application/json\ncontent-type: application/json\n\n{BODY}"
                )
            );
            let request = login(&password).request(&dialect.in_tenant(Some("corp"))).unwrap();
            assert_eq!(request.uri(), "/SAAS/t/corp/API/1.0/REST/auth/system/login");
        }
    }

    fn read(body: &str) -> Result<Granted> {
        let password = Secret::new("p");
        login(&password).response(answer(200, body))
    }

    #[test]
    fn token_is_read_from_json_and_xml() {
        for body in [
            include_str!("../../../tests/fixtures/vidm/login_system.json"),
            include_str!("../../../tests/fixtures/vidm/login_system.xml"),
        ] {
            let granted = read(body).unwrap();
            assert!(granted.token.expose().starts_with("eyJ0eXAiOiJKV1Qi"), "{body}");
            assert_eq!(granted.lifetime().as_secs(), 28_800);
            assert!(!format!("{granted:?}").contains("eyJ"));
        }
    }

    #[test]
    fn response_without_token_is_a_rejection() {
        for body in [
            r#"{"id":null,"sessionToken":null,"admin":false}"#,
            "{}",
            r#"{"sessionToken":""}"#,
            "<s><sessionToken></sessionToken></s>",
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamAuth, "{body}");
            assert!(error.hint_text().unwrap().contains("System Domain"));
        }
    }

    #[test]
    fn page_is_recognised_and_not_shown() {
        for body in ["<html><body>s3cret", "s3cret", r#"{"sessionToken":{"s3cret":1}}"#, ""] {
            let error = read(body).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalid, "{body}");
            assert!(!format!("{error} {:?}", error.evidence()).contains("s3cret"), "{error}");
        }
    }
}
