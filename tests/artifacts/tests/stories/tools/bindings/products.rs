//! The products that the bindings call: how a story opens a session, what it calls, and how it changes the simulator.

use idhook_simulator::{
    FleetVersion, Options as SimulatorOptions, Outcome, Simulator, SyncDuration, credentials, seeds,
};
use serde_json::{Value, json};

use crate::vcf;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Vidm,
    Vcf,
    Fleet,
}

impl Product {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Vidm => "vidm",
            Self::Vcf => "vcf",
            Self::Fleet => "fleet",
        }
    }

    /// The id of the directory `corp.example`.
    pub(super) fn corp(self) -> &'static str {
        if self == Self::Fleet { seeds::FLEET_CORP } else { seeds::CORP }
    }

    pub(super) fn add_group(self, simulator: &Simulator, dn: &str) {
        match self {
            Self::Fleet => simulator.add_ad_group(seeds::FLEET_CORP, dn, &[]).unwrap(),
            Self::Vidm | Self::Vcf => simulator.add_directory_group(seeds::CORP, dn).unwrap(),
        }
    }

    pub(super) fn finish(self, simulator: &Simulator) {
        match self {
            Self::Fleet => simulator.finish_fleet_sync(seeds::FLEET_CORP, Outcome::Completed).unwrap(),
            Self::Vidm | Self::Vcf => simulator.finish_sync(seeds::CORP, Outcome::Completed).unwrap(),
        }
    }

    pub(super) fn runs(self, simulator: &Simulator) -> usize {
        match self {
            Self::Fleet => simulator.fleet_sync_runs(seeds::FLEET_CORP).unwrap().len(),
            Self::Vidm | Self::Vcf => simulator.runs_started(seeds::CORP).unwrap(),
        }
    }
}

/// VCF Operations 9.1.1, whose runs end when a story ends them.
pub(super) fn prepare(simulator: &Simulator) {
    simulator.set_sync_duration(SyncDuration::Manual);
    simulator.configure_fleet(|settings| {
        settings.version = FleetVersion::V9_1_1;
        settings.sync_duration = SyncDuration::Manual;
    });
}

pub(super) fn options() -> SimulatorOptions {
    SimulatorOptions { external_provider: true, ..SimulatorOptions::default() }
}

/// The settings of a session, with short timeouts for a silent server.
pub(super) fn settings(simulator: &Simulator, product: Product) -> Value {
    let timeouts = json!({"firstByte": 1, "betweenBytes": 1, "operation": 8});
    match product {
        Product::Vidm => json!({
            "url": simulator.vidm_url(),
            "username": credentials::VIDM_USERNAME,
            "password": credentials::VIDM_PASSWORD,
            "timeouts": timeouts,
        }),
        Product::Vcf => json!({
            "url": simulator.sddc_url(),
            "username": credentials::SDDC_USERNAME,
            "password": credentials::SDDC_PASSWORD,
            "timeouts": timeouts,
        }),
        Product::Fleet => json!({
            "url": simulator.fleet_url(),
            "username": credentials::FLEET_USERNAME,
            "password": credentials::FLEET_PASSWORD,
            "timeouts": timeouts,
        }),
    }
}

/// A source of fields that have a name in the library's types; others are given there under `extra`.
pub(super) fn source(domain: &str) -> Value {
    let mut spec = vcf::source(domain);
    spec.as_object_mut().unwrap().remove("aFieldOfTomorrow");
    spec
}

/// One that leaves its domain to the path.
fn unnamed_source() -> Value {
    let mut spec = source("unnamed");
    spec["ldap"].as_object_mut().unwrap().remove("domainName");
    spec
}

fn adfs(name: &str) -> Value {
    let mut spec = vcf::adfs();
    spec["name"] = json!(name);
    spec
}

