//! Checks a provider before it is sent: all faults are reported together, each with its pointer.
//!
//! Fields, words and lengths are those of the vendor's OpenAPI document for 9.1. To them come the rules that its server has
//! beyond the document (measured by Broadcom's own lab on 9.1): a whole PEM text in each element of `certificateChain` and at
//! most three elements, and the alphabet of a directory's name. What the document calls optional is optional here, secrets
//! included.

use std::time::SystemTime;

use serde_json::{Map, Value};

use super::FederatedIdentityProvider;
use super::model::{IdpDirectory, ProvisioningConfig};
use crate::certificate::Form;
use crate::change::{Check, Checked, Extra};
use crate::error::FieldError;
use crate::secret::Secret;
use crate::spelling;
use crate::upstream::is_uuid;

mod certificates;
mod idp_config;
mod ldap;
#[cfg(test)]
mod tests;

pub(super) use certificates::as_pem;
pub(super) use idp_config::is_encoded_xml;

/// The longest name of a directory, in characters.
const MAX_DIRECTORY_NAME: usize = 128;

/// The text that idhook shows in place of a secret.
pub(super) const MASK: &str = "…";

impl Checked<FederatedIdentityProvider> {
    /// Checks a provider to create, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer; and every id, because the server assigns them.
    pub fn to_add(spec: FederatedIdentityProvider, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let mut check = Check::new(Form::Pem, now);
        provider(&mut check, &spec);
        for pointer in spec.ids().into_iter().filter_map(|(pointer, id)| id.map(|_| pointer)) {
            check.wrong(pointer, "must be omitted: VCF Operations assigns it; to change a provider, send a PUT");
        }
        check.done().map(|certificates| Self::new(spec.with_pem(), certificates))
    }

    /// Checks the provider that a realm should have, whether it exists or not, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(crate) fn to_put(spec: FederatedIdentityProvider, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let mut check = Check::new(Form::Pem, now);
        provider(&mut check, &spec);
        for (pointer, id) in spec.ids() {
            if id.is_some_and(|id| !is_uuid(id)) {
                check.wrong(pointer, "must be a UUID, or omitted");
            }
        }
        check.done().map(|certificates| Self::new(spec.with_pem(), certificates))
    }
}

/// The login of users and their origin, as far as the words are known.
#[derive(Clone, Copy)]
struct Kind<'s> {
    idp_type: Option<&'s str>,
    protocol: Option<&'s str>,
    provision: Option<&'s str>,
}

impl Kind<'_> {
    /// Whether the provider is a directory itself.
    fn is_directory(self) -> bool {
        matches!(self.idp_type, Some("ADLDAP" | "OPENLDAP"))
    }
}

fn provider(check: &mut Check, spec: &FederatedIdentityProvider) {
    check.names(
        "",
        &spec.extra,
        &[
            ("id", spec.id.is_some()),
            ("name", spec.name.is_some()),
            ("ssoRealmId", spec.sso_realm_id.is_some()),
            ("idpType", spec.idp_type.is_some()),
            ("idpProtocol", spec.idp_protocol.is_some()),
            ("provisionType", spec.provision_type.is_some()),
            ("idpConfig", spec.idp_config.is_some()),
            ("directories", spec.directories.is_some()),
            ("provisioningConfig", spec.provisioning_config.is_some()),
            ("certificateChain", spec.certificate_chain.is_some()),
        ],
    );
    internal_names(
        check,
        "",
        &spec.extra.0,
        &[
            ("ssoDomainId", "ssoRealmId", spec.sso_realm_id.is_some()),
            ("idpConfigTag", "idpProtocol", spec.idp_protocol.is_some()),
            ("trustedCertChain", "certificateChain", spec.certificate_chain.is_some()),
        ],
    );
    check.options(&["dryRun", "force"], &spec.extra);
    check.text("/name", spec.name.as_ref());
    if let Some(id) = check.text("/ssoRealmId", spec.sso_realm_id.as_ref())
        && !is_uuid(id)
    {
        check.wrong("/ssoRealmId", "must be the id of a realm, a UUID; GET …/identity-providers lists the realms");
    }
    const TYPES: [&str; 8] = ["OKTA", "PING", "ENTRA_ID", "SYMANTEC_IDSP", "ADFS", "ADLDAP", "OPENLDAP", "OTHER"];
    let kind = Kind {
        idp_type: word(check, "/idpType", spec.idp_type.as_ref(), &TYPES),
        protocol: word(check, "/idpProtocol", spec.idp_protocol.as_ref(), &["OIDC", "SAML", "LDAP_BIND"]),
        provision: word(check, "/provisionType", spec.provision_type.as_ref(), &["JIT", "SCIM", "LDAP"]),
    };
    combination(check, kind);
    idp_config::check_config(check, kind, spec.idp_config.as_ref());
    directories(check, kind, spec.directories.as_deref());
    provisioning(check, kind, spec.provisioning_config.as_ref());
    certificates::chain(check, spec.certificate_chain.as_ref());
}

