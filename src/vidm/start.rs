//! Starts a sync: chooses between the two calls, and interprets rejections.

use http::StatusCode;

use super::SyncApi;
use super::cache::StartCall;
use super::client::Client;
use super::locate::Located;
use super::sync_start::{StartSync, StartSyncV2, already_running};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

impl<R: Runtime> Client<'_, R> {
    /// Starts a sync of `directory`; returns whether a run was already active: changes in the directory since its start may
    /// be missing. Usually one call.
    ///
    /// A rejection may mean that the directory is gone or requires the other call. A cached directory is then located again,
    /// so that the list decides; if both calls are allowed, the other is tried.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_not_syncable`; and those of the login and the calls.
    pub async fn start_sync(&self, directory: &Located, ignore_safeguards: bool) -> Result<bool> {
        let first = self.first_call(directory);
        let refused = match self.try_start(directory, first, ignore_safeguards).await {
            Err(error) if wants_another_call(&error) => error,
            done => return done,
        };
        let seen = match directory.is_fresh {
            true => directory.clone(),
            false => self.locate_again(directory).await?,
        };
        if self.target.sync_api == SyncApi::Auto {
            match self.try_start(&seen, first.other(), ignore_safeguards).await {
                // The rejection of the more likely call says more.
                Err(error) if wants_another_call(&error) => {}
                done => return done,
            }
        }
        Err(self.no_call_fits(first, refused))
    }

    /// The error if the directory exists and no allowed call starts its sync.
    fn no_call_fits(&self, first: StartCall, error: Error) -> Error {
        if error.answer_status() == Some(StatusCode::CONFLICT) {
            return error
                .hint("vIDM rejects this sync at the moment (see its message); check the directory in the console");
        }
        let hint = match self.target.sync_api {
            SyncApi::Auto => "the directory exists, but neither sync call works for it: this version may use other paths or media types, \
                 which the target's profile can override"
                .to_owned(),
            SyncApi::Classic | SyncApi::V2 => format!(
                "the directory exists, but the {} sync call does not work for it: set the target's sync_api to auto",
                first.name()
            ),
        };
        // "Not found" would claim that the directory does not exist.
        let error = if error.answer_status() == Some(StatusCode::NOT_FOUND) {
            error.with_code(ErrorCode::UpstreamRejected)
        } else {
            error
        };
        error.hint(hint).at(&self.target.name)
    }

    /// The call to try first.
    fn first_call(&self, directory: &Located) -> StartCall {
        match self.target.sync_api {
            SyncApi::Classic => StartCall::Classic,
            SyncApi::V2 => StartCall::V2,
            SyncApi::Auto => self.cache.worked(&directory.summary.id).unwrap_or(match directory.is_migrated {
                true => StartCall::V2,
                false => StartCall::Classic,
            }),
        }
    }

    /// One attempt to start.
    async fn try_start(&self, located: &Located, call: StartCall, ignore_safeguards: bool) -> Result<bool> {
        let directory = located.summary.id.as_str();
        let done = match call {
            StartCall::Classic => self.call(&StartSync { directory, ignore_safeguards }).await,
            StartCall::V2 => self.call(&StartSyncV2 { directory, ignore_safeguards }).await,
        };
        let already_running = match done {
            Ok(()) => false,
            Err(error) if already_running(&error) => true,
            Err(error) => return Err(error),
        };
        self.cache.keep_worked(directory, call);
        Ok(already_running)
    }
}

impl StartCall {
    fn other(self) -> Self {
        match self {
            Self::Classic => Self::V2,
            Self::V2 => Self::Classic,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V2 => "v2",
        }
    }
}

/// Whether a rejected start may concern the call and not the directory.
fn wants_another_call(error: &Error) -> bool {
    matches!(error.answer_status().map(|status| status.as_u16()), Some(404 | 405 | 409 | 415))
}
