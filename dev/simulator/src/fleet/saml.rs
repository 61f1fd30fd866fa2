//! `POST /saml-metadata/validate`

use super::{Fleet, checked, errors, json};
use crate::reply::{Answer, Ask};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

/// The metadata is a URL, which is not fetched here, or XML as base64.
pub(super) fn validate(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let body = checked(ask, state.settings.version, "SamlXmlMetadata")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if !state.vidbs.iter().any(|vidb| vidb.id.eq_ignore_ascii_case(text("vidbResourceId"))) {
        return Err(errors::invalid_parameter("vidbResourceId", "is not valid"));
    }
    let metadata = text("metadata");
    let is_xml = || {
        let xml = STANDARD.decode(metadata).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        xml.is_some_and(|xml| xml.contains("EntityDescriptor"))
    };
    if !metadata.starts_with("https://") && !is_xml() {
        return Err(errors::rejected(
            "saml.metadata.invalid",
            "The metadata is neither an https URL nor SAML metadata.",
        ));
    }
    let formats = [("unspecified", "userName"), ("emailAddress", "email")];
    let mappings: Vec<Value> = formats
        .iter()
        .map(|(format, value)| {
            json!({"nameIdFormat": format!("urn:oasis:names:tc:SAML:1.1:nameid-format:{format}"), "nameIdValue": value})
        })
        .collect();
    let body = json!({
        "nameIdFormatAttributeMappings": mappings,
        "preferredBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
    });
    Ok(json(StatusCode::OK, &body))
}
