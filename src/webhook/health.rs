//! `/healthz` and `/readyz`: idhook's own state. Neither makes a call.

use std::time::Duration;

use serde::Serialize;

use super::Configured;
use crate::config::ConfigError;
use crate::runtime::{Runtime, rfc3339};
use crate::shared_state::Origin;

/// idhook is running.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Alive"))]
pub(super) struct Health {
    /// `ok`.
    #[cfg_attr(feature = "contract", schemars(extend("enum" = ["ok"])))]
    status: &'static str,
    /// `idhook`.
    name: &'static str,
    /// idhook's version.
    version: &'static str,
}

/// idhook's status and version.
pub(super) fn health() -> Health {
    Health { status: "ok", name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
}

/// idhook is configured, with these targets.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Ready<'c> {
    /// `ready`.
    #[cfg_attr(feature = "contract", schemars(extend("enum" = ["ready"])))]
    status: &'static str,
    /// Names of the vIDM targets.
    vidm: Vec<&'c str>,
    /// Names of the SDDC Manager targets.
    vcf: Vec<&'c str>,
    /// Names of the VCF Operations targets.
    fleet: Vec<&'c str>,
    /// Settings that work but are probably not intended.
    warnings: Vec<ConfigError>,
}

/// The status and targets of a complete configuration.
pub(super) fn ready<'c, R: Runtime>(configured: &'c Configured, runtime: &R) -> Ready<'c> {
    let config = &configured.config;
    Ready {
        status: "ready",
        vidm: config.vidm.keys().map(String::as_str).collect(),
        vcf: config.vcf.keys().map(String::as_str).collect(),
        fleet: config.fleet.keys().map(String::as_str).collect(),
        warnings: warnings(configured, runtime),
    }
}

/// Settings that work today but need attention.
pub(super) fn warnings<R: Runtime>(configured: &Configured, runtime: &R) -> Vec<ConfigError> {
    let config = &configured.config;
    let mut warnings = config.warnings.clone();
    if let Some(text) = state_key_warning(configured, runtime) {
        warnings.push(ConfigError::new("state_key", text));
    }
    let now = runtime.now();
    for (at, key) in config.api_keys.iter().enumerate() {
        let Some(end) = key.not_after else { continue };
        let text = if key.has_expired(now) {
            format!(
                "has passed ({}), so the keys of {} are rejected; make a new one with: cargo xtask key",
                rfc3339(end),
                key.grant.name
            )
        } else if key.has_expired(now + SOON) {
            format!(
                "is near ({}); add the digest of a new key for {}, and set a later notAfter",
                rfc3339(end),
                key.grant.name
            )
        } else {
            continue;
        };
        warnings.push(ConfigError::in_entry("api_keys", at, "notAfter", &text));
    }
    warnings
}

/// Keys that expire within this time cause a warning.
const SOON: Duration = Duration::from_hours(14 * 24);

/// The consequence of an unset `state_key`.
pub(super) fn state_key_warning<R: Runtime>(configured: &Configured, runtime: &R) -> Option<&'static str> {
    match configured.state_key.origin() {
        Some(Origin::Configured) => None,
        Some(Origin::Store) => Some(IN_STORE),
        None if configured.store.is_some() && runtime.store().is_some() => Some(IN_STORE),
        Some(Origin::Instance) | None => Some(
            "is not set, and no store is in use, so a sync id is valid only at the instance that issued it, while that runs; set it: \
             openssl rand -base64 32",
        ),
    }
}

const IN_STORE: &str = "is not set, so a generated key is kept in the store, where all who can read the store can read it; set it: \
                        openssl rand -base64 32";
