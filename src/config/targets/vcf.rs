//! The settings of an SDDC Manager target.

use serde::Deserialize;

use super::{At, Settings, required, url};
use crate::config::error::ConfigError;
use crate::config::{Reader, credential};
use crate::secret::Secret;
use crate::vcf;

/// One SDDC Manager.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct VcfSettings {
    /// `https://host[:port]`, no path.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub url: Option<String>,
    /// The account, as `user@domain`.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub username: Option<String>,
    /// Its password.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub password: Option<Secret>,
}

impl VcfSettings {
    /// The target of these settings, with a name for errors.
    ///
    /// # Errors
    /// Every mistake, by field name.
    pub(crate) fn into_target(self, name: &str) -> Result<vcf::Target, Vec<ConfigError>> {
        self.alone(name)
    }
}

impl Settings for VcfSettings {
    const KIND: &'static str = "vcf";
    const PREFIX: &'static str = "vcf_";
    type Target = vcf::Target;

    fn plain(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.url("vcf_url")?;
        Some(Self {
            url: Some(url),
            username: reader.text("vcf_username"),
            password: reader.text("vcf_password").map(Secret::new),
        })
    }

    fn target(self, name: String, place: &At, reader: &mut Reader<'_>) -> Option<vcf::Target> {
        let at = |field: &str| place.field(field);
        self.password.iter().for_each(|secret| reader.hide(secret.expose()));
        let url = url(self.url, reader, at("url"));
        let username = required(credential::name(self.username, at("username"), reader), reader, at("username"));
        if let Some(username) = username.as_deref().filter(|username| !has_domain(username)) {
            let is = reader.is(username);
            reader.problem(
                at("username"),
                format!("{is}, which has no domain; use user@domain, such as administrator@vsphere.local"),
            );
        }
        let password = required(credential::secret(self.password, at("password"), reader), reader, at("password"));
        let credentials = vcf::Credentials { username: username?, password: password? };
        Some(vcf::Target { url: url?, credentials, name })
    }
}

/// Whether an account is written as `user@domain`.
fn has_domain(username: &str) -> bool {
    username.rsplit_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
}
