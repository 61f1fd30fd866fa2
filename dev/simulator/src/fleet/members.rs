//! `…/principals` of a directory (9.1.1): one group or user is brought into the broker, or removed, without a sync.

use super::state::{Directory, Group, id_in_path};
use super::{Fleet, errors, json, object, since};
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{FleetSettings, FleetVersion, KnownPrincipal};
use http::StatusCode;
use serde_json::{Value, json};

/// `POST …/principals`
pub(super) fn provision(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    since(&state, FleetVersion::V9_1_1)?;
    let settings = state.settings.clone();
    let directory = state.directory(ask)?;
    let body = object(ask)?;
    let text = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| errors::invalid_body(name, "is required"))
    };
    let (dn, kind) = (text("dn")?, text("principalType")?);
    if !directory.on_demand && !settings.principals.with_full_sync {
        return Err(errors::rejected("ldap.directory.sync.mode", "The sync mode of the directory is FULL_SYNC."));
    }
    let (id, name, dn) = match kind {
        "GROUP" => group(directory, dn, &settings)?,
        "USER" => user(directory, dn, &settings)?,
        _ => return Err(errors::invalid_body("principalType", "is neither USER nor GROUP")),
    };
    let body = json!({"principalId": id, "name": name, "dn": dn, "principalType": kind});
    Ok(json(StatusCode::CREATED, &body))
}

/// Id, name and DN of the principal.
type Principal = (String, String, String);

fn group(directory: &mut Directory, dn: &str, settings: &FleetSettings) -> Result<Principal, Reply> {
    let group = directory.ad.group(dn).ok_or_else(|| errors::unknown(settings.unknown_id, "dn"))?;
    if !group.invalid.is_empty() {
        return Err(errors::rejected("ldap.group.non.compliant", "The group is not compliant."));
    }
    let principal = (group.id.clone(), group.name.clone(), group.dn.clone());
    if directory.broker.groups.iter().any(|known| known.id == group.id) {
        return known(settings, principal);
    }
    let members = if settings.principals.with_members {
        directory.ad.members(group, directory.profile.is_nested())
    } else {
        Vec::new()
    };
    let flat = members.iter().map(|user| user.dn.clone()).collect();
    directory.provisioned.insert(group.id.clone());
    directory.provisioned.extend(members.iter().map(|user| user.id.clone()));
    directory.broker.groups.push(Group { members: flat, ..group.clone() });
    directory.broker.add_users(members.into_iter().cloned());
    Ok(principal)
}

fn user(directory: &mut Directory, dn: &str, settings: &FleetSettings) -> Result<Principal, Reply> {
    let user = directory.ad.user(dn).ok_or_else(|| errors::unknown(settings.unknown_id, "dn"))?;
    let principal = (user.id.clone(), user.full_name(), user.dn.clone());
    if directory.broker.users.iter().any(|known| known.id == user.id) {
        return known(settings, principal);
    }
    directory.provisioned.insert(user.id.clone());
    directory.broker.users.push(user.clone());
    Ok(principal)
}

fn known(settings: &FleetSettings, principal: Principal) -> Result<Principal, Reply> {
    match settings.principals.known {
        KnownPrincipal::Returned => Ok(principal),
        KnownPrincipal::Conflict => {
            Err(errors::conflict(settings, "principal.already.exists", "The principal is provisioned already."))
        }
    }
}

/// `DELETE …/principals/{principalId}`
pub(super) fn deprovision(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    since(&state, FleetVersion::V9_1_1)?;
    let unknown = state.settings.unknown_id;
    let directory = state.directory(ask)?;
    let id = id_in_path(ask, "principalId")?;
    let before = directory.broker.groups.len() + directory.broker.users.len();
    directory.broker.groups.retain(|group| group.id != id);
    directory.broker.users.retain(|user| user.id != id);
    directory.provisioned.remove(id);
    if directory.broker.groups.len() + directory.broker.users.len() == before {
        return Err(errors::unknown(unknown, "principalId"));
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
