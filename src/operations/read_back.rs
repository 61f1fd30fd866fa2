//! The look at an object after its change. A server may show the former state for a moment, so a look that does not show the
//! change is repeated.

use std::time::Duration;

use crate::change::{ChangeOutcome, Difference};
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;
use crate::upstream::Outbound;

/// The waits before the second and the third look.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// The time that must be left after a wait, for the look.
const RESERVE: Duration = Duration::from_secs(2);

/// What a look shows.
#[derive(Debug)]
pub(super) struct Look {
    /// The differences from the specification.
    pub(super) difference: Difference,
    /// The object's id, if it has one.
    pub(super) id: Option<String>,
    /// The tag of its state.
    pub(super) etag: Option<String>,
}

/// The first of `read`'s results that `shows` the change, else the third one.
///
/// # Errors
/// That of the last `read`. One that another attempt cannot change is the last.
pub(super) async fn look<T, R: Runtime>(
    out: &Outbound<'_, R>,
    read: impl AsyncFn() -> Result<T>,
    shows: impl Fn(&T) -> bool,
) -> Result<T> {
    let mut waits = WAITS.into_iter();
    loop {
        let found = read().await;
        let is_final = match &found {
            Ok(found) => shows(found),
            Err(error) => !error.is_retryable() && error.code() != ErrorCode::NotFound,
        };
        match waits.next() {
            Some(wait) if !is_final && out.remaining() >= wait + RESERVE => out.runtime().sleep(wait).await,
            _ => return found,
        }
    }
}

/// Completes `outcome` by a look that shows the change, at most by the third one. The change was made, so a failure here is a
/// message.
pub(super) async fn read_back<R: Runtime>(
    out: &Outbound<'_, R>,
    outcome: ChangeOutcome,
    read: impl AsyncFn() -> Result<Look>,
) -> ChangeOutcome {
    match look(out, read, |look| look.difference.changes.is_empty()).await {
        Ok(Look { difference, id, etag }) => {
            let id = outcome.id.clone().or(id);
            ChangeOutcome { id, etag, ..outcome }.read_back(Ok(difference))
        }
        Err(error) => ChangeOutcome { etag: None, ..outcome }.read_back(Err(error)),
    }
}
