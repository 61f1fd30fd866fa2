//! Checks a specification before it is sent: all faults are reported together, each with its pointer.
//!
//! Fields are required as in the vendor's schema, except two fields of an external provider that the vendor's own examples
//! omit (`ldap.type` in the reference, `ldap.domainName` in PowerVCF's samples too), and `federatedIdpSourceType`, which VCF
//! 5.1 does not know. Values such as `type` are left to the server: no version's specification lists them.

use std::num::NonZeroU16;
use std::time::SystemTime;

use crate::certificate::{CertificateFacts, Form};
use crate::change::{Check, is_web_url};
use crate::error::FieldError;
use crate::vcf::names::DomainName;
use crate::vcf::spec::{
    FederatedIdentityProviderSpec, IdentityProviderDirectory, IdentityProviderSpec, IdentitySourceSpec, LdapSpec,
    OidcSpec, SourceDetails,
};

/// The options of changes, which are read in the query.
pub(super) const OPTIONS: [&str; 5] = ["dryRun", "force", "replace", "confirm", "absent"];

/// The purpose of a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To add an object.
    Create,
    /// To update an object. The same fields are required: SDDC Manager accepts only complete specifications.
    Update,
}

impl Purpose {
    /// An empty check of a specification for this purpose, at the time `now`.
    fn check(self, now: SystemTime) -> Check {
        let check = Check::new(Form::Base64OfPem, now);
        match self {
            Self::Create => check,
            Self::Update => check.secret_missing(
                "is also required in an update: SDDC Manager has no partial update and returns no secrets",
            ),
        }
    }
}

impl IdentityProviderSpec {
    /// Checks everything possible without the server, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(super) fn validate(&self, purpose: Purpose, now: SystemTime) -> Result<Vec<CertificateFacts>, Vec<FieldError>> {
        let mut check = purpose.check(now);
        check.names(
            "",
            &self.extra,
            &[
                ("name", self.name.is_some()),
                ("type", self.kind.is_some()),
                ("certChain", self.cert_chain.is_some()),
                ("ldap", self.ldap.is_some()),
                ("oidc", self.oidc.is_some()),
                ("fedIdpSpec", self.fed_idp_spec.is_some()),
            ],
        );
        check.options(&OPTIONS, &self.extra);
        check.text("/name", self.name.as_ref());
        check.text("/type", self.kind.as_ref());
        check.chain("/certChain", self.cert_chain.as_ref());
        if let Some(ldap) = &self.ldap {
            check.ldap("/ldap", ldap);
        }
        if let Some(oidc) = &self.oidc {
            check.oidc("/oidc", oidc);
        }
        if let Some(federated) = &self.fed_idp_spec {
            check.federated("/fedIdpSpec", federated);
        }
        check.done()
    }
}

impl IdentitySourceSpec {
    /// Checks everything possible without the server, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(super) fn validate(&self, purpose: Purpose, now: SystemTime) -> Result<Vec<CertificateFacts>, Vec<FieldError>> {
        let mut check = purpose.check(now);
        check.names("", &self.extra, &[("name", self.name.is_some()), ("ldap", self.ldap.is_some())]);
        check.options(&OPTIONS, &self.extra);
        check.text("/name", self.name.as_ref());
        if let Some(ldap) = check.given("/ldap", self.ldap.as_ref()) {
            check.text("/ldap/type", ldap.kind.as_ref());
            // Updates and deletion use this name as a path segment.
            if let Some(name) = check.text("/ldap/domainName", ldap.domain_name.as_ref())
                && let Err(fault) = DomainName::check(name)
            {
                check.wrong("/ldap/domainName", format!("{fault}; {}", fault.hint()));
            }
            check.ldap("/ldap", ldap);
        }
        check.done()
    }
}

impl Check {
    fn ldap(&mut self, at: &str, ldap: &LdapSpec) {
        let LdapSpec { kind, domain_name, domain_alias, username, password, source_details, extra } = ldap;
        self.names(
            at,
            extra,
            &[
                ("type", kind.is_some()),
                ("domainName", domain_name.is_some()),
                ("domainAlias", domain_alias.is_some()),
                ("username", username.is_some()),
                ("password", password.is_some()),
                ("sourceDetails", source_details.is_some()),
            ],
        );
        let pointer = format!("{at}/username");
        if let Some(username) = self.text(&pointer, username.as_ref())
            && !username.contains(['@', '\\', '='])
        {
            self.wrong(
                pointer,
                "must be user@domain, DOMAIN\\user or a distinguished name; a name without domain cannot log in",
            );
        }
        self.secret(&format!("{at}/password"), password.as_ref());
        let at = format!("{at}/sourceDetails");
        if let Some(details) = self.given(&at, source_details.as_ref()) {
            self.source_details(&at, details);
        }
    }

