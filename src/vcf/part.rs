//! New values of single fields: a source's credentials or certificates, and the client secret of the external provider.
//!
//! SDDC Manager has no partial update (`PATCH` takes the whole specification) and returns no secrets. So the specification is
//! made from what it shows, the new value, and the secrets that the caller must send with it. What SDDC Manager does not show
//! must not be lost: the caller sends that as well, or the change is refused.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::model::{
    DirectoryList, FederatedIdentityProviderInfo, IdentityProvider, IdentitySource, LdapInfo, OidcInfo,
};
use super::names::DomainName;
use super::spec::{
    FederatedIdentityProviderSpec, IdentityProviderSpec, IdentitySourceSpec, LdapSpec, OidcSpec, SourceDetails,
};
use super::validate::OPTIONS;
use crate::certificate::{self, Form};
use crate::change::{Check, Checked, Extra, lenient};
use crate::error::FieldError;
use crate::json::escape;
use crate::redact::is_struck;
use crate::secret::Secret;

const CHAIN: &str = "/ldap/sourceDetails/certChain";

/// The fault of a missing bind password.
const PASSWORD: &str =
    "is required: SDDC Manager accepts only whole specifications and does not return the bind password";

/// The fault of missing certificates of LDAPS servers.
const CHAIN_HIDDEN: &str = "is required: an endpoint is ldaps://, but SDDC Manager does not return the present certificates, and an \
                            update without them would lose them";

/// New credentials of an identity source.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["password"])))]
pub struct NewCredentials {
    /// The new password of the account that reads the directory. Required.
    #[serde(deserialize_with = "lenient::secret")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub password: Option<Secret>,
    /// Another account: `user@domain`, `DOMAIN\user` or a distinguished name. By default the present one.
    #[serde(deserialize_with = "lenient::text")]
    pub username: Option<String>,
    /// The certificates of its LDAPS servers; required only if SDDC Manager does not return the present ones.
    #[serde(deserialize_with = "lenient::texts")]
    pub cert_chain: Option<Vec<String>>,
    /// Unknown fields, which are rejected.
    #[serde(flatten)]
    pub extra: Extra,
}

/// New certificates of an identity source's LDAPS servers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["certChain", "password"])))]
pub struct NewCertificates {
    /// The new certificates, in any form of a specification's `certChain`. Required.
    #[serde(deserialize_with = "lenient::texts")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub cert_chain: Option<Vec<String>>,
    /// Whether the present certificates stay beside them, during a rotation.
    #[serde(deserialize_with = "lenient::flag")]
    pub keep: bool,
    /// The present bind password. Required: SDDC Manager does not return it.
    #[serde(deserialize_with = "lenient::secret")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub password: Option<Secret>,
    /// Unknown fields, which are rejected.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A new client secret of the external provider.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["clientSecret", "certChain"])))]
pub struct NewClientSecret {
    /// The new secret of the OpenID Connect client. Required.
    #[serde(deserialize_with = "lenient::secret")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub client_secret: Option<Secret>,
    /// The root certificates of the external server, empty if it needs none. Required: SDDC Manager does not return them.
    #[serde(deserialize_with = "lenient::texts")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub cert_chain: Option<Vec<String>>,
    /// The present bind password. Required for a provider with a directory (AD FS): SDDC Manager does not return it.
    #[serde(deserialize_with = "lenient::secret")]
    pub password: Option<Secret>,
    /// The provider's kind as requests spell it. By default `AD_FS` for `Microsoft ADFS`, otherwise as SDDC Manager shows it.
    #[serde(deserialize_with = "lenient::text", rename = "type")]
    pub kind: Option<String>,
    /// Unknown fields, which are rejected.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An empty check, after the names in `extra` were rejected.
fn check(extra: &Extra, fields: &[&str], now: SystemTime) -> Check {
    let mut check = Check::new(Form::Base64OfPem, now).secret_missing(PASSWORD);
    check.options(&OPTIONS, extra);
    for name in extra.0.keys().filter(|name| !OPTIONS.contains(&name.as_str())) {
        check.wrong(format!("/{}", escape(name)), format!("is unknown; the fields are {}", fields.join(", ")));
    }
    check
}

impl Checked<NewCredentials> {
    /// Checks everything possible without the server, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(crate) fn to_set(new: NewCredentials, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let fields = ["password", "username", "certChain"];
        let mut check = check(&new.extra, &fields, now).secret_missing("is required and must not be blank");
        check.secret("/password", new.password.as_ref());
        check.chain("/certChain", new.cert_chain.as_ref());
        let certificates = check.done()?;
        Ok(Self::new(new, certificates))
    }

