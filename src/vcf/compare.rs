//! Compares a specification with SDDC Manager's view of the same object. No calls: two values in, a list of differences out.
//!
//! Only returned fields can be compared. A password or client secret is never returned, nor is an external provider's own
//! `certChain`; its `type` and its directory's are returned in other words than those accepted (`AD_FS` or `ActiveDirectory`
//! becomes `Microsoft ADFS` and `Oidc` in the vendor's reference). These are listed in [`Difference::not_compared`]. Fields
//! that the specification omits are the server's choice (an OpenLDAP source without an alias gets one), so they are not
//! differences, but [`Difference::omitted`].
//!
//! Servers are compared in order: the first is the primary, the second its replacement (administration guide, "Add Active
//! Directory over LDAP or OpenLDAP"). Certificates and domains are sets; certificates are equal if their DER is.

use crate::change::{Difference, exact, in_any_case, same_account, same_dn, same_domains, same_url};
use crate::error::FieldError;
use crate::vcf::model::{
    DirectoryList, FederatedIdentityProviderInfo, IdentityProvider, IdentitySource, LdapInfo, OidcInfo,
};
use crate::vcf::spec::{
    FederatedIdentityProviderSpec, IdentityProviderDirectory, IdentityProviderSpec, IdentitySourceSpec, LdapSpec,
    OidcSpec, SourceDetails,
};

impl IdentitySourceSpec {
    /// The differences from `present`, the source of the same domain.
    #[must_use]
    pub fn difference(&self, present: &IdentitySource) -> Difference {
        let Self { name, ldap, extra } = self;
        let mut difference = Difference::default();
        difference.text("/name", name, &present.name, exact);
        if let Some(ldap) = ldap {
            let none = LdapInfo::default();
            let shown = present.ldap.as_ref().unwrap_or(&none);
            let kind = if shown.kind.is_some() { &shown.kind } else { &present.kind };
            difference.text("/ldap/type", &ldap.kind, kind, in_any_case);
            difference.ldap(ldap, shown);
        }
        difference.extra("", extra, &present.extra);
        difference
    }
}

impl IdentityProviderSpec {
    /// The differences from `present`, the same provider (`is_another_than`).
    #[must_use]
    pub fn difference(&self, present: &IdentityProvider) -> Difference {
        let Self { name, kind, cert_chain, ldap, oidc, fed_idp_spec, extra } = self;
        let mut difference = Difference::default();
        difference.text("/name", name, &present.name, exact);
        difference.hidden("/type", kind.is_some());
        difference.hidden("/certChain", cert_chain.as_ref().is_some_and(|chain| !chain.is_empty()));
        if let Some(ldap) = ldap {
            difference.hidden("/ldap/type", ldap.kind.is_some());
            difference.ldap(ldap, present.ldap.as_ref().unwrap_or(&LdapInfo::default()));
        }
        if let Some(oidc) = oidc {
            difference.oidc("/oidc", oidc, present.oidc.as_ref().unwrap_or(&OidcInfo::default()));
        }
        if let Some(federated) = fed_idp_spec {
            difference
                .federated(federated, present.fed_idp.as_ref().unwrap_or(&FederatedIdentityProviderInfo::default()));
        }
        difference.extra("", extra, &present.extra);
        difference
    }

    /// Why this cannot be the provider `present`, by field: another name, or another kind as far as the response's form
    /// shows. Empty if it can.
    #[must_use]
    pub(crate) fn is_another_than(&self, present: &IdentityProvider) -> Vec<FieldError> {
        let mut fields = Vec::new();
        if let (Some(wanted), Some(shown)) = (&self.name, &present.name)
            && wanted != shown
        {
            fields.push(FieldError::new(
                "/name",
                format!("differs from the name of the existing external provider: {shown}"),
            ));
        }
        let wanted = self.fed_idp_spec.as_ref();
        let shown = present.fed_idp.as_ref();
        if wanted.is_some() != shown.is_some() {
            let kind = present.kind.as_deref().unwrap_or("unknown");
            let detail = format!("is of another kind than the existing external provider, whose type is {kind}");
            fields.push(FieldError::new("/type", detail));
        }
        let wanted = wanted.and_then(|spec| spec.directory.as_ref()?.federated_idp_source_type.as_deref());
        let shown = shown.and_then(|info| info.source.as_deref());
        if let (Some(wanted), Some(shown)) = (wanted, shown)
            && !in_any_case(wanted, shown)
            // VCF 5.1.1's name for Microsoft Entra ID.
            && !(in_any_case(wanted, "MICROSOFT_ENTRA_ID") && in_any_case(shown, "AZURE"))
        {
            let detail = format!("differs from the source of the existing external provider: {shown}");
            fields.push(FieldError::new("/fedIdpSpec/directory/federatedIdpSourceType", detail));
        }
        fields
    }
}

