//! Entry points for fuzzers: one function for each place where bytes from outside are read. `docs/internals/fuzzing.md` describes them.
//!
//! An entry point drives the code that reads these bytes in production, and panics if a property is violated. Every property also holds
//! for random bytes: a test of this module runs all entry points with mutated seeds, and `cargo xtask fuzz` runs them with libFuzzer.

mod config;
mod request;
mod seeds;
#[cfg(test)]
mod tests;
mod values;
mod world;

use crate::{certificate, fleet, oidc, shared_state, upstream, vcf, vidm, webhook};

/// One place where bytes from outside are read.
#[derive(Debug, Clone, Copy)]
pub struct EntryPoint {
    /// Its name, which is also that of its fuzz target.
    pub name: &'static str,
    /// The bytes that it reads, for people.
    pub reads: &'static str,
    /// Reads the bytes and checks the properties.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: &'static [&'static [u8]],
}

impl EntryPoint {
    /// The entry point with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ENTRY_POINTS.iter().find(|entry| entry.name == name)
    }
}

const fn entry(name: &'static str, reads: &'static str, run: fn(&[u8]), seeds: &'static [&'static [u8]]) -> EntryPoint {
    EntryPoint { name, reads, run, seeds }
}

/// All entry points.
pub const ENTRY_POINTS: &[EntryPoint] = &[
    entry("exchange", "a request, and its upstreams' responses", request::exchange, seeds::EXCHANGES),
    entry("records", "a request, and records of the store", request::records, seeds::RECORDS),
    entry("path", "the path of a request", webhook::fuzzing::path, seeds::PATHS),
    entry("query", "the query of a request", webhook::fuzzing::query, seeds::QUERIES),
    entry("headers", "headers of requests and responses", webhook::fuzzing::request_headers, seeds::HEADERS),
    entry("body", "a body: JSON, form, event; its idempotency key", webhook::fuzzing::body, seeds::BODIES),
    entry("json", "a JSON text of a caller", webhook::fuzzing::json_text, seeds::JSON),
    entry("cloud_event", "a CloudEvent, alone and in a batch", webhook::fuzzing::event_text, seeds::EVENTS),
    entry("signatures", "signed requests of all schemes", webhook::fuzzing::signatures, seeds::SIGNATURES),
    entry("sync_id", "sync ids, and the request within", webhook::fuzzing::sync_ids, seeds::SYNC_IDS),
    entry("token", "a token of an issuer (JWT)", oidc::fuzzing::token, seeds::TOKENS),
    entry("key_set", "an issuer's keys (JWKS)", oidc::fuzzing::key_set, seeds::KEY_SETS),
    entry("sealed", "sealed records, and slots of leases", shared_state::fuzzing::sealed, seeds::SEALED),
    entry("replayed", "the record of an idempotency key", webhook::fuzzing::record, seeds::REPLAYED),
    entry(
        "vidm_directories",
        "vIDM: directories, domains, connectors, health",
        vidm::fuzzing::directories,
        seeds::VIDM_DIRECTORIES,
    ),
    entry("vidm_reports", "vIDM: states of syncs, runs, starts, dry runs", vidm::fuzzing::reports, seeds::VIDM_REPORTS),
    entry("vidm_scim", "vIDM: pages of groups and users", vidm::fuzzing::scim, seeds::VIDM_SCIM),
    entry("vidm_login", "vIDM: logins", vidm::fuzzing::logins, seeds::VIDM_LOGINS),
    entry("vidm_profile", "vIDM: sync profiles, groups of a directory", vidm::fuzzing::profile, seeds::VIDM_PROFILES),
    entry(
        "vcf_providers",
        "SDDC Manager: identity providers and sources",
        vcf::fuzzing::providers,
        seeds::VCF_PROVIDERS,
    ),
    entry("vcf_tokens", "SDDC Manager: tokens", vcf::fuzzing::tokens, seeds::VCF_TOKENS),
    entry("vcf_answers", "SDDC Manager: all other responses", vcf::fuzzing::answers, seeds::VCF_ANSWERS),
    entry(
        "fleet_directories",
        "VCF Operations: directories, realms",
        fleet::fuzzing::directories,
        seeds::FLEET_DIRECTORIES,
    ),
    entry("fleet_sync_logs", "VCF Operations: sync logs, starts", fleet::fuzzing::sync_logs, seeds::FLEET_SYNC_LOGS),
    entry(
        "fleet_providers",
        "VCF Operations: identity providers, tasks",
        fleet::fuzzing::providers,
        seeds::FLEET_PROVIDERS,
    ),
    entry("fleet_login", "VCF Operations: logins", fleet::fuzzing::logins, seeds::FLEET_LOGINS),
    entry(
        "fleet_answers",
        "VCF Operations: groups, users, profiles, versions",
        fleet::fuzzing::answers,
        seeds::FLEET_ANSWERS,
    ),
    entry(
        "address",
        "base URLs, ids in paths, queries of upstream calls",
        upstream::fuzzing::address,
        seeds::ADDRESSES,
    ),
    entry("names", "names of groups and users; SCIM filters for them", vidm::fuzzing::names, seeds::NAMES),
    entry("dn", "distinguished names", values::distinguished_name, seeds::DNS),
    entry("certificate", "certificates: PEM, base64, DER, PKCS#7", values::certificates, seeds::CERTIFICATES),
    entry(
        "client_certificate",
        "a proxy's header with the certificate of a client",
        certificate::fuzzing::client_certificate,
        seeds::CLIENT_CERTIFICATES,
    ),
    entry("redaction", "a secret, and a text that may contain it", values::redaction, seeds::REDACTION),
    entry("words", "placeholders, misspelt words, keys, excerpts", values::words, seeds::WORDS),
    entry("variables", "the configuration's variables", config::variables, seeds::VARIABLES),
];
