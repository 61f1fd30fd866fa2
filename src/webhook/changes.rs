//! The common parts of routes that change something by a specification.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderName, Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::input::query_error;
use super::list_header::holds_version;
use super::route::{Action, Operation, Work};
use super::{Context, empty, json, with_headers};
use crate::change::{ChangeOutcome, Precondition, PutOptions};
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

/// Rejects a condition that the operation does not evaluate: a change must not look as if it were protected. A sync changes
/// nothing that has a version.
///
/// # Errors
/// `request_invalid`
pub(super) fn refuse_unread_conditions(operation: &Operation, request: &Parts) -> Result<(), Error> {
    let is_change = !matches!(request.method, Method::GET | Method::HEAD);
    if !is_change || !matches!(operation.action, Action::Work(Work::Vcf(_) | Work::Fleet(_))) {
        return Ok(());
    }
    for (name, told) in [(IF_MATCH, "If-Match"), (IF_NONE_MATCH, "If-None-Match")] {
        if request.headers.contains_key(&name) && !operation.conditions.contains(&name.as_str()) {
            let detail = format!("the header {told} is not supported here; nothing was changed");
            let hint =
                format!("omit {told}; If-Match protects changes of identity providers and sources, not additions");
            return Err(Error::invalid(vec![FieldError::new("", detail)]).hint(hint));
        }
    }
    Ok(())
}

/// The condition of a change, from `If-Match`.
pub(super) fn condition<R>(context: &Context<'_, R>) -> Result<Precondition, Error> {
    condition_of(&context.request.headers)
}

/// The condition in these headers.
pub(super) fn condition_of(headers: &http::HeaderMap) -> Result<Precondition, Error> {
    let invalid = |why: &str| Error::invalid(vec![FieldError::new("", format!("the header If-Match {why}"))]);
    let mut lines = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        lines.push(value.to_str().map_err(|_| invalid("is not text"))?);
    }
    if lines.is_empty() {
        return Ok(Precondition::None);
    }
    Precondition::parse(&lines.join(",")).map_err(invalid)
}

/// Whether a deletion succeeds if the object does not exist, from the query.
pub(super) fn absent_ok<R>(context: &Context<'_, R>) -> Result<bool, Error> {
    match context.input.query("absent") {
        None => Ok(false),
        Some("ok") => Ok(true),
        Some(_) => Err(query_error("absent", "use ok, or omit the parameter")),
    }
}

/// The response to a deletion: 204, or 200 if there was nothing to delete.
pub(super) fn deleted(outcome: Option<ChangeOutcome>) -> Result<Response<Bytes>, Error> {
    match outcome {
        None => Ok(empty(StatusCode::NO_CONTENT, &[])),
        Some(outcome) => json(StatusCode::OK, &outcome),
    }
}

/// The response to a read of an object with the tag `etag` of its state: 304 if the caller holds this version.
pub(super) fn versioned<R>(
    context: &Context<'_, R>,
    document: &impl serde::Serialize,
    etag: Option<&str>,
) -> Result<Response<Bytes>, Error> {
    match etag.filter(|etag| holds_version(&context.request.headers, etag)) {
        Some(etag) => Ok(empty(StatusCode::NOT_MODIFIED, &[(ETAG, etag)])),
        None => tagged(document, etag),
    }
}

/// A document with the tag of its state.
fn tagged(document: &impl serde::Serialize, etag: Option<&str>) -> Result<Response<Bytes>, Error> {
    let response = json(StatusCode::OK, document)?;
    Ok(match etag {
        Some(etag) => with_headers(response, &[(ETAG, etag)]),
        None => response,
    })
}

/// The response to a change: 201 with its `place`, if something was created.
pub(super) fn respond(outcome: &ChangeOutcome, place: Option<String>) -> Result<Response<Bytes>, Error> {
    let mut response = tagged(outcome, outcome.etag.as_deref())?;
    if outcome.is_created() {
        *response.status_mut() = StatusCode::CREATED;
        if let Some(place) = place {
            return Ok(with_headers(response, &[(LOCATION, &place)]));
        }
    }
    Ok(response)
}

/// `response`, with the wait that the caller was granted.
pub(super) fn preference_applied(response: Response<Bytes>, max_wait: Option<Duration>) -> Response<Bytes> {
    match max_wait {
        Some(wait) => {
            let applied = format!("wait={}", wait.as_secs());
            with_headers(response, &[(HeaderName::from_static("preference-applied"), &applied)])
        }
        None => response,
    }
}
