//! VMware Identity Manager, as far as a directory sync requires it.
//!
//! The facts come from VMware's own clients (priam; PowerValidatedSolutions), the SCIM guide and swagger of the vmware/idm
//! repository, docs.vmware.com, and posts by users of the API. Where the real behaviour is unknown, the module says so and
//! [`VidmSettings`] has a setting.

mod directories;
mod errors;
mod filter;
mod health;
mod login;
mod media;
mod profile;
mod scim;
mod scim_users;
mod seed;
pub(crate) mod state;
pub(crate) mod sync;

use crate::clock;
use crate::reply::{Answer, Ask, Reply, Tenant};
use crate::settings::VidmSettings;
use crate::tokens;
use axum::Router;
use axum::body::Body;
use axum::extract::State as Extracted;
use axum::routing::{get, post, put};
use http::{Method, Request, StatusCode, Uri, header};
use state::{State, Token};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The server.
#[derive(Debug)]
pub(crate) struct Vidm(Mutex<State>);

impl Vidm {
    pub(crate) fn new(settings: VidmSettings, tenants: &[String]) -> Self {
        Self(Mutex::new(State::new(settings, tenants)))
    }

    /// Its current state: due runs are ended first.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }

    /// The caller with a valid token of this tenant; 401 otherwise.
    fn user(&self, ask: &Ask) -> Result<(MutexGuard<'_, State>, Token), Reply> {
        let state = self.state();
        let header = ask.header(header::AUTHORIZATION);
        let (scheme, value) = tokens::authorization(header.as_deref()).ok_or_else(errors::unauthorized)?;
        let token = state.tokens.get(value).ok_or_else(errors::unauthorized)?.clone();
        let scheme_fits = scheme.eq_ignore_ascii_case("bearer") || (token.session && scheme == "HZN");
        if !scheme_fits || token.tenant != ask.tenant || token.expires <= clock::now() {
            return Err(errors::unauthorized());
        }
        Ok((state, token))
    }

    /// The state, for an administrator; 403 otherwise.
    fn administrator(&self, ask: &Ask) -> Result<MutexGuard<'_, State>, Reply> {
        let (state, token) = self.user(ask)?;
        if token.admin { Ok(state) } else { Err(errors::forbidden()) }
    }

    /// Removes the tenant from the path: `/SAAS/t/corp/…` becomes `/SAAS/…` for `corp`. `Err` if there is no such tenant.
    pub(crate) fn take_tenant(&self, mut request: Request<Body>) -> Result<Request<Body>, Reply> {
        let in_path = request.uri().path_and_query().and_then(|path| path.as_str().strip_prefix("/SAAS/t/"));
        let tenant = if let Some(rest) = in_path {
            let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let known = !name.is_empty() && self.state().tenants.contains_key(name);
            let rewritten = Uri::builder().path_and_query(format!("/SAAS/{rest}")).build();
            let (true, Ok(uri)) = (known, rewritten) else { return Err(Reply::tomcat(StatusCode::NOT_FOUND)) };
            let name = name.to_owned();
            *request.uri_mut() = uri;
            name
        } else {
            String::new()
        };
        request.extensions_mut().insert(Tenant(tenant));
        Ok(request)
    }

    /// The response to an expired token.
    pub(crate) fn expired(_: &Method) -> Reply {
        errors::unauthorized()
    }
}

type Action = fn(&Vidm, &Ask) -> Answer;

/// All routes of the host's tenant.
pub(crate) fn router(vidm: Arc<Vidm>) -> Router {
    let on = |action: Action| move |Extracted(vidm): Extracted<Arc<Vidm>>, ask: Ask| async move { action(&vidm, &ask) };
    let rest = |path: &str| format!("/SAAS/API/1.0/REST{path}");
    let api = |path: &str| format!("/SAAS/jersey/manager/api{path}");
    let directory = |path: &str| format!("/SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{{id}}{path}");
    Router::new()
        .route(&rest("/auth/system/login"), post(on(login::system)))
        .route(&rest("/auth/system/login/"), post(on(login::system)))
        .route(&rest("/auth/token"), get(on(login::about)))
        .route("/SAAS/auth/oauthtoken", post(on(login::oauth)))
        .route("/SAAS/API/1.0/oauth2/token", post(on(login::oauth)))
        .route(&rest("/system/health"), get(on(health::health)))
        .route(&rest("/system/health/heartbeat"), get(on(health::heartbeat)))
        .route(&api("/system/health"), get(on(health::health)))
        .route("/hc/API/1.0/REST/system/health/allOk", get(on(health::connector)))
        .route(&api("/connectormanagement/connectorinstances"), get(on(directories::connector_instances)))
        .route(&api("/connectormanagement/directoryconfigs"), get(on(directories::list)))
        .route(&directory(""), get(on(directories::detail)))
        .route(&directory("/domains"), get(on(directories::domains)))
        .route(&directory("/connectors"), get(on(directories::connectors)))
        .route(&directory("/directorygroups"), post(on(profile::search)))
        .route(&directory("/syncprofile"), get(on(profile::read)).merge(put(on(profile::write))))
        .route(&directory("/syncprofile/dryrun"), post(on(profile::dry_run)))
        .route(&directory("/syncprofile/sync"), get(on(sync::status)).merge(post(on(sync::start))))
        .route(&directory("/syncexecutions"), get(on(sync::executions)))
        .route(&api("/connectormanagement/directoryconfigurations/{id}/sync/v2"), post(on(sync::start_v2)))
        .route(&api("/scim/Groups"), get(on(scim::list)))
        .route(&api("/scim/Groups/.search"), post(on(scim::search)))
        .route(&api("/scim/Users"), get(on(scim_users::list)))
        .route(&api("/scim/Users/.search"), post(on(scim_users::search)))
        .method_not_allowed_fallback(|| async { Reply::tomcat(StatusCode::METHOD_NOT_ALLOWED) })
        .fallback(|| async { Reply::tomcat(StatusCode::NOT_FOUND) })
        .with_state(vidm)
}
