//! What the routes that change something by a specification share.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::LOCATION;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::{Context, json, with_headers};
use crate::change::{ChangeOutcome, PutOptions};
use crate::error::{Error, FieldError};
use crate::runtime::Runtime;

/// The body as a specification that passes `check`.
pub(super) fn checked<R: Runtime, S: DeserializeOwned, C>(
    context: &Context<'_, R>,
    check: impl FnOnce(S, SystemTime) -> Result<C, Vec<FieldError>>,
) -> Result<C, Error> {
    check(context.input.spec()?, context.outbound.runtime().now()).map_err(|fields| context.input.spec_invalid(fields))
}

/// The options of a PUT, from the query.
pub(super) fn options<R>(context: &Context<'_, R>) -> Result<PutOptions, Error> {
    let flag = |name| Ok::<_, Error>(context.input.query_flag(name)?.unwrap_or(false));
    Ok(PutOptions { force: flag("force")?, dry_run: flag("dryRun")? })
}

/// The response to a change: 201 with its `place`, if something was created.
pub(super) fn respond(outcome: &ChangeOutcome, place: Option<String>) -> Result<Response<Bytes>, Error> {
    if !outcome.is_created() {
        return json(StatusCode::OK, outcome);
    }
    let response = json(StatusCode::CREATED, outcome)?;
    Ok(match place {
        Some(place) => with_headers(response, &[(LOCATION, &place)]),
        None => response,
    })
}
