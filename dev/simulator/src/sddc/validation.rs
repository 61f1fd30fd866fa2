//! Request bodies, checked against the models `IdentityProviderSpec` and `IdentitySourceSpec` of the vendor's OpenAPI
//! document (5.2.1), and converted to the form of responses.
//!
//! Stricter than the models, following the administration guide: LDAPS requires a certificate; a bare user name cannot bind.
//! Laxer, following the vendor's own examples: an external provider needs no `ldap.type` and no `ldap.domainName`.

use super::errors::invalid;
use crate::reply::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// A valid `IdentitySourceSpec`.
pub(super) struct SourceSpec {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) domain: String,
    pub(super) ldap: Value,
}

/// A valid `IdentityProviderSpec`.
pub(super) struct ProviderSpec {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) details: Object,
}

/// Checks an `IdentitySourceSpec`.
pub(super) fn source(body: Option<&Value>) -> Result<SourceSpec, Reply> {
    let spec = root(body)?;
    let name = text(spec, "", "name")?;
    let ldap = object(spec, "", "ldap")?.ok_or_else(|| invalid("ldap", "is required"))?;
    let kind = text(ldap, "ldap.", "type")?;
    if kind != "ActiveDirectory" && kind != "OpenLdap" {
        return Err(invalid("ldap.type", "is not one of OpenLdap, ActiveDirectory"));
    }
    let domain = text(ldap, "ldap.", "domainName")?;
    Ok(SourceSpec { name, ldap: ldap_info(ldap, &kind)?, kind, domain })
}

/// Checks an `IdentityProviderSpec`: with `oidc` and `ldap` for AD FS, with `fedIdpSpec` for a federated one.
/// Only releases since 5.1 know `fedIdpSpec`.
pub(super) fn provider(body: Option<&Value>, release: (u32, u32)) -> Result<ProviderSpec, Reply> {
    let spec = root(body)?;
    if release < (5, 1) && spec.contains_key("fedIdpSpec") {
        return Err(invalid("fedIdpSpec", "is unknown"));
    }
    let name = text(spec, "", "name")?;
    text(spec, "", "type")?;
    certificates(spec, "certChain")?;
    let mut details = Object::new();
    if let Some(federated) = object(spec, "", "fedIdpSpec")? {
        let kind = federation(federated, &mut details)?;
        return Ok(ProviderSpec { name, kind: kind.to_owned(), details });
    }
    let oidc = object(spec, "", "oidc")?.ok_or_else(|| invalid("oidc", "or fedIdpSpec is required"))?;
    details.insert("oidc".to_owned(), oidc_info(oidc, "oidc.")?);
    if let Some(ldap) = object(spec, "", "ldap")? {
        optional_text(ldap, "ldap.", "type")?;
        let domain = optional_text(ldap, "ldap.", "domainName")?;
        // Under an external provider the type in responses is `Oidc`.
        details.insert("ldap".to_owned(), ldap_info(ldap, "Oidc")?);
        details.insert("domainNames".to_owned(), domain.into_iter().collect());
    }
    Ok(ProviderSpec { name, kind: "Microsoft ADFS".to_owned(), details })
}

/// Checks `fedIdpSpec`; returns the provider's type in responses, which is undocumented and taken from the user interface.
fn federation(spec: &Object, details: &mut Object) -> Result<&'static str, Reply> {
    let name = text(spec, "fedIdpSpec.", "name")?;
    let oidc = object(spec, "fedIdpSpec.", "oidcSpec")?.ok_or_else(|| invalid("fedIdpSpec.oidcSpec", "is required"))?;
    let oidc = oidc_info(oidc, "fedIdpSpec.oidcSpec.")?;
    let at = "fedIdpSpec.directory.";
    let directory =
        object(spec, "fedIdpSpec.", "directory")?.ok_or_else(|| invalid("fedIdpSpec.directory", "is required"))?;
    let directory_name = text(directory, at, "name")?;
    if !directory_name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-')) {
        return Err(invalid(
            "fedIdpSpec.directory.name",
            "may hold letters, digits, space, underscore and hyphen only",
        ));
    }
    let default_domain = text(directory, at, "defaultDomain")?;
    let domains =
        texts(directory, at, "domains")?.ok_or_else(|| invalid("fedIdpSpec.directory.domains", "is required"))?;
    let source = text(directory, at, "federatedIdpSourceType")?;
    let kind = match source.as_str() {
        "OKTA" => "Okta",
        "MICROSOFT_ENTRA_ID" => "Microsoft Entra ID",
        "PING_FEDERATE" => "PingFederate",
        _ => {
            let field = "fedIdpSpec.directory.federatedIdpSourceType";
            return Err(invalid(field, "is not one of OKTA, MICROSOFT_ENTRA_ID, PING_FEDERATE"));
        }
    };
    let ttl = match spec.get("syncClientTokenTTL") {
        None | Some(Value::Null) => super::providers::SIX_MONTHS,
        Some(value) => value.as_u64().ok_or_else(|| invalid("fedIdpSpec.syncClientTokenTTL", "is not a number"))?,
    };
    details.insert("domainNames".to_owned(), json!(domains));
    let federation = json!({
        "name": name,
        "source": source,
        "directoryList": {
            "directoryId": crate::clock::uuid(),
            "name": directory_name,
            "defaultDomain": default_domain,
            "domains": domains,
            "federatedIdpSourceType": source,
        },
        "oidcInfo": oidc,
        "syncClientTokenTTL": ttl,
    });
    details.insert("fedIdp".to_owned(), federation);
    Ok(kind)
}

