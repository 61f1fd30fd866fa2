//! `…/directories/{directoryId}/sync-client`: the OAuth client with which an identity provider provisions over SCIM.

use super::state::{Provider, id_in_path};
use super::{Fleet, checked, errors, json};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{FleetSettings, TokenExpiresAt};
use http::StatusCode;
use serde_json::{Value, json};

/// The default lifetime of a token in minutes: six months.
const DEFAULT_TTL: u64 = 262_800;

/// A sync client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    id: String,
    /// `None`: only the client was made.
    token: Option<String>,
    /// Minutes.
    ttl: u64,
    created: u64,
}

impl Client {
    fn json(&self, secret: Option<&str>, with_token: bool, settings: &FleetSettings) -> Value {
        let mut body = json!({"scimClientDetails": {"clientId": self.id, "tokenTtl": self.ttl}});
        let expires = match settings.providers.token_expires_at {
            TokenExpiresAt::Time => self.created + self.ttl * 60_000,
            TokenExpiresAt::Minutes => self.ttl,
        };
        if let (Some(secret), Some(Value::Object(details))) = (secret, body.pointer_mut("/scimClientDetails")) {
            details.insert("clientSecret".to_owned(), json!(secret));
        }
        if let (Some(token), true, Value::Object(fields)) = (&self.token, with_token, &mut body) {
            let details = json!({"accessToken": token, "tokenExpiresAt": expires});
            fields.insert("accessTokenDetails".to_owned(), details);
        }
        body
    }
}

/// `GET …/sync-client`
pub(super) fn read(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let settings = state.settings.clone();
    let provider = with_directory(state.provider(ask)?, ask, &settings)?;
    let client = provider.scim.as_ref().ok_or_else(|| errors::unknown(settings.unknown_id, "syncClient"))?;
    Ok(json(StatusCode::OK, &client.json(None, settings.providers.scim_get_shows_token, &settings)))
}

/// `POST …/sync-client`: a new client takes the place of the old one. Its secret is returned once.
pub(super) fn create(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let settings = state.settings.clone();
    let provider = with_directory(state.provider(ask)?, ask, &settings)?;
    let body = checked(ask, settings.version, "ScimTokenConfiguration")?;
    let with_token = body.get("generateToken") == Some(&Value::Bool(true));
    let ttl = body.get("tokenTtl").and_then(Value::as_u64).unwrap_or(DEFAULT_TTL);
    if ttl == 0 {
        return Err(errors::invalid_body("tokenTtl", "is 0"));
    }
    let client = Client {
        id: format!("syncClientId{:016x}", clock::unique()),
        token: with_token.then(|| format!("planted-scim-token-{:016x}", clock::unique())),
        ttl,
        created: clock::now(),
    };
    let secret = format!("planted-scim-secret-{:016x}", clock::unique());
    let body = client.json(Some(&secret), true, &settings);
    provider.scim = Some(client);
    Ok(json(StatusCode::CREATED, &body))
}

/// The provider if the directory in the path is its SCIM directory.
fn with_directory<'a>(
    provider: &'a mut Provider,
    ask: &Ask,
    settings: &FleetSettings,
) -> Result<&'a mut Provider, Reply> {
    let id = id_in_path(ask, "directoryId")?;
    let directory = provider.document.get("directories").and_then(|directories| directories.get(0));
    let known = directory.and_then(|directory| directory.get("id")).and_then(Value::as_str);
    if !known.is_some_and(|known| known.eq_ignore_ascii_case(id)) {
        return Err(errors::unknown(settings.unknown_id, "directoryId"));
    }
    if provider.document.get("provisionType") != Some(&json!("SCIM")) {
        return Err(errors::rejected("scim.provisioning.required", "The provider does not provision over SCIM."));
    }
    Ok(provider)
}
