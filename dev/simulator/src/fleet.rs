//! VCF Operations and the identity broker of VCF 9, as far as identity work requires them.
//!
//! The facts come from the vendor's OpenAPI documents 9.1.0.0 and 9.1.1.0 (vcf-api-specs), its Python clients, and posts by
//! users of the API. Where the real behaviour is unknown there is a setting in [`FleetSettings`].

mod api_tokens;
mod broker;
mod directories;
mod errors;
mod iam_settings;
mod login;
mod lookup;
mod members;
mod paging;
mod principals;
mod profile;
mod providers;
mod realms;
mod saml;
mod scim_client;
mod search;
mod seed;
pub(crate) mod state;
pub(crate) mod sync;
mod tasks;
mod validation;

pub(crate) use principals::display_name;

use crate::clock;
use crate::contract::Contract;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::{FleetSettings, FleetVersion};
use crate::tokens::authorization;
use axum::Router;
use axum::extract::State as Extracted;
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde_json::{Map, Value};
use state::{Caller, Rights, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Both servers: VCF Operations and the broker.
#[derive(Debug)]
pub(crate) struct Fleet(Mutex<State>);

impl Fleet {
    pub(crate) fn new(settings: FleetSettings) -> Self {
        Self(Mutex::new(State::new(settings)))
    }

    /// Its current state: due runs are ended first.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }

    /// The response of VCF Operations to an expired token.
    pub(crate) fn expired(&self) -> Reply {
        errors::unauthorized(self.state().settings.unauthorized)
    }

    /// The broker's response to an expired or revoked API token.
    pub(crate) fn dead_api_token(&self) -> Reply {
        broker::dead(self.state().settings.dead_api_token)
    }

    /// The caller with a valid token, whose session is extended by the call; 401 otherwise.
    fn caller(&self, ask: &Ask) -> Result<(MutexGuard<'_, State>, Caller), Reply> {
        let mut state = self.state();
        let lifetime = clock::millis(state.settings.session_lifetime);
        let unauthorized = errors::unauthorized(state.settings.unauthorized);
        let accepts_bearers = state.settings.version >= FleetVersion::V9_1_0;
        let header = ask.header(header::AUTHORIZATION);
        let Some((scheme, token)) = authorization(header.as_deref()) else { return Err(unauthorized) };
        let now = clock::now();
        let caller = match scheme {
            "OpsToken" | "vRealizeOpsToken" => {
                let session = state.sessions.get_mut(token).filter(|session| session.expires > now);
                if let Some(session) = session {
                    session.expires = now + lifetime;
                    Some(session.clone())
                } else {
                    None
                }
            }
            "Bearer" if accepts_bearers => state.bearers.get(token).filter(|bearer| bearer.expires > now).cloned(),
            _ => None,
        };
        match caller {
            Some(caller) => Ok((state, caller)),
            None => Err(unauthorized),
        }
    }

    /// The state, for an identity call by a caller with these rights.
    fn iam(&self, ask: &Ask, rights: Rights) -> Result<MutexGuard<'_, State>, Reply> {
        if self.state().settings.version < FleetVersion::V9_1_0 {
            return Err(errors::no_such_path());
        }
        let (state, caller) = self.caller(ask)?;
        if state.settings.strict_accept && !wants_json(ask) {
            return Err(errors::not_acceptable());
        }
        let allowed = match rights {
            Rights::All => caller.rights == Rights::All,
            Rights::Read | Rights::None => caller.rights != Rights::None,
        };
        if allowed { Ok(state) } else { Err(errors::forbidden()) }
    }

    /// The state, for a call that changes nothing.
    fn reader(&self, ask: &Ask) -> Result<MutexGuard<'_, State>, Reply> {
        self.iam(ask, Rights::Read)
    }

    /// The state, for a call that changes something.
    fn writer(&self, ask: &Ask) -> Result<MutexGuard<'_, State>, Reply> {
        self.iam(ask, Rights::All)
    }
}

/// Whether Accept names JSON.
fn wants_json(ask: &Ask) -> bool {
    ask.header(header::ACCEPT).is_some_and(|accept| accept.to_ascii_lowercase().contains("application/json"))
}

/// A JSON response.
fn json(status: StatusCode, body: &Value) -> Reply {
    Reply::json(status, "application/json", body)
}

/// The body, which must be a JSON object.
fn object(ask: &Ask) -> Result<Map<String, Value>, Reply> {
    if ask.content_type().as_deref() != Some("application/json") {
        return Err(errors::unsupported_media_type());
    }
    match ask.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(errors::invalid_body("body", "is not a JSON object")),
    }
}

/// The body, which must have this schema.
fn checked(ask: &Ask, version: FleetVersion, schema: &str) -> Result<Map<String, Value>, Reply> {
    let body = object(ask)?;
    let violations =
        Contract::shared(version).map(|contract| contract.violations_of_body(schema, &ask.body)).unwrap_or_default();
    match violations.first() {
        None => Ok(body),
        Some(violation) => Err(errors::invalid_body(schema, violation)),
    }
}

