//! `/healthz` and `/readyz`: idhook's own state. Neither asks anybody.

use serde::Serialize;

use crate::config::Config;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    name: &'static str,
    version: &'static str,
}

/// Alive, and which version.
pub(super) fn health() -> Health {
    Health { status: "ok", name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
}

#[derive(Debug, Serialize)]
pub(super) struct Ready<'c> {
    status: &'static str,
    vidm: Vec<&'c str>,
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
