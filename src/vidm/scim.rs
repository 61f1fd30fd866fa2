//! `/SAAS/jersey/manager/api/scim/…`: finds groups and users by a filter (SCIM 1.1).

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::directory::Identity;
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, form, invalid, json, read_json, with_body};

/// The schema with the fields that SCIM's core schema lacks.
pub(super) const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

/// Entries per response. An exact name occurs at most once per domain.
const COUNT: usize = 100;

/// Longer filters, in bytes, are sent in a body: proxies cut long URIs.
const LONG: usize = 1_500;

/// Characters besides letters and digits that a filter in the URI may contain: all proxies and servers encode and decode
/// them alike.
const PLAIN: &[char] = &[' ', '"', '=', ',', '.', '-', '_', '@', '(', ')', ':'];

/// A kind of SCIM resource.
pub(super) trait Resource: Clone + fmt::Debug {
    /// The call that finds them.
    const FIND: &'static str;
    /// The same for long filters.
    const SEARCH: &'static str;
    /// The paths of these calls.
    const PATHS: (Path, Path);
    /// One of them, for messages.
    const NOUN: &'static str;

    /// Reads an entry; `None` without an id.
    fn read(resource: Value) -> Option<Self>;

    /// Its id in vIDM.
    fn id(&self) -> &str;

    /// Everything that a query may call it.
    fn identities(&self) -> Vec<Identity>;

    /// Its name, to show.
    fn display_name(&self) -> Option<&str>;
}

/// A query for one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    /// Empty for all entries.
    pub(crate) filter: &'a str,
    /// The requested attributes, separated by commas; `None` for all.
    pub(crate) attributes: Option<&'static str>,
    /// The index of the page's first entry; counted from 1.
    pub(crate) start: usize,
}

/// One page of the resources that match a filter.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<T>,
    /// The total number, if the server reports it.
    pub(crate) total: Option<usize>,
    /// The number of unreadable entries on the page.
    pub(crate) unread: usize,
    /// The index of the next page; `None` if this is the last.
    pub(crate) next: Option<usize>,
}

/// `GET /SAAS/jersey/manager/api/scim/Groups` or `…/Users` (the vendor's swagger in vmware/idm, and its SCIM guide)
#[derive(Debug)]
pub(crate) struct Find<'a, T>(pub(crate) Search<'a>, PhantomData<T>);

impl<'a, T> Find<'a, T> {
    pub(crate) fn new(search: Search<'a>) -> Self {
        Self(search, PhantomData)
    }
}

impl<T: Resource> Endpoint for Find<'_, T> {
    type Api = Vidm;
    type Response = Page<T>;
    const CALL: &'static str = T::FIND;
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let Search { filter, attributes, start } = self.0;
        let (start, count) = (start.to_string(), COUNT.to_string());
        let mut query = Vec::new();
        if !filter.is_empty() {
            query.push(("filter", filter));
        }
        query.extend(attributes.map(|names| ("attributes", names)));
        query.extend([("startIndex", start.as_str()), ("count", &count)]);
        let path = format!("{}?{}", dialect.path(T::PATHS.0), form(query));
        bare(Method::GET, &path, &dialect.media(Media::Groups))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Page<T>> {
        read_page(Self::CALL, &answer, self.0.start)
    }
}

/// `POST /SAAS/jersey/manager/api/scim/Groups/.search` or `…/Users/.search` (the vendor's SCIM guide): the same for long
/// filters.
#[derive(Debug)]
pub(crate) struct FindByBody<'a, T>(pub(crate) Search<'a>, PhantomData<T>);

