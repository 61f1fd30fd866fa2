//! `…/ldap-directories`: the directories of a provider.

use super::state::{Directory, Provider};
use super::{Fleet, json, sync};
use crate::reply::{Answer, Ask};
use crate::settings::{FleetSettings, FleetVersion};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET …/ldap-directories`: without pages.
pub(super) fn list(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let settings = state.settings.clone();
    let provider = state.provider(ask)?;
    let directories = provider.directories.iter().filter(|directory| directory.exists_in(settings.version));
    let directories: Vec<Value> = directories.map(|directory| row(directory, &settings)).collect();
    Ok(json(StatusCode::OK, &json!({"ldapDirectories": directories})))
}

fn row(directory: &Directory, settings: &FleetSettings) -> Value {
    let controller = directory.configuration.pointer("/ldapBindConfiguration/primaryDomainController");
    let mut body = json!({
        "ldapConfigurationId": directory.id,
        "vidbDirectoryId": directory.vidb_id,
        "name": directory.name,
        "domains": directory.domains,
        "domainControllerHost": controller.and_then(|controller| controller.get("host")),
        "domainControllerPort": controller.and_then(|controller| controller.get("port")),
        "numberOfUsers": directory.broker.users.len(),
        "numberOfGroups": directory.broker.groups.len(),
        "numberOfAlerts": directory.alerts,
        "lastSyncDateTime": sync::last_time(directory, settings),
        "lastSyncStatus": sync::status(directory, settings),
        "setupStatus": if directory.set_up { "COMPLETED" } else { "INITIAL" },
        "syncMode": if directory.on_demand { "ON_DEMAND" } else { "FULL_SYNC" },
    });
    if let Value::Object(fields) = &mut body {
        if settings.version < FleetVersion::V9_1_1 {
            fields.remove("syncMode");
        }
        if settings.irregular {
            fields.remove("vidbDirectoryId");
            fields.remove("domainControllerHost");
            fields.insert("domainControllerPort".to_owned(), json!(0));
        }
        fields.retain(|_, value| !value.is_null());
    }
    body
}

impl Provider {
    /// The form in responses.
    pub(super) fn json(&self, version: FleetVersion) -> Value {
        let mut body = self.document.clone();
        let directories = self.directories.iter().filter(|directory| directory.exists_in(version));
        let configurations: Vec<Value> = directories
            .map(|directory| {
                let mut configuration = directory.configuration.clone();
                if version < FleetVersion::V9_1_1
                    && let Some(Value::Object(bind)) = configuration.get_mut("ldapBindConfiguration")
                {
                    bind.remove("syncMode");
                }
                configuration
            })
            .collect();
        if !configurations.is_empty() {
            let provisioning = body.entry("provisioningConfig").or_insert_with(|| json!({}));
            if let Value::Object(fields) = provisioning {
                fields.insert("ldapConfigurations".to_owned(), json!(configurations));
            }
        }
        Value::Object(body)
    }
}
