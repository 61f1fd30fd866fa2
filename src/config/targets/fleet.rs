//! The settings of a VCF Operations target.

use serde::Deserialize;

use super::{At, Settings, required, url};
use crate::config::{Reader, credential};
use crate::fleet;
use crate::secret::Secret;

/// One VCF Operations. It logs in with an account or with an API token.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename_all = "camelCase"))]
pub struct FleetSettings {
    /// `https://host[:port]`, no path.
    #[cfg_attr(feature = "contract", schemars(required))]
    pub url: Option<String>,
    /// An account that is not of VCF single sign-on.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The name of the account's source in VCF Operations, such as `local`; without it, the server's default.
    #[serde(alias = "authSource")]
    pub auth_source: Option<String>,
    /// An API token, in place of an account.
    #[serde(alias = "apiToken")]
    pub api_token: Option<Secret>,
    /// The identity broker that exchanges the API token; without it, VCF Operations is asked for it.
    #[serde(alias = "brokerUrl")]
    pub broker_url: Option<String>,
}

impl Settings for FleetSettings {
    const KIND: &'static str = "fleet";
    const PREFIX: &'static str = "fleet_";
    type Target = fleet::Target;

    fn plain(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.url("fleet_url")?;
        Some(Self {
            url: Some(url),
            username: reader.text("fleet_username"),
            password: reader.text("fleet_password").map(Secret::new),
            auth_source: reader.text("fleet_auth_source"),
            api_token: reader.text("fleet_api_token").map(Secret::new),
            broker_url: reader.url("fleet_broker_url"),
        })
    }

    fn target(self, name: String, place: &At, reader: &mut Reader<'_>) -> Option<fleet::Target> {
        let at = |field: &str| place.field(field);
        // Hidden first, so that no message about another field shows them.
        self.password.iter().chain(&self.api_token).for_each(|secret| reader.hide(secret.expose()));
        let address = url(self.url, reader, at("url"));
        let username = credential::name(self.username, at("username"), reader);
        let password = credential::secret(self.password, at("password"), reader);
        let auth_source = credential::name(self.auth_source, at("auth_source"), reader);
        let token = credential::secret(self.api_token, at("api_token"), reader);
        let broker = self.broker_url.filter(|url| !url.trim().is_empty());
        let credentials = match (username, token) {
            (Some(_), Some(_)) => {
                reader.problem(
                    at("api_token"),
                    "is set beside the username; remove one of them, idhook logs in with the other",
                );
                None
            }
            (None, Some(token)) => {
                for (field, is_set) in [("password", password.is_some()), ("auth_source", auth_source.is_some())] {
                    if is_set {
                        reader.problem(at(field), "is set beside api_token; remove it, or log in with an account");
                    }
                }
                match broker {
                    Some(broker) => {
                        let broker = url(Some(broker), reader, at("broker_url"));
                        broker.map(|broker| fleet::Credentials::ApiToken { token, broker: Some(broker) })
                    }
                    None => Some(fleet::Credentials::ApiToken { token, broker: None }),
                }
            }
            (Some(username), None) => {
                if broker.is_some() {
                    let fault = "is set without api_token; remove it, or log in with an API token";
                    reader.problem(at("broker_url"), fault);
                }
                let password = required(password, reader, at("password"));
                password.map(|password| fleet::Credentials::Account { username, password, auth_source })
            }
            (None, None) => {
                let fault = "is not set, nor is api_token, so idhook cannot log in; set one of them";
                reader.problem(at("username"), fault);
                None
            }
        };
        Some(fleet::Target { url: address?, credentials: credentials?, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn fleet_logs_in_with_an_account_or_with_an_api_token() {
        let with = |more: &[(&'static str, &'static str)]| {
            let set = |name: &str| more.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            let keys = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["fleet:read"]}]"#;
            let config = Config::parse(|name| match name {
                "fleet_url" => Some("https://ops".to_owned()),
                "api_keys" => Some(keys.to_owned()),
                name => set(name),
            });
            let mut config = config.map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>())?;
            Ok::<_, Vec<String>>(config.fleet.remove("default").unwrap().credentials.clone())
        };
        let account = [("fleet_username", "svc"), ("fleet_password", "p"), ("fleet_auth_source", "local")];
        let token = [("fleet_api_token", "t"), ("fleet_broker_url", "https://vidb")];
        assert!(matches!(with(&account).unwrap(), fleet::Credentials::Account { .. }));
        assert!(matches!(with(&token).unwrap(), fleet::Credentials::ApiToken { .. }));
        for (beside, names) in [
            (&account[..1], &["fleet_api_token"] as &[&str]),
            (&account[1..2], &["fleet_password"]),
            (&account[1..], &["fleet_password", "fleet_auth_source"]),
        ] {
            let found = with(&[&token[..], beside].concat()).unwrap_err();
            assert_eq!(found.len(), names.len(), "{found:?}");
            assert!(names.iter().zip(&found).all(|(name, line)| line.starts_with(name)), "{found:?}");
        }
        assert!(with(&[&account[..], &token[1..]].concat()).is_err(), "a broker requires an API token");
        assert!(with(&[]).is_err());
    }
}