/// Checks an `OidcSpec`, and returns the `OidcInfo`, without the secret.
fn oidc_info(oidc: &Object, at: &str) -> Result<Value, Reply> {
    let client_id = text(oidc, at, "clientId")?;
    text(oidc, at, "clientSecret")?;
    let endpoint = text(oidc, at, "discoveryEndpoint")?;
    if !endpoint.starts_with("https://") {
        return Err(invalid(&format!("{at}discoveryEndpoint"), "is not an https URL"));
    }
    Ok(json!({"clientId": client_id, "discoveryEndpoint": endpoint}))
}

/// Checks an `LdapSpec` except for its type and domain, and returns the `LdapInfo`, without the password.
fn ldap_info(ldap: &Object, kind: &str) -> Result<Value, Reply> {
    let username = text(ldap, "ldap.", "username")?;
    if !username.contains(['@', '\\', '=']) {
        return Err(invalid("ldap.username", "is neither user@domain nor DOMAIN\\user nor a DN"));
    }
    text(ldap, "ldap.", "password")?;
    let at = "ldap.sourceDetails.";
    let details =
        object(ldap, "ldap.", "sourceDetails")?.ok_or_else(|| invalid("ldap.sourceDetails", "is required"))?;
    let (users, groups) = (text(details, at, "usersBaseDn")?, text(details, at, "groupsBaseDn")?);
    let endpoints = texts(details, at, "serverEndpoints")?.unwrap_or_default();
    if endpoints.is_empty() {
        return Err(invalid("ldap.sourceDetails.serverEndpoints", "must have at least one entry"));
    }
    let secure = endpoints.iter().any(|endpoint| endpoint.starts_with("ldaps://"));
    if !endpoints.iter().all(|endpoint| endpoint.starts_with("ldap://") || endpoint.starts_with("ldaps://")) {
        return Err(invalid("ldap.sourceDetails.serverEndpoints", "must be ldap:// or ldaps:// URLs"));
    }
    let chain = certificates(details, "ldap.sourceDetails.certChain")?;
    if secure && chain.as_ref().is_none_or(Vec::is_empty) {
        return Err(invalid("ldap.sourceDetails.certChain", "is required with ldaps:// endpoints"));
    }
    let mut info = Object::new();
    info.insert("type".to_owned(), json!(kind));
    for name in ["domainName", "domainAlias"] {
        if let Some(value) = optional_text(ldap, "ldap.", name)? {
            info.insert(name.to_owned(), json!(value));
        }
    }
    info.insert("username".to_owned(), json!(username));
    let mut source = json!({"usersBaseDn": users, "groupsBaseDn": groups, "serverEndpoints": endpoints});
    if let (Some(chain), Value::Object(fields)) = (chain, &mut source) {
        fields.insert("certChain".to_owned(), json!(chain));
    }
    info.insert("sourceDetails".to_owned(), source);
    Ok(Value::Object(info))
}

/// `certChain`: base64 of PEM or of DER.
fn certificates(object: &Object, field: &str) -> Result<Option<Vec<String>>, Reply> {
    let at = field.strip_suffix("certChain").unwrap_or_default();
    let Some(chain) = texts(object, at, "certChain")? else { return Ok(None) };
    for entry in &chain {
        let decoded = STANDARD.decode(entry).map_err(|_| invalid(field, "is not base64"))?;
        if !decoded.starts_with(b"-----BEGIN CERTIFICATE-----") && decoded.first() != Some(&0x30) {
            return Err(invalid(field, "does not hold a certificate"));
        }
    }
    Ok(Some(chain))
}

fn root(body: Option<&Value>) -> Result<&Object, Reply> {
    body.and_then(Value::as_object).ok_or_else(|| invalid("body", "is not a JSON object"))
}

fn object<'a>(parent: &'a Object, at: &str, name: &str) -> Result<Option<&'a Object>, Reply> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(invalid(&format!("{at}{name}"), "is not an object")),
    }
}

fn text(parent: &Object, at: &str, name: &str) -> Result<String, Reply> {
    optional_text(parent, at, name)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| invalid(&format!("{at}{name}"), "is required"))
}

fn optional_text(parent: &Object, at: &str, name: &str) -> Result<Option<String>, Reply> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("{at}{name}"), "is not a string")),
    }
}

fn texts(parent: &Object, at: &str, name: &str) -> Result<Option<Vec<String>>, Reply> {
    let wrong = || invalid(&format!("{at}{name}"), "is not an array of strings");
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let one = |item: &Value| item.as_str().map(str::to_owned);
            items.iter().map(one).collect::<Option<Vec<_>>>().map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}
