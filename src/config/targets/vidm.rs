//! The settings of a vIDM target.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{At, Settings, required, url};
use crate::config::error::Place;
use crate::config::{Reader, credential, variables};
use crate::secret::Secret;
use crate::vidm;

/// One vIDM target; the field names are those of the plain variables without their prefix, or the same in camel case. Which login it is
/// follows from what is there.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename_all = "camelCase"))]
pub struct VidmSettings {
    /// `https://host[:port]`, no path.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub url: Option<String>,
    /// The tenant, where it is in the path (`/SAAS/t/{tenant}`); without it, it is in the host name.
    pub tenant: Option<String>,
    /// A local (System Domain) administrator for the system login; with `domain`, an account of that domain.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Domain of the account, for the OAuth password grant; needs the OAuth client too.
    pub domain: Option<String>,
    /// OAuth client: client credentials, or the password grant with a `username`.
    #[serde(alias = "clientId")]
    pub client_id: Option<String>,
    /// Its shared secret.
    #[serde(alias = "clientSecret")]
    pub client_secret: Option<Secret>,
    /// Word before a token of the system login: `HZN` (default) or `Bearer`.
    #[serde(alias = "authorizationScheme")]
    pub authorization_scheme: Option<String>,
    /// Media types: `horizon` (default) or `json` (Omnissa Access).
    pub profile: Option<String>,
    /// Sync call: `auto` (default), `classic` or `v2`.
    #[serde(alias = "syncApi")]
    pub sync_api: Option<String>,
    /// Path templates that differ from the profile's, by name.
    pub paths: BTreeMap<String, String>,
    /// Media types that differ from the profile's, by name.
    #[serde(alias = "mediaTypes")]
    pub media_types: BTreeMap<String, String>,
}

impl Settings for VidmSettings {
    const KIND: &'static str = "vidm";
    const PREFIX: &'static str = "vidm_";
    type Target = vidm::Target;

    fn plain(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.url("vidm_url")?;
        Some(Self {
            url: Some(url),
            tenant: reader.text("vidm_tenant"),
            username: reader.text("vidm_username"),
            password: reader.text("vidm_password").map(Secret::new),
            domain: reader.text("vidm_domain"),
            client_id: reader.text("vidm_client_id"),
            client_secret: reader.text("vidm_client_secret").map(Secret::new),
            authorization_scheme: reader.text("vidm_authorization_scheme"),
            profile: reader.text("vidm_profile"),
            sync_api: reader.text("vidm_sync_api"),
            ..Self::default()
        })
    }

    fn target(self, name: String, place: &At, reader: &mut Reader<'_>) -> Option<vidm::Target> {
        let at = |field: &str| place.field(field);
        // Hidden first, so that no message about another field shows them.
        self.password.iter().chain(&self.client_secret).for_each(|secret| reader.hide(secret.expose()));
        let dialect = self.dialect(&at, reader);
        let sync_api = reader.choice(self.sync_api.as_deref(), &variables::SYNC_API, at("sync_api"));
        let tenant = credential::name(self.tenant.clone(), at("tenant"), reader);
        let is_visible = |text: &&String| !text.chars().any(|c| c.is_control() || credential::is_invisible(c));
        if let Some(tenant) = tenant.as_ref().filter(is_visible) {
            if tenant.contains(['/', '\\']) {
                let fault = ", with a slash in it; use only the tenant's name, the NAME in /SAAS/t/NAME";
                reader.wrong(at("tenant"), tenant, fault);
            } else if tenant.contains(|c: char| c.is_whitespace() || "?#%:@".contains(c)) {
                reader.wrong(at("tenant"), tenant, ", which is not a tenant name; use the NAME in /SAAS/t/NAME");
            }
        }
        let url = url(self.url.clone(), reader, at("url"));
        let credentials = self.credentials(&at, reader);
        Some(vidm::Target { url: url?, tenant, credentials: credentials?, dialect, sync_api, name })
    }

    /// Parts of another login than the one that the rest describes. A program that passes them means something else than it gets.
    fn contradictions(&self, reader: &mut Reader<'_>) {
        let is_set = |value: &Option<String>| value.as_deref().is_some_and(|value| !value.trim().is_empty());
        let holds = |secret: &Option<Secret>| secret.as_ref().is_some_and(|secret| !secret.is_empty());
        let (username, client_id) = (is_set(&self.username), is_set(&self.client_id));
        let mut contradicts = |is_wrong: bool, field: &str, detail: &str| {
            if is_wrong {
                reader.problem(field, detail);
            }
        };
        let only_local = "is only for a local administrator; remove it, or log in with username and password alone";
        contradicts(client_id && is_set(&self.authorization_scheme), "authorization_scheme", only_local);
        let no_client = "is set without the client_id; remove it, or set the client_id and the domain as well";
        contradicts(
            username && !client_id && !is_set(&self.domain) && holds(&self.client_secret),
            "client_secret",
            no_client,
        );
        let no_user = "is set without the username; remove it, or set username, password and domain";
        contradicts(!username && client_id && holds(&self.password), "password", no_user);
        contradicts(!username && client_id && is_set(&self.domain), "domain", no_user);
    }
}

impl VidmSettings {
    fn dialect(&self, at: &dyn Fn(&str) -> Place, reader: &mut Reader<'_>) -> vidm::Dialect {
        let named = match self.profile.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => vidm::Dialect::named(&name.to_ascii_lowercase()),
            None => Some(vidm::Dialect::default()),
        };
        if named.is_none() {
            reader.unknown(at("profile"), self.profile.as_deref().unwrap_or_default().trim(), variables::PROFILES);
        }
        named.unwrap_or_default().with(&self.paths, &self.media_types).unwrap_or_else(|why| {
            reader.problem(at("profile"), why);
            vidm::Dialect::default()
        })
    }

    /// The fields that are set decide which login is used.
    fn credentials(self, at: &dyn Fn(&str) -> Place, reader: &mut Reader<'_>) -> Option<vidm::Credentials> {
        let username = credential::name(self.username, at("username"), reader);
        let domain = credential::name(self.domain, at("domain"), reader);
        let client_id = credential::name(self.client_id, at("client_id"), reader);
        let password = credential::secret(self.password, at("password"), reader);
        let client_secret = credential::secret(self.client_secret, at("client_secret"), reader);
        match (username, domain, client_id) {
            (Some(username), None, None) => {
                let scheme = self.authorization_scheme.as_deref();
                let scheme = reader.choice(scheme, &variables::AUTHORIZATION_SCHEME, at("authorization_scheme"));
                let password = required(password, reader, at("password"))?;
                Some(vidm::Credentials::System { username, password, scheme })
            }
            (None, _, Some(id)) => {
                let secret = required(client_secret, reader, at("client_secret"))?;
                Some(vidm::Credentials::Client { id, secret })
            }
            (Some(username), domain, client_id) => {
                // A domain account logs in through an OAuth client; all five fields are required.
                let domain = required(domain, reader, at("domain"));
                let client_id = required(client_id, reader, at("client_id"));
                let client_secret = required(client_secret, reader, at("client_secret"));
                let password = required(password, reader, at("password"));
                Some(vidm::Credentials::Password {
                    client_id: client_id?,
                    client_secret: client_secret?,
                    username,
                    password: password?,
                    domain: domain?,
                })
            }
            (None, _, None) => {
                reader
                    .problem(at("username"), "is not set, nor is client_id, so idhook cannot log in; set one of them");
                None
            }
        }
    }
}
