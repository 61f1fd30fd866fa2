//! `POST …/ssorealms/{ssoRealmId}/groups/query` and `…/users/query`: groups and users in the identity broker.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::{Fleet, IAM, JSON};
use super::items::{PAGE, PageInfo};
use crate::error::Result;
use crate::json::take_text;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};

/// A condition of a query.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Term<'a> {
    pub(super) searchable_field: &'static str,
    pub(super) operator: &'static str,
    /// Any of these.
    pub(super) terms: Vec<&'a str>,
}

impl<'a> Term<'a> {
    /// The field has one of these values.
    pub(super) fn equals(searchable_field: &'static str, terms: Vec<&'a str>) -> Self {
        Self { searchable_field, operator: "EQUALS", terms }
    }
}

/// The body of a query. The vendor's example joins name and domain by `anyOf`, which finds every group of the domain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    search_terms: SearchTerms<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchTerms<'a> {
    all_of: &'a [Term<'a>],
}

/// An entry of a realm in the identity broker: groups or users.
pub(super) trait Principal: Clone + fmt::Debug {
    /// The call that queries them.
    const CALL: &'static str;
    /// Their word in the path.
    const PATH: &'static str;
    /// Their list in the response.
    const LIST: &'static str;
    /// The field of a query with their name.
    const NAME: &'static str;

    /// Reads one entry; `None` without an id.
    fn read(item: Map<String, Value>) -> Option<Self>;

    /// Its id in the broker.
    fn id(&self) -> &str;

    /// Its names, the one to show first. Each may have the domain.
    fn names(&self) -> impl Iterator<Item = &str>;

    /// Its domain, if the entry has it.
    fn domain(&self) -> Option<&str>;
}

/// `POST /suite-api/api/fleet-management/iam/ssorealms/{ssoRealmId}/groups/query` (VCF Operations API, `getGroupsList`), or
/// `…/users/query` (`getUsersList`)
///
/// Neither has a distinguished name or a GUID. Whether `EQUALS` ignores case is not documented.
#[derive(Debug)]
pub(super) struct Query<'a, P> {
    pub(super) realm: &'a str,
    pub(super) all_of: &'a [Term<'a>],
    /// Counted from zero.
    pub(super) page: usize,
    pub(super) of: PhantomData<P>,
}

/// A group in the identity broker.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetGroup"))]
pub struct Group {
    /// Its id in the broker.
    #[serde(rename = "id")]
    pub group_id: String,
    /// Its name.
    #[serde(rename = "name")]
    pub group_name: Option<String>,
    /// Its display name.
    pub display_name: Option<String>,
    /// Its domain.
    #[serde(rename = "domain")]
    pub domain_name: Option<String>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A user in the identity broker.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    user_id: String,
    user_name: Option<String>,
    account_name: Option<String>,
    domain_name: Option<String>,
}

/// One page of a query's result.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    /// Whether there may be another page.
    pub(super) more: bool,
}

impl<P: Principal> Endpoint for Query<'_, P> {
    type Api = Fleet;
    type Response = Page<P>;
    const CALL: &'static str = P::CALL;
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let (realm, what, page) = (self.realm, P::PATH, self.page);
        let path = format!("{IAM}/ssorealms/{realm}/{what}/query?page={page}&pageSize={PAGE}");
        with_body(Method::POST, &path, JSON, JSON, json(&Body { search_terms: SearchTerms { all_of: self.all_of } })?)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Page<P>> {
        page(Self::CALL, &answer, P::LIST, self.page, P::read)
    }
}

/// Reads a page with the entries in `list`. The vendor's examples leave out `pageInfo`; the server may give fewer entries
/// than requested. Only an empty result may omit the list: a response in another form is no proof of absence.
fn page<T>(
    call: &'static str,
    answer: &Response<Bytes>,
    list: &str,
    at: usize,
    read: impl Fn(Map<String, Value>) -> Option<T>,
) -> Result<Page<T>> {
    let mut body: Map<String, Value> = read_json(call, answer)?;
    let entries = body.remove(list);
    let info = PageInfo::of(&body);
    let entries = match entries {
        Some(Value::Array(entries)) => entries,
        None | Some(Value::Null) if info.total == Some(0) => Vec::new(),
        _ => return Err(invalid(call, answer, &format!("it has no list of {list}"))),
    };
    let size = info.size();
    let more = match info.total {
        Some(total) => !entries.is_empty() && at.saturating_mul(size).saturating_add(entries.len()) < total,
        None => entries.len() >= size,
    };
    let objects =
        entries.into_iter().filter_map(|entry| if let Value::Object(entry) = entry { Some(entry) } else { None });
    Ok(Page { entries: objects.filter_map(read).collect(), more })
}

impl Principal for Group {
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/ssorealms/{ssoRealmId}/groups/query";
    const PATH: &'static str = "groups";
    const LIST: &'static str = "vidbGroups";
    const NAME: &'static str = "DISPLAY_NAME";

    fn read(mut item: Map<String, Value>) -> Option<Self> {
        let group_id = take_text(&mut item, "groupId")?;
        let mut text = |name| take_text(&mut item, name);
        let (group_name, display_name, domain_name) = (text("groupName"), text("displayName"), text("domainName"));
        item.retain(|name, _| !["id", "name", "domain"].contains(&name.as_str()));
        Some(Self { group_id, group_name, display_name, domain_name, extra: item })
    }

