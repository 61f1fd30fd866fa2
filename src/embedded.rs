//! idhook as functions, without HTTP: the library component and the npm package bind them.
//!
//! A [`Vidm`], a [`Fleet`] or a [`Vcf`] is a session with one target: it logs in on first use and keeps its token, so open one
//! session for many calls. Arguments and results are the webhook's documents, and errors are the webhook's [`Problem`] with the same
//! codes. There is no caller authentication: a session may do whatever its account may.
//!
//! A sync's id is also valid in another session and another process; it contains no secret.

mod fleet;
mod options;
mod sync_id;
mod syncs;
mod timeouts;
mod vcf;
mod vidm;

use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config;
use crate::directory::GroupQuery;
use crate::error::{Error, FieldError, Problem};
use crate::runtime::Clock;
use crate::secret::Secret;

pub use crate::operations::{Applied, ApplySpec, Deletion, GroupParts, GroupSpec, RoleSpec};
pub use fleet::{Fleet, FleetServer};
pub use options::{
    Absent, ChangeOptions, DeleteOptions, PartOptions, ProviderDeletionOptions, ProviderOptions, UpdateOptions,
};
pub use syncs::{EnsureOptions, SyncOrder, SyncSession, Syncs, Watch};
pub use timeouts::Timeouts;
pub use vcf::Vcf;
pub use vidm::{Vidm, VidmTenant};

/// The result of every fallible function here. The problem is boxed because it is large and rare.
pub type Result<T> = std::result::Result<T, Box<Problem>>;

/// Reads a caller's JSON as one of the argument types here.
///
/// # Errors
/// `request_invalid` with every wrong field.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    crate::json::read_all(value, &[])
        .map_err(|faults| problem(&Error::invalid(faults.into_iter().map(Into::into).collect()), &[]))
}

/// Separates the timeouts from a caller's settings.
fn settings<T: DeserializeOwned>(mut value: Value) -> Result<(T, Timeouts)> {
    let timeouts = value.as_object_mut().and_then(|fields| fields.remove("timeouts"));
    let timeouts = match timeouts {
        Some(given) => read(serde_json::json!({ "timeouts": given })).map(|Given { timeouts }| timeouts)?,
        None => Timeouts::default(),
    };
    Ok((read(value)?, timeouts))
}

/// The timeouts under their name, so that mistakes in them have the right JSON Pointer.
#[derive(serde::Deserialize)]
struct Given {
    timeouts: Timeouts,
}

/// `error` as a problem document, without `secrets`.
fn problem(error: &Error, secrets: &[&Secret]) -> Box<Problem> {
    Box::new(Problem::new(error, secrets))
}

/// `spec`, if it passes `check` at this time.
fn checked<S, C>(
    clock: &impl Clock,
    spec: S,
    check: impl FnOnce(S, SystemTime) -> std::result::Result<C, Vec<FieldError>>,
) -> std::result::Result<C, Error> {
    check(spec, clock.now()).map_err(Error::invalid)
}

/// The group that a caller names.
fn group_query(name: &str) -> std::result::Result<GroupQuery, Error> {
    GroupQuery::parse(name).map_err(|why| Error::invalid(vec![FieldError::new("", why)]))
}

/// The mistakes in settings, under their JSON names.
fn misconfigured(problems: &[config::ConfigError]) -> Box<Problem> {
    let fields = problems.iter().map(|problem| {
        let (mut pointer, mut capital) = ("/".to_owned(), false);
        for c in problem.variable.chars() {
            match c {
                '_' => capital = true,
                c => pointer.push(if std::mem::take(&mut capital) { c.to_ascii_uppercase() } else { c }),
            }
        }
        let detail = match &problem.hint {
            Some(hint) => format!("{}; {hint}", problem.detail),
            None => problem.detail.clone(),
        };
        FieldError::new(pointer, detail)
    });
    problem(&Error::invalid(fields.collect()), &[])
}
