//! Compares a specification with the provider that VCF Operations returns. No calls.
//!
//! The vendor's examples return all fields of a request except secrets. A field that a version does not return counts as
//! different; reading back after the change shows it again.

use serde_json::Value;

use super::FederatedIdentityProvider;
use super::ldap::{DomainController, LdapBindConfiguration, LdapConfiguration};
use super::model::{IdpConfig, IdpDirectory, OidcConfiguration, ProvisioningConfig, SamlConfiguration};
use crate::change::{Difference, exact, in_any_case, same_dn, same_domains, same_url};
use crate::error::FieldError;

impl FederatedIdentityProvider {
    /// The differences from `present`, the provider of the same realm (`is_another_than`).
    #[must_use]
    pub fn difference(&self, present: &Self) -> Difference {
        let mut found = Difference::default();
        found.text("/name", &self.name, &present.name, exact);
        found.object("/idpConfig", &self.idp_config, &present.idp_config, idp_config);
        if self.directories.is_none() {
            found.omits_object("/directories", &present.directories);
        }
        for (index, directory) in self.directories.iter().flatten().enumerate() {
            let shown = present.directories.as_ref().and_then(|list| list.get(index));
            identity_directory(&mut found, index, directory, shown.unwrap_or(&IdpDirectory::default()));
        }
        found.object("/provisioningConfig", &self.provisioning_config, &present.provisioning_config, provisioning);
        found.certificates("/certificateChain", &self.certificate_chain, &present.certificate_chain);
        found.extra("", &self.extra, &present.extra);
        found
    }

    /// Why this cannot be the provider `present` of the same realm, by field: another id, another kind, or another name
    /// without the id. Empty if it can.
    #[must_use]
    pub(crate) fn is_another_than(&self, present: &Self) -> Vec<FieldError> {
        let mut fields = Vec::new();
        let has_id = match (&self.id, &present.id) {
            (Some(wanted), Some(shown)) if !in_any_case(wanted, shown) => {
                fields.push(FieldError::new("/id", format!("is not the id of the realm's provider: {shown}")));
                true
            }
            (wanted, _) => wanted.is_some(),
        };
        if let (Some(wanted), Some(shown)) = (&self.name, &present.name)
            && wanted != shown
            && !has_id
        {
            let detail = format!("differs from the name of the realm's provider: {shown}; send its id to rename it");
            fields.push(FieldError::new("/name", detail));
        }
        for (pointer, wanted, shown) in [
            ("/idpType", &self.idp_type, &present.idp_type),
            ("/idpProtocol", &self.idp_protocol, &present.idp_protocol),
            ("/provisionType", &self.provision_type, &present.provision_type),
        ] {
            if let (Some(wanted), Some(shown)) = (wanted, shown)
                && wanted != shown
            {
                fields.push(FieldError::new(pointer, format!("differs from that of the realm's provider: {shown}")));
            }
        }
        fields
    }
}

fn idp_config(found: &mut Difference, at: &str, wanted: &IdpConfig, shown: &IdpConfig) {
    let pointer = |name: &str| format!("{at}/{name}");
    let (oidc, saml) = (pointer("oidcConfiguration"), pointer("samlConfiguration"));
    found.object(&oidc, &wanted.oidc_configuration, &shown.oidc_configuration, oidc_configuration);
    found.object(&saml, &wanted.saml_configuration, &shown.saml_configuration, saml_configuration);
    found.extra(at, &wanted.extra, &shown.extra);
}

