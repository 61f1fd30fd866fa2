//! `…/groups/query`, `…/users/query` and `…/members/query` of a realm: what is in the broker.

use super::paging::Page;
use super::search::Search;
use super::state::{Directory, Group, State, User, id_in_path};
use super::{Fleet, errors, json, since};
use crate::reply::{Answer, Ask};
use crate::settings::{DisplayNames, FleetSettings, FleetVersion};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST /ssorealms/{ssoRealmId}/groups/query`
pub(super) fn groups(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let settings = &state.settings;
    let page = Page::of(ask, &state, true, &["DOMAIN", "DISPLAYNAME"])?;
    let realm = state.realm(ask)?;
    let search = Search::of(ask, settings)?;
    let mut found: Vec<(&Directory, &Group)> = state
        .directories_of(&realm.id)
        .flat_map(|directory| directory.broker.groups.iter().map(move |group| (directory, group)))
        .filter(|(directory, group)| {
            search.matches(|field| match field {
                "DOMAIN" => vec![directory.domain().to_owned()],
                "DISPLAY_NAME" => vec![display_name(directory, group, settings)],
                "DN" => vec![group.dn.clone()],
                "ID" => vec![group.id.clone()],
                _ => Vec::new(),
            })
        })
        .collect();
    page.sort(&mut found, |(directory, group), by| match by {
        "DOMAIN" => directory.domain().to_owned(),
        _ => display_name(directory, group, settings),
    });
    let rows: Vec<Value> = found.iter().map(|(directory, group)| group_json(directory, group, settings)).collect();
    let mut body = page.cut("vidbGroups", &rows);
    if let (true, Value::Object(fields)) = (settings.irregular, &mut body) {
        fields.remove("pageInfo");
    }
    Ok(json(StatusCode::OK, &body))
}

/// `POST /ssorealms/{ssoRealmId}/users/query`
pub(super) fn users(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let realm = state.realm(ask)?;
    let all = state
        .directories_of(&realm.id)
        .flat_map(|directory| directory.broker.users.iter().map(move |user| (directory, user)))
        .collect();
    list_users(&state, ask, &["USERNAME", "FIRSTNAME", "LASTNAME", "DOMAIN"], all)
}

/// `POST /ssorealms/{ssoRealmId}/groups/{groupId}/members/query`
pub(super) fn members(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let realm = state.realm(ask)?;
    let id = id_in_path(ask, "groupId")?;
    let group = state
        .directories_of(&realm.id)
        .find_map(|directory| Some((directory, directory.broker.groups.iter().find(|group| group.id == id)?)));
    let (directory, group) = group.ok_or_else(|| errors::unknown(state.settings.unknown_id, "groupId"))?;
    let all = directory.broker.members(group, false).into_iter().map(|user| (directory, user)).collect();
    list_users(&state, ask, &["FIRSTNAME", "LASTNAME"], all)
}

fn list_users(state: &State, ask: &Ask, sorts: &[&str], mut found: Vec<(&Directory, &User)>) -> Answer {
    let page = Page::of(ask, state, true, sorts)?;
    let search = Search::of(ask, &state.settings)?;
    let value = |directory: &Directory, user: &User, field: &str| match field {
        "USERNAME" => vec![user.name.clone()],
        "DOMAIN" => vec![directory.domain().to_owned()],
        "FIRSTNAME" => vec![user.first_name.clone()],
        "LASTNAME" => vec![user.last_name.clone()],
        "DISPLAY_NAME" => vec![user.full_name()],
        "IS_ACTIVE" => vec!["true".to_owned()],
        "DN" => vec![user.dn.clone()],
        "ID" => vec![user.id.clone()],
        _ => Vec::new(),
    };
    found.retain(|(directory, user)| search.matches(|field| value(directory, user, field)));
    page.sort(&mut found, |(directory, user), by| value(directory, user, by).concat());
    let rows: Vec<Value> = found.iter().map(|(directory, user)| user_json(directory, user)).collect();
    Ok(json(StatusCode::OK, &page.cut("vidbUsers", &rows)))
}

/// `GET /ssorealms/{ssoRealmId}/users/{userId}/groups`: since 9.1.1.
pub(super) fn groups_of_user(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    since(&state, FleetVersion::V9_1_1)?;
    let realm = state.realm(ask)?;
    let id = id_in_path(ask, "userId")?;
    let user = state
        .directories_of(&realm.id)
        .find_map(|directory| Some((directory, directory.broker.users.iter().find(|user| user.id == id)?)));
    let (directory, user) = user.ok_or_else(|| errors::unknown(state.settings.unknown_id, "userId"))?;
    let is_member = |group: &&Group| directory.broker.members(group, false).iter().any(|member| member.id == user.id);
    let groups = directory.broker.groups.iter().filter(is_member);
    let rows: Vec<Value> = groups.map(|group| group_json(directory, group, &state.settings)).collect();
    Ok(json(StatusCode::OK, &json!({"vidbGroups": rows})))
}

pub(crate) fn display_name(directory: &Directory, group: &Group, settings: &FleetSettings) -> String {
    match settings.display_names {
        DisplayNames::Bare => group.name.clone(),
        DisplayNames::WithDomain => format!("{}@{}", group.name, directory.domain()),
    }
}

fn group_json(directory: &Directory, group: &Group, settings: &FleetSettings) -> Value {
    let mut body = json!({
        "groupId": group.id,
        "groupName": group.name,
        "displayName": display_name(directory, group, settings),
        "domainName": directory.domain(),
        "roles": [],
    });
    // The vendor's example of a group has no domain.
    if let (true, Value::Object(fields)) = (settings.irregular, &mut body) {
        fields.remove("domainName");
    }
    body
}

fn user_json(directory: &Directory, user: &User) -> Value {
    json!({
        "userId": user.id,
        "userName": user.name,
        "accountName": user.name,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "email": format!("{}@{}", user.name, directory.domain()),
        "domainName": directory.domain(),
        "active": true,
        "roles": [],
    })
}
