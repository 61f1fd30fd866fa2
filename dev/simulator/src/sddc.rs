//! SDDC Manager, as far as identity providers require it.
//!
//! The facts come from the VMware Cloud Foundation API reference guide 5.0.0, the OpenAPI documents VMware publishes
//! (vcf-api-specs), and VMware's PowerVCF with its issues. Where they contradict each other there is a setting in
//! [`SddcSettings`].

mod errors;
pub(crate) mod front;
mod managers;
mod providers;
mod roles;
mod sso_domains;
pub(crate) mod state;
mod tokens;
mod undocumented;
mod users;
mod validation;
mod wsas;

use crate::clock;
use crate::reply::{Answer, Ask, Reply};
use crate::settings::SddcSettings;
use crate::tokens::authorization;
use axum::Router;
use axum::extract::State as Extracted;
use axum::routing::{delete, get, patch, post};
use http::{Method, StatusCode, header};
use serde_json::json;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The server.
#[derive(Debug)]
pub(crate) struct Sddc(Mutex<State>);

impl Sddc {
    pub(crate) fn new(settings: SddcSettings, ca_pem: &str, external: bool) -> Self {
        Self(Mutex::new(State::new(settings, ca_pem, external)))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for requests with a valid access token; 401 otherwise. Basic authentication is not accepted.
    fn authorized(&self, ask: &Ask) -> Result<MutexGuard<'_, State>, Reply> {
        let state = self.state();
        let header = ask.header(header::AUTHORIZATION);
        let token = authorization(header.as_deref()).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let expires = token.and_then(|(_, token)| state.access.get(token));
        if expires.is_some_and(|expires| *expires > clock::now()) {
            Ok(state)
        } else {
            Err(errors::unauthorized(&ask.method))
        }
    }

    /// The response to an expired token.
    pub(crate) fn expired(method: &Method) -> Reply {
        errors::unauthorized(method)
    }
}

/// 415 unless the body's content type is JSON.
fn takes_json(ask: &Ask) -> Result<(), Reply> {
    if ask.content_type().as_deref() == Some("application/json") {
        Ok(())
    } else {
        Err(errors::unsupported_media_type())
    }
}

/// A text with content type `application/json`, bare as in the guide's examples, or in quotes.
fn text(status: StatusCode, text: &str, quoted: bool) -> Reply {
    let body = if quoted { json!(text).to_string() } else { text.to_owned() };
    Reply::text(status, "application/json", body)
}

type Action = fn(&Sddc, &Ask) -> Answer;

/// All routes.
pub(crate) fn router(sddc: Arc<Sddc>) -> Router {
    let on = |action: Action| move |Extracted(sddc): Extracted<Arc<Sddc>>, ask: Ask| async move { action(&sddc, &ask) };
    // A call that the version does not have is unknown to the service.
    let within = |from: (u32, u32), until: (u32, u32), action: Action| {
        move |Extracted(sddc): Extracted<Arc<Sddc>>, ask: Ask| async move {
            let release = sddc.state().settings.release();
            if (from..until).contains(&release) {
                action(&sddc, &ask)
            } else {
                Err(Reply::nginx(StatusCode::NOT_FOUND))
            }
        }
    };
    let since = |from, action| within(from, (u32::MAX, 0), action);
    let one = "/v1/identity-providers/{id}";
    let sources = "/v1/identity-providers/{id}/identity-sources";
    let source = "/v1/identity-providers/{id}/identity-sources/{domainName}";
    Router::new()
        .route("/v1/tokens", post(on(tokens::create)))
        .route("/v1/tokens/access-token/refresh", patch(on(tokens::refresh)))
        .route("/v1/tokens/refresh-token", delete(on(tokens::revoke)))
        .route("/v1/identity-providers", get(on(providers::list)).merge(post(on(providers::add))))
        .route(one, get(on(providers::one)).merge(patch(on(providers::update))).merge(delete(on(providers::remove))))
        .route(sources, post(on(providers::add_source)))
        .route(source, patch(on(providers::update_source)).merge(delete(on(providers::remove_source))))
        .route("/v1/identity-providers/{id}/sync-client", post(since((5, 1), providers::sync_client)))
        .route("/v1/identity-broker/prechecks", get(since((5, 1), providers::prechecks)))
        .route("/v1/identity-broker/sddc-manager-oidc", get(since((5, 2), providers::oidc)))
        .route("/v1/sso-domains", get(on(sso_domains::list)))
        .route("/v1/sso-domains/{sso-domain}/entities", get(on(sso_domains::entities)))
        .route("/v1/roles", get(on(roles::list)))
        .route("/v1/users", get(on(users::list)).merge(post(on(users::add))))
        .route("/v1/users/{id}", delete(on(users::remove)))
        .route("/v1/sddc-managers", get(on(managers::list)))
        .route("/v1/wsas", get(within((4, 0), (9, 0), wsas::list)))
        .route("/v1/credentials", get(on(undocumented::credentials)))
        .route("/v1/hosts/{id}", delete(on(undocumented::remove_host)))
        .method_not_allowed_fallback(|| async { Reply::nginx(StatusCode::METHOD_NOT_ALLOWED) })
        .fallback(|| async { Reply::nginx(StatusCode::NOT_FOUND) })
        .with_state(sddc)
}