impl<'a, T> FindByBody<'a, T> {
    pub(crate) fn new(search: Search<'a>) -> Self {
        Self(search, PhantomData)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    filter: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a str>,
    start_index: usize,
    count: usize,
}

impl<T: Resource> Endpoint for FindByBody<'_, T> {
    type Api = Vidm;
    type Response = Page<T>;
    const CALL: &'static str = T::SEARCH;
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let Search { filter, attributes, start } = self.0;
        let media = dialect.media(Media::Groups);
        let body = json(&Body { filter, attributes, start_index: start, count: COUNT })?;
        with_body(Method::POST, &dialect.path(T::PATHS.1), &media, &media, body)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Page<T>> {
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

fn read_page<T: Resource>(call: &'static str, answer: &Response<Bytes>, start: usize) -> Result<Page<T>> {
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
    let has_id = |entry: &T| !entry.id().trim().is_empty();
    let entries: Vec<T> = resources.into_iter().filter_map(T::read).filter(has_id).collect();
    let unread = came.saturating_sub(entries.len());
    Ok(Page { entries, total, unread, next: more.then_some(next) })
}

/// A count, as a number or in quotes.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups::Group;
    use super::super::users::User;
    use super::*;
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    fn all(filter: &str) -> Search<'_> {
        Search { filter, attributes: None, start: 1 }
    }

    #[test]
    fn request_is_encoded() {
        let find = Find::<Group>::new(all(r#"displayName eq "gg new@corp.example""#));
        let expected = |base: &str| {
            format!(
                "GET {base}/jersey/manager/api/scim/Groups?filter=displayName%20eq%20%22gg%20new%40corp.example%22&startIndex=1&count=100\n\
                 accept: application/json\n\n"
            )
        };
        for dialect in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(sent(&find, &dialect), expected("/SAAS"));
            assert_eq!(sent(&find, &dialect.in_tenant(Some("t"))), expected("/SAAS/t/t"));
        }
    }

    #[test]
    fn long_filter_is_sent_in_a_body() {
        let search = FindByBody::<Group>::new(all(r#"displayName eq "a@b""#));
        for dialect in [Dialect::horizon(), Dialect::json()] {
            assert_eq!(
                sent(&search, &dialect.in_tenant(Some("t"))),
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
    fn later_page_is_requested_with_its_attributes() {
        let search = Search { filter: "f", attributes: Some("id,displayName"), start: 101 };
        assert_eq!(
            sent(&Find::<Group>::new(search), &Dialect::json()),
            "GET /SAAS/jersey/manager/api/scim/Groups?filter=f&attributes=id%2CdisplayName&startIndex=101&count=100\n\
             accept: application/json\n\n"
        );
        assert!(
            sent(&FindByBody::<Group>::new(search), &Dialect::json())
                .ends_with(r#"{"filter":"f","attributes":"id,displayName","startIndex":101,"count":100}"#)
        );
    }

    #[test]
    fn next_page_follows_the_returned_entries() {
        let next = |start: usize, body: &str| {
            Find::<Group>::new(Search { start, ..all("") }).response(answer(200, body)).map(|page| page.next)
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
        let body = r#"{"totalResults":4,"Resources":[{"id":"a"},{"displayName":"no id"},{"id":" ","userName":"b"},7]}"#;
        let page = Find::<Group>::new(all("")).response(answer(200, body)).unwrap();
        assert_eq!((page.entries.len(), page.unread, page.total), (1, 3, Some(4)));
        let page = Find::<User>::new(all("")).response(answer(200, body)).unwrap();
        assert_eq!((page.entries.len(), page.unread, page.total), (1, 3, Some(4)));
    }

    #[test]
    fn empty_result_is_read_and_nonsense_is_rejected() {
        let read = |body: &str| Find::<Group>::new(all("")).response(answer(200, body));
        assert!(read(r#"{"totalResults":0,"Resources":[]}"#).unwrap().entries.is_empty());
        assert!(read(r#"{"totalResults":0}"#).unwrap().entries.is_empty());
        for body in ["", "[]", "{}", r#"{"totalResults":1}"#, r#"{"Resources":{}}"#] {
            assert_eq!(read(body).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }

    #[test]
    fn users_have_their_own_paths() {
        let filter = r#"userName eq "jdoe""#;
        assert_eq!(
            sent(&Find::<User>::new(all(filter)), &Dialect::horizon()),
            "GET /SAAS/jersey/manager/api/scim/Users?filter=userName%20eq%20%22jdoe%22&startIndex=1&count=100\n\
             accept: application/json\n\n"
        );
        assert!(
            sent(&FindByBody::<User>::new(all(filter)), &Dialect::json())
                .starts_with("POST /SAAS/jersey/manager/api/scim/Users/.search\n")
        );
    }
}