fn oidc_configuration(found: &mut Difference, at: &str, wanted: &OidcConfiguration, shown: &OidcConfiguration) {
    let pointer = |name: &str| format!("{at}/{name}");
    found.text(&pointer("discoveryEndpoint"), &wanted.discovery_endpoint, &shown.discovery_endpoint, same_url);
    found.text(&pointer("clientId"), &wanted.client_id, &shown.client_id, exact);
    found.hidden(&pointer("clientSecret"), wanted.client_secret.is_some());
    let attribute = [&wanted.open_id_user_identifier_attribute, &shown.open_id_user_identifier_attribute];
    found.text(&pointer("openIdUserIdentifierAttribute"), attribute[0], attribute[1], exact);
    // The vendor writes `ExternalId`, and scripts for it `ExternalID`.
    let attribute = [&wanted.internal_user_identifier_attribute, &shown.internal_user_identifier_attribute];
    found.text(&pointer("internalUserIdentifierAttribute"), attribute[0], attribute[1], in_any_case);
    found.extra(at, &wanted.extra, &shown.extra);
}

fn saml_configuration(found: &mut Difference, at: &str, wanted: &SamlConfiguration, shown: &SamlConfiguration) {
    let pointer = |name: &str| format!("{at}/{name}");
    found.text(&pointer("metadataSourceType"), &wanted.metadata_source_type, &shown.metadata_source_type, exact);
    found.text(&pointer("metadataUrl"), &wanted.metadata_url, &shown.metadata_url, same_url);
    found.text(&pointer("metadataXml"), &wanted.metadata_xml, &shown.metadata_xml, same_base64);
    found.text(&pointer("nameIdFormatType"), &wanted.name_id_format_type, &shown.name_id_format_type, exact);
    let context = pointer("authenticationContext");
    found.text(&context, &wanted.authentication_context, &shown.authentication_context, exact);
    let (wanted_mappings, shown_mappings) = (&wanted.name_id_attribute_mappings, &shown.name_id_attribute_mappings);
    found.object(&pointer("nameIdAttributeMappings"), wanted_mappings, shown_mappings, |found, at, wanted, shown| {
        if wanted != shown {
            let value = |mappings| serde_json::to_value(mappings).unwrap_or_default();
            found.change(at, value(shown), value(wanted));
        }
    });
    found.extra(at, &wanted.extra, &shown.extra);
}

/// Base64, in lines or not.
fn same_base64(wanted: &str, shown: &str) -> bool {
    wanted.split_ascii_whitespace().flat_map(str::chars).eq(shown.split_ascii_whitespace().flat_map(str::chars))
}

fn identity_directory(found: &mut Difference, index: usize, wanted: &IdpDirectory, shown: &IdpDirectory) {
    let at = format!("/directories/{index}");
    found.text(&format!("{at}/name"), &wanted.name, &shown.name, exact);
    found.list(&format!("{at}/domains"), &wanted.domains, &shown.domains, same_domains);
    found.text(&format!("{at}/defaultDomain"), &wanted.default_domain, &shown.default_domain, in_any_case);
    found.extra(&at, &wanted.extra, &shown.extra);
}

fn provisioning(found: &mut Difference, at: &str, wanted: &ProvisioningConfig, shown: &ProvisioningConfig) {
    let pointer = |name: &str| format!("{at}/{name}");
    let directories = pointer("ldapConfigurations");
    found.object(&directories, &wanted.ldap_configurations, &shown.ldap_configurations, |found, at, wanted, shown| {
        synced_directories(found, at, wanted, shown);
    });
    found.fields(&pointer("jitConfiguration"), &wanted.jit_configuration, &shown.jit_configuration);
    found.extra(at, &wanted.extra, &shown.extra);
}

/// Directories in any order. One that appears or disappears is a change of the list.
fn synced_directories(found: &mut Difference, at: &str, wanted: &[LdapConfiguration], shown: &[LdapConfiguration]) {
    let pairs: Vec<_> = wanted.iter().map(|directory| directory.among(shown, wanted.len())).collect();
    if wanted.len() != shown.len() || pairs.iter().any(Option::is_none) {
        let names = |list: &[LdapConfiguration]| -> Value { list.iter().map(|one| one.name.clone()).collect() };
        found.change(at, names(shown), names(wanted));
    }
    for (index, (wanted, shown)) in wanted.iter().zip(pairs).enumerate() {
        if let Some(shown) = shown {
            synced_directory(found, &format!("{at}/{index}"), wanted, shown);
        }
    }
}

