//! `/ssorealms` and `/vidbs`.

use super::state::{Realm, Removal, State, Vidb};
use super::{Fleet, checked, errors, json, tasks};
use crate::clock;
use crate::reply::{Answer, Ask};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET /ssorealms`
pub(super) fn list(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let realms: Vec<Value> = state.realms.iter().map(|realm| state.realm_json(realm)).collect();
    Ok(json(StatusCode::OK, &json!({"ssoRealms": realms})))
}

/// `GET /ssorealms/{ssoRealmId}`
pub(super) fn one(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    Ok(json(StatusCode::OK, &state.realm_json(state.realm(ask)?)))
}

impl State {
    pub(super) fn realm_json(&self, realm: &Realm) -> Value {
        let provider = self.provider_of(&realm.id);
        let mut body = json!({
            "id": realm.id,
            "name": realm.name,
            "vidbResourceId": realm.vidb,
            "vcfInstanceId": realm.instance,
            "issues": [],
            "ssoRealmCoverage": [{"id": realm.instance, "name": realm.name, "ssoEntityType": "VCF_INSTANCE"}],
            "totalConfiguredComponents": 2,
            "createdAt": realm.created,
            "updatedAt": realm.created,
        });
        if let Value::Object(fields) = &mut body {
            match provider {
                Some(provider) => {
                    fields.insert("idpId".to_owned(), json!(provider.id));
                }
                // The vendor's example of a new realm has no broker.
                None if self.settings.irregular => {
                    fields.remove("vidbResourceId");
                }
                None => {}
            }
        }
        body
    }
}

/// `POST /ssorealms`
pub(super) fn create(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let body = checked(ask, state.settings.version, "SsoRealmCreationRequest")?;
    let id = body.get("vidbResourceId").and_then(Value::as_str).unwrap_or_default();
    let vidb = state.vidbs.iter().find(|vidb| vidb.id.eq_ignore_ascii_case(id));
    let vidb = vidb.ok_or_else(|| errors::invalid_parameter("vidbResourceId", "is not valid"))?.clone();
    if state.realms.iter().any(|realm| realm.vidb == vidb.id) {
        return Err(errors::conflict(
            &state.settings,
            "sso.realm.already.exists",
            "The identity broker has a realm already.",
        ));
    }
    let realm =
        Realm { id: clock::uuid(), name: vidb.name, vidb: vidb.id, instance: vidb.instance, created: clock::now() };
    let body = state.realm_json(&realm);
    state.realms.push(realm);
    Ok(json(StatusCode::CREATED, &body))
}

/// `DELETE /ssorealms/{ssoRealmId}`
pub(super) fn remove(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let realm = state.realm(ask)?.id.clone();
    if state.provider_of(&realm).is_some() && ask.query("force") != Some("true") {
        return Err(errors::conflict(&state.settings, "sso.realm.in.use", "The realm has an identity provider."));
    }
    Ok(tasks::begin(&mut state, Removal::Realm(realm)))
}

/// `GET /vidbs`
pub(super) fn vidbs(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let instance = ask.query("vcfInstanceId");
    let kind = |vidb: &Vidb| if vidb.embedded { "EMBEDDED" } else { "EXTERNAL" };
    let wanted = |vidb: &&Vidb| {
        instance.is_none_or(|id| id == vidb.instance)
            && ask.query("deploymentType").is_none_or(|wanted| wanted == kind(vidb))
    };
    let vidbs: Vec<Value> = state
        .vidbs
        .iter()
        .filter(wanted)
        .map(|vidb| {
            let mut body = json!({
                "id": vidb.id,
                "fqdn": format!("broker-{}.example", vidb.name.to_lowercase()),
                "displayName": vidb.name,
                "deploymentType": kind(vidb),
                "vidbStatus": {"eligibilityStatus": "ELIGIBLE", "reasons": []},
                "healthy": true,
                "version": "9.1.0",
                "vcfInstanceId": vidb.instance,
                "oidcConfigurationUrl": state.well_known(ask),
            });
            if let (true, Value::Object(fields)) = (state.settings.irregular, &mut body) {
                fields.remove("displayName");
            }
            body
        })
        .collect();
    Ok(json(StatusCode::OK, &json!({"vidbs": vidbs})))
}
