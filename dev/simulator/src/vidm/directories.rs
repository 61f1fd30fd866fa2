//! `connectormanagement/directoryconfigs`: the tenant's directories.

use super::state::Directory;
use super::{Vidm, media};
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET …/directoryconfigs`
pub(super) fn list(vidm: &Vidm, ask: &Ask) -> Answer {
    let state = vidm.administrator(ask)?;
    let content_type = media::produces(ask, state.settings.strict_media_types, &[media::DIRECTORY_LIST])?;
    let with_jit = ask.query("includeJitDirectories") == Some("true");
    let directories = state.tenants.get(&ask.tenant).map(|tenant| tenant.directories.as_slice()).unwrap_or_default();
    let items: Vec<Value> =
        directories.iter().filter(|directory| with_jit || directory.kind != "JIT_DIRECTORY").map(item).collect();
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"items": items, "_links": {}})))
}

fn href(directory: &Directory) -> String {
    format!("/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{}", directory.id)
}

fn item(directory: &Directory) -> Value {
    json!({
        "type": directory.kind,
        "name": directory.name,
        "directoryId": directory.id,
        "userstoreId": directory.userstore_id,
        "countDomains": 1,
        "deleteInProgress": directory.deleting,
        "migratedToEnterpriseService": directory.migrated(),
        "syncConfigurationEnabled": directory.syncable(),
        "_links": {"self": {"href": href(directory)}},
        // Unknown fields: readers must ignore them.
        "directoryOrdinal": 1,
        "unifiedSettings": {"nested": [null, {}]},
    })
}

/// `GET …/directoryconfigs/{id}`: note `directoryConfigId` here, `directoryId` in the list.
pub(super) fn detail(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    let directory = state.directory(ask)?;
    let kind = match directory.kind {
        "ACTIVE_DIRECTORY_LDAP" => media::DIRECTORY_LDAP,
        "ACTIVE_DIRECTORY_IWA" => media::DIRECTORY_IWA,
        "LOCAL_DIRECTORY" => media::DIRECTORY_LOCAL,
        "JIT_DIRECTORY" => media::DIRECTORY_JIT,
        _ => media::DIRECTORY_OTHER,
    };
    let content_type = media::produces(ask, strict, &[kind, media::V1])?;
    let mut body = json!({
        "directoryConfigId": directory.id,
        "directoryType": directory.kind,
        "name": directory.name,
        "userstoreId": directory.userstore_id,
        "deleteInProgress": directory.deleting,
        "migratedToEnterpriseService": directory.migrated(),
        "syncConfigurationEnabled": directory.syncable(),
        "_links": {"self": {"href": href(directory)}},
    });
    if let (true, Value::Object(fields)) = (directory.syncable(), &mut body) {
        fields.insert("baseDN".to_owned(), json!(directory.base_dn));
        fields.insert("bindDN".to_owned(), json!(format!("CN=svc-vidm,OU=Service,{}", directory.base_dn)));
        fields.insert("directorySearchAttribute".to_owned(), json!("sAMAccountName"));
        fields.insert("useSRV".to_owned(), json!(true));
        fields.insert("useGlobalCatalog".to_owned(), json!(false));
        fields.insert("useStartTls".to_owned(), json!(false));
    }
    Ok(Reply::json(StatusCode::OK, content_type, &body))
}

/// `GET …/directoryconfigs/{id}/domains`
pub(super) fn domains(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    let content_type = media::produces(ask, strict, &[media::DOMAIN_LIST])?;
    let directory = state.directory(ask)?;
    let domain = format!("{}/domains/{}", href(directory), directory.userstore_id);
    let item = json!({"name": directory.name, "_links": {"self": {"href": domain}}});
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"items": [item], "_links": {}})))
}

/// `GET …/directoryconfigs/{id}/connectors`
pub(super) fn connectors(vidm: &Vidm, ask: &Ask) -> Answer {
    let mut state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    let content_type = media::produces(ask, strict, &[media::CONNECTOR, media::CONNECTOR_INSTANCES])?;
    let items = if state.directory(ask)?.syncable() { vec![connector()] } else { Vec::new() };
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"items": items, "_links": {}})))
}

/// `GET …/connectorinstances`
pub(super) fn connector_instances(vidm: &Vidm, ask: &Ask) -> Answer {
    let state = vidm.administrator(ask)?;
    let strict = state.settings.strict_media_types;
    let content_type = media::produces(ask, strict, &[media::CONNECTOR_INSTANCES, media::CONNECTOR])?;
    Ok(Reply::json(StatusCode::OK, content_type, &json!({"items": [connector()], "_links": {}})))
}

/// One connector serves all directories.
fn connector() -> Value {
    json!({"instanceId": "c0000000-0000-4000-8000-000000000001", "host": "vidm-connector.corp.example", "_links": {}})
}
