//! `…/api-clients`, `…/api-tokens` and the roles of a client, as far as making and checking an API token requires them.

use super::paging::Page;
use super::search::Search;
use super::state::{Rights, State, id_in_path};
use super::{Fleet, checked, errors, json};
use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use http::StatusCode;
use serde_json::{Value, json};

/// The role that has all rights here.
pub(super) const ADMINISTRATOR: &str = "vcf_administrator";

/// The fields of a query.
const FIELDS: [&str; 7] =
    ["CLIENT_NAME", "CLIENT_ID", "TOKEN_NAME", "PRINCIPAL_NAME", "ROLES", "ROLE_NAME", "ROLE_DISPLAY_NAME"];

/// A client of the API.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(super) realm: String,
    pub(super) uuid: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    /// `VcfRoleAssignment`s
    pub(super) roles: Vec<Value>,
}

/// An API token of a client.
#[derive(Clone, Debug)]
pub(crate) struct ApiToken {
    pub(super) realm: String,
    pub(crate) id: String,
    /// The id of its client.
    pub(super) client: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) secret: String,
    /// Minutes.
    pub(super) ttl: u64,
    /// The lifetime of its access tokens in minutes.
    pub(super) access_ttl: u64,
    pub(super) created: u64,
    pub(crate) expires: u64,
    pub(super) used: Option<u64>,
}

impl Client {
    fn json(&self) -> Value {
        json!({
            "clientId": self.id,
            "clientUuid": self.uuid,
            "clientName": self.name,
            "clientDescription": self.description,
            "roles": self.roles,
        })
    }

    fn role_names(&self) -> Vec<String> {
        let name = |role: &Value| role.get("roleName").and_then(Value::as_str).map(str::to_owned);
        self.roles.iter().filter_map(name).collect()
    }
}

impl ApiToken {
    /// The form in responses; the token itself is returned once.
    fn json(&self, state: &State, ask: &Ask, with_token: bool) -> Value {
        let last: String = self.secret.chars().skip(self.secret.chars().count().saturating_sub(5)).collect();
        let mut body = json!({
            "id": self.id,
            "apiClientId": self.client,
            "tokenName": self.name,
            "tokenDescription": self.description,
            "apiTokenTtl": self.ttl,
            "accessTokenTtl": self.access_ttl,
            "tokenType": "API_CLIENT",
            "tokenLastChars": last,
            "principalName": self.client,
            "principalStatus": "ACTIVE",
            "creationDate": self.created,
            "expirationDate": self.expires,
            "tokenStatus": if self.expires > clock::now() { "ACTIVE" } else { "EXPIRED" },
            "tokenEndpointUrl": format!("{}/token", state.tenant(ask)),
            "oidcIssuerUrl": state.tenant(ask),
        });
        if let Value::Object(fields) = &mut body {
            if let Some(used) = self.used {
                fields.insert("lastUsedDate".to_owned(), json!(used));
            }
            if with_token {
                fields.insert("token".to_owned(), json!(self.secret));
            }
        }
        body
    }
}

impl State {
    /// The client and the rights behind a living API token.
    pub(super) fn exchange(&mut self, secret: &str, now: u64) -> Option<(String, Rights)> {
        let token = self.api_tokens.iter_mut().find(|token| token.secret == secret && token.expires > now)?;
        token.used = Some(now);
        let client = self.clients.iter().find(|client| client.id == token.client && client.realm == token.realm)?;
        let is_administrator = client.role_names().iter().any(|role| role == ADMINISTRATOR);
        Some((client.id.clone(), if is_administrator { Rights::All } else { Rights::None }))
    }

    fn api_token(&self, ask: &Ask) -> Result<usize, Reply> {
        let realm = &self.realm(ask)?.id;
        let id = id_in_path(ask, "apiTokenId")?;
        let at = self.api_tokens.iter().position(|token| token.realm == *realm && token.id == id);
        at.ok_or_else(|| errors::unknown(self.settings.unknown_id, "apiTokenId"))
    }

    fn client(&mut self, realm: &str, is: impl Fn(&Client) -> bool, name: &str) -> Result<&mut Client, Reply> {
        let unknown = self.settings.unknown_id;
        let client = self.clients.iter_mut().find(|client| client.realm == realm && is(client));
        client.ok_or_else(|| errors::unknown(unknown, name))
    }
}

/// `POST …/api-clients`
pub(super) fn create_client(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let realm = state.realm(ask)?.id.clone();
    let body = checked(ask, state.settings.version, "ApiClient")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let client = Client {
        uuid: clock::uuid(),
        id: text("clientId"),
        name: text("clientName"),
        description: text("clientDescription"),
        roles: Vec::new(),
        realm,
    };
    if state.clients.iter().any(|known| known.realm == client.realm && known.id == client.id) {
        return Err(errors::conflict(
            &state.settings,
            "api.client.already.exists",
            "There is a client with this id already.",
        ));
    }
    let body = client.json();
    state.clients.push(client);
    Ok(json(StatusCode::CREATED, &body))
}

/// `POST …/api-clients/query`
pub(super) fn query_clients(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let page = Page::of(ask, &state, false, &[])?;
    let realm = &state.realm(ask)?.id;
    let body = checked(ask, state.settings.version, "ClientTokenQuery")?;
    let search = Search::terms(&body, &state.settings, "field", &FIELDS)?;
    let found = state.clients.iter().filter(|client| {
        client.realm == *realm
            && search.matches(|field| match field {
                "CLIENT_ID" | "PRINCIPAL_NAME" => vec![client.id.clone()],
                "CLIENT_NAME" => vec![client.name.clone()],
                "ROLES" | "ROLE_NAME" => client.role_names(),
                _ => Vec::new(),
            })
    });
    let rows: Vec<Value> = found.map(Client::json).collect();
    Ok(json(StatusCode::OK, &page.cut("apiClients", &rows)))
}

