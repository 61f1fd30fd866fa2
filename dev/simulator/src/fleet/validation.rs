//! The body of a new or changed identity provider: the vendor's schema, and the rules that users of the API found.

use super::{checked, errors};
use crate::reply::{Ask, Reply};
use crate::settings::FleetSettings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The most certificates in a chain.
const MOST_CERTIFICATES: usize = 3;
/// The longest name of a directory.
const LONGEST_NAME: usize = 128;

/// A valid provider without secrets. The LDAP configurations are apart from the document.
pub(super) struct Spec {
    pub(super) document: Object,
    pub(super) configurations: Vec<Value>,
}

/// A provider that does not exist yet: it has no ids, and all secrets.
pub(super) fn new(ask: &Ask, settings: &FleetSettings) -> Result<Spec, Reply> {
    let mut spec = provider(ask, settings, true)?;
    let has_id = |value: &Value, name: &str| value.get(name).is_some_and(|id| !id.is_null());
    let directory = spec.document.get_mut("directories").and_then(|directories| directories.get_mut(0));
    if directory.as_ref().is_some_and(|directory| has_id(directory, "id")) {
        return Err(errors::rejected("directories[0].id", "A new directory has no id."));
    }
    if let Some(Value::Object(directory)) = directory {
        directory.insert("id".to_owned(), json!(crate::clock::uuid()));
    }
    if spec.configurations.iter().any(|configuration| has_id(configuration, "ldapConfigurationId")) {
        return Err(errors::rejected("ldapConfigurations.id", "A new LDAP configuration has no id."));
    }
    Ok(spec)
}

/// A provider that exists: it has an id. Whether secrets may be missing is a setting.
pub(super) fn changed(ask: &Ask, settings: &FleetSettings) -> Result<Spec, Reply> {
    let spec = provider(ask, settings, settings.providers.put_needs_secrets)?;
    if text(&spec.document, "id").is_none() {
        return Err(errors::invalid_parameter("id", "is required"));
    }
    Ok(spec)
}

fn provider(ask: &Ask, settings: &FleetSettings, needs_secrets: bool) -> Result<Spec, Reply> {
    let mut document = checked(ask, settings.version, "FederatedIdentityProvider")?;
    for name in ["idpType", "idpProtocol", "provisionType"] {
        if text(&document, name) == Some("UNKNOWN") {
            return Err(errors::invalid_body(name, "is UNKNOWN"));
        }
    }
    certificates(document.get("certificateChain"), "certificateChain")?;
    let protocol = text(&document, "idpProtocol").unwrap_or_default().to_owned();
    let provisioning = text(&document, "provisionType").unwrap_or_default().to_owned();
    let over_ldap = matches!(text(&document, "idpType"), Some("ADLDAP" | "OPENLDAP"));
    if (protocol == "LDAP_BIND") != over_ldap || (over_ldap && provisioning != "LDAP") {
        return Err(errors::rejected(
            "idp.type.protocol.mismatch",
            "Type, protocol and provisioning do not fit together.",
        ));
    }
    match protocol.as_str() {
        "OIDC" => oidc(document.get_mut("idpConfig"), needs_secrets)?,
        "SAML" => saml(document.get("idpConfig"))?,
        _ => {}
    }
    if provisioning != "LDAP" {
        directory(&document)?;
    }
    let mut configurations = Vec::new();
    if let Some(Value::Object(provisioning)) = document.get_mut("provisioningConfig")
        && let Some(Value::Array(found)) = provisioning.remove("ldapConfigurations")
    {
        configurations = found;
    }
    if (provisioning == "LDAP") == configurations.is_empty() {
        return Err(errors::rejected(
            "idp.ldap.configurations",
            "LDAP provisioning needs LDAP configurations, and only it.",
        ));
    }
    for configuration in &mut configurations {
        ldap(configuration, needs_secrets)?;
    }
    if document.get("provisioningConfig") == Some(&json!({})) {
        document.remove("provisioningConfig");
    }
    Ok(Spec { document, configurations })
}

/// The directory of JIT and SCIM: its name has no dot.
fn directory(document: &Object) -> Result<(), Reply> {
    let directory = document.get("directories").and_then(|directories| directories.get(0)).and_then(Value::as_object);
    let Some(directory) = directory else {
        return Err(errors::rejected("directories.required", "A directory is required."));
    };
    let name = text(directory, "name").unwrap_or_default();
    let is_valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    if name.len() > LONGEST_NAME || !name.chars().all(is_valid) {
        return Err(errors::rejected("directories[0].validName", "The name may hold letters, digits, space, - and _."));
    }
    Ok(())
}

