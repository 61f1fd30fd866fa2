//! `POST …/ssorealms/{ssoRealmId}/api-tokens/query`: the API tokens of a realm, to find out when the configured one expires.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use super::api::{Fleet, IAM, JSON};
use super::items::{PAGE, items};
use super::{Client, Credentials, Realm};
use crate::certificate::days_until;
use crate::error::Result;
use crate::json::take_text;
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::secret::Secret;
use crate::upstream::{Endpoint, with_body};

/// Fewer last characters do not identify a token; the vendor's examples have five.
const MIN_LAST: usize = 4;

/// `POST /suite-api/api/fleet-management/iam/ssorealms/{ssoRealmId}/api-tokens/query` (VCF Operations API, `queryApiTokens`)
///
/// Only the first page is read, which has the tokens that expire last: one that has just logged in is among them, unless
/// the realm has more than 50 that live longer.
#[derive(Debug)]
struct QueryApiTokens<'a> {
    realm: &'a str,
}

/// The configured API token, as VCF Operations lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedApiToken {
    /// Its display name.
    pub name: String,
    /// When it expires; `None` if VCF Operations does not report it.
    pub expires: Option<SystemTime>,
    /// Its last characters.
    last: String,
}

impl Endpoint for QueryApiTokens<'_> {
    type Api = Fleet;
    type Response = Vec<ListedApiToken>;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/ssorealms/{ssoRealmId}/api-tokens/query";
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let order = "sortBy=EXPIRATION_DATE&sortOrder=DESCENDING";
        let path = format!("{IAM}/ssorealms/{}/api-tokens/query?page=0&pageSize={PAGE}&{order}", self.realm);
        with_body(Method::POST, &path, JSON, JSON, Bytes::from_static(b"{}"))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<ListedApiToken>> {
        Ok(items(Self::CALL, &answer, "apiTokens")?.into_iter().filter_map(ListedApiToken::read).collect())
    }
}

impl ListedApiToken {
    /// Reads one entry; `None` if it does not have enough last characters to recognise a token by.
    fn read(mut item: Map<String, Value>) -> Option<Self> {
        let last = take_text(&mut item, "tokenLastChars").filter(|last| last.chars().count() >= MIN_LAST)?;
        let milliseconds = item.get("expirationDate").and_then(Value::as_u64);
        let expires = milliseconds.and_then(|time| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(time)));
        Some(Self { name: take_text(&mut item, "tokenName").unwrap_or_default(), expires, last })
    }

    fn is_of(&self, token: &Secret) -> bool {
        token.expose().ends_with(&self.last)
    }

    /// Whole days until it expires, negative once it has expired.
    #[must_use]
    pub fn expires_in_days(&self, now: SystemTime) -> Option<i64> {
        self.expires.map(|time| days_until(time, now))
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The configured API token in the lists of `realms`, which are read in turn until one has it. `None` if no list has it.
    ///
    /// # Errors
    /// Those of the call, if no other realm lists the token.
    pub(crate) async fn listed_api_token(&self, realms: &[Realm]) -> Result<Option<ListedApiToken>> {
        let Credentials::ApiToken { token, .. } = &self.target.credentials else { return Ok(None) };
        let mut failed = None;
        for realm in realms {
            match self.call(&QueryApiTokens { realm: &realm.id }).await {
                Ok(listed) => match listed.into_iter().find(|listed| listed.is_of(token)) {
                    None => {}
                    found => return Ok(found),
                },
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    const QUERY: QueryApiTokens<'_> = QueryApiTokens { realm: "98000000-0000-4000-8000-000000000001" };

    #[test]
    fn request_asks_for_the_tokens_that_expire_last() {
        let path =
            "/suite-api/api/fleet-management/iam/ssorealms/98000000-0000-4000-8000-000000000001/api-tokens/query";
        assert_eq!(
            sent(&QUERY),
            format!(
                "POST {path}?page=0&pageSize=50&sortBy=EXPIRATION_DATE&sortOrder=DESCENDING\naccept: application/json\n\
                 content-type: application/json\n\n{{}}"
            )
        );
    }

    #[test]
    fn tokens_are_recognised_by_their_last_characters() {
        let body = r#"{"apiTokens":[{"tokenName":"a","tokenLastChars":"","expirationDate":1},{"tokenLastChars":"=&b","expirationDate":1},
            {"tokenName":"c","tokenLastChars":"VWXYZ","expirationDate":1750526688158},{"tokenLastChars":"12345","expirationDate":"x"},
            {"tokenLastChars":7}, {}]}"#;
        let listed = QUERY.response(answer(200, body)).unwrap();
        assert_eq!(listed.len(), 2, "{listed:?}");
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_750_526_688_158);
        let days: Vec<_> = listed.iter().map(|token| token.expires_in_days(now - Duration::from_hours(49))).collect();
        assert_eq!(days, [Some(2), None]);
        let token = Secret::new("nxOjdWQdiZVWXYZ");
        assert_eq!(listed.iter().map(|listed| listed.is_of(&token)).collect::<Vec<_>>(), [true, false]);
        assert!(QUERY.response(answer(200, "{}")).unwrap().is_empty());
    }
}
