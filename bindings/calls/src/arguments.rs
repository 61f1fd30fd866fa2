//! The arguments of a call.

use std::collections::BTreeMap;
use std::time::Duration;

use idhook::embedded::{ProviderDeletionOptions, Result, read};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The arguments of a call, by name.
#[derive(Debug, Default)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads the JSON text of an object; any other text is no arguments.
    #[must_use]
    pub fn new(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// A required text.
    ///
    /// # Errors
    /// `request_invalid` if it is missing or not a text.
    pub fn text(&mut self, name: &str) -> Result<String> {
        self.required(name)
    }

    /// A required list of texts.
    ///
    /// # Errors
    /// `request_invalid` if it is missing or not a list of texts.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        self.required(name)
    }

    /// An optional argument; absent and null give the default.
    ///
    /// # Errors
    /// `request_invalid` with everything that is wrong with it.
    pub fn optional<T: DeserializeOwned + Default>(&mut self, name: &str) -> Result<T> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => read(value),
        }
    }

    /// Read below its name, so that an error has the right JSON Pointer.
    fn required<T: DeserializeOwned + Default>(&mut self, name: &str) -> Result<T> {
        let value = Map::from_iter([(name.to_owned(), self.0.remove(name).unwrap_or_default())]);
        let mut read: BTreeMap<String, T> = read(value.into())?;
        Ok(read.remove(name).unwrap_or_default())
    }
}

/// How long to wait for a sync.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WaitOptions {
    timeout_seconds: Option<u32>,
}

impl WaitOptions {
    /// Ten minutes: an action of Aria Automation may not take longer.
    const DEFAULT: u32 = 600;

    /// The longest wait.
    #[must_use]
    pub fn max_wait(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.unwrap_or(Self::DEFAULT).into())
    }
}

/// The options of `dryRun`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct DryRunOptions {
    /// As in the order of a sync.
    pub(crate) ignore_safeguards: bool,
}

/// The options of a deletion.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Deletion {
    /// Also remove what uses the provider.
    force: bool,
    /// How long to follow the deletion.
    timeout_seconds: u32,
    /// The tag that the provider must still have.
    if_match: Option<String>,
}

impl From<Deletion> for ProviderDeletionOptions {
    fn from(Deletion { force, timeout_seconds, if_match }: Deletion) -> Self {
        Self { force, max_wait: Duration::from_secs(timeout_seconds.into()), if_match }
    }
}

impl Default for Deletion {
    fn default() -> Self {
        Self { force: false, timeout_seconds: WaitOptions::DEFAULT, if_match: None }
    }
}

/// The options of `generateSyncClient`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SyncClient {
    /// Lifetime of the token, in minutes.
    pub(crate) ttl_minutes: Option<i64>,
}

/// The options of `generateSyncClientToken`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TokenOptions {
    /// Lifetime of the token, in seconds.
    pub(crate) ttl_seconds: Option<i64>,
}
