//! `…/groups/query` and `…/users/query` of a directory: the search in Active Directory, by the beginning of the name.

use super::state::{Directory, Group, User};
use super::{Fleet, errors, json, object};
use crate::dn::within;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::FleetVersion;
use http::StatusCode;
use serde_json::{Value, json};

/// `POST …/groups/query`
pub(super) fn groups(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let version = state.settings.version;
    let directory = state.directory(ask)?;
    let query = Query::of(ask, directory, version)?;
    let found = directory.ad.groups.iter().filter(|group| query.matches(&group.dn, &[&group.name]));
    let groups: Vec<Value> = found.map(|group| group_json(directory, group, version)).collect();
    Ok(json(StatusCode::OK, &json!({"ldapGroups": groups})))
}

/// `POST …/users/query`
pub(super) fn users(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let version = state.settings.version;
    let directory = state.directory(ask)?;
    let query = Query::of(ask, directory, version)?;
    let found = directory.ad.users.iter().filter(|user| query.matches(&user.dn, &[&user.name, &user.full_name()]));
    let users: Vec<Value> = found.map(|user| user_json(directory, user, version)).collect();
    Ok(json(StatusCode::OK, &json!({"ldapUsers": users})))
}

struct Query {
    base: Option<String>,
    term: String,
}

impl Query {
    /// `searchDn` is required, except with `ON_DEMAND`.
    fn of(ask: &Ask, directory: &Directory, version: FleetVersion) -> Result<Self, Reply> {
        let body = object(ask)?;
        let text = |name: &str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(errors::invalid_body(name, "is not a string")),
        };
        let base = text("searchDn")?.filter(|base| !base.is_empty());
        if base.is_none() && !(directory.on_demand && version >= FleetVersion::V9_1_1) {
            return Err(errors::invalid_body("searchDn", "is required"));
        }
        Ok(Self { base, term: text("searchTerm")?.unwrap_or_default().to_lowercase() })
    }

    fn matches(&self, dn: &str, names: &[&str]) -> bool {
        self.base.as_ref().is_none_or(|base| within(dn, base))
            && names.iter().any(|name| name.to_lowercase().starts_with(&self.term))
    }
}

fn group_json(directory: &Directory, group: &Group, version: FleetVersion) -> Value {
    let mut body = json!({
        "baseDn": directory.base_dn,
        "dn": group.dn,
        "name": group.name,
        "objectGuid": group.guid,
        "compliant": group.invalid.is_empty(),
        "selectAll": false,
    });
    if let Value::Object(fields) = &mut body {
        if !group.invalid.is_empty() {
            let result = json!({"invalidAttributes": group.invalid, "duplicateId": false});
            fields.insert("validationResult".to_owned(), result);
        }
        if version >= FleetVersion::V9_1_1 {
            if directory.broker.groups.iter().any(|known| known.id == group.id) {
                fields.insert("id".to_owned(), json!(group.id));
            }
            fields.insert("roleAssignments".to_owned(), json!(false));
        }
    }
    body
}

fn user_json(directory: &Directory, user: &User, version: FleetVersion) -> Value {
    let mut body = json!({
        "baseDn": directory.base_dn,
        "dn": user.dn,
        "name": user.full_name(),
        "userId": user.guid,
        "mail": format!("{}@{}", user.name, directory.domain()),
    });
    if let (Value::Object(fields), true) = (&mut body, version >= FleetVersion::V9_1_1) {
        if directory.broker.users.iter().any(|known| known.id == user.id) {
            fields.insert("id".to_owned(), json!(user.id));
        }
        fields.insert("roleAssignments".to_owned(), json!(false));
    }
    body
}

impl User {
    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}
