//! An API key for the person at the terminal.

use anyhow::Result;
use idhook::config::Scope;

use crate::key::Made;

/// A fresh key and the configuration that knows only its digest.
#[derive(Debug)]
pub struct Caller {
    /// The key, to be sent as `Authorization: Bearer`.
    pub key: String,
    /// The value for the variable `api_keys`.
    pub api_keys: String,
}

impl Caller {
    /// Makes a key that may do all of `scopes`.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new(name: &str, scopes: &[&str]) -> Result<Self> {
        let made = Made::new(name, scopes, &[], None)?;
        Ok(Self { api_keys: made.value(), key: made.secret })
    }

    /// A key that may do everything at vIDM and SDDC Manager, and at VCF Operations if there is one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn with_all_scopes(name: &str, fleet: bool) -> Result<Self> {
        let all = Scope::ALL.iter().map(|scope| scope.as_str());
        Self::new(name, &all.filter(|scope| fleet || !scope.starts_with("fleet:")).collect::<Vec<_>>())
    }

    /// A key for trying things out: all scopes but the one that turns safeguards off.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn for_trying() -> Result<Self> {
        let all = Scope::ALL.iter().filter(|scope| **scope != Scope::VidmOverride).map(|scope| scope.as_str());
        Self::new("terminal", &all.collect::<Vec<_>>())
    }
}
