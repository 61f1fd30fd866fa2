//! `GET …/doctor` of a target, whatever its kind. With `strict=true` the status is 503 if a check failed,
//! so a monitor needs only the status; with `retry=true` one more login is allowed after rejected ones; with `staleAfter` each directory
//! needs a successful sync within that period.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::caller::refuse_pages_of_other_sites;
use super::{Context, health, json, sync_routes};
use crate::error::Error;
use crate::operations::{Diagnosis, Examination};
use crate::runtime::Runtime;

/// Responds with the findings of `examine`.
pub(super) async fn answer<'c, R: Runtime>(
    context: &Context<'c, R>,
    examine: impl AsyncFnOnce(Examination<'c>) -> Diagnosis,
) -> Result<Response<Bytes>, Error> {
    let configured = context.configured;
    let retry = context.input.query_flag("retry")?.unwrap_or_default();
    if retry {
        // It logs in although the account may be about to be locked.
        refuse_pages_of_other_sites(&context.request.headers)?;
    }
    let strict = context.input.query_flag("strict")?.unwrap_or_default();
    let stale_after = sync_routes::stale_after(context)?;
    let warnings = health::warnings(configured, context.outbound.runtime());
    let vidm = configured.config.vidm.values().map(|target| &**target).collect();
    let diagnosis =
        examine(Examination { warnings, vidm, secrets: configured.config.secrets(), retry, stale_after }).await;
    let status = if strict && !diagnosis.ok { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    json(status, &diagnosis)
}