/// Rejects `names` of VCF Operations' internal API, which scripts for 9.0 and 9.1 use, without the public API's name beside
/// it: the server would ignore them. Each with its public name and whether that is set.
fn internal_names(check: &mut Check, at: &str, fields: &Map<String, Value>, names: &[(&str, &str, bool)]) {
    for (internal, public, is_given) in names {
        if fields.contains_key(*internal) && !is_given {
            check.wrong(format!("{at}/{internal}"), format!("is the internal API's name; send `{public}`"));
        }
    }
}

/// A required word of `known`.
fn word<'s>(check: &mut Check, pointer: &str, value: Option<&'s String>, known: &[&str]) -> Option<&'s str> {
    let text = check.text(pointer, value)?;
    if known.contains(&text) {
        return Some(text);
    }
    let detail = match spelling::resembled(text, known.iter().copied()) {
        Some((meant, _)) => format!("is {text:?}; did you mean {meant:?}?"),
        None => format!("must be one of {}", known.join(", ")),
    };
    check.wrong(pointer, detail);
    None
}

/// A directory logs users in itself and provides them; an OIDC or SAML provider is no directory.
fn combination(check: &mut Check, kind: Kind<'_>) {
    match (kind.idp_type, kind.protocol) {
        (Some(idp_type), Some("OIDC" | "SAML")) if kind.is_directory() => {
            check.wrong("/idpProtocol", format!("must be LDAP_BIND with the idpType {idp_type}"));
        }
        (Some(_), Some("LDAP_BIND")) if !kind.is_directory() => {
            check.wrong("/idpType", "must be ADLDAP or OPENLDAP with the idpProtocol LDAP_BIND");
        }
        _ => {}
    }
    if kind.protocol == Some("LDAP_BIND") && matches!(kind.provision, Some("JIT" | "SCIM")) {
        check.wrong("/provisionType", "must be LDAP with the idpProtocol LDAP_BIND");
    }
}

/// An optional secret.
fn secret(check: &mut Check, pointer: &str, value: Option<&Secret>) {
    match value.map(|secret| secret.expose().trim()) {
        Some("") => check.wrong(pointer, "must not be blank; omit it if there is none"),
        Some(MASK) => check.wrong(pointer, "is the mark that stands for a secret in responses; send the secret itself"),
        _ => {}
    }
}

fn directories(check: &mut Check, kind: Kind<'_>, list: Option<&[IdpDirectory]>) {
    let list = list.unwrap_or_default();
    if let (Some(provision @ ("JIT" | "SCIM")), []) = (kind.provision, list) {
        check.wrong("/directories", format!("is required with the provisionType {provision}: one directory"));
    }
    if list.len() > 1 {
        check.wrong("/directories", format!("has {} directories, but VCF Operations accepts only one", list.len()));
    }
    for (index, directory) in list.iter().enumerate() {
        let at = format!("/directories/{index}");
        check.names(
            &at,
            &directory.extra,
            &[
                ("id", directory.id.is_some()),
                ("name", directory.name.is_some()),
                ("domains", directory.domains.is_some()),
                ("defaultDomain", directory.default_domain.is_some()),
            ],
        );
        let pointer = format!("{at}/name");
        if let Some(name) = check.text(&pointer, directory.name.as_ref())
            && let Some(fault) = name_fault(name)
        {
            check.wrong(pointer, fault);
        }
        domains(check, &format!("{at}/domains"), directory.domains.as_deref());
        if let (Some(default), Some(domains)) = (&directory.default_domain, &directory.domains)
            && !domains.iter().any(|domain| domain.eq_ignore_ascii_case(default))
        {
            check.wrong(format!("{at}/defaultDomain"), "must be one of the directory's domains");
        }
    }
}

/// The server's rule for a directory's name (`directories[0].validName`).
fn name_fault(name: &str) -> Option<String> {
    if let Some(foreign) = name.chars().find(|c| !c.is_alphanumeric() && !matches!(c, ' ' | '-' | '_')) {
        let rule = "may contain only letters, digits, spaces, \"-\" and \"_\"";
        return Some(format!("{rule}, but contains {foreign:?}; domains may contain dots, the name may not"));
    }
    let length = name.chars().count();
    (length > MAX_DIRECTORY_NAME).then(|| format!("has {length} characters; at most {MAX_DIRECTORY_NAME} are accepted"))
}

/// A required list of domains.
fn domains(check: &mut Check, pointer: &str, domains: Option<&[String]>) {
    let domains = domains.unwrap_or_default();
    if domains.is_empty() {
        check.wrong(pointer, "is required: at least one domain");
    }
    for (index, domain) in domains.iter().enumerate() {
        check.text(&format!("{pointer}/{index}"), Some(domain));
    }
}

