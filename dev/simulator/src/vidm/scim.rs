//! SCIM 1.1 groups: `…/scim/Groups` and `…/scim/Groups/.search`.
//!
//! From the vendor's swagger: a bad filter, attribute or sort is 400, a bad `count` or `startIndex` is 404, no match is 200.
//! `startIndex` is 0 by default and callers begin with 0 or 1: both mean the first. `count` is 20 by default.

use super::filter::{Attribute, Filter};
use super::state::Group;
use super::{Vidm, errors, media};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) const CORE: &str = "urn:scim:schemas:core:1.0";
pub(super) const WORKSPACE: &str = "urn:scim:schemas:extension:workspace:1.0";

/// The parameters of both calls, unparsed.
#[derive(Default)]
pub(super) struct Query {
    pub(super) filter: Option<String>,
    attributes: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    pub(super) start_index: Option<String>,
    pub(super) count: Option<String>,
}

/// `GET …/scim/Groups`
pub(super) fn list(vidm: &Vidm, ask: &Ask) -> Answer {
    answer(vidm, ask, &of_url(ask))
}

/// The parameters of a GET.
pub(super) fn of_url(ask: &Ask) -> Query {
    query(|name| ask.query(name).map(str::to_owned))
}

/// `POST …/scim/Groups/.search`, for filters too long for a URL
pub(super) fn search(vidm: &Vidm, ask: &Ask) -> Answer {
    answer(vidm, ask, &of_body(vidm, ask)?)
}

/// The parameters of a `.search`; 404 if there is no such call.
pub(super) fn of_body(vidm: &Vidm, ask: &Ask) -> Result<Query, Reply> {
    if !vidm.administrator(ask)?.settings.scim_search {
        return Err(errors::not_found("No such call."));
    }
    media::consumes(ask, true, &[media::JSON])?;
    let body =
        ask.json().filter(Value::is_object).ok_or_else(|| errors::bad_request("The request body is not JSON."))?;
    let field = |name: &str| match body.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(query(field))
}

fn query(field: impl Fn(&str) -> Option<String>) -> Query {
    Query {
        filter: field("filter"),
        attributes: field("attributes"),
        sort_by: field("sortBy"),
        sort_order: field("sortOrder"),
        start_index: field("startIndex"),
        count: field("count"),
    }
}

fn answer(vidm: &Vidm, ask: &Ask, query: &Query) -> Answer {
    let state = vidm.administrator(ask)?;
    media::produces(ask, true, &[media::JSON])?;
    let groups = state.tenants.get(&ask.tenant).map(|tenant| tenant.groups.as_slice()).unwrap_or_default();
    let mut hits: Vec<&Group> = match &query.filter {
        None => groups.iter().collect(),
        Some(text) => {
            let is_rejected = state.settings.scim_rejects.iter().any(|rejected| text.contains(rejected));
            let filter = match Filter::parse(text, state.settings.scim_values) {
                Some(filter) if !is_rejected && filter.is_of(false) => Some(filter),
                // Encoded twice, it is not an error and finds nothing: observed at a real server.
                None if !is_rejected && !text.contains(' ') && text.contains("%20") => None,
                _ => return Err(errors::bad_request("The filter is invalid.")),
            };
            groups
                .iter()
                .filter(|group| filter.as_ref().is_some_and(|filter| filter.matches(&|attribute| attribute.of(group))))
                .collect()
        }
    };
    sort(&mut hits, query)?;
    let wanted = attributes(query.attributes.as_deref())?;
    let number = |text: &Option<String>, default: usize| match text {
        None => Ok(default),
        Some(text) => text.parse::<usize>().map_err(|_| errors::not_found("Invalid paging parameter.")),
    };
    let start = number(&query.start_index, 0)?;
    let count = number(&query.count, 20)?.min(state.settings.scim_page_limit.unwrap_or(usize::MAX));
    let first = if state.settings.scim_first_is_zero { start } else { start.saturating_sub(1) };
    let resources: Vec<Value> = hits
        .iter()
        .skip(first)
        .take(count)
        .map(|group| resource(group, wanted.as_deref(), state.settings.scim_members))
        .collect();
    let body = json!({
        "totalResults": hits.len() + state.settings.scim_hides,
        "itemsPerPage": resources.len(),
        "startIndex": start,
        "schemas": [CORE],
        "Resources": resources,
    });
    Ok(Reply::json(StatusCode::OK, "application/json;charset=UTF-8", &body))
}

fn sort(groups: &mut [&Group], query: &Query) -> Result<(), Reply> {
    let Some(by) = &query.sort_by else { return Ok(()) };
    let by = Attribute::parse(by).ok_or_else(|| errors::bad_request("The sortBy attribute is invalid."))?;
    groups.sort_by_key(|group| by.of(group).to_lowercase());
    match query.sort_order.as_deref() {
        None | Some("ascending") => Ok(()),
        Some("descending") => {
            groups.reverse();
            Ok(())
        }
        Some(_) => Err(errors::bad_request("The sortOrder is invalid.")),
    }
}

/// `None`: all attributes.
fn attributes(text: Option<&str>) -> Result<Option<Vec<Attribute>>, Reply> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parse = |name: &str| Attribute::parse(name.trim());
    let parsed: Option<Vec<Attribute>> = text.split(',').map(parse).collect();
    parsed.map(Some).ok_or_else(|| errors::bad_request("An attribute is invalid."))
}

fn resource(group: &Group, wanted: Option<&[Attribute]>, members: usize) -> Value {
    let is_wanted = |attribute: Attribute| wanted.is_none_or(|wanted| wanted.contains(&attribute));
    let mut fields = Map::new();
    let mut extension = Map::new();
    // The id is always included.
    fields.insert("id".to_owned(), json!(group.id));
    if is_wanted(Attribute::DisplayName) {
        fields.insert("displayName".to_owned(), json!(group.display_name));
    }
    if let (true, Some(id)) = (is_wanted(Attribute::ExternalId), &group.external_id) {
        fields.insert("externalId".to_owned(), json!(id));
    }
    if is_wanted(Attribute::Created) || is_wanted(Attribute::LastModified) {
        let at = clock::iso(group.created);
        let location = format!("/SAAS/jersey/manager/api/scim/Groups/{}", group.id);
        let meta = json!({"created": at, "lastModified": at, "location": location, "version": "W/\"00\""});
        fields.insert("meta".to_owned(), meta);
    }
    let optional = [
        (Attribute::DistinguishedName, "distinguishedName", &group.dn),
        (Attribute::Domain, "domain", &group.domain),
        (Attribute::UserStoreUuid, "userStoreUuid", &group.userstore_id),
    ];
    for (attribute, name, value) in optional {
        if let (true, Some(value)) = (is_wanted(attribute), value) {
            extension.insert(name.to_owned(), json!(value));
        }
    }
    if is_wanted(Attribute::InternalGroupType) {
        extension.insert("internalGroupType".to_owned(), json!(group.internal_type));
    }
    if wanted.is_none() && members > 0 && group.dn.is_some() {
        // As long as a real one: about 90 bytes.
        let member = |n: usize| json!({"value": format!("7e000000-0000-4000-8000-{n:012}"), "type": "User", "display": format!("user-{n:06}")});
        fields.insert("members".to_owned(), (0..members).map(member).collect());
    }
    if wanted.is_none() {
        fields.insert("schemas".to_owned(), json!([CORE, WORKSPACE]));
    }
    if !extension.is_empty() {
        fields.insert(WORKSPACE.to_owned(), Value::Object(extension));
    }
    Value::Object(fields)
}
