//! `GET /SAAS/jersey/manager/api/scim/Groups`: is this group there? (SCIM 1.1)

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::Vidm;
use super::directories::text;
use super::profile::{Media, Path, Profile};
use crate::endpoint::{Endpoint, bare, form, invalid, json, read_json, with_body};
use crate::error::Result;
use crate::retry::Repeat;

/// The schema that carries what SCIM's core does not know of a group.
const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

/// How many groups one answer may hold. An exact name has one in each domain at most.
const COUNT: u32 = 100;

/// A filter longer than this goes in a body: proxies cut long URIs.
const LONG: usize = 1_500;

/// Which group is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupQuery {
    /// By its distinguished name, `CN=…`.
    DistinguishedName(String),
    /// By its name: `name@domain` as vIDM calls a synced group, or the bare name, in whichever domain.
    Name(String),
}

impl GroupQuery {
    /// The SCIM filter. vIDM knows `eq`, `co`, `sw` and the comparisons of order.
    pub(crate) fn filter(&self) -> String {
        match self {
            Self::DistinguishedName(dn) => format!("distinguishedName eq {}", quoted(dn)),
            Self::Name(name) if name.contains('@') => format!("displayName eq {}", quoted(name)),
            Self::Name(name) => format!("displayName sw {}", quoted(&format!("{name}@"))),
        }
    }

    /// Whether `group` is the one meant, and not just something the filter let through. Case does not count, as in Active
    /// Directory.
    pub(crate) fn is(&self, group: &Group) -> bool {
        let same = |ours: &str, theirs: Option<&str>| {
            theirs.is_some_and(|theirs| theirs.to_lowercase() == ours.to_lowercase())
        };
        match self {
            Self::DistinguishedName(dn) => same(dn, group.distinguished_name.as_deref()),
            Self::Name(name) if name.contains('@') => same(name, group.display_name.as_deref()),
            // A domain has no @, a group's name may.
            Self::Name(name) => {
                same(name, group.display_name.as_deref().and_then(|full| full.rsplit_once('@')).map(|(bare, _)| bare))
            }
        }
    }
}

/// `text` in quotes, as SCIM filters (and JSON, whose rule they take over) want it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `GET /SAAS/jersey/manager/api/scim/Groups` (the vendor's swagger in vmware/idm, and its SCIM guide)
#[derive(Debug)]
pub(crate) struct FindGroups<'a> {
    pub(crate) filter: &'a str,
}

impl Endpoint for FindGroups<'_> {
    type Api = Vidm;
    type Response = Vec<Group>;
    const CALL: &'static str = "GET /SAAS/jersey/manager/api/scim/Groups";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, profile: &Profile) -> Result<Request<Bytes>> {
        let query = form([("filter", self.filter), ("startIndex", "1"), ("count", &COUNT.to_string())]);
        bare(Method::GET, &format!("{}?{query}", profile.path(Path::Groups)), &profile.media(Media::Groups))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Group>> {
        read_groups(Self::CALL, &answer)
    }
}

/// `POST /SAAS/jersey/manager/api/scim/Groups/.search` (the vendor's SCIM guide): the same for long filters.
#[derive(Debug)]
pub(crate) struct SearchGroups<'a> {
    pub(crate) filter: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Search<'a> {
    filter: &'a str,
    start_index: u32,
    count: u32,
}

impl Endpoint for SearchGroups<'_> {
    type Api = Vidm;
    type Response = Vec<Group>;
    const CALL: &'static str = "POST /SAAS/jersey/manager/api/scim/Groups/.search";
    /// It only reads.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, profile: &Profile) -> Result<Request<Bytes>> {
        let media = profile.media(Media::Groups);
        let body = json(&Search { filter: self.filter, start_index: 1, count: COUNT })?;
        with_body(Method::POST, &profile.path(Path::GroupsSearch), &media, &media, body)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Group>> {
        read_groups(Self::CALL, &answer)
    }
}

/// Whether `filter` has to go in a body.
pub(crate) fn is_long(filter: &str) -> bool {
    filter.len() > LONG
}

fn read_groups(call: &'static str, answer: &Response<Bytes>) -> Result<Vec<Group>> {
    let mut body: Map<String, Value> = read_json(call, answer)?;
    let resources = match body.remove("Resources") {
        Some(Value::Array(resources)) => resources,
        // An empty result may come without the list.
        None | Some(Value::Null) if body.get("totalResults").and_then(Value::as_u64) == Some(0) => Vec::new(),
        _ => return Err(invalid(call, answer, "it has no list of Resources")),
    };
    Ok(resources.into_iter().filter_map(Group::read).collect())
}

