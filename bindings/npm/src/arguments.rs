//! What a call is given.

use std::collections::BTreeMap;
use std::time::Duration;

use idhook::embedded::{Result, read};
use idhook::vcf::PutOptions;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The arguments of a call, by their names.
#[derive(Debug, Default)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads them; what JavaScript leaves out as undefined is not there.
    #[must_use]
    pub fn new(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// One that must be a text.
    ///
    /// # Errors
    /// `request_invalid` when it is none.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let value = Map::from_iter([(name.to_owned(), self.0.remove(name).unwrap_or_default())]);
        let mut texts: BTreeMap<String, String> = read(value.into())?;
        Ok(texts.remove(name).unwrap_or_default())
    }

    /// One that must be a list of texts.
    ///
    /// # Errors
    /// `request_invalid` when it is none.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let value = Map::from_iter([(name.to_owned(), self.0.remove(name).unwrap_or_default())]);
        let mut lists: BTreeMap<String, Vec<String>> = read(value.into())?;
        Ok(lists.remove(name).unwrap_or_default())
    }

    /// One that may be left out.
    ///
    /// # Errors
    /// `request_invalid` with all that is wrong with it.
    pub fn optional<T: DeserializeOwned + Default>(&mut self, name: &str) -> Result<T> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => read(value),
        }
    }
}

/// How long to wait.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Patience {
    timeout_seconds: Option<u32>,
}

impl Patience {
    /// Ten minutes where nothing is said: no action of Aria Automation may take longer.
    const DEFAULT: u32 = 600;

    /// As the core takes it.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.unwrap_or(Self::DEFAULT).into())
    }
}

/// How to look for what a sync would change.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DryRunOptions {
    /// As in a sync's order.
    pub ignore_safeguards: bool,
}

/// How to put something.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Put {
    force: bool,
    dry_run: bool,
}

impl From<Put> for PutOptions {
    fn from(Put { force, dry_run }: Put) -> Self {
        Self { force, dry_run }
    }
}

/// How to make a token.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TokenOptions {
    /// Its life, in seconds.
    pub ttl_seconds: Option<i64>,
}