/// 404 before this version.
fn since(state: &State, version: FleetVersion) -> Result<(), Reply> {
    if state.settings.version >= version { Ok(()) } else { Err(errors::no_such_path()) }
}

type Action = fn(&Fleet, &Ask) -> Answer;

/// All routes of VCF Operations.
pub(crate) fn router(fleet: Arc<Fleet>) -> Router {
    let on = |action: Action| {
        move |Extracted(fleet): Extracted<Arc<Fleet>>, ask: Ask| async move {
            // Some real errors have no status in the body.
            let irregular = |error: Reply| {
                if fleet.state().settings.irregular { error.without("httpStatusCode") } else { error }
            };
            action(&fleet, &ask).map_err(irregular)
        }
    };
    let api = |path: &str| format!("/suite-api/api{path}");
    let iam = |path: &str| format!("/suite-api/api/fleet-management/iam{path}");
    let provider = |path: &str| iam(&format!("/identity-providers/{{idpConfigId}}{path}"));
    let directory = |path: &str| provider(&format!("/ldap-directories/{{ldapDirectoryId}}{path}"));
    let realm = |path: &str| iam(&format!("/ssorealms/{{ssoRealmId}}{path}"));
    Router::new()
        .route(&api("/auth/token/acquire"), post(on(login::acquire)))
        .route(&api("/auth/token/release"), post(on(login::release)))
        .route(&api("/auth/currentuser"), get(on(login::current_user)))
        .route(&api("/auth/sources/vidb/well-known-url"), get(on(login::well_known)))
        .route(&api("/deployment/node/status"), get(on(login::node_status)))
        .route(&api("/versions/current"), get(on(login::version)))
        .route(&iam("/vidbs"), get(on(realms::vidbs)))
        .route(&iam("/ssorealms"), get(on(realms::list)).merge(post(on(realms::create))))
        .route(&realm(""), get(on(realms::one)).merge(delete(on(realms::remove))))
        .route(&realm("/groups/query"), post(on(principals::groups)))
        .route(&realm("/groups/{groupId}/members/query"), post(on(principals::members)))
        .route(&realm("/users/query"), post(on(principals::users)))
        .route(&realm("/users/{userId}/groups"), get(on(principals::groups_of_user)))
        .route(&realm("/api-clients"), post(on(api_tokens::create_client)))
        .route(&realm("/api-clients/query"), post(on(api_tokens::query_clients)))
        .route(&realm("/api-clients/{clientId}"), get(on(api_tokens::client)))
        .route(&realm("/api-tokens"), post(on(api_tokens::create)))
        .route(&realm("/api-tokens/query"), post(on(api_tokens::query)))
        .route(&realm("/api-tokens/{apiTokenId}"), get(on(api_tokens::one)).merge(delete(on(api_tokens::remove))))
        .route(&realm("/api-tokens/{apiTokenId}/regenerate"), post(on(api_tokens::regenerate)))
        .route(&realm("/principals/{principalId}/roles"), get(on(api_tokens::roles)).merge(put(on(api_tokens::assign))))
        .route(&iam("/tasks/{taskId}"), get(on(tasks::one)))
        .route(&iam("/settings"), get(on(iam_settings::read)).merge(put(on(iam_settings::write))))
        .route(&iam("/saml-metadata/validate"), post(on(saml::validate)))
        .route(&iam("/identity-providers"), post(on(providers::create)).merge(put(on(providers::update))))
        .route(&provider(""), get(on(providers::one)).merge(delete(on(providers::remove))))
        .route(
            &provider("/directories/{directoryId}/sync-client"),
            get(on(scim_client::read)).merge(post(on(scim_client::create))),
        )
        .route(&provider("/ldap-directories"), get(on(directories::list)))
        .route(&directory("/sync"), post(on(sync::start)))
        .route(&directory("/sync-logs"), get(on(sync::logs)))
        .route(&directory("/sync-logs/{syncLogId}"), get(on(sync::log)))
        .route(&directory("/sync-profile"), get(on(profile::read)).merge(put(on(profile::write))))
        .route(&directory("/groups/query"), post(on(lookup::groups)))
        .route(&directory("/users/query"), post(on(lookup::users)))
        .route(&directory("/principals"), post(on(members::provision)))
        .route(&directory("/principals/{principalId}"), delete(on(members::deprovision)))
        .method_not_allowed_fallback(|| async { errors::method_not_allowed() })
        .fallback(|| async { errors::no_such_path() })
        .with_state(fleet)
}

/// All routes of the broker.
pub(crate) fn broker_router(fleet: Arc<Fleet>) -> Router {
    let on =
        |action: Action| move |Extracted(fleet): Extracted<Arc<Fleet>>, ask: Ask| async move { action(&fleet, &ask) };
    Router::new()
        .route("/acs/t/CUSTOMER/token", post(on(broker::token)))
        .route("/acs/t/CUSTOMER/.well-known/openid-configuration", get(on(broker::configuration)))
        .method_not_allowed_fallback(|| async { Reply::nginx(StatusCode::METHOD_NOT_ALLOWED) })
        .fallback(|| async { Reply::nginx(StatusCode::NOT_FOUND) })
        .with_state(fleet)
}
