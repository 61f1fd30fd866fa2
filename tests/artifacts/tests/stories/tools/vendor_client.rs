//! The vendor's Python client `vcf-operations` against the simulated VCF Operations: the client reads every response, and every
//! call keeps the vendor's OpenAPI document.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use idhook_simulator::{FleetVersion, Options, Simulator, SyncDuration, contract, credentials, seeds};

use crate::tools::{install, programs};

const NEW_GROUP: &str = "CN=gg-new,OU=Picked,DC=corp,DC=example";

/// The operations that the program calls, by the vendor's names.
const OPERATIONS: [&str; 42] = [
    "acquireToken",
    "configureIDP",
    "createApiClient",
    "createSsoRealm",
    "deleteApiToken",
    "deleteIDPConfiguration",
    "deleteSsoRealm",
    "executeLdapSync",
    "generateApiToken",
    "generateScimSyncClient",
    "getApiClient",
    "getApiToken",
    "getCurrentUser",
    "getCurrentVersionOfServer",
    "getEligibleVidbs",
    "getGroupMembersList",
    "getGroupsList",
    "getIDPConfiguration",
    "getIamSettings",
    "getIamTaskDetails",
    "getLdapDirectories",
    "getLdapSyncLogById",
    "getLdapSyncLogs",
    "getLdapSyncProfile",
    "getNodeStatus",
    "getRoleAssignment",
    "getScimSyncClientInfo",
    "getSsoRealm",
    "getSsoRealmList",
    "getUsersList",
    "getVIDBWellKnownURL",
    "lookupLdapGroups",
    "lookupLdapUsers",
    "queryApiClients",
    "queryApiTokens",
    "reGenerateApiToken",
    "releaseToken",
    "updateIDPConfiguration",
    "updateIamSettings",
    "updateLdapSyncProfile",
    "updateRoleAssignment",
    "validateSamlMetadata",
];

/// Those that 9.1.1 adds.
const NEW_OPERATIONS: [&str; 3] = ["deprovisionPrincipal", "getUserGroupDetails", "provisionPrincipal"];

#[tokio::test(flavor = "multi_thread")]
async fn vendors_client_9_1_0_runs_against_the_simulator() {
    runs(FleetVersion::V9_1_0, "9.1.0.0", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vendors_client_9_1_1_runs_against_the_simulator() {
    runs(FleetVersion::V9_1_1, "9.1.1.0", &NEW_OPERATIONS).await;
}

async fn runs(version: FleetVersion, release: &str, new: &[&str]) {
    if !programs::are_there("the vendor's Python client", &["python3"]) {
        return;
    }
    let Some(python) = install::python(&[&format!("vcf-operations=={release}")]) else { return };
    let simulator = Simulator::start(Options::default()).await.unwrap();
    simulator.configure_fleet(|settings| {
        settings.version = version;
        settings.sync_duration = SyncDuration::Fixed(Duration::from_millis(200));
        settings.providers.task_duration = Duration::from_millis(200);
    });
    simulator.add_ad_group(seeds::FLEET_CORP, NEW_GROUP, &[seeds::FLEET_USER_DN]).unwrap();
    simulator.record_bodies();
    let ca = tempfile::NamedTempFile::new().unwrap();
    simulator.write_ca(ca.path()).unwrap();
    let mut command = Command::new(python.join("python"));
    command
        .arg("-B")
        .arg(xtask::build::root().join("tests/python/vendor_client.py"))
        .env("FLEET_URL", simulator.fleet_tls_url())
        .env("FLEET_USERNAME", credentials::FLEET_USERNAME)
        .env("FLEET_PASSWORD", credentials::FLEET_PASSWORD)
        .env("FREE_BROKER", seeds::FLEET_FREE_BROKER)
        .env("NEW_GROUP", NEW_GROUP)
        .env("VERSION", release)
        .env("CA_FILE", ca.path());
    let end = programs::run(command).await;
    assert!(end.is_good && end.out.ends_with("OK\n"), "{}", end.said());
    let exchanges = simulator.exchanges();
    let violations = contract::violations(&exchanges);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    let called: BTreeSet<&str> = exchanges.iter().filter_map(contract::operation_id).collect();
    let expected: BTreeSet<&str> = OPERATIONS.iter().chain(new).copied().collect();
    assert_eq!(called, expected);
}
