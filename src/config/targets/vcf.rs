//! The settings of an SDDC Manager target.

use serde::Deserialize;

use super::{At, Settings, required, url};
use crate::config::{Reader, credential};
use crate::secret::Secret;
use crate::vcf;

/// One SDDC Manager. It logs in with an account or with a refresh token.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename_all = "camelCase"))]
pub struct VcfSettings {
    /// `https://host[:port]`, no path.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub url: Option<String>,
    /// The account, as `user@domain`.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The id of a refresh token, in place of an account. It works until it expires, about 24 hours.
    #[serde(alias = "refreshToken")]
    pub refresh_token: Option<Secret>,
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
            refresh_token: reader.text("vcf_refresh_token").map(Secret::new),
        })
    }

    fn target(self, name: String, place: &At, reader: &mut Reader<'_>) -> Option<vcf::Target> {
        let at = |field: &str| place.field(field);
        // Hidden first, so that no message about another field shows them.
        self.password.iter().chain(&self.refresh_token).for_each(|secret| reader.hide(secret.expose()));
        let url = url(self.url, reader, at("url"));
        let username = credential::name(self.username, at("username"), reader);
        let password = credential::secret(self.password, at("password"), reader);
        let token = credential::secret(self.refresh_token, at("refresh_token"), reader);
        let credentials = match (username, password, token) {
            (None, None, Some(token)) => {
                let is_id = vcf::is_refresh_token(&token);
                if !is_id {
                    let fault = "is not the id of a refresh token; set refreshToken.id of the response to POST /v1/tokens, \
                                 without quotes";
                    reader.problem(at("refresh_token"), fault);
                }
                is_id.then_some(vcf::Credentials::RefreshToken(token))
            }
            (username, password, Some(_)) => {
                let other = match (username, password) {
                    (Some(_), Some(_)) => "username and password",
                    (Some(_), None) => "username",
                    (None, _) => "password",
                };
                let fault = format!(
                    "is set beside {other}; remove one of them: with an account idhook gets its own refresh tokens"
                );
                reader.problem(at("refresh_token"), fault);
                None
            }
            (None, None, None) => {
                let fault = "is not set, nor is refresh_token, so idhook cannot log in; set username and password, or refresh_token";
                reader.problem(at("username"), fault);
                None
            }
            (username, password, None) => {
                let username = required(username, reader, at("username"));
                if let Some(username) = username.as_deref().filter(|username| !has_domain(username)) {
                    let fault = ", which has no domain; use user@domain, such as administrator@vsphere.local";
                    reader.wrong(at("username"), username, fault);
                }
                let password = required(password, reader, at("password"));
                username.zip(password).map(|(username, password)| vcf::Credentials::Account { username, password })
            }
        };
        Some(vcf::Target { url: url?, credentials: credentials?, name })
    }
}

/// Whether an account is written as `user@domain`.
fn has_domain(username: &str) -> bool {
    username.rsplit_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
}