/// One group, as vIDM knows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id in vIDM.
    pub id: String,
    /// `name@domain` for a group that was synced.
    pub display_name: Option<String>,
    /// Its id where it comes from; for Active Directory the objectGUID.
    pub external_id: Option<String>,
    /// Its distinguished name where it comes from.
    pub distinguished_name: Option<String>,
    /// The domain it comes from.
    pub domain: Option<String>,
    /// `internalGroupType`: `EXTERNAL` for a synced group; else `DYNAMIC`, `INTERNAL`, `ALL_USERS`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Everything else vIDM said of it, as it came; the extension's fields under the extension's name.
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl Group {
    fn read(resource: Value) -> Option<Self> {
        let Value::Object(mut item) = resource else { return None };
        let id = text(&mut item, "id")?;
        let mut workspace = match item.get_mut(WORKSPACE) {
            Some(Value::Object(workspace)) => std::mem::take(workspace),
            _ => Map::new(),
        };
        let group = Self {
            id,
            display_name: text(&mut item, "displayName"),
            external_id: text(&mut item, "externalId"),
            distinguished_name: text(&mut workspace, "distinguishedName"),
            domain: text(&mut workspace, "domain"),
            kind: text(&mut workspace, "internalGroupType"),
            extra: Map::new(),
        };
        if !workspace.is_empty() {
            item.insert(WORKSPACE.to_owned(), Value::Object(workspace));
        }
        Some(Self { extra: item, ..group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    const GROUPS: &str = include_str!("../../tests/fixtures/vidm/groups.json");

    fn dn(text: &str) -> GroupQuery {
        GroupQuery::DistinguishedName(text.to_owned())
    }

    fn name(text: &str) -> GroupQuery {
        GroupQuery::Name(text.to_owned())
    }

    #[test]
    fn filters_are_quoted() {
        for (query, filter) in [
            (
                dn("CN=gg-new,OU=Groups,DC=corp,DC=example"),
                r#"distinguishedName eq "CN=gg-new,OU=Groups,DC=corp,DC=example""#,
            ),
            (dn(r#"CN=a\, "b",DC=c"#), r#"distinguishedName eq "CN=a\\, \"b\",DC=c""#),
            (name("gg-new@corp.example"), r#"displayName eq "gg-new@corp.example""#),
            (name("gg-new"), r#"displayName sw "gg-new@""#),
            (name(r#"x" or displayName sw ""#), r#"displayName sw "x\" or displayName sw \"@""#),
        ] {
            assert_eq!(query.filter(), filter);
        }
    }

    #[test]
    fn the_request() {
        let filter = name("gg new@corp.example").filter();
        let find = FindGroups { filter: &filter };
        let expected = |base: &str| {
            format!(
                "GET {base}/jersey/manager/api/scim/Groups?filter=displayName%20eq%20%22gg%20new%40corp.example%22&startIndex=1&count=100\n\
                 accept: application/json\n\n"
            )
        };
        for profile in [Profile::horizon(), Profile::json()] {
            assert_eq!(sent(&find, &profile), expected("/SAAS"));
            assert_eq!(sent(&find, &profile.in_tenant(Some("t"))), expected("/SAAS/t/t"));
        }
    }

    #[test]
    fn the_request_with_a_long_filter() {
        let search = SearchGroups { filter: r#"displayName eq "a@b""# };
        for profile in [Profile::horizon(), Profile::json()] {
            assert_eq!(
                sent(&search, &profile.in_tenant(Some("t"))),
                "POST /SAAS/t/t/jersey/manager/api/scim/Groups/.search\naccept: application/json\ncontent-type: application/json\n\n\
                 {\"filter\":\"displayName eq \\\"a@b\\\"\",\"startIndex\":1,\"count\":100}"
            );
        }
        assert!(!is_long(&"x".repeat(1_500)) && is_long(&"x".repeat(1_501)));
    }

    #[test]
    fn groups_are_read_with_their_extension() {
        let groups = FindGroups { filter: "" }.response(answer(200, GROUPS)).unwrap();
        let group = &groups[0];
        assert_eq!(group.display_name.as_deref(), Some("gg-new@corp.example"));
        assert_eq!(group.distinguished_name.as_deref(), Some("CN=gg-new,OU=Groups,DC=corp,DC=example"));
        assert_eq!(group.kind.as_deref(), Some("EXTERNAL"));
        assert_eq!(group.extra[WORKSPACE]["description"], "New");
        assert!(group.extra.contains_key("meta"));
        let shown = serde_json::to_value(group).unwrap();
        assert_eq!(shown["displayName"], "gg-new@corp.example");
    }

    #[test]
    fn only_the_very_group_is_meant() {
        let groups = SearchGroups { filter: "" }.response(answer(200, GROUPS)).unwrap();
        let found = |query: GroupQuery| {
            groups.iter().filter(|group| query.is(group)).map(|group| group.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(found(name("gg-new@corp.example")), ["g-1"]);
        assert_eq!(found(name("GG-New")), ["g-1", "g-3"]);
        assert_eq!(found(dn("cn=GG-new,ou=groups,dc=corp,dc=example")), ["g-1"]);
        assert!(found(name("gg")).is_empty());
        assert!(found(dn("CN=gg-new")).is_empty());
        assert_eq!(found(name("ALL USERS")), Vec::<&str>::new());
    }

    #[test]
    fn none_is_an_answer_and_nonsense_is_not() {
        let read = |body: &str| FindGroups { filter: "" }.response(answer(200, body));
        assert!(read(r#"{"totalResults":0,"Resources":[]}"#).unwrap().is_empty());
        assert!(read(r#"{"totalResults":0}"#).unwrap().is_empty());
        for body in ["", "[]", "{}", r#"{"totalResults":1}"#, r#"{"Resources":{}}"#] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}
