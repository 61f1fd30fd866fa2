//! SCIM 1.1 users: `…/scim/Users` and `…/scim/Users/.search`, as far as finding a user by name requires them.

use super::filter::{Attribute, Filter};
use super::scim::{CORE, Query, WORKSPACE, of_body, of_url};
use super::state::User;
use super::{Vidm, errors, media};
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET …/scim/Users`
pub(super) fn list(vidm: &Vidm, ask: &Ask) -> Answer {
    answer(vidm, ask, &of_url(ask))
}

/// `POST …/scim/Users/.search`
pub(super) fn search(vidm: &Vidm, ask: &Ask) -> Answer {
    answer(vidm, ask, &of_body(vidm, ask)?)
}

fn answer(vidm: &Vidm, ask: &Ask, query: &Query) -> Answer {
    let state = vidm.administrator(ask)?;
    media::produces(ask, true, &[media::JSON])?;
    let filter = match &query.filter {
        None => None,
        Some(text) => Some(
            Filter::parse(text, state.settings.scim_values)
                .filter(|filter| filter.is_of(true))
                .ok_or_else(|| errors::bad_request("The filter is invalid."))?,
        ),
    };
    let users = state.tenants.get(&ask.tenant).map(|tenant| tenant.users.as_slice()).unwrap_or_default();
    let is_hit =
        |user: &&User| filter.as_ref().is_none_or(|filter| filter.matches(&|attribute| value(user, attribute)));
    let hits: Vec<&User> = users.iter().filter(is_hit).collect();
    let number = |text: &Option<String>, default: usize| match text {
        None => Ok(default),
        Some(text) => text.parse::<usize>().map_err(|_| errors::not_found("Invalid paging parameter.")),
    };
    let start = number(&query.start_index, 0)?;
    let count = number(&query.count, 20)?.min(state.settings.scim_page_limit.unwrap_or(usize::MAX));
    let first = if state.settings.scim_first_is_zero { start } else { start.saturating_sub(1) };
    let resources: Vec<Value> = hits.iter().skip(first).take(count).map(|user| resource(user)).collect();
    let body = json!({
        "totalResults": hits.len(),
        "itemsPerPage": resources.len(),
        "startIndex": start,
        "schemas": [CORE],
        "Resources": resources,
    });
    Ok(Reply::json(StatusCode::OK, "application/json;charset=UTF-8", &body))
}

fn value(user: &User, attribute: Attribute) -> String {
    match attribute {
        Attribute::Id => user.id.clone(),
        Attribute::UserName => user.name.clone(),
        Attribute::Domain => user.domain.clone(),
        Attribute::UserPrincipalName => user.principal_name(),
        _ => String::new(),
    }
}

fn resource(user: &User) -> Value {
    json!({
        "id": user.id,
        "userName": user.name,
        "active": true,
        "schemas": [CORE, WORKSPACE],
        WORKSPACE: {
            "domain": user.domain,
            "userPrincipalName": user.principal_name(),
            "internalUserType": "PROVISIONED",
        },
    })
}