    /// The whole specification of the source `present` with these credentials.
    ///
    /// # Errors
    /// Every field that is missing or wrong, by its JSON Pointer in the request.
    pub(crate) fn in_source(
        &self,
        present: &IdentitySource,
        domain: &DomainName,
        now: SystemTime,
    ) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>> {
        let NewCredentials { password, username, cert_chain, extra: _ } = self.spec();
        with_password(present, domain, now, password, |ldap| {
            if username.is_some() {
                ldap.username.clone_from(username);
            }
            if let Some(details) = ldap.source_details.as_mut().filter(|_| cert_chain.is_some()) {
                details.cert_chain.clone_from(cert_chain);
            }
            if lacks_chain(ldap.source_details.as_ref()) {
                return Err(vec![FieldError::new("/certChain", CHAIN_HIDDEN)]);
            }
            Ok(usize::MAX)
        })
    }
}

impl Checked<NewCertificates> {
    /// As for [`NewCredentials`].
    pub(crate) fn to_set(new: NewCertificates, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let mut check = check(&new.extra, &["certChain", "keep", "password"], now);
        if new.cert_chain.as_ref().is_none_or(Vec::is_empty) {
            check.wrong("/certChain", "is required: at least one certificate");
        }
        check.chain("/certChain", new.cert_chain.as_ref());
        check.secret("/password", new.password.as_ref());
        let certificates = check.done()?;
        Ok(Self::new(new, certificates))
    }

    /// As for [`NewCredentials`].
    pub(crate) fn in_source(
        &self,
        present: &IdentitySource,
        domain: &DomainName,
        now: SystemTime,
    ) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>> {
        let NewCertificates { cert_chain, keep, password, extra: _ } = self.spec();
        with_password(present, domain, now, password, |ldap| {
            let mut chain = cert_chain.clone().unwrap_or_default();
            let sent = chain.len();
            let details = ldap.source_details.get_or_insert_default();
            if *keep {
                if details.cert_chain.is_none() || lacks_chain(Some(details)) {
                    let detail = "SDDC Manager does not return the present certificates, so they cannot be kept: send the present \
                                  and the new ones together in certChain, without keep";
                    return Err(vec![FieldError::new("/keep", detail)]);
                }
                let new = certificate::ders(&chain);
                let is_new = |entry: &String| {
                    certificate::ders(std::slice::from_ref(entry)).iter().any(|der| !new.contains(der))
                };
                chain.extend(details.cert_chain.iter().flatten().filter(|entry| is_new(entry)).cloned());
            }
            details.cert_chain = Some(chain);
            Ok(sent)
        })
    }
}

impl Checked<NewClientSecret> {
    /// As for [`NewCredentials`].
    pub(crate) fn to_set(new: NewClientSecret, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let fields = ["clientSecret", "certChain", "password", "type"];
        let mut check = check(&new.extra, &fields, now).secret_missing("is required and must not be blank");
        check.secret("/clientSecret", new.client_secret.as_ref());
        if new.cert_chain.is_none() {
            check.wrong(
                "/certChain",
                "is required: SDDC Manager does not return the root certificates of the external server, and an update \
                 without them may lose them; send [] if it has none",
            );
        }
        check.chain("/certChain", new.cert_chain.as_ref());
        let certificates = check.done()?;
        Ok(Self::new(new, certificates))
    }

