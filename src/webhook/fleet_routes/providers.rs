//! The routes of identity providers, their SCIM sync clients and tasks, and of SAML metadata.

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::change::{Checked, etag};
use crate::error::Error;
use crate::fleet::{FederatedIdentityProvider, ResourceId, SamlMetadata, TokenTtl};
use crate::operations::{Deletion, FleetOperations};
use crate::runtime::Runtime;
use crate::upstream::segment;
use crate::webhook::changes::{checked, condition, options, preference_applied, respond, versioned};
use crate::webhook::idempotency::NotKept;
use crate::webhook::input::query_error;
use crate::webhook::route::{FleetProvider, Matched};
use crate::webhook::{Context, json, with_headers};

/// The seconds after which a deletion is worth another look.
const LOOK_AGAIN: &str = "5";

pub(super) async fn dispatch<R: Runtime>(
    context: &Context<'_, R>,
    action: FleetProvider,
    matched: &Matched,
    fleet: &FleetOperations<'_, R>,
) -> Result<Response<Bytes>, Error> {
    match act(context, action, matched, fleet).await {
        Err(error) => Err(fleet.client.explained(error).await),
        done => done,
    }
}

async fn act<R: Runtime>(
    context: &Context<'_, R>,
    action: FleetProvider,
    matched: &Matched,
    fleet: &FleetOperations<'_, R>,
) -> Result<Response<Bytes>, Error> {
    // Names in the path are checked before the body.
    let id = || ResourceId::parse("id", matched.parameter("id"));
    let root = format!("{}/fleet/{}/v1", context.base, segment(matched.target().unwrap_or_default()));
    let place = |id: Option<&str>| id.map(|id| format!("{root}/identity-providers/{}", segment(id)));
    match action {
        FleetProvider::List => json(StatusCode::OK, &fleet.client.identity_providers().await?),
        FleetProvider::Get => {
            let provider = fleet.client.identity_provider(&id()?).await?;
            versioned(context, &provider, etag(&provider).as_deref())
        }
        FleetProvider::Create => {
            let spec = checked(context, Checked::<FederatedIdentityProvider>::to_add)?;
            let outcome = fleet.create_identity_provider(&spec).await?;
            respond(&outcome, place(outcome.id.as_deref()))
        }
        FleetProvider::Put => {
            let spec = checked(context, Checked::<FederatedIdentityProvider>::to_put)?;
            let outcome = fleet.put_identity_provider(&spec, options(context)?, &condition(context)?).await?;
            respond(&outcome, place(outcome.id.as_deref()))
        }
        FleetProvider::Delete => delete(context, &id()?, fleet, &root).await,
        FleetProvider::SyncClient => json(StatusCode::OK, &fleet.sync_client(&id()?).await?),
        FleetProvider::GenerateSyncClient => {
            let id = id()?;
            let mut response = json(StatusCode::CREATED, &fleet.generate_sync_client(&id, ttl(context)?).await?)?;
            // It contains a token, which must not be stored: the same key makes a new one.
            response.extensions_mut().insert(NotKept);
            Ok(response)
        }
        FleetProvider::Task => {
            json(StatusCode::OK, &fleet.client.task(&ResourceId::parse("task", matched.parameter("task"))?).await?)
        }
        FleetProvider::CheckSamlMetadata => {
            let spec = checked(context, Checked::<SamlMetadata>::to_check)?;
            json(StatusCode::OK, &fleet.client.check_saml_metadata(&spec).await?)
        }
    }
}

/// 200 for a finished deletion, else 202 with the place of its task.
async fn delete<R: Runtime>(
    context: &Context<'_, R>,
    id: &ResourceId,
    fleet: &FleetOperations<'_, R>,
    root: &str,
) -> Result<Response<Bytes>, Error> {
    let force = context.input.query_flag("force")?.unwrap_or(false);
    let deletion = fleet.delete_identity_provider(id, force, &condition(context)?, context.max_wait).await?;
    let Deletion { deleted, task, .. } = &deletion;
    let mut response = json(if *deleted { StatusCode::OK } else { StatusCode::ACCEPTED }, &deletion)?;
    if let (false, Some(task)) = (deleted, &task.task_id) {
        let place = format!("{root}/tasks/{}", segment(task));
        response = with_headers(response, &[(LOCATION, &place), (RETRY_AFTER, LOOK_AGAIN)]);
    }
    Ok(preference_applied(response, context.max_wait))
}

fn ttl<R>(context: &Context<'_, R>) -> Result<Option<TokenTtl>, Error> {
    const NAME: &str = "tokenTtl";
    let read = |text: &str| TokenTtl::from_minutes(text.parse().ok()?).ok();
    let wrong = || query_error(NAME, "use a whole number of minutes");
    context.input.query(NAME).map(|text| read(text).ok_or_else(wrong)).transpose()
}