impl LdapConfiguration {
    /// The same directory among those of the server: by id, else by name, else the only one.
    pub(super) fn among<'s>(&self, shown: &'s [Self], wanted: usize) -> Option<&'s Self> {
        let by = |field: fn(&Self) -> Option<&String>| {
            let own = field(self)?;
            shown.iter().find(|one| field(one).is_some_and(|id| in_any_case(own, id)))
        };
        let only = || if let [one] = shown { (wanted == 1).then_some(one) } else { None };
        by(|one| one.ldap_configuration_id.as_ref()).or_else(|| by(|one| one.name.as_ref())).or_else(only)
    }
}

fn synced_directory(found: &mut Difference, at: &str, wanted: &LdapConfiguration, shown: &LdapConfiguration) {
    found.text(&format!("{at}/name"), &wanted.name, &shown.name, exact);
    found.list(&format!("{at}/domains"), &wanted.domains, &shown.domains, same_domains);
    let bind_at = format!("{at}/ldapBindConfiguration");
    found.object(&bind_at, &wanted.ldap_bind_configuration, &shown.ldap_bind_configuration, connection);
    found.extra(at, &wanted.extra, &shown.extra);
}

fn connection(found: &mut Difference, at: &str, wanted: &LdapBindConfiguration, shown: &LdapBindConfiguration) {
    let pointer = |name: &str| format!("{at}/{name}");
    for (name, wanted, shown) in [
        ("type", &wanted.kind, &shown.kind),
        ("communicationMode", &wanted.communication_mode, &shown.communication_mode),
        ("directorySearchAttribute", &wanted.directory_search_attribute, &shown.directory_search_attribute),
        ("syncMode", &wanted.sync_mode, &shown.sync_mode),
    ] {
        found.text(&pointer(name), wanted, shown, in_any_case);
    }
    found.text(&pointer("baseDn"), &wanted.base_dn, &shown.base_dn, same_dn);
    found.text(&pointer("bindDn"), &wanted.bind_dn, &shown.bind_dn, same_dn);
    found.hidden(&pointer("bindDnPassword"), wanted.bind_dn_password.is_some());
    let chain = pointer("dnsLookupCertificateChain");
    found.certificates(&chain, &wanted.dns_lookup_certificate_chain, &shown.dns_lookup_certificate_chain);
    for (name, wanted, shown) in [
        ("primaryDomainController", &wanted.primary_domain_controller, &shown.primary_domain_controller),
        ("secondaryDomainController", &wanted.secondary_domain_controller, &shown.secondary_domain_controller),
    ] {
        found.object(&pointer(name), wanted, shown, domain_controller);
    }
    found.fields(&pointer("openLdapConfiguration"), &wanted.open_ldap_configuration, &shown.open_ldap_configuration);
    found.extra(at, &wanted.extra, &shown.extra);
}

fn domain_controller(found: &mut Difference, at: &str, wanted: &DomainController, shown: &DomainController) {
    let pointer = |name: &str| format!("{at}/{name}");
    found.text(&pointer("host"), &wanted.host, &shown.host, in_any_case);
    found.text(&pointer("protocol"), &wanted.protocol, &shown.protocol, exact);
    match wanted.port {
        None => found.omits(&pointer("port"), shown.port.map(Value::from)),
        port if port == shown.port => {}
        port => found.change(&pointer("port"), shown.port.into(), port.into()),
    }
    let chain = |one: &Option<String>| one.clone().map(|one| vec![one]);
    found.certificates(&pointer("certificate"), &chain(&wanted.certificate), &chain(&shown.certificate));
    found.text(&pointer("certificateName"), &wanted.certificate_name, &shown.certificate_name, exact);
    found.extra(at, &wanted.extra, &shown.extra);
}

#[cfg(test)]
mod tests;
