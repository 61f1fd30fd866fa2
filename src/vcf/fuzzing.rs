//! Entry points for fuzzers: SDDC Manager's responses.

use super::names::{DomainName, ProviderId};
use super::tokens::{Create, Form, Refresh};
use super::{identity_broker, identity_providers, roles, sddc_managers, sso_domains, users, wsas};
use crate::secret::Secret;
use crate::upstream::fuzzing::{has_no_secrets, read};

/// Lists of identity providers, and one of them: nothing shown is a secret.
pub(crate) fn providers(input: &[u8]) {
    let Ok(id) = ProviderId::parse("p") else { return };
    read(&identity_providers::List, input).iter().for_each(has_no_secrets);
    read(&identity_providers::Get { id: &id }, input).iter().for_each(has_no_secrets);
}

/// Logins: tokens and nothing else.
pub(crate) fn tokens(input: &[u8]) {
    let secret = Secret::new("pw");
    read(&Create { username: "u", password: &secret }, input);
    if let Some(token) = read(&Refresh { refresh_token: &secret, form: Form::Quoted }, input) {
        assert!(http::HeaderValue::from_str(token.expose()).is_ok(), "a token that fits into no header");
    }
}

/// All other responses.
pub(crate) fn answers(input: &[u8]) {
    let (Ok(id), Ok(domain)) = (ProviderId::parse("p"), DomainName::parse("vsphere.local")) else { return };
    read(&identity_broker::GenerateSyncClientToken { id: &id, lifetime: None }, input);
    read(&identity_broker::Prechecks { kind: None }, input).iter().for_each(has_no_secrets);
    read(&identity_broker::SddcManagerOidcInfo, input);
    read(&roles::List, input);
    read(&sddc_managers::List, input).iter().for_each(has_no_secrets);
    read(&sso_domains::List, input);
    read(&sso_domains::Entities { domain: &domain, name: "a" }, input);
    read(&users::List, input);
    read(&wsas::List, input);
}
