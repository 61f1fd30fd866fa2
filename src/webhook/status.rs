//! `/healthz` and `/readyz`: idhook's own state. Neither asks anybody.

use serde::Serialize;

use crate::config::Config;

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
}

/// Configured, and with which targets.
pub(super) fn ready(config: &Config) -> Ready<'_> {
    Ready {
        status: "ready",
        vidm: config.vidm.keys().map(String::as_str).collect(),
        vcf: config.vcf.keys().map(String::as_str).collect(),
    }
}
