//! `/ssorealms`, `/vidbs` and `/identity-providers`, read.

use super::state::{Realm, State};
use super::{Fleet, json};
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

/// `GET /vidbs`
pub(super) fn vidbs(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let instance = ask.query("vcfInstanceId");
    let wanted = ask.query("deploymentType").is_none_or(|kind| kind == "EMBEDDED");
    let realms = state.realms.iter().filter(|realm| wanted && instance.is_none_or(|id| id == realm.instance));
    let vidbs: Vec<Value> = realms
        .map(|realm| {
            let mut body = json!({
                "id": realm.vidb,
                "fqdn": format!("vcenter-{}.example", realm.name.to_lowercase().replace(' ', "-")),
                "displayName": format!("{} broker", realm.name),
                "deploymentType": "EMBEDDED",
                "vidbStatus": {"eligibilityStatus": "ELIGIBLE", "reasons": []},
                "healthy": true,
                "version": "9.1.0",
                "vcfInstanceId": realm.instance,
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

/// `GET /identity-providers/{idpConfigId}`
pub(super) fn provider(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let version = state.settings.version;
    Ok(json(StatusCode::OK, &state.provider(ask)?.json(version)))
}