/// `GET …/api-clients/{clientId}`
pub(super) fn client(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let realm = state.realm(ask)?.id.clone();
    let id = ask.param("clientId");
    Ok(json(StatusCode::OK, &state.client(&realm, |client| client.id == id, "clientId")?.json()))
}

/// `GET …/principals/{principalId}/roles`, for clients.
pub(super) fn roles(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.reader(ask)?;
    let realm = state.realm(ask)?.id.clone();
    let id = id_in_path(ask, "principalId")?;
    let client = state.client(&realm, |client| client.uuid == id, "principalId")?;
    Ok(json(StatusCode::OK, &json!({"vcfRoleAssignments": client.roles})))
}

/// `PUT …/principals/{principalId}/roles`, for clients: replaces all.
pub(super) fn assign(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let realm = state.realm(ask)?.id.clone();
    let id = id_in_path(ask, "principalId")?;
    let body = checked(ask, state.settings.version, "VcfRoleAssignments")?;
    let client = state.client(&realm, |client| client.uuid == id, "principalId")?;
    client.roles = body.get("vcfRoleAssignments").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(Reply::empty(StatusCode::OK))
}

/// `POST …/api-tokens`
pub(super) fn create(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let realm = state.realm(ask)?.id.clone();
    let body = checked(ask, state.settings.version, "ApiToken")?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str, default: u64| body.get(name).and_then(Value::as_u64).unwrap_or(default);
    let client = text("apiClientId");
    state.client(&realm, |known| known.id == client, "apiClientId")?;
    let limit = |name: &str| state.iam_settings.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (ttl, access_ttl) =
        (number("apiTokenTtl", limit("apiTokenTtl")), number("accessTokenTtl", limit("accessTokenTtl")));
    if !(43_200..=259_200).contains(&ttl) {
        return Err(errors::invalid_body("apiTokenTtl", "is not between 43200 and 259200"));
    }
    if !(30..=480).contains(&access_ttl) {
        return Err(errors::invalid_body("accessTokenTtl", "is not between 30 and 480"));
    }
    let now = clock::now();
    let token = ApiToken {
        realm,
        id: clock::uuid(),
        client,
        name: text("tokenName"),
        description: text("tokenDescription"),
        secret: secret(),
        ttl,
        access_ttl,
        created: now,
        expires: now + ttl * 60_000,
        used: None,
    };
    let body = token.json(&state, ask, true);
    state.api_tokens.push(token);
    Ok(json(StatusCode::CREATED, &body))
}

fn secret() -> String {
    format!("planted-api-token-{:016x}", clock::unique())
}

/// `POST …/api-tokens/query`
pub(super) fn query(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let sorts = ["EXPIRATION_DATE", "CREATION_DATE", "LAST_USED_DATE", "ACCESS_TOKEN_TTL"];
    let page = Page::of(ask, &state, false, &sorts)?;
    let realm = &state.realm(ask)?.id;
    let body = checked(ask, state.settings.version, "ClientTokenQuery")?;
    let search = Search::terms(&body, &state.settings, "field", &FIELDS)?;
    let wanted = |name: &str, value: &Value| {
        let wanted = body.get("filters").and_then(|filters| filters.get(name)).and_then(Value::as_array);
        wanted.is_none_or(|wanted| wanted.contains(value))
    };
    let mut rows: Vec<Value> = Vec::new();
    for token in state.api_tokens.iter().filter(|token| token.realm == *realm) {
        let row = token.json(&state, ask, false);
        let fits = search.matches(|field| match field {
            "CLIENT_ID" | "PRINCIPAL_NAME" => vec![token.client.clone()],
            "TOKEN_NAME" => vec![token.name.clone()],
            _ => Vec::new(),
        });
        let value = |name: &str| row.get(name).cloned().unwrap_or_default();
        if fits && wanted("tokenStatus", &value("tokenStatus")) && wanted("tokenType", &value("tokenType")) {
            rows.push(row);
        }
    }
    page.sort(&mut rows, |row, by| {
        let name = match by {
            "EXPIRATION_DATE" => "expirationDate",
            "CREATION_DATE" => "creationDate",
            "LAST_USED_DATE" => "lastUsedDate",
            _ => "accessTokenTtl",
        };
        // Padded, so that texts sort like numbers.
        format!("{:020}", row.get(name).and_then(Value::as_u64).unwrap_or_default())
    });
    Ok(json(StatusCode::OK, &page.cut("apiTokens", &rows)))
}

/// `GET …/api-tokens/{apiTokenId}`
pub(super) fn one(fleet: &Fleet, ask: &Ask) -> Answer {
    let state = fleet.reader(ask)?;
    let at = state.api_token(ask)?;
    let body = state.api_tokens.get(at).map(|token| token.json(&state, ask, false)).unwrap_or_default();
    Ok(json(StatusCode::OK, &body))
}

/// `POST …/api-tokens/{apiTokenId}/regenerate`
pub(super) fn regenerate(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let at = state.api_token(ask)?;
    let now = clock::now();
    if let Some(token) = state.api_tokens.get_mut(at) {
        token.secret = secret();
        token.expires = now + token.ttl * 60_000;
    }
    let body = state.api_tokens.get(at).map(|token| token.json(&state, ask, true)).unwrap_or_default();
    Ok(json(StatusCode::OK, &body))
}

/// `DELETE …/api-tokens/{apiTokenId}`
pub(super) fn remove(fleet: &Fleet, ask: &Ask) -> Answer {
    let mut state = fleet.writer(ask)?;
    let at = state.api_token(ask)?;
    state.api_tokens.remove(at);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
