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

/// Completes `outcome` by a look that shows the change, at most by the third one. The change was made, so a failure here is a
/// message.
pub(super) async fn read_back<R: Runtime>(
    out: &Outbound<'_, R>,
    outcome: ChangeOutcome,
    look: impl AsyncFn() -> Result<Look>,
) -> ChangeOutcome {
    let mut waits = WAITS.into_iter();
    let found = loop {
        let found = look().await;
        let is_final = match &found {
            Ok(look) => look.difference.changes.is_empty(),
            Err(error) => !error.is_retryable() && error.code() != ErrorCode::NotFound,
        };
        match waits.next() {
            Some(wait) if !is_final && out.remaining() >= wait + RESERVE => out.runtime().sleep(wait).await,
            _ => break found,
        }
    };
    match found {
        Ok(Look { difference, id, etag }) => {
            let id = outcome.id.clone().or(id);
            ChangeOutcome { id, etag, ..outcome }.read_back(Ok(difference))
        }
        Err(error) => ChangeOutcome { etag: None, ..outcome }.read_back(Err(error)),
    }
}