    fn source_details(&mut self, at: &str, details: &SourceDetails) {
        let SourceDetails { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra } = details;
        self.names(
            at,
            extra,
            &[
                ("usersBaseDn", users_base_dn.is_some()),
                ("groupsBaseDn", groups_base_dn.is_some()),
                ("certChain", cert_chain.is_some()),
                ("serverEndpoints", server_endpoints.is_some()),
            ],
        );
        self.text(&format!("{at}/usersBaseDn"), users_base_dn.as_ref());
        self.text(&format!("{at}/groupsBaseDn"), groups_base_dn.as_ref());
        let chain = format!("{at}/certChain");
        self.chain(&chain, cert_chain.as_ref());
        let endpoints = server_endpoints.as_deref().unwrap_or_default();
        if endpoints.is_empty() {
            self.wrong(format!("{at}/serverEndpoints"), "is required: at least one ldap:// or ldaps:// URL");
        }
        let mut tls = false;
        for (index, endpoint) in endpoints.iter().enumerate() {
            match ldap_endpoint(endpoint) {
                Ok(Scheme::Ldap) => {}
                Ok(Scheme::Ldaps) => tls = true,
                Err(fault) => self.wrong(format!("{at}/serverEndpoints/{index}"), fault),
            }
        }
        if tls && cert_chain.as_ref().is_none_or(Vec::is_empty) {
            self.wrong(
                chain,
                "is required if an endpoint is ldaps://: send the CA certificates of the directory's servers, each as \
                 the output of `base64 -w0 chain.pem`",
            );
        }
    }

    fn oidc(&mut self, at: &str, oidc: &OidcSpec) {
        let OidcSpec { client_id, client_secret, discovery_endpoint, extra } = oidc;
        self.names(
            at,
            extra,
            &[
                ("clientId", client_id.is_some()),
                ("clientSecret", client_secret.is_some()),
                ("discoveryEndpoint", discovery_endpoint.is_some()),
            ],
        );
        self.text(&format!("{at}/clientId"), client_id.as_ref());
        self.secret(&format!("{at}/clientSecret"), client_secret.as_ref());
        let pointer = format!("{at}/discoveryEndpoint");
        if let Some(endpoint) = self.text(&pointer, discovery_endpoint.as_ref())
            && !is_web_url(endpoint)
        {
            self.wrong(pointer, "must be a URL such as https://host/.well-known/openid-configuration");
        }
    }

    fn federated(&mut self, at: &str, federated: &FederatedIdentityProviderSpec) {
        let FederatedIdentityProviderSpec { name, directory, oidc_spec, sync_client_token_ttl, extra } = federated;
        self.names(
            at,
            extra,
            &[
                ("name", name.is_some()),
                ("directory", directory.is_some()),
                ("oidcSpec", oidc_spec.is_some()),
                ("syncClientTokenTTL", sync_client_token_ttl.is_some()),
            ],
        );
        self.text(&format!("{at}/name"), name.as_ref());
        let pointer = format!("{at}/directory");
        if let Some(directory) = self.given(&pointer, directory.as_ref()) {
            self.directory(&pointer, directory);
        }
        let pointer = format!("{at}/oidcSpec");
        if let Some(oidc) = self.given(&pointer, oidc_spec.as_ref()) {
            self.oidc(&pointer, oidc);
        }
        if sync_client_token_ttl.is_some_and(|ttl| ttl < 1) {
            self.wrong(format!("{at}/syncClientTokenTTL"), "must be a number of seconds above 0, or omitted");
        }
    }

    fn directory(&mut self, at: &str, directory: &IdentityProviderDirectory) {
        let IdentityProviderDirectory { directory_id, name, default_domain, domains, federated_idp_source_type, extra } =
            directory;
        self.names(
            at,
            extra,
            &[
                ("directoryId", directory_id.is_some()),
                ("name", name.is_some()),
                ("defaultDomain", default_domain.is_some()),
                ("domains", domains.is_some()),
                ("federatedIdpSourceType", federated_idp_source_type.is_some()),
            ],
        );
        let pointer = format!("{at}/name");
        if let Some(name) = self.text(&pointer, name.as_ref())
            && name.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, ' ' | '_' | '-'))
        {
            self.wrong(pointer, "may contain only letters, digits, spaces, \"_\" and \"-\"");
        }
        self.text(&format!("{at}/defaultDomain"), default_domain.as_ref());
        let pointer = format!("{at}/domains");
        let domains = domains.as_deref().unwrap_or_default();
        if domains.is_empty() {
            self.wrong(pointer.as_str(), "is required: at least one domain");
        }
        for (index, domain) in domains.iter().enumerate() {
            self.text(&format!("{pointer}/{index}"), Some(domain));
        }
    }
}

enum Scheme {
    Ldap,
    Ldaps,
}

/// Parses `ldap://host[:port]` or `ldaps://host[:port]`.
fn ldap_endpoint(text: &str) -> Result<Scheme, &'static str> {
    const FORM: &str = "must be ldap://host, ldaps://host or either with :port";
    let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
    let scheme = if scheme.eq_ignore_ascii_case("ldap") {
        Scheme::Ldap
    } else if scheme.eq_ignore_ascii_case("ldaps") {
        Scheme::Ldaps
    } else {
        return Err(FORM);
    };
    let authority: http::uri::Authority = rest.strip_suffix('/').unwrap_or(rest).parse().map_err(|_| FORM)?;
    // The rest after the host: nothing, or a port. A user name would precede the host.
    let port = authority.as_str().strip_prefix(authority.host()).ok_or(FORM)?;
    if authority.host().is_empty() {
        return Err(FORM);
    }
    // `parse` alone would accept a sign.
    let number = port.strip_prefix(':').filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    if port.is_empty() || number.is_some_and(|number| number.parse::<NonZeroU16>().is_ok()) {
        Ok(scheme)
    } else {
        Err("must have a port from 1 to 65535, or none")
    }
}

#[cfg(test)]
mod tests;