fn provisioning(check: &mut Check, kind: Kind<'_>, config: Option<&ProvisioningConfig>) {
    const LDAP: &str = "/provisioningConfig/ldapConfigurations";
    const JIT: &str = "/provisioningConfig/jitConfiguration";
    let (directories, jit) = config.map_or((&[][..], None), |config| {
        check.names(
            "/provisioningConfig",
            &config.extra,
            &[
                ("ldapConfigurations", config.ldap_configurations.is_some()),
                ("jitConfiguration", config.jit_configuration.is_some()),
            ],
        );
        (config.ldap_configurations.as_deref().unwrap_or_default(), config.jit_configuration.as_ref())
    });
    match kind.provision {
        Some("LDAP") if directories.is_empty() => {
            check.wrong(LDAP, "is required with the provisionType LDAP: at least one directory");
        }
        Some(provision @ ("JIT" | "SCIM")) if !directories.is_empty() => {
            check.wrong(LDAP, format!("belongs to the provisionType LDAP, but this one is {provision}; omit it"));
        }
        _ => {}
    }
    if let (Some(provision @ ("LDAP" | "SCIM")), Some(_)) = (kind.provision, jit) {
        check.wrong(JIT, format!("belongs to the provisionType JIT, but this one is {provision}; omit it"));
    }
    for (index, directory) in directories.iter().enumerate() {
        ldap::configuration(check, &format!("{LDAP}/{index}"), directory, kind);
    }
    if let Some(jit) = jit {
        jit_configuration(check, kind, JIT, jit);
    }
}

/// The vendor's `JitConfiguration`, which is passed on as it is: its names and its required fields are checked. Models of its
/// objects and OpenLDAP's would cost 59 kB in the component.
fn jit_configuration(check: &mut Check, kind: Kind<'_>, at: &str, jit: &Extra) {
    unmodelled(check, at, &jit.0, &[], &["jitProvisioningGroups", "oidcJitConfiguration", "samlJitConfiguration"]);
    for (protocol, name) in [("OIDC", "oidcJitConfiguration"), ("SAML", "samlJitConfiguration")] {
        if jit.0.get(name).is_some_and(|value| !value.is_null()) && kind.protocol.is_some_and(|used| used != protocol) {
            check.wrong(format!("{at}/{name}"), format!("belongs to the idpProtocol {protocol}; omit it"));
        }
    }
    let none = Map::new();
    let object = |value: Option<&'_ Value>| value.and_then(Value::as_object).unwrap_or(&none).clone();
    let (oidc, pointer) = (object(jit.0.get("oidcJitConfiguration")), format!("{at}/oidcJitConfiguration"));
    let attributes = ["openIdUserIdentifierAttribute", "internalUserIdentifierAttribute", "userAttributeMappings"];
    unmodelled(check, &pointer, &oidc, &[], &attributes);
    for (index, mapping) in items(oidc.get("userAttributeMappings")).iter().enumerate() {
        let (mapping, pointer) = (object(Some(mapping)), format!("{pointer}/userAttributeMappings/{index}"));
        internal_names(
            check,
            &pointer,
            &mapping,
            &[("attrName", "attributeName", mapping.contains_key("attributeName"))],
        );
        unmodelled(check, &pointer, &mapping, &["attributeName", "directoryName"], &[]);
    }
    let saml = object(jit.0.get("samlJitConfiguration"));
    let pointer = format!("{at}/samlJitConfiguration");
    unmodelled(check, &pointer, &saml, &[], &["groupMembershipAttribute", "passthroughClaimNames"]);
    for (index, groups) in items(jit.0.get("jitProvisioningGroups")).iter().enumerate() {
        let (groups, pointer) = (object(Some(groups)), format!("{at}/jitProvisioningGroups/{index}"));
        unmodelled(check, &pointer, &groups, &["domain"], &["groupNames"]);
        if items(groups.get("groupNames")).is_empty() {
            check.wrong(format!("{pointer}/groupNames"), "is required: at least one group");
        }
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The names in an object without a model, and the texts that are `required` in it.
fn unmodelled(check: &mut Check, at: &str, object: &Map<String, Value>, required: &[&str], others: &[&str]) {
    let known: Vec<_> = required.iter().chain(others).map(|name| (*name, object.contains_key(*name))).collect();
    check.names(at, &Extra(object.clone()), &known);
    for name in required {
        let text = object.get(*name).and_then(Value::as_str);
        if text.is_none_or(|text| text.trim().is_empty()) {
            check.wrong(format!("{at}/{name}"), "is required and must not be blank");
        }
    }
}

impl FederatedIdentityProvider {
    /// Its own id and those of its directories, each with its pointer.
    fn ids(&self) -> Vec<(String, Option<&String>)> {
        let mut ids = vec![("/id".to_owned(), self.id.as_ref())];
        for (index, directory) in self.directories.iter().flatten().enumerate() {
            ids.push((format!("/directories/{index}/id"), directory.id.as_ref()));
        }
        for (index, directory) in self.synced().iter().enumerate() {
            let pointer = format!("/provisioningConfig/ldapConfigurations/{index}/ldapConfigurationId");
            ids.push((pointer, directory.ldap_configuration_id.as_ref()));
        }
        ids
    }
}