    /// The whole specification of the external provider `present` with this secret.
    ///
    /// # Errors
    /// Every field that is missing or wrong, by its JSON Pointer in the request.
    pub(crate) fn in_provider(
        &self,
        present: &IdentityProvider,
        now: SystemTime,
    ) -> Result<Checked<IdentityProviderSpec>, Vec<FieldError>> {
        let NewClientSecret { client_secret, cert_chain, password, kind, extra: _ } = self.spec();
        let one = |pointer: &str, detail: &str| Err(vec![FieldError::new(pointer, detail)]);
        let mut spec = IdentityProviderSpec {
            name: present.name.clone(),
            kind: kind.clone().or_else(|| present.kind.as_deref().map(|kind| as_sent(kind).to_owned())),
            cert_chain: cert_chain.clone(),
            extra: shown("", &present.extra)?,
            ..IdentityProviderSpec::default()
        };
        if let Some(federated) = &present.fed_idp {
            spec.fed_idp_spec = Some(federated_spec(federated, client_secret)?);
        } else if let Some(oidc) = &present.oidc {
            spec.oidc = Some(oidc_spec("/oidc", oidc, client_secret)?);
            spec.ldap = present.ldap.as_ref().map(ldap_spec).transpose()?;
        } else {
            return one("", "this provider has no OpenID Connect client, so it has no client secret");
        }
        match (&mut spec.ldap, password) {
            (Some(_), None) => return one("/password", PASSWORD),
            (Some(ldap), password) => {
                // The vendor's examples leave out the kind, which is shown as `Oidc`.
                ldap.kind = ldap.kind.take().filter(|kind| !kind.eq_ignore_ascii_case("Oidc"));
                ldap.password.clone_from(password);
                if lacks_chain(ldap.source_details.as_ref()) {
                    let detail = "SDDC Manager does not return the certificates of this provider's LDAPS servers, and an update without \
                                  them would lose them; send the whole specification with PUT and force=true";
                    return one("", detail);
                }
            }
            (None, Some(_)) => return one("/password", "this provider has no directory with a bind password; omit it"),
            (None, None) => {}
        }
        Checked::<IdentityProviderSpec>::to_update(spec, now).map_err(|faults| in_request(faults, usize::MAX))
    }
}

/// The kind of a provider as requests spell it: the vendor's own samples (PowerVCF) send `AD_FS` for what its responses call
/// `Microsoft ADFS`.
fn as_sent(kind: &str) -> &str {
    if kind.eq_ignore_ascii_case("Microsoft ADFS") { "AD_FS" } else { kind }
}

/// The whole specification that the source `present` shows, with its password and one `change`. The change returns how many
/// certificates at the beginning of the chain came with the request.
fn with_password(
    present: &IdentitySource,
    domain: &DomainName,
    now: SystemTime,
    password: &Option<Secret>,
    change: impl FnOnce(&mut LdapSpec) -> Result<usize, Vec<FieldError>>,
) -> Result<Checked<IdentitySourceSpec>, Vec<FieldError>> {
    let mut ldap = present.ldap.as_ref().map(ldap_spec).transpose()?.unwrap_or_default();
    ldap.kind = ldap.kind.or_else(|| present.kind.clone());
    ldap.domain_name.get_or_insert_with(|| domain.as_str().to_owned());
    ldap.password.clone_from(password);
    let sent = change(&mut ldap)?;
    let spec = IdentitySourceSpec { name: present.name.clone(), ldap: Some(ldap), extra: shown("", &present.extra)? };
    Checked::<IdentitySourceSpec>::to_update(spec, now).map_err(|faults| in_request(faults, sent))
}

fn ldap_spec(info: &LdapInfo) -> Result<LdapSpec, Vec<FieldError>> {
    let LdapInfo { kind, domain_name, domain_alias, username, source_details, extra } = info;
    if let Some(details) = source_details {
        shown("/ldap/sourceDetails", &details.extra)?;
    }
    Ok(LdapSpec {
        kind: kind.clone(),
        domain_name: domain_name.clone(),
        domain_alias: domain_alias.clone(),
        username: username.clone(),
        password: None,
        source_details: source_details.clone(),
        extra: shown("/ldap", extra)?,
    })
}

fn oidc_spec(at: &str, info: &OidcInfo, secret: &Option<Secret>) -> Result<OidcSpec, Vec<FieldError>> {
    Ok(OidcSpec {
        client_id: info.client_id.clone(),
        client_secret: secret.clone(),
        discovery_endpoint: info.discovery_endpoint.clone(),
        extra: shown(at, &info.extra)?,
    })
}

fn federated_spec(
    info: &FederatedIdentityProviderInfo,
    secret: &Option<Secret>,
) -> Result<FederatedIdentityProviderSpec, Vec<FieldError>> {
    let directory = match &info.directory_list {
        Some(DirectoryList::One(one)) => Some((**one).clone()),
        Some(DirectoryList::Many(many)) if many.len() > 1 => {
            let detail = "this provider has several directories, and an update holds only one: change it in SDDC Manager's user interface";
            return Err(vec![FieldError::new("", detail)]);
        }
        Some(DirectoryList::Many(many)) => many.first().cloned(),
        None => None,
    };
    if let Some(directory) = &directory {
        shown("/fedIdpSpec/directory", &directory.extra)?;
    }
    Ok(FederatedIdentityProviderSpec {
        name: info.name.clone(),
        directory,
        oidc_spec: info.oidc_info.as_ref().map(|oidc| oidc_spec("/fedIdpSpec/oidcSpec", oidc, secret)).transpose()?,
        sync_client_token_ttl: info.sync_client_token_ttl,
        extra: shown("/fedIdpSpec", &info.extra)?,
    })
}

/// Fields that this version does not know, sent as they are shown; a secret among them is not shown and must not be lost.
fn shown(at: &str, extra: &Extra) -> Result<Extra, Vec<FieldError>> {
    let hidden = extra.0.iter().find(|(_, value)| is_hidden(value));
    hidden.map_or_else(
        || Ok(extra.clone()),
        |(name, _)| {
            let detail = format!(
                "SDDC Manager has a secret in {at}/{}, which idhook cannot send back: send the whole specification with PATCH",
                escape(name)
            );
            Err(vec![FieldError::new("", detail)])
        },
    )
}

fn is_hidden(value: &Value) -> bool {
    match value {
        Value::String(text) => is_struck(text),
        Value::Array(items) => items.iter().any(is_hidden),
        Value::Object(fields) => fields.values().any(is_hidden),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether certificates are needed and missing.
fn lacks_chain(details: Option<&SourceDetails>) -> bool {
    let Some(details) = details else { return false };
    let is_tls = |endpoint: &String| endpoint.trim_start().to_ascii_lowercase().starts_with("ldaps:");
    let has_chain = details.cert_chain.as_ref().is_some_and(|chain| !chain.is_empty());
    !has_chain && details.server_endpoints.iter().flatten().any(is_tls)
}

/// Faults of the whole specification as faults of the request, of whose chain the first `sent` entries came with it. The
/// others are in what SDDC Manager shows.
fn in_request(faults: Vec<FieldError>, sent: usize) -> Vec<FieldError> {
    let own = |FieldError { pointer, detail, .. }: FieldError| {
        let place = match pointer.as_str() {
            "/ldap/password" => "/password",
            "/ldap/username" => "/username",
            "/oidc/clientSecret" | "/fedIdpSpec/oidcSpec/clientSecret" => "/clientSecret",
            "/type" => "/type",
            at if at == "/certChain" || at.starts_with("/certChain/") => at,
            at => match at.strip_prefix(CHAIN) {
                Some(entry) if entry.trim_start_matches('/').parse().is_ok_and(|at: usize| at >= sent) => {
                    return FieldError::new("/keep", format!("cannot be true: of the present certificates, {detail}"));
                }
                Some(entry) => return FieldError::new(format!("/certChain{entry}"), detail),
                None => {
                    let detail =
                        format!("{at}, as SDDC Manager shows it, {detail}; send the whole specification with PUT");
                    return FieldError::new("", detail);
                }
            },
        };
        FieldError::new(place, detail)
    };
    faults.into_iter().map(own).collect()
}

#[cfg(test)]
mod tests;
