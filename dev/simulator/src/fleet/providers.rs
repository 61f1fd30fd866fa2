//! `/identity-providers`: one for each realm. Its LDAP directories are part of it.

use super::state::{Directory, Provider, Removal, State};
use super::{Fleet, errors, json, tasks, validation};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// `POST /identity-providers`
pub(super) fn create(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let spec = validation::new(ask, &state.settings)?;
    let realm = realm(&state, &spec.document)?;
    if state.provider_of(&realm).is_some() {
        return Err(errors::conflict(
            &state.settings,
            "idp.already.exists",
            "The realm has an identity provider already.",
        ));
    }
    let now = clock::now();
    let mut provider = Provider {
        id: clock::uuid(),
        realm,
        document: spec.document,
        directories: spec.configurations.into_iter().map(directory).collect(),
        scim: None,
    };
    provider.document.insert("id".to_owned(), json!(provider.id));
    provider.document.insert("createdAt".to_owned(), json!(now));
    provider.document.insert("updatedAt".to_owned(), json!(now));
    let body = provider.json(state.settings.version);
    state.providers.push(provider);
    Ok(json(StatusCode::CREATED, &body))
}

/// `PUT /identity-providers`: the id is in the body.
pub(super) fn update(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let settings = state.settings.clone();
    let mut spec = validation::changed(ask, &settings)?;
    let realm = realm(&state, &spec.document)?;
    let id = spec.document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let provider = state.providers.iter_mut().find(|provider| provider.id.eq_ignore_ascii_case(&id));
    let provider = provider.ok_or_else(|| errors::unknown(settings.unknown_id, "id"))?;
    if provider.realm != realm {
        return Err(errors::rejected("idp.sso.realm.mismatch", "The provider belongs to another realm."));
    }
    keep_directory_ids(&provider.document, &spec.document)?;
    let given: Vec<Option<String>> = spec.configurations.iter().map(configuration_id).collect();
    let known = |id: &String| provider.directories.iter().any(|directory| directory.id == *id);
    if given.iter().flatten().any(|id| !known(id)) {
        return Err(errors::rejected("ldapConfigurations.id", "There is no LDAP configuration with this id."));
    }
    let is_kept = |directory: &Directory| {
        !directory.exists_in(settings.version) || given.iter().flatten().any(|id| *id == directory.id)
    };
    if !provider.directories.iter().all(is_kept) {
        return Err(errors::rejected("ldapConfigurations.id", "The ids of existing LDAP configurations are required."));
    }
    for configuration in spec.configurations {
        let id = configuration_id(&configuration);
        match provider.directories.iter_mut().find(|directory| Some(&directory.id) == id.as_ref()) {
            Some(directory) => directory.configure(configuration),
            None => provider.directories.push(directory(configuration)),
        }
    }
    let created = provider.document.get("createdAt").cloned().unwrap_or_default();
    spec.document.insert("createdAt".to_owned(), created);
    spec.document.insert("updatedAt".to_owned(), json!(clock::now()));
    provider.document = spec.document;
    Ok(json(StatusCode::OK, &provider.json(settings.version)))
}

/// `GET /identity-providers/{idpConfigId}`
pub(super) fn one(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let version = state.settings.version;
    Ok(json(StatusCode::OK, &state.provider(ask)?.json(version)))
}

/// `DELETE /identity-providers/{idpConfigId}`: a task.
pub(super) fn remove(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let id = state.provider(ask)?.id.clone();
    if state.settings.providers.removal_needs_force && ask.query("force") != Some("true") {
        return Err(errors::conflict(
            &state.settings,
            "idp.components.configured",
            "Components use the identity provider.",
        ));
    }
    Ok(tasks::begin(&mut state, Removal::Provider(id)))
}

/// The realm in the body.
fn realm(state: &State, document: &Map<String, Value>) -> Result<String, Reply> {
    let id = document.get("ssoRealmId").and_then(Value::as_str).unwrap_or_default();
    let realm = state.realms.iter().find(|realm| realm.id.eq_ignore_ascii_case(id));
    realm.map(|realm| realm.id.clone()).ok_or_else(|| errors::unknown(state.settings.unknown_realm, "ssoRealmId"))
}

/// A PUT must repeat the id of the directory that the provider has.
fn keep_directory_ids(old: &Map<String, Value>, new: &Map<String, Value>) -> Result<(), Reply> {
    let id = |document: &Map<String, Value>| {
        let directory = document.get("directories").and_then(|directories| directories.get(0));
        directory.and_then(|directory| directory.get("id")).and_then(Value::as_str).map(str::to_owned)
    };
    if id(old).is_some_and(|old| id(new).as_ref() != Some(&old)) {
        return Err(errors::rejected("directories[0].id", "The id of the existing directory is required."));
    }
    Ok(())
}

fn configuration_id(configuration: &Value) -> Option<String> {
    configuration.get("ldapConfigurationId").and_then(Value::as_str).map(str::to_owned)
}

/// A new directory; its setup is complete once its sync profile has been written.
fn directory(mut configuration: Value) -> Directory {
    let id = clock::uuid();
    if let Value::Object(fields) = &mut configuration {
        fields.insert("ldapConfigurationId".to_owned(), json!(id));
    }
    Directory::new(&id, configuration)
}
