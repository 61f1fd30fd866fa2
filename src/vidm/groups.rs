//! `GET /SAAS/jersey/manager/api/scim/Groups`: looks a group up (SCIM 1.1).

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::error::Result;
use crate::json::take_text;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, form, invalid, json, read_json, with_body};

/// The schema with the fields of a group that SCIM's core schema lacks.
const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

/// Groups per response. An exact name occurs at most once per domain.
const COUNT: usize = 100;

/// Longer filters, in bytes, are sent in a body: proxies cut long URIs.
const LONG: usize = 1_500;

/// Characters besides letters and digits that a filter in the URI may contain: all proxies and servers encode and decode
/// them alike.
const PLAIN: &[char] = &[' ', '"', '=', ',', '.', '-', '_', '@', '(', ')', ':'];

/// A query for one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) filter: &'a str,
    /// The requested attributes, separated by commas; `None` for all.
    pub(crate) attributes: Option<&'static str>,
    /// The index of the page's first group; counted from 1.
    pub(crate) start: usize,
}

/// One page of the groups that match a filter.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) groups: Vec<Group>,
    /// The total number, if the server reports it.
    pub(crate) total: Option<usize>,
    /// The number of unreadable entries on the page.
    pub(crate) unread: usize,
    /// The index of the next page; `None` if this is the last.
    pub(crate) next: Option<usize>,
}

/// `GET /SAAS/jersey/manager/api/scim/Groups` (the vendor's swagger in vmware/idm, and its SCIM guide)
#[derive(Debug)]
pub(crate) struct FindGroups<'a>(pub(crate) Search<'a>);

impl Endpoint for FindGroups<'_> {
    type Api = Vidm;
    type Response = Page;
    const CALL: &'static str = "GET /SAAS/jersey/manager/api/scim/Groups";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, profile: &Dialect) -> Result<Request<Bytes>> {
        let Search { filter, attributes, start } = self.0;
        let (start, count) = (start.to_string(), COUNT.to_string());
        let mut query = vec![("filter", filter)];
        query.extend(attributes.map(|names| ("attributes", names)));
        query.extend([("startIndex", start.as_str()), ("count", &count)]);
        let path = format!("{}?{}", profile.path(Path::Groups), form(query));
        bare(Method::GET, &path, &profile.media(Media::Groups))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Page> {
        read_page(Self::CALL, &answer, self.0.start)
    }
}

/// `POST /SAAS/jersey/manager/api/scim/Groups/.search` (the vendor's SCIM guide): the same for long filters.
#[derive(Debug)]
pub(crate) struct SearchGroups<'a>(pub(crate) Search<'a>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    filter: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a str>,
    start_index: usize,
    count: usize,
}

impl Endpoint for SearchGroups<'_> {
    type Api = Vidm;
    type Response = Page;
    const CALL: &'static str = "POST /SAAS/jersey/manager/api/scim/Groups/.search";
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, profile: &Dialect) -> Result<Request<Bytes>> {
        let Search { filter, attributes, start } = self.0;
        let media = profile.media(Media::Groups);
        let body = json(&Body { filter, attributes, start_index: start, count: COUNT })?;
        with_body(Method::POST, &profile.path(Path::GroupsSearch), &media, &media, body)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Page> {
        read_page(Self::CALL, &answer, self.0.start)
    }
}

/// Whether `filter` is too long for the URI.
pub(crate) fn is_long(filter: &str) -> bool {
    filter.len() > LONG
}

/// Whether `filter` is sent in a body, which is not URL-encoded: a filter that is encoded or decoded once too often finds
/// nothing, with status 200.
pub(crate) fn belongs_in_body(filter: &str) -> bool {
    is_long(filter) || !filter.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(&c))
}

fn read_page(call: &'static str, answer: &Response<Bytes>, start: usize) -> Result<Page> {
    let mut body: Map<String, Value> = read_json(call, answer)?;
    let total = body.get("totalResults").and_then(number);
    let resources = match body.remove("Resources") {
        Some(Value::Array(resources)) => resources,
        // An empty result may omit the list.
        None | Some(Value::Null) if total == Some(0) => Vec::new(),
        _ => return Err(invalid(call, answer, "it has no list of Resources")),
    };
    // The server may return fewer than requested; the next page begins after those returned.
    let (came, next) = (resources.len(), start.saturating_add(resources.len()));
    let more = came > 0 && total.map_or(came >= COUNT, |total| next <= total);
    let groups: Vec<_> = resources.into_iter().filter_map(Group::read).collect();
    let unread = came.saturating_sub(groups.len());
    Ok(Page { groups, total, unread, next: more.then_some(next) })
}

/// A count, as a number or in quotes.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

