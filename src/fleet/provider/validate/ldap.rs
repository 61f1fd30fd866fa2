//! The checks of a directory that is synced over LDAP.

use super::certificates::one_certificate;
use super::{Kind, domains, secret, unmodelled, word};
use crate::change::Check;
use crate::fleet::provider::ldap::{DomainController, LdapBindConfiguration, LdapConfiguration};

/// The fields of the vendor's `OpenLdapConfiguration` that are not required.
const OPEN_LDAP_OPTIONS: [&str; 6] = [
    "directorySearchGroupAttribute",
    "directorySearchUserAttribute",
    "membershipAttribute",
    "uniquelyIdentifiableAttributeForGroup",
    "uniquelyIdentifiableAttributeForUser",
    "userMembershipsFilterQuery",
];

pub(super) fn configuration(check: &mut Check, at: &str, directory: &LdapConfiguration, kind: Kind<'_>) {
    check.names(
        at,
        &directory.extra,
        &[
            ("ldapConfigurationId", directory.ldap_configuration_id.is_some()),
            ("name", directory.name.is_some()),
            ("domains", directory.domains.is_some()),
            ("ldapBindConfiguration", directory.ldap_bind_configuration.is_some()),
        ],
    );
    check.text(&format!("{at}/name"), directory.name.as_ref());
    domains(check, &format!("{at}/domains"), directory.domains.as_deref());
    let at = format!("{at}/ldapBindConfiguration");
    if let Some(bind) = check.given(&at, directory.ldap_bind_configuration.as_ref()) {
        connection(check, &at, bind, kind);
    }
}

fn connection(check: &mut Check, at: &str, bind: &LdapBindConfiguration, kind: Kind<'_>) {
    check.names(
        at,
        &bind.extra,
        &[
            ("type", bind.kind.is_some()),
            ("baseDn", bind.base_dn.is_some()),
            ("bindDn", bind.bind_dn.is_some()),
            ("bindDnPassword", bind.bind_dn_password.is_some()),
            ("communicationMode", bind.communication_mode.is_some()),
            ("directorySearchAttribute", bind.directory_search_attribute.is_some()),
            ("dnsLookupCertificateChain", bind.dns_lookup_certificate_chain.is_some()),
            ("primaryDomainController", bind.primary_domain_controller.is_some()),
            ("secondaryDomainController", bind.secondary_domain_controller.is_some()),
            ("openLdapConfiguration", bind.open_ldap_configuration.is_some()),
            ("syncMode", bind.sync_mode.is_some()),
            ("domainChanged", bind.extra.0.contains_key("domainChanged")),
        ],
    );
    // The word for OpenLDAP is in no source, so any is passed on.
    check.text(&format!("{at}/type"), bind.kind.as_ref());
    for (name, dn) in [("baseDn", &bind.base_dn), ("bindDn", &bind.bind_dn)] {
        let pointer = format!("{at}/{name}");
        if check.text(&pointer, dn.as_ref()).is_some_and(|dn| !dn.contains('=')) {
            check.wrong(pointer, "must be a distinguished name such as OU=Service,DC=corp,DC=example");
        }
    }
    secret(check, &format!("{at}/bindDnPassword"), bind.bind_dn_password.as_ref());
    if bind.communication_mode.is_some() {
        word(check, &format!("{at}/communicationMode"), bind.communication_mode.as_ref(), &["SECURE", "UNSECURE"]);
    }
    check.chain(&format!("{at}/dnsLookupCertificateChain"), bind.dns_lookup_certificate_chain.as_ref());
    for (name, host) in [
        ("primaryDomainController", &bind.primary_domain_controller),
        ("secondaryDomainController", &bind.secondary_domain_controller),
    ] {
        if let Some(host) = host {
            domain_controller(check, &format!("{at}/{name}"), host);
        }
    }
    if let Some(open_ldap) = &bind.open_ldap_configuration {
        let at = format!("{at}/openLdapConfiguration");
        if kind.idp_type == Some("ADLDAP") {
            check.wrong(at.as_str(), "belongs to the idpType OPENLDAP, but this one is ADLDAP; omit it");
        }
        let required = ["bindUserFilterQuery", "groupsFilterQuery", "usersFilterQuery", "objectUuidAttribute"];
        unmodelled(check, &at, &open_ldap.0, &required, &OPEN_LDAP_OPTIONS);
    }
}

fn domain_controller(check: &mut Check, at: &str, host: &DomainController) {
    check.names(
        at,
        &host.extra,
        &[
            ("host", host.host.is_some()),
            ("port", host.port.is_some()),
            ("protocol", host.protocol.is_some()),
            ("certificate", host.certificate.is_some()),
            ("certificateName", host.certificate_name.is_some()),
        ],
    );
    let pointer = format!("{at}/host");
    if check.text(&pointer, host.host.as_ref()).is_some_and(|name| name.contains(['/', ' '])) {
        check.wrong(pointer, "must be a host name or address, without scheme and path");
    }
    if host.port.is_some_and(|port| !(1..=65_535).contains(&port)) {
        check.wrong(format!("{at}/port"), "must be a number from 1 to 65535");
    }
    let protocol = word(check, &format!("{at}/protocol"), host.protocol.as_ref(), &["LDAP", "LDAPS"]);
    let pointer = format!("{at}/certificate");
    // A response may have a blank one.
    let certificate = host.certificate.as_ref().filter(|certificate| !certificate.trim().is_empty());
    match (protocol, certificate) {
        (Some("LDAPS"), None) => check.wrong(
            pointer,
            "is required with the protocol LDAPS: the PEM text of the domain controller's certificate or of its CA",
        ),
        (Some("LDAP"), Some(_)) => check.wrong(pointer, "belongs to the protocol LDAPS; omit it with LDAP"),
        (_, Some(certificate)) => one_certificate(check, &pointer, certificate),
        (_, None) => {}
    }
}