impl Difference {
    fn ldap(&mut self, wanted: &LdapSpec, shown: &LdapInfo) {
        let LdapSpec { kind: _, domain_name, domain_alias, username, password, source_details, extra } = wanted;
        self.text("/ldap/domainName", domain_name, &shown.domain_name, in_any_case);
        self.text("/ldap/domainAlias", domain_alias, &shown.domain_alias, in_any_case);
        self.text("/ldap/username", username, &shown.username, same_account);
        self.hidden("/ldap/password", password.is_some());
        if let Some(details) = source_details {
            let SourceDetails { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra } = details;
            let none = SourceDetails::default();
            let shown = shown.source_details.as_ref().unwrap_or(&none);
            self.text("/ldap/sourceDetails/usersBaseDn", users_base_dn, &shown.users_base_dn, same_dn);
            self.text("/ldap/sourceDetails/groupsBaseDn", groups_base_dn, &shown.groups_base_dn, same_dn);
            let pointer = "/ldap/sourceDetails/serverEndpoints";
            self.list(pointer, server_endpoints, &shown.server_endpoints, same_servers);
            self.certificates("/ldap/sourceDetails/certChain", cert_chain, &shown.cert_chain);
            self.extra("/ldap/sourceDetails", extra, &shown.extra);
        }
        self.extra("/ldap", extra, &shown.extra);
    }

    fn oidc(&mut self, at: &str, wanted: &OidcSpec, shown: &OidcInfo) {
        let OidcSpec { client_id, client_secret, discovery_endpoint, extra } = wanted;
        self.text(&format!("{at}/clientId"), client_id, &shown.client_id, exact);
        self.hidden(&format!("{at}/clientSecret"), client_secret.is_some());
        self.text(&format!("{at}/discoveryEndpoint"), discovery_endpoint, &shown.discovery_endpoint, same_url);
        self.extra(at, extra, &shown.extra);
    }

    fn federated(&mut self, wanted: &FederatedIdentityProviderSpec, shown: &FederatedIdentityProviderInfo) {
        let FederatedIdentityProviderSpec { name, directory, oidc_spec, sync_client_token_ttl, extra } = wanted;
        self.text("/fedIdpSpec/name", name, &shown.name, exact);
        if let Some(directory) = directory {
            let shown = match &shown.directory_list {
                Some(DirectoryList::One(one)) => Some(&**one),
                Some(DirectoryList::Many(many)) => {
                    many.iter().find(|one| one.name == directory.name).or_else(|| many.first())
                }
                None => None,
            };
            self.directory(directory, shown.unwrap_or(&IdentityProviderDirectory::default()));
        }
        if let Some(oidc) = oidc_spec {
            self.oidc("/fedIdpSpec/oidcSpec", oidc, shown.oidc_info.as_ref().unwrap_or(&OidcInfo::default()));
        }
        let pointer = "/fedIdpSpec/syncClientTokenTTL";
        match (*sync_client_token_ttl, shown.sync_client_token_ttl) {
            (Some(wanted), Some(shown)) if wanted != shown => self.change(pointer, shown.into(), wanted.into()),
            // Deprecated in favour of a parameter of the call that makes a token: a server may no longer show it.
            (Some(_), None) => self.hidden(pointer, true),
            _ => {}
        }
        self.extra("/fedIdpSpec", extra, &shown.extra);
    }

    /// `federatedIdpSourceType` is not compared here: another one would mean another provider.
    fn directory(&mut self, wanted: &IdentityProviderDirectory, shown: &IdentityProviderDirectory) {
        let IdentityProviderDirectory {
            directory_id,
            name,
            default_domain,
            domains,
            federated_idp_source_type: _,
            extra,
        } = wanted;
        // The server assigns it.
        if directory_id.is_some() {
            self.text("/fedIdpSpec/directory/directoryId", directory_id, &shown.directory_id, in_any_case);
        }
        self.text("/fedIdpSpec/directory/name", name, &shown.name, exact);
        self.text("/fedIdpSpec/directory/defaultDomain", default_domain, &shown.default_domain, in_any_case);
        self.list("/fedIdpSpec/directory/domains", domains, &shown.domains, same_domains);
        self.extra("/fedIdpSpec/directory", extra, &shown.extra);
    }
}

/// Servers in order, in any spelling: default port, trailing slash and upper case do not matter.
fn same_servers(wanted: &[String], shown: &[String]) -> bool {
    let plain = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_suffix('/').unwrap_or(&text);
        let port = if text.starts_with("ldaps:") { ":636" } else { ":389" };
        text.strip_suffix(port).unwrap_or(text).to_owned()
    };
    wanted.len() == shown.len() && wanted.iter().zip(shown).all(|(wanted, shown)| plain(wanted) == plain(shown))
}

#[cfg(test)]
mod tests;
