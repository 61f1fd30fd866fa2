//! `GET /suite-api/api/fleet-management/iam/ssorealms`: the realms of VCF single sign-on.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::RealmName;
use super::api::{Fleet, IAM, JSON};
use super::items::items;
use crate::error::Result;
use crate::json::take_text;
use crate::redact::blank_secrets_in;
use crate::retry::Repeat;
use crate::upstream::path_segment::{self, MAX_ID};
use crate::upstream::{Endpoint, bare};

/// `GET /suite-api/api/fleet-management/iam/ssorealms` (VCF Operations API, `getSsoRealmList`)
///
/// The only list that leads to the identity providers: each realm has at most one.
#[derive(Debug)]
pub(super) struct ListRealms;

/// A realm.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "SsoRealm"))]
pub struct Realm {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of its identity provider; absent if it has none yet.
    #[serde(rename = "idpId", skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Endpoint for ListRealms {
    type Api = Fleet;
    type Response = Vec<Realm>;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/ssorealms";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &format!("{IAM}/ssorealms"), JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Realm>> {
        Ok(items(Self::CALL, &answer, "ssoRealms")?.into_iter().filter_map(Realm::read).collect())
    }
}

impl Realm {
    /// Whether these are all realms of a VCF Operations, and none has the identity provider with this id. One with a provider has a realm:
    /// an empty list proves nothing.
    pub(crate) fn all_lack(realms: &[Self], provider: &str) -> bool {
        let is_it = |realm: &Self| realm.provider.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(provider));
        !realms.is_empty() && !realms.iter().any(is_it)
    }

    /// Its id and name.
    pub(super) fn named(&self) -> RealmName {
        RealmName { id: self.id.clone(), name: self.name.clone() }
    }

    /// Reads one item; `None` if it has no id that is allowed in a path.
    fn read(mut item: Map<String, Value>) -> Option<Self> {
        blank_secrets_in(&mut item);
        let is_id = |id: &String| path_segment::check(id, MAX_ID).is_ok();
        let id = take_text(&mut item, "id").filter(is_id)?;
        let (name, provider) = (take_text(&mut item, "name"), take_text(&mut item, "idpId").filter(is_id));
        Some(Self { id, name, provider, extra: item })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn request_is_encoded() {
        assert_eq!(
            sent(&ListRealms),
            "GET /suite-api/api/fleet-management/iam/ssorealms\naccept: application/json\n\n"
        );
    }

    #[test]
    fn realms_are_read_with_and_without_provider() {
        let read = |body| ListRealms.response(answer(200, body)).unwrap();
        let realms = read(
            r#"{"ssoRealms":[{"id":"r-1","name":"USA","idpId":"p-1","totalConfiguredComponents":4},{"id":"r-2"},
                {"id":"../x","idpId":"p"},{"id":"r-3","idpId":"a/b"},7]}"#,
        );
        let seen: Vec<_> = realms.iter().map(|realm| (realm.id.as_str(), realm.provider.as_deref())).collect();
        assert_eq!(seen, [("r-1", Some("p-1")), ("r-2", None), ("r-3", None)]);
        assert_eq!(
            (realms[0].name.as_deref(), &realms[0].extra["totalConfiguredComponents"]),
            (Some("USA"), &4.into())
        );
        assert!(read("{}").is_empty() && read(r#"{"ssoRealms":null}"#).is_empty());
        for body in ["", "7", r#"{"ssoRealms":{}}"#] {
            assert!(ListRealms.response(answer(200, body)).is_err(), "{body}");
        }
    }
}