    fn id(&self) -> &str {
        &self.group_id
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.display_name.iter().chain(&self.group_name).map(String::as_str)
    }

    fn domain(&self) -> Option<&str> {
        self.domain_name.as_deref()
    }
}

impl Principal for User {
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/ssorealms/{ssoRealmId}/users/query";
    const PATH: &'static str = "users";
    const LIST: &'static str = "vidbUsers";
    const NAME: &'static str = "USERNAME";

    fn read(mut item: Map<String, Value>) -> Option<Self> {
        let user_id = take_text(&mut item, "userId")?;
        let mut text = |name| take_text(&mut item, name);
        let (user_name, account_name, domain_name) = (text("userName"), text("accountName"), text("domainName"));
        Some(Self { user_id, user_name, account_name, domain_name })
    }

    fn id(&self) -> &str {
        &self.user_id
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.user_name.iter().chain(&self.account_name).map(String::as_str)
    }

    fn domain(&self) -> Option<&str> {
        self.domain_name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    fn call<'a>(all_of: &'a [Term<'a>]) -> Query<'a, Group> {
        Query { realm: "r", all_of, page: 2, of: PhantomData }
    }

    #[test]
    fn users_are_queried_by_user_name() {
        let all_of = [Term::equals(User::NAME, vec!["jdoe"])];
        let query = Query::<User> { realm: "r", all_of: &all_of, page: 0, of: PhantomData };
        assert_eq!(
            sent(&query),
            "POST /suite-api/api/fleet-management/iam/ssorealms/r/users/query?page=0&pageSize=50\n\
             accept: application/json\ncontent-type: application/json\n\n\
             {\"searchTerms\":{\"allOf\":[{\"searchableField\":\"USERNAME\",\"operator\":\"EQUALS\",\"terms\":[\"jdoe\"]}]}}"
        );
        // The vendor's example, without its pageInfo.
        let body = r#"{"vidbUsers":[{"userId":"e3ea5af8","email":"user1@email.com","accountName":"Account1",
            "firstName":"First Name1","lastName":"Last Name1","userName":"user1",
            "roles":[{"roleName":"role1","roleAssignmentTypes":["DIRECT"]}]},{"userName":"no id"}]}"#;
        let page = query.response(answer(200, body)).unwrap();
        let [user] = page.entries.as_slice() else { panic!("{page:?}") };
        assert_eq!((user.id(), user.domain()), ("e3ea5af8", None));
        assert_eq!(user.names().collect::<Vec<_>>(), ["user1", "Account1"]);
    }

    #[test]
    fn request_is_encoded() {
        let all_of = [Term::equals("DISPLAY_NAME", vec!["a \"é\"", "b"]), Term::equals("DOMAIN", vec!["corp.example"])];
        assert_eq!(
            sent(&call(&all_of)),
            "POST /suite-api/api/fleet-management/iam/ssorealms/r/groups/query?page=2&pageSize=50\n\
             accept: application/json\ncontent-type: application/json\n\n\
             {\"searchTerms\":{\"allOf\":[\
             {\"searchableField\":\"DISPLAY_NAME\",\"operator\":\"EQUALS\",\"terms\":[\"a \\\"é\\\"\",\"b\"]},\
             {\"searchableField\":\"DOMAIN\",\"operator\":\"EQUALS\",\"terms\":[\"corp.example\"]}]}}"
        );
    }

    #[test]
    fn vendors_example_is_read() {
        let body = r#"{"vidbGroups":[{"groupId":"id1","groupName":"name","displayName":"displayname","roles":["role1","role2"]},
            {"groupId":"id2","domainName":"corp.example","id":"theirs"},{"groupName":"no id"},7]}"#;
        let page = call(&[]).response(answer(200, body)).unwrap();
        assert_eq!(
            serde_json::to_value(&page.entries).unwrap(),
            serde_json::json!([
                {"id": "id1", "name": "name", "displayName": "displayname", "domain": null, "roles": ["role1", "role2"]},
                {"id": "id2", "name": null, "displayName": null, "domain": "corp.example"},
            ])
        );
        assert!(!page.more);
    }

    #[test]
    fn further_pages_are_recognised() {
        let more = |body: &str| call(&[]).response(answer(200, body)).unwrap().more;
        let entries = |count: usize| vec![r#"{"groupId":"x"}"#; count].join(",");
        for (count, info, expected) in [
            (3, r#"{"totalCount":300,"page":2,"pageSize":100}"#, true),
            (3, r#"{"totalCount":203,"page":2,"pageSize":100}"#, false),
            (0, r#"{"totalCount":300}"#, false),
            (50, "null", true),
            (49, "null", false),
            (25, r#"{"pageSize":25}"#, true),
            (3, r#"{"totalCount":300,"pageSize":0}"#, true),
        ] {
            let body = format!(r#"{{"vidbGroups":[{}],"pageInfo":{info}}}"#, entries(count));
            assert_eq!(more(&body), expected, "{count} {info}");
        }
        assert!(!more(r#"{"pageInfo":{"totalCount":0}}"#));
        for body in
            ["{}", r#"{"groups":[]}"#, r#"{"vidbGroups":null,"pageInfo":{"totalCount":1}}"#, r#"{"vidbGroups":7}"#]
        {
            assert!(call(&[]).response(answer(200, body)).is_err(), "{body}");
        }
    }
}
