//! `POST /SAAS/auth/oauthtoken`: login with an OAuth client, or with a domain account through one.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::Value;

use super::Granted;
use crate::error::{Error, ErrorCode, Result};
use crate::retry::Repeat;
use crate::secret::{Scheme, Secret, authorize_client};
use crate::upstream::{Endpoint, form, read_json, with_body};
use crate::vidm::api::Vidm;
use crate::vidm::dialect::{Dialect, Media, Path};

/// `POST /SAAS/auth/oauthtoken` (RFC 6749 sections 4.3 and 4.4; the vendor's swagger in vmware/idm)
///
/// The client authenticates with Basic authentication. With an account this is the password grant plus vIDM's own field
/// `domain`; without, client credentials.
#[derive(Debug)]
pub(crate) struct OauthToken<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a Secret,
    pub(crate) account: Option<Account<'a>>,
}

/// A domain account.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a Secret,
    pub(crate) domain: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<Secret>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Value,
}

impl Endpoint for OauthToken<'_> {
    type Api = Vidm;
    type Response = Granted;
    const CALL: &'static str = "POST /SAAS/auth/oauthtoken";
    const REPEAT: Repeat = Repeat::IfNeverArrived;
    const IS_LOGIN: bool = true;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let body = match &self.account {
            None => form([("grant_type", "client_credentials")]),
            Some(account) => form([
                ("grant_type", "password"),
                ("username", account.username),
                ("password", account.password.expose()),
                ("domain", account.domain),
            ]),
        };
        let path = dialect.path(Path::OauthToken);
        let mut request =
            with_body(Method::POST, &path, &dialect.media(Media::Login), "application/x-www-form-urlencoded", body)?;
        authorize_client(&mut request, self.client_id, self.client_secret);
        Ok(request)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Granted> {
        let body: Answer = read_json(Self::CALL, &answer)?;
        let token = body.access_token.filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(ErrorCode::UpstreamAuth, format!("{} returned no access_token", Self::CALL))
                .hint("check the OAuth client's grants and scope (admin)")
        })?;
        // −1 means "unknown" (the vendor's swagger), which as_u64 does not read.
        let expires_in = body.expires_in.as_u64().or_else(|| body.expires_in.as_str()?.trim().parse().ok());
        let scheme = match body.token_type {
            Some(word) if word.eq_ignore_ascii_case("HZN") => Scheme::Hzn,
            _ => Scheme::Bearer,
        };
        Ok(Granted { scheme, token, expires_in })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};

    fn request(account: Option<Account<'_>>, dialect: &Dialect) -> String {
        sent(&OauthToken { client_id: "idhook", client_secret: &Secret::new("s:e c"), account }, dialect)
    }

    #[test]
    fn client_credentials_request_is_encoded() {
        let expected = |base: &str| {
            format!(
                "POST {base}/auth/oauthtoken\naccept: application/json\nauthorization: Basic aWRob29rOnM6ZSBj\n\
                 content-type: application/x-www-form-urlencoded\n\ngrant_type=client_credentials"
            )
        };
        for dialect in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(request(None, &dialect), expected("/SAAS"));
            assert_eq!(request(None, &dialect.in_tenant(Some("corp"))), expected("/SAAS/t/corp"));
        }
    }

    #[test]
    fn domain_account_request_is_encoded() {
        let password = Secret::new("a&b=c +%é");
        for dialect in [Dialect::horizon(), Dialect::json()] {
            let account = Account { username: "svc sync", password: &password, domain: "corp.example" };
            let sent = request(Some(account), &dialect);
            let body = "grant_type=password&username=svc%20sync&password=a%26b%3Dc%20%2B%25%C3%A9&domain=corp.example";
            assert!(sent.ends_with(&format!("\n\n{body}")), "{sent}");
            assert!(sent.contains("\nauthorization: Basic "), "{sent}");
        }
    }

    fn read(body: &str) -> Result<Granted> {
        OauthToken { client_id: "c", client_secret: &Secret::new("s"), account: None }.response(answer(200, body))
    }

    #[test]
    fn token_and_lifetime_are_read() {
        let granted = read(include_str!("../../../tests/fixtures/vidm/login_oauth.json")).unwrap();
        assert_eq!((granted.scheme, granted.expires_in), (Scheme::Bearer, Some(10_799)));
        for (body, expires_in) in [
            (r#"{"access_token":"t","expires_in":"21599"}"#, Some(21_599)),
            (r#"{"access_token":"t","expires_in":-1}"#, None),
            (r#"{"access_token":"t"}"#, None),
        ] {
            assert_eq!(read(body).unwrap().expires_in, expires_in, "{body}");
        }
        assert_eq!(read(r#"{"access_token":"t","token_type":"hzn"}"#).unwrap().scheme, Scheme::Hzn);
    }

    #[test]
    fn response_without_token_is_rejected() {
        assert_eq!(read("{}").unwrap_err().code(), ErrorCode::UpstreamAuth);
        assert_eq!(read("<html>").unwrap_err().code(), ErrorCode::UpstreamInvalid);
    }
}