/// Every operation, once or more, each after those before it; where it leads to a problem, that is to be the same too.
pub(super) fn operations(product: Product) -> Vec<(&'static str, Vec<Value>)> {
    let (embedded, external) = (json!(seeds::EMBEDDED_PROVIDER), json!(seeds::EXTERNAL_PROVIDER));
    let domain = json!("research.example");
    match product {
        Product::Vidm => vec![
            ("health", vec![]),
            ("directories", vec![]),
            ("directories", vec![json!({"name": "CORP.example"})]),
            ("directories", vec![json!({"syncable": false})]),
            ("directories", vec![json!({"domain": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP"})]),
            ("directory", vec![json!("corp.example")]),
            ("directory", vec![json!(seeds::CLOUD)]),
            ("directory", vec![json!("nowhere.example")]),
            ("directory", vec![json!(seeds::LAB_NAME)]),
            ("groups", vec![json!(seeds::PRESENT_GROUP_DN)]),
            ("groups", vec![json!(seeds::AWKWARD_GROUP_NAME)]),
            ("groups", vec![json!("gg-nowhere@corp.example")]),
            ("latestSync", vec![json!(seeds::CORP_NAME)]),
            ("syncHistory", vec![json!(seeds::CORP)]),
            ("dryRun", vec![json!(seeds::CORP)]),
            ("startSync", vec![json!(seeds::JIT)]),
            ("startSync", vec![json!("nowhere.example")]),
            ("startSync", vec![json!(seeds::CORP), json!({"groups": ["CN=a,DC=b", "name@x"], "addToProfile": true})]),
            ("sync", vec![json!("AXsid")]),
        ],
        Product::Vcf => vec![
            ("identityProviders", vec![]),
            ("identityProvider", vec![embedded.clone()]),
            ("identityProvider", vec![json!("no-such-id")]),
            ("addIdentitySource", vec![embedded.clone(), source("research.example")]),
            ("addIdentitySource", vec![embedded.clone(), source("research.example")]),
            ("addIdentitySource", vec![embedded.clone(), json!({"name": " ", "ldap": {"type": "x"}})]),
            ("putIdentitySource", vec![embedded.clone(), domain.clone(), unnamed_source()]),
            (
                "putIdentitySource",
                vec![embedded.clone(), domain.clone(), unnamed_source(), json!({"force": true, "dryRun": true})],
            ),
            ("putIdentitySource", vec![embedded.clone(), json!("other.example"), source("research.example")]),
            ("updateIdentitySource", vec![embedded.clone(), domain.clone(), source("research.example")]),
            (
                "updateIdentitySource",
                vec![embedded.clone(), domain.clone(), source("research.example"), json!({"ifMatch": "\"old\""})],
            ),
            (
                "putIdentitySource",
                vec![embedded.clone(), domain.clone(), unnamed_source(), json!({"ifMatch": "*", "force": true})],
            ),
            (
                "setIdentitySourceCredentials",
                vec![json!("embedded"), domain.clone(), json!({"password": "new"}), json!({"ifMatch": "\"old\""})],
            ),
            ("setIdentitySourceCredentials", vec![json!("embedded"), domain.clone(), json!({"password": "new"})]),
            ("setIdentitySourceCredentials", vec![json!("embedded"), domain.clone(), json!({"username": "nobody"})]),
            (
                "setIdentitySourceCertificates",
                vec![
                    json!("embedded"),
                    domain.clone(),
                    json!({"certChain": [], "keep": true, "password": "x"}),
                    json!({"dryRun": true}),
                ],
            ),
            (
                "setClientSecret",
                vec![json!("external"), json!({"clientSecret": "new", "certChain": []}), json!({"dryRun": true})],
            ),
            ("deleteIdentitySource", vec![embedded.clone(), domain.clone(), json!({"ifMatch": "\"old\""})]),
            ("deleteIdentitySource", vec![embedded.clone(), domain.clone()]),
            ("deleteIdentitySource", vec![embedded.clone(), domain.clone()]),
            ("deleteIdentitySource", vec![embedded.clone(), domain.clone(), json!({"absent": "ok"})]),
            ("apply", vec![json!({"identitySource": source("applied.example")}), json!({"dryRun": true})]),
            ("apply", vec![json!({"identitySource": source("applied.example"), "precheck": false})]),
            (
                "apply",
                vec![json!({
                    "identitySource": source("applied.example"),
                    "roles": [{"group": "gg-nowhere@applied.example", "role": "ADMIN"}]
                })],
            ),
            ("apply", vec![json!({"roles": [{"role": "ADMIN"}]}), json!({"ifMatch": "*"})]),
            ("putIdentitySource", vec![embedded.clone(), domain, unnamed_source()]),
            ("addIdentityProvider", vec![adfs("My ADFS")]),
            ("putIdentityProvider", vec![adfs("Another")]),
            ("putIdentityProvider", vec![adfs("Another"), json!({"replace": true, "dryRun": true})]),
            ("putIdentityProvider", vec![adfs("Another"), json!({"replace": true, "confirm": "nothing"})]),
            ("updateIdentityProvider", vec![external.clone(), adfs("My ADFS")]),
            ("generateSyncClientToken", vec![external.clone(), json!({"ttlSeconds": 0})]),
            ("generateSyncClientToken", vec![embedded]),
            ("deleteIdentityProvider", vec![external.clone()]),
            ("deleteIdentityProvider", vec![external.clone()]),
            ("deleteIdentityProvider", vec![external, json!({"absent": "ok"})]),
            ("addIdentityProvider", vec![adfs("My ADFS")]),
            ("putIdentityProvider", vec![adfs("My ADFS")]),
            ("putIdentityProvider", vec![adfs("Another"), json!({"replace": true, "confirm": "My ADFS"})]),
            ("updateIdentityProvider", vec![json!("external"), adfs("Another"), json!({"ifMatch": "*"})]),
            ("setClientSecret", vec![json!("external"), json!({"clientSecret": "new"}), json!({"ifMatch": "\"old"})]),
            ("prechecks", vec![]),
            ("prechecks", vec![json!("EXTERNAL")]),
            ("sddcManagerOidc", vec![]),
        ],
        Product::Fleet => vec![
            ("directories", vec![]),
            ("directories", vec![json!({"name": "CORP.example"})]),
            ("directories", vec![json!({"syncable": false})]),
            ("directories", vec![json!({"domain": "corp.example", "realm": seeds::FLEET_REALM})]),
            ("directory", vec![json!("corp.example")]),
            ("directory", vec![json!(seeds::FLEET_CLOUD)]),
            ("directory", vec![json!("nowhere.example")]),
            ("directory", vec![json!(seeds::LAB_NAME)]),
            ("groups", vec![json!(seeds::PRESENT_GROUP_DN)]),
            ("groups", vec![json!("gg-app@corp.example")]),
            ("groups", vec![json!("gg-nowhere@corp.example")]),
            ("latestSync", vec![json!(seeds::CORP_NAME)]),
            ("syncHistory", vec![json!(seeds::FLEET_CORP)]),
            ("startSync", vec![json!(seeds::FLEET_INITIAL)]),
            ("startSync", vec![json!("nowhere.example")]),
            (
                "startSync",
                vec![json!(seeds::FLEET_CORP), json!({"groups": ["CN=a,DC=b", "name@x"], "addToProfile": true})],
            ),
            ("sync", vec![json!("AXsid")]),
            ("identityProviders", vec![]),
            ("identityProvider", vec![json!(seeds::FLEET_SCIM_PROVIDER)]),
            ("identityProvider", vec![json!("no-such-id")]),
            ("createIdentityProvider", vec![json!({"name": "Okta", "ssoRealmId": seeds::FLEET_EMPTY_REALM})]),
            ("putIdentityProvider", vec![json!({"name": "Okta"}), json!({"dryRun": true})]),
            ("putIdentityProvider", vec![json!({"name": "Okta"}), json!({"ifMatch": "no-quotes"})]),
            ("deleteIdentityProvider", vec![json!(seeds::FLEET_SCIM_PROVIDER), json!({"ifMatch": "\"old\""})]),
            ("syncClient", vec![json!(seeds::FLEET_SCIM_PROVIDER)]),
            ("syncClient", vec![json!(seeds::FLEET_PROVIDER)]),
            ("task", vec![json!("no-such-task")]),
            ("validateSamlMetadata", vec![json!({})]),
        ],
    }
}