fn oidc(config: Option<&mut Value>, needs_secrets: bool) -> Result<(), Reply> {
    let at = "idpConfig.oidcConfiguration";
    let Some(Value::Object(oidc)) = config.and_then(|config| config.get_mut("oidcConfiguration")) else {
        return Err(errors::invalid_body(at, "is required"));
    };
    if !text(oidc, "discoveryEndpoint").is_some_and(|url| url.starts_with("https://")) {
        return Err(errors::rejected("oidc.discovery.endpoint.invalid", "The discovery endpoint is not an https URL."));
    }
    take_secret(oidc, "clientSecret", needs_secrets, at)
}

fn saml(config: Option<&Value>) -> Result<(), Reply> {
    let at = "idpConfig.samlConfiguration";
    let saml = config.and_then(|config| config.get("samlConfiguration")).and_then(Value::as_object);
    let saml = saml.ok_or_else(|| errors::invalid_body(at, "is required"))?;
    let is_there = match text(saml, "metadataSourceType") {
        Some("URL") => text(saml, "metadataUrl").is_some_and(|url| url.starts_with("https://")),
        Some("XML") => text(saml, "metadataXml").is_some_and(|xml| STANDARD.decode(xml).is_ok()),
        _ => false,
    };
    if is_there {
        Ok(())
    } else {
        Err(errors::rejected("saml.metadata.invalid", "The SAML metadata is missing or invalid."))
    }
}

fn ldap(configuration: &mut Value, needs_secrets: bool) -> Result<(), Reply> {
    let at = "ldapBindConfiguration";
    let is_named = configuration.get("domains").and_then(Value::as_array).is_some_and(|domains| !domains.is_empty());
    if !is_named {
        return Err(errors::invalid_body("ldapConfigurations.domains", "is empty"));
    }
    let Some(Value::Object(bind)) = configuration.get_mut(at) else {
        return Err(errors::invalid_body(at, "is required"));
    };
    certificates(bind.get("dnsLookupCertificateChain"), "dnsLookupCertificateChain")?;
    for name in ["primaryDomainController", "secondaryDomainController"] {
        let Some(Value::Object(controller)) = bind.get(name) else { continue };
        match (text(controller, "protocol"), text(controller, "certificate")) {
            (Some("LDAPS"), Some(pem)) if is_certificate(pem) => {}
            (Some("LDAPS"), _) => {
                return Err(errors::rejected("ldap.certificate.required", "LDAPS requires a certificate."));
            }
            (Some("LDAP"), Some(_)) => {
                return Err(errors::rejected("ldap.certificate.not.expected", "LDAP has no certificate."));
            }
            (Some("LDAP"), None) => {}
            _ => return Err(errors::invalid_body(&format!("{name}.protocol"), "is neither LDAP nor LDAPS")),
        }
    }
    bind.entry("communicationMode").or_insert_with(|| json!("SECURE"));
    take_secret(bind, "bindDnPassword", needs_secrets, at)
}

/// Removes a secret: responses never have it.
fn take_secret(object: &mut Object, name: &str, is_needed: bool, at: &str) -> Result<(), Reply> {
    let is_given = object.remove(name).is_some_and(|secret| secret.as_str().is_some_and(|secret| !secret.is_empty()));
    if is_needed && !is_given {
        return Err(errors::invalid_body(&format!("{at}.{name}"), "is required"));
    }
    Ok(())
}

/// One whole PEM for each element, and not too many.
fn certificates(chain: Option<&Value>, name: &str) -> Result<(), Reply> {
    let chain = chain.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if chain.len() > MOST_CERTIFICATES {
        let message = format!("{name} has more than {MOST_CERTIFICATES} certificates.");
        return Err(errors::rejected("idp.pem.certificate.chains.max.exceeded", &message));
    }
    if !chain.iter().all(|pem| pem.as_str().is_some_and(is_certificate)) {
        return Err(errors::rejected("idp.pem.certificate.invalid", &format!("{name} has an invalid certificate.")));
    }
    Ok(())
}

/// Whether a text is one certificate in PEM form.
fn is_certificate(pem: &str) -> bool {
    let inner = pem.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
    let Some(inner) = inner.and_then(|pem| pem.strip_suffix("-----END CERTIFICATE-----")) else { return false };
    let base64: String = inner.split_whitespace().collect();
    STANDARD.decode(base64).is_ok_and(|der| der.first() == Some(&0x30))
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}
