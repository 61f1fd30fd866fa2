//! `/healthz` and `/readyz`: idhook's own state. Neither asks anybody.

use std::time::Duration;

use serde::Serialize;

use super::Configured;
use crate::config::ConfigError;
use crate::runtime::{Runtime, rfc3339};
use crate::shared_state::Origin;

/// idhook is alive.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "Alive"))]
pub(super) struct Health {
    /// `ok`.
    #[cfg_attr(feature = "contract", schemars(extend("const" = "ok")))]
    status: &'static str,
    /// `idhook`.
    name: &'static str,
    /// Which version.
    version: &'static str,
}

/// Alive, and which version.
pub(super) fn health() -> Health {
    Health { status: "ok", name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
}

/// idhook is configured, and with which targets.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Ready<'c> {
    /// `ready`.
    #[cfg_attr(feature = "contract", schemars(extend("const" = "ready")))]
    status: &'static str,
    /// Names of the vIDM targets.
    vidm: Vec<&'c str>,
    /// Names of the SDDC Manager targets.
    vcf: Vec<&'c str>,
    /// What works and is probably not meant as it is.
    warnings: Vec<ConfigError>,
}

/// Configured, and with which targets.
pub(super) fn ready<'c, R: Runtime>(configured: &'c Configured, runtime: &R) -> Ready<'c> {
    let config = &configured.config;
    Ready {
        status: "ready",
        vidm: config.vidm.keys().map(String::as_str).collect(),
        vcf: config.vcf.keys().map(String::as_str).collect(),
        warnings: warnings(configured, runtime),
    }
}

/// What works today and should be looked at.
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
                "has passed ({}), so the keys of {} are refused; make a new one with: cargo xtask key",
                rfc3339(end),
                key.grant.name
            )
        } else if key.has_expired(now + SOON) {
            format!("is near ({}); add the digest of a new key for {}, and move notAfter", rfc3339(end), key.grant.name)
        } else {
            continue;
        };
        warnings.push(ConfigError::in_entry("api_keys", at, "notAfter", &text));
    }
    warnings
}

/// The keys of an entry that end sooner are worth a warning.
const SOON: Duration = Duration::from_hours(14 * 24);

/// What follows from having no `state_key`.
pub(super) fn state_key_warning<R: Runtime>(configured: &Configured, runtime: &R) -> Option<&'static str> {
    match configured.state_key.origin() {
        Some(Origin::Configured) => None,
        Some(Origin::Store) => Some(IN_STORE),
        None if configured.store.is_some() && runtime.store().is_some() => Some(IN_STORE),
        Some(Origin::Instance) | None => Some(
            "is not set, and no store is in use, so a sync id is good only at the instance that made it, until that ends; set it: \
             openssl rand -base64 32",
        ),
    }
}

const IN_STORE: &str = "is not set, so a key is drawn and kept in the store, where whoever can read the store can read it; set it: \
                        openssl rand -base64 32";
