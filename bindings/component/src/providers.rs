//! SDDC Manager's responses in WIT's types.

use idhook::embedded::Applied;
use idhook::error::{Step, StepName, StepOutcome};
use idhook::vcf::{self, DirectoryList};

use crate::bindings::identity_providers as wit;
use crate::numbers::{each, extra, signed};

impl From<vcf::IdentityProviders> for wit::IdentityProviderList {
    fn from(list: vcf::IdentityProviders) -> Self {
        let vcf::IdentityProviders { elements, page_metadata, extra: fields } = list;
        Self { elements: each(elements), page_metadata: page_metadata.map(Into::into), extra: extra(fields.0) }
    }
}

impl From<vcf::PageMetadata> for wit::PageMetadata {
    fn from(page: vcf::PageMetadata) -> Self {
        let vcf::PageMetadata { page_number, page_size, total_elements, total_pages, extra: fields } = page;
        Self {
            page_number: page_number.map(signed),
            page_size: page_size.map(signed),
            total_elements: total_elements.map(signed),
            total_pages: total_pages.map(signed),
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::IdentityProvider> for wit::IdentityProvider {
    fn from(provider: vcf::IdentityProvider) -> Self {
        let vcf::IdentityProvider {
            id,
            name,
            kind,
            domain_names,
            identity_sources,
            ldap,
            oidc,
            status,
            idp_message,
            fed_idp,
            etag,
            extra: fields,
        } = provider;
        Self {
            id,
            name,
            type_: kind,
            domain_names,
            identity_sources: identity_sources.map(each),
            ldap: ldap.map(Into::into),
            oidc: oidc.map(Into::into),
            status,
            idp_message,
            fed_idp: fed_idp.map(Into::into),
            etag,
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::IdentitySource> for wit::IdentitySource {
    fn from(source: vcf::IdentitySource) -> Self {
        let vcf::IdentitySource { name, kind, domain_names, ldap, etag, extra: fields } = source;
        Self { name, type_: kind, domain_names, ldap: ldap.map(Into::into), etag, extra: extra(fields.0) }
    }
}

impl From<vcf::LdapInfo> for wit::LdapInfo {
    fn from(ldap: vcf::LdapInfo) -> Self {
        let vcf::LdapInfo { kind, domain_name, domain_alias, username, source_details, extra: fields } = ldap;
        Self {
            type_: kind,
            domain_name,
            domain_alias,
            username,
            source_details: source_details.map(Into::into),
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::SourceDetails> for wit::SourceDetails {
    fn from(details: vcf::SourceDetails) -> Self {
        let vcf::SourceDetails { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra: fields } = details;
        Self { users_base_dn, groups_base_dn, cert_chain, server_endpoints, extra: extra(fields.0) }
    }
}

impl From<vcf::OidcInfo> for wit::OidcInfo {
    fn from(oidc: vcf::OidcInfo) -> Self {
        let vcf::OidcInfo {
            client_id,
            discovery_endpoint,
            auth_endpoint,
            auth_method,
            logout_endpoint,
            issuer,
            public_key_uri,
            token_endpoint,
            extra: fields,
        } = oidc;
        Self {
            client_id,
            discovery_endpoint,
            auth_endpoint,
            auth_method,
            logout_endpoint,
            issuer,
            public_key_uri,
            token_endpoint,
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::FederatedIdentityProviderInfo> for wit::FederatedIdentityProvider {
    fn from(provider: vcf::FederatedIdentityProviderInfo) -> Self {
        let vcf::FederatedIdentityProviderInfo {
            name,
            source,
            directory_list,
            oidc_info,
            sync_client_token_ttl,
            sync_client_token_info,
            extra: fields,
        } = provider;
        let directory_list = directory_list.map(|list| match list {
            DirectoryList::One(directory) => vec![(*directory).into()],
            DirectoryList::Many(directories) => each(directories),
        });
        Self {
            name,
            source,
            directory_list,
            oidc_info: oidc_info.map(Into::into),
            sync_client_token_ttl: sync_client_token_ttl.map(signed),
            sync_client_token_info: sync_client_token_info.map(Into::into),
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::IdentityProviderDirectory> for wit::IdentityProviderDirectory {
    fn from(directory: vcf::IdentityProviderDirectory) -> Self {
        let vcf::IdentityProviderDirectory {
            directory_id,
            name,
            default_domain,
            domains,
            federated_idp_source_type,
            extra: fields,
        } = directory;
        let extra = extra(fields.0);
        Self { directory_id, name, default_domain, domains, federated_idp_source_type, extra }
    }
}

impl From<vcf::SyncClientTokenInfo> for wit::SyncClientTokenInfo {
    fn from(token: vcf::SyncClientTokenInfo) -> Self {
        let vcf::SyncClientTokenInfo { expire_in, expire_at, token: _, scim_url, extra: fields } = token;
        Self { expire_in: expire_in.map(signed), expire_at, scim_url, extra: extra(fields.0) }
    }
}

impl From<vcf::SyncClientToken> for wit::SyncClientToken {
    fn from(made: vcf::SyncClientToken) -> Self {
        let vcf::SyncClientToken { token, expire_in, expire_at, scim_url, extra: fields } = made;
        let token = token.expose().to_owned();
        Self { token, expire_in: expire_in.map(signed), expire_at, scim_url, extra: extra(fields.0) }
    }
}

impl From<vcf::PrecheckResult> for wit::PrecheckResult {
    fn from(result: vcf::PrecheckResult) -> Self {
        let vcf::PrecheckResult { status, details, extra: fields } = result;
        Self { status, details: details.map(each), extra: extra(fields.0) }
    }
}

impl From<vcf::PrecheckDetail> for wit::PrecheckDetail {
    fn from(detail: vcf::PrecheckDetail) -> Self {
        let vcf::PrecheckDetail { kind, message, extra: fields } = detail;
        Self { type_: kind, message, extra: extra(fields.0) }
    }
}

impl From<vcf::SddcManagerOidc> for wit::SddcManagerOidc {
    fn from(oidc: vcf::SddcManagerOidc) -> Self {
        let vcf::SddcManagerOidc {
            oidc_client_id,
            oidc_authorization_endpoint,
            oidc_end_session_endpoint,
            idp_type,
            source,
            extra: fields,
        } = oidc;
        Self {
            oidc_client_id,
            oidc_authorization_endpoint,
            oidc_end_session_endpoint,
            idp_type,
            source,
            extra: extra(fields.0),
        }
    }
}

impl From<vcf::ChangeOutcome> for wit::ChangeOutcome {
    fn from(outcome: vcf::ChangeOutcome) -> Self {
        let vcf::ChangeOutcome {
            outcome,
            dry_run,
            id,
            domain_name,
            message,
            changes,
            secrets_compared,
            not_compared,
            certificates,
            verified,
            omitted,
            remaining,
            removed,
            etag,
        } = outcome;
        Self {
            outcome: outcome.map(Into::into),
            dry_run,
            id,
            domain_name,
            message,
            changes: changes.map(each),
            secrets_compared,
            not_compared,
            verified,
            omitted: each(omitted),
            remaining: remaining.map(each),
            removed,
            etag,
            certificates: each(certificates),
        }
    }
}

impl From<vcf::Outcome> for wit::Outcome {
    fn from(outcome: vcf::Outcome) -> Self {
        match outcome {
            vcf::Outcome::Created => Self::Created,
            vcf::Outcome::Updated => Self::Updated,
            vcf::Outcome::Unchanged => Self::Unchanged,
            vcf::Outcome::Replaced => Self::Replaced,
        }
    }
}

impl From<vcf::Change> for wit::FieldChange {
    fn from(vcf::Change { pointer, from, to }: vcf::Change) -> Self {
        Self { pointer, from: from.map(|value| value.to_string()), to: to.map(|value| value.to_string()) }
    }
}

impl From<vcf::CertificateFacts> for wit::CertificateFacts {
    fn from(facts: vcf::CertificateFacts) -> Self {
        let vcf::CertificateFacts { pointer, subject, not_after, expires_in_days, warning } = facts;
        Self { pointer, subject, not_after, expires_in_days: signed(expires_in_days), warning }
    }
}

impl From<Applied> for wit::Applied {
    fn from(applied: Applied) -> Self {
        let Applied { dry_run, steps, change, .. } = applied;
        Self { dry_run, steps: each(steps), change: change.map(Into::into) }
    }
}

impl From<Step> for wit::Step {
    fn from(Step { step, object, outcome, detail, .. }: Step) -> Self {
        let step = match step {
            StepName::Precheck => wit::StepName::Precheck,
            StepName::Ensure => wit::StepName::Ensure,
            StepName::Verify => wit::StepName::Verify,
            StepName::Roles => wit::StepName::Roles,
        };
        Self { step, object, outcome: outcome.into(), detail }
    }
}

impl From<StepOutcome> for wit::StepOutcome {
    fn from(outcome: StepOutcome) -> Self {
        match outcome {
            StepOutcome::Created => Self::Created,
            StepOutcome::Updated => Self::Updated,
            StepOutcome::Removed => Self::Removed,
            StepOutcome::Unchanged => Self::Unchanged,
            StepOutcome::Passed => Self::Passed,
            StepOutcome::WouldCreate => Self::WouldCreate,
            StepOutcome::WouldUpdate => Self::WouldUpdate,
            StepOutcome::WouldRemove => Self::WouldRemove,
            StepOutcome::Failed => Self::Failed,
            StepOutcome::Skipped => Self::Skipped,
        }
    }
}