/// One group in vIDM.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct Group {
    /// Its id in vIDM.
    pub id: String,
    /// `name@domain` for a synced group.
    pub display_name: Option<String>,
    /// Its id at its source; for Active Directory the objectGUID.
    pub external_id: Option<String>,
    /// Its distinguished name at its source.
    pub distinguished_name: Option<String>,
    /// The domain of its source.
    pub domain: Option<String>,
    /// `internalGroupType`: `EXTERNAL` for a synced group; else `DYNAMIC`, `INTERNAL`, `ALL_USERS`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// All other fields from vIDM, unchanged; the extension's fields under the extension's name.
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl Group {
    fn read(resource: Value) -> Option<Self> {
        let Value::Object(mut item) = resource else { return None };
        let id = take_text(&mut item, "id")?;
        let mut workspace = match item.get_mut(WORKSPACE) {
            Some(Value::Object(workspace)) => std::mem::take(workspace),
            _ => Map::new(),
        };
        let group = Self {
            id,
            display_name: take_text(&mut item, "displayName"),
            external_id: take_text(&mut item, "externalId"),
            distinguished_name: take_text(&mut workspace, "distinguishedName"),
            domain: take_text(&mut workspace, "domain"),
            kind: take_text(&mut workspace, "internalGroupType"),
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

    fn all(filter: &str) -> Search<'_> {
        Search { filter, attributes: None, start: 1 }
    }

    #[test]
    fn request_is_encoded() {
        let find = FindGroups(all(r#"displayName eq "gg new@corp.example""#));
        let expected = |base: &str| {
            format!(
                "GET {base}/jersey/manager/api/scim/Groups?filter=displayName%20eq%20%22gg%20new%40corp.example%22&startIndex=1&count=100\n\
                 accept: application/json\n\n"
            )
        };
        for profile in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(sent(&find, &profile), expected("/SAAS"));
            assert_eq!(sent(&find, &profile.in_tenant(Some("t"))), expected("/SAAS/t/t"));
        }
    }

    #[test]
    fn long_filter_is_sent_in_a_body() {
        let search = SearchGroups(all(r#"displayName eq "a@b""#));
        for profile in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(
                sent(&search, &profile.in_tenant(Some("t"))),
                "POST /SAAS/t/t/jersey/manager/api/scim/Groups/.search\naccept: application/json\ncontent-type: application/json\n\n\
                 {\"filter\":\"displayName eq \\\"a@b\\\"\",\"startIndex\":1,\"count\":100}"
            );
        }
        assert!(!is_long(&"x".repeat(1_500)) && is_long(&"x".repeat(1_501)));
        assert!(!belongs_in_body(r#"distinguishedName eq "CN=gg-new (a),OU=Groups,DC=corp,DC=example""#));
        for odd in ["%", "+", "é", "\\", "&", "#", "?", "'", ";", "/"] {
            assert!(belongs_in_body(&format!(r#"displayName eq "a{odd}b@corp.example""#)), "{odd}");
        }
    }

    #[test]
    fn groups_are_read_with_their_extension() {
        let groups = FindGroups(all("")).response(answer(200, GROUPS)).unwrap().groups;
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
    fn later_page_is_requested_with_its_attributes() {
        let search = Search { filter: "f", attributes: Some("id,displayName"), start: 101 };
        assert_eq!(
            sent(&FindGroups(search), &Dialect::json()),
            "GET /SAAS/jersey/manager/api/scim/Groups?filter=f&attributes=id%2CdisplayName&startIndex=101&count=100\n\
             accept: application/json\n\n"
        );
        assert!(
            sent(&SearchGroups(search), &Dialect::json())
                .ends_with(r#"{"filter":"f","attributes":"id,displayName","startIndex":101,"count":100}"#)
        );
    }

    #[test]
    fn next_page_follows_the_returned_entries() {
        let next = |start: usize, body: &str| {
            FindGroups(Search { start, ..all("") }).response(answer(200, body)).map(|page| page.next)
        };
        assert_eq!(next(1, r#"{"totalResults":3,"Resources":[{"id":"a"},{"id":"b"}]}"#).unwrap(), Some(3));
        assert_eq!(next(3, r#"{"totalResults":3,"Resources":[{"id":"c"}]}"#).unwrap(), None);
        // Unreadable entries count too.
        assert_eq!(next(1, r#"{"totalResults":2,"Resources":[7,{"id":"b"}]}"#).unwrap(), None);
        // Without a total a full page means that there may be more.
        assert_eq!(next(1, r#"{"Resources":[{"id":"a"}]}"#).unwrap(), None);
        let full = format!(r#"{{"Resources":[{}]}}"#, vec!["{}"; 100].join(","));
        assert_eq!(next(1, &full).unwrap(), Some(101));
        // Pages that end before their total: the caller compares.
        assert_eq!(next(3, r#"{"totalResults":3,"Resources":[]}"#).unwrap(), None);
        assert_eq!(next(1, r#"{"totalResults":"3","Resources":[{"id":"a"},{"id":"b"}]}"#).unwrap(), Some(3));
    }

    #[test]
    fn page_counts_entries_it_cannot_read() {
        let body = r#"{"totalResults":3,"Resources":[{"id":"a"},{"displayName":"no id"},7]}"#;
        let page = FindGroups(all("")).response(answer(200, body)).unwrap();
        assert_eq!((page.groups.len(), page.unread, page.total), (1, 2, Some(3)));
    }

    #[test]
    fn empty_result_is_read_and_nonsense_is_rejected() {
        let read = |body: &str| FindGroups(all("")).response(answer(200, body));
        assert!(read(r#"{"totalResults":0,"Resources":[]}"#).unwrap().groups.is_empty());
        assert!(read(r#"{"totalResults":0}"#).unwrap().groups.is_empty());
        for body in ["", "[]", "{}", r#"{"totalResults":1}"#, r#"{"Resources":{}}"#] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}
