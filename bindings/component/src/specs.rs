//! Specifications for SDDC Manager, from WIT's types.

use idhook::embedded::{ApplySpec, GroupSpec, Result, RoleSpec};
use idhook::error::{Error, FieldError, Problem};
use idhook::secret::Secret;
use idhook::vcf::{self, Extra};

use crate::bindings::identity_providers as wit;

/// The specification of a provider.
pub(crate) fn provider(spec: wit::IdentityProviderSpec) -> Result<vcf::IdentityProviderSpec> {
    let wit::IdentityProviderSpec { name, type_, cert_chain, ldap, oidc, fed_idp_spec, extra } = spec;
    let mut extras = Extras::default();
    let spec = vcf::IdentityProviderSpec {
        name,
        kind: type_,
        cert_chain,
        ldap: ldap.map(|ldap| extras.ldap(ldap)),
        oidc: oidc.map(|oidc| extras.oidc("/oidc", oidc)),
        fed_idp_spec: fed_idp_spec.map(|federated| extras.federated(federated)),
        extra: extras.read("", extra),
    };
    extras.are_good(spec)
}

/// The specification of an identity source.
pub(crate) fn source(spec: wit::IdentitySourceSpec) -> Result<vcf::IdentitySourceSpec> {
    let wit::IdentitySourceSpec { name, ldap, extra } = spec;
    let mut extras = Extras::default();
    let ldap = ldap.map(|ldap| extras.ldap(ldap));
    let spec = vcf::IdentitySourceSpec { name, ldap, extra: extras.read("", extra) };
    extras.are_good(spec)
}

/// The specification of a whole job.
pub(crate) fn job(spec: wit::ApplySpec) -> Result<ApplySpec> {
    let wit::ApplySpec { identity_source, identity_provider, roles, precheck } = spec;
    let role = |wit::RoleSpec { group, role, state }: wit::RoleSpec| RoleSpec {
        group: group.map(GroupSpec::Text),
        role,
        state,
        extra: Extra::default(),
    };
    Ok(ApplySpec {
        identity_source: identity_source.map(source).transpose().map_err(|e| within("/identitySource", e))?,
        identity_provider: identity_provider.map(provider).transpose().map_err(|e| within("/identityProvider", e))?,
        roles: roles.map(|roles| roles.into_iter().map(role).collect()),
        precheck,
        extra: Extra::default(),
    })
}

/// The same problem of a part of a specification.
fn within(at: &str, mut problem: Box<Problem>) -> Box<Problem> {
    for error in &mut problem.errors {
        error.pointer.insert_str(0, at);
    }
    problem
}

/// Reads the further fields of a specification and of its parts, and collects their faults.
#[derive(Default)]
struct Extras {
    faults: Vec<FieldError>,
}

impl Extras {
    /// `spec`, unless there were faults.
    fn are_good<T>(self, spec: T) -> Result<T> {
        match self.faults.is_empty() {
            true => Ok(spec),
            false => Err(Box::new(Problem::new(&Error::invalid(self.faults), &[]))),
        }
    }

    /// The further fields of the record at the pointer `at`.
    fn read(&mut self, at: &str, extra: Option<String>) -> Extra {
        let Some(text) = extra else { return Extra::default() };
        serde_json::from_str(&text).map(Extra).unwrap_or_else(|_| {
            self.faults.push(FieldError::new(format!("{at}/extra"), "is not a JSON object"));
            Extra::default()
        })
    }

    fn ldap(&mut self, spec: wit::LdapSpec) -> vcf::LdapSpec {
        let wit::LdapSpec { type_, domain_name, domain_alias, username, password, source_details, extra } = spec;
        vcf::LdapSpec {
            kind: type_,
            domain_name,
            domain_alias,
            username,
            password: password.map(Secret::new),
            source_details: source_details.map(|details| self.details(details)),
            extra: self.read("/ldap", extra),
        }
    }

    fn details(&mut self, details: wit::SourceDetails) -> vcf::SourceDetails {
        let wit::SourceDetails { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra } = details;
        let extra = self.read("/ldap/sourceDetails", extra);
        vcf::SourceDetails { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra }
    }

    fn oidc(&mut self, at: &str, spec: wit::OidcSpec) -> vcf::OidcSpec {
        let wit::OidcSpec { client_id, client_secret, discovery_endpoint, extra } = spec;
        let client_secret = client_secret.map(Secret::new);
        vcf::OidcSpec { client_id, client_secret, discovery_endpoint, extra: self.read(at, extra) }
    }

    fn federated(&mut self, spec: wit::FederatedIdentityProviderSpec) -> vcf::FederatedIdentityProviderSpec {
        let wit::FederatedIdentityProviderSpec { name, directory, oidc_spec, sync_client_token_ttl, extra } = spec;
        vcf::FederatedIdentityProviderSpec {
            name,
            directory: directory.map(|directory| self.directory(directory)),
            oidc_spec: oidc_spec.map(|spec| self.oidc("/fedIdpSpec/oidcSpec", spec)),
            sync_client_token_ttl: sync_client_token_ttl.map(i64::from),
            extra: self.read("/fedIdpSpec", extra),
        }
    }

    fn directory(&mut self, directory: wit::IdentityProviderDirectory) -> vcf::IdentityProviderDirectory {
        let wit::IdentityProviderDirectory {
            directory_id,
            name,
            default_domain,
            domains,
            federated_idp_source_type,
            extra,
        } = directory;
        let extra = self.read("/fedIdpSpec/directory", extra);
        vcf::IdentityProviderDirectory { directory_id, name, default_domain, domains, federated_idp_source_type, extra }
    }
}
