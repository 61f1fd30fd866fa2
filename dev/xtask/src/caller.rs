//! An API key for the person at the terminal.

use anyhow::Result;
use sha2::{Digest, Sha256};

/// A fresh key and the configuration that knows only its digest.
#[derive(Debug)]
pub struct Caller {
    /// The key, to be sent as `Authorization: Bearer`.
    pub key: String,
    /// The value for the variable `api_keys`.
    pub api_keys: String,
}

impl Caller {
    /// Makes a key of 192 random bits that may do all of `scopes`.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new(name: &str, scopes: &[&str]) -> Result<Self> {
        let mut random = [0; 24];
        getrandom::fill(&mut random)?;
        let key = format!("idhook_{}", hex(&random));
        let api_keys = serde_json::json!([{ "name": name, "sha256": hex(&Sha256::digest(&key)), "scopes": scopes }]);
        Ok(Self { key, api_keys: api_keys.to_string() })
    }

    /// A key for trying things out: all but turning safeguards off.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn for_trying() -> Result<Self> {
        Self::new("terminal", &["vidm:read", "vidm:sync", "vcf:read", "vcf:write"])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
