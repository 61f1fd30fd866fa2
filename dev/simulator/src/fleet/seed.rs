//! The initial realms, providers and directories. [`crate::seeds`] lists what tests may rely on.

use super::profile::Profile;
use super::state::{Contents, Counts, Directory, Group, Provider, Realm, Run, User};
use super::sync;
use crate::settings::{FleetSettings, Outcome};
use crate::{clock, seeds};
use serde_json::json;
use std::collections::BTreeSet;

/// The beginning of 2026 in the vendor's examples.
const CREATED: u64 = 1_767_225_600_000;

/// The id that belongs to another one, with this digit in place of the `f` at its beginning.
fn id_like(id: &str, digit: &str) -> String {
    id.replacen('f', digit, 1)
}

/// The four realms.
pub(super) fn realms() -> Vec<Realm> {
    let realm = |id: &str, name: &str| Realm {
        id: id.to_owned(),
        name: name.to_owned(),
        vidb: id_like(id, "a"),
        instance: id_like(id, "b"),
        created: CREATED,
    };
    vec![
        realm(seeds::FLEET_REALM, "Headquarters"),
        realm(seeds::FLEET_BRANCH_REALM, "Branch"),
        realm(seeds::FLEET_EMPTY_REALM, "New"),
        realm(seeds::FLEET_SCIM_REALM, "Cloud"),
    ]
}

/// The three providers.
pub(super) fn providers() -> Vec<Provider> {
    let mut corp = directory(seeds::FLEET_CORP, seeds::CORP_NAME, seeds::CORP_NAME);
    corp.ad = corp_contents();
    corp.profile.select_all(seeds::CORP_ALL_SELECTED);
    if let Some(picked) = corp.ad.group("CN=gg-picked,OU=Picked,DC=corp,DC=example") {
        corp.profile.pick(seeds::CORP_PICKED, picked);
    }
    let mut initial = directory(seeds::FLEET_INITIAL, "new.example", "new.example");
    initial.set_up = false;
    let mut on_demand = directory(seeds::FLEET_ON_DEMAND, "ondemand.example", "ondemand.example");
    on_demand.on_demand = true;
    if let Some(bind) = on_demand.configuration.pointer_mut("/ldapBindConfiguration/syncMode") {
        *bind = json!("ON_DEMAND");
    }
    on_demand.profile = Profile::default();
    on_demand.ad.groups.extend(Group::new("CN=gg-one,OU=Groups,DC=ondemand,DC=example", &[]));

    let mut headquarters = vec![
        corp,
        directory(seeds::FLEET_LAB_FIRST, seeds::LAB_NAME, seeds::LAB_NAME),
        directory(seeds::FLEET_CLOUD, seeds::FLEET_CLOUD_NAME, seeds::CLOUD_NAME),
    ];
    let mut branch = vec![directory(seeds::FLEET_LAB_SECOND, seeds::LAB_NAME, seeds::LAB_NAME)];
    headquarters.iter_mut().chain(&mut branch).for_each(scheduled_run);
    headquarters.push(initial);
    headquarters.push(directory(seeds::FLEET_NEVER_SYNCED, "fresh.example", "fresh.example"));
    headquarters.push(on_demand);
    vec![
        over_ldap(seeds::FLEET_PROVIDER, seeds::FLEET_REALM, "Headquarters AD", headquarters),
        over_ldap(seeds::FLEET_BRANCH_PROVIDER, seeds::FLEET_BRANCH_REALM, "Branch AD", branch),
        over_scim(),
    ]
}

/// The contents of vIDM's `corp.example`, and what vIDM does not need: users, a nested and a non-compliant group.
fn corp_contents() -> Contents {
    let ada = seeds::FLEET_USER_DN;
    let jurgen = "CN=Jürgen Groß\\, Köln,OU=Users,DC=corp,DC=example";
    let grace = "CN=Grace Hopper,OU=Users,DC=corp,DC=example";
    let groups = [
        (seeds::PRESENT_GROUP_DN, vec![ada, jurgen]),
        ("CN=gg-app-admins,OU=Groups,DC=corp,DC=example", vec![grace]),
        (seeds::AWKWARD_GROUP_DN, vec![]),
        ("CN=gg-Straße,OU=Groups,DC=corp,DC=example", vec![jurgen]),
        (seeds::FLEET_NESTED_GROUP_DN, vec![seeds::PRESENT_GROUP_DN, grace]),
        ("CN=gg-picked,OU=Picked,DC=corp,DC=example", vec![]),
        ("CN=gg-unpicked,OU=Picked,DC=corp,DC=example", vec![]),
    ];
    let mut contents = Contents {
        groups: groups.iter().filter_map(|(dn, members)| Group::new(dn, members)).collect(),
        users: [(ada, seeds::FLEET_USER_NAME), (jurgen, "jgross"), (grace, "grace")]
            .iter()
            .filter_map(|(dn, name)| User::new(dn, name))
            .collect(),
    };
    let broken = Group::new(seeds::FLEET_NON_COMPLIANT_DN, &[]);
    contents.groups.extend(broken.map(|group| Group { invalid: vec!["sAMAccountName".to_owned()], ..group }));
    contents
}

fn directory(id: &str, name: &str, domain: &str) -> Directory {
    let base_dn = domain.split('.').map(|part| format!("DC={part}")).collect::<Vec<_>>().join(",");
    let mut profile = Profile::default();
    if id != seeds::FLEET_CORP {
        profile.select_all(&format!("OU=Groups,{base_dn}"));
    }
    Directory {
        id: id.to_owned(),
        vidb_id: id_like(id, "d"),
        name: name.to_owned(),
        domains: vec![domain.to_owned()],
        configuration: json!({
            "ldapConfigurationId": id,
            "name": name,
            "domains": [domain],
            "ldapBindConfiguration": {
                "type": "ACTIVE_DIRECTORY_LDAP",
                "baseDn": base_dn,
                "bindDn": format!("CN=svc-vidb,OU=Service,{base_dn}"),
                "communicationMode": "UNSECURE",
                "directorySearchAttribute": "sAMAccountName",
                "dnsLookupCertificateChain": [],
                "primaryDomainController": {"host": format!("dc1.{domain}"), "protocol": "LDAP", "port": 389},
                "syncMode": "FULL_SYNC",
            },
        }),
        base_dn,
        set_up: true,
        on_demand: false,
        alerts: 0,
        profile,
        fails_next: None,
        ad: Contents::default(),
        broker: Contents::default(),
        provisioned: BTreeSet::new(),
        runs: Vec::new(),
    }
}

/// An hour ago the schedule synced the directory: a client that starts a run and believes the first `COMPLETED` is wrong.
fn scheduled_run(directory: &mut Directory) {
    let start = clock::now() - 3_600_000;
    let settings = FleetSettings::default();
    // It cannot fail: no other run is active.
    let _ = sync::kick_off(directory, &settings);
    if let Some(run) = directory.runs.last_mut() {
        *run = Run { asked_for: false, start: Some(start), counts: Counts::default(), ..run.clone() };
    }
    sync::finish(directory, &settings, start + 42_000, Outcome::Completed);
}

fn over_ldap(id: &str, realm: &str, name: &str, directories: Vec<Directory>) -> Provider {
    let document = json!({
        "id": id,
        "name": name,
        "ssoRealmId": realm,
        "idpType": "ADLDAP",
        "idpProtocol": "LDAP_BIND",
        "provisionType": "LDAP",
        "createdAt": CREATED,
        "updatedAt": CREATED,
    });
    Provider {
        id: id.to_owned(),
        realm: realm.to_owned(),
        document: document.as_object().cloned().unwrap_or_default(),
        directories,
    }
}

fn over_scim() -> Provider {
    let document = json!({
        "id": seeds::FLEET_SCIM_PROVIDER,
        "name": "Okta",
        "ssoRealmId": seeds::FLEET_SCIM_REALM,
        "idpType": "OKTA",
        "idpProtocol": "OIDC",
        "provisionType": "SCIM",
        "idpConfig": {"oidcConfiguration": {
            "discoveryEndpoint": "https://okta.example/.well-known/openid-configuration",
            "clientId": "0oa1planted",
            "openIdUserIdentifierAttribute": "email",
            "internalUserIdentifierAttribute": "email",
        }},
        "directories": [{
            "id": seeds::FLEET_SCIM_DIRECTORY,
            "name": "Okta directory",
            "domains": ["okta.example"],
            "defaultDomain": "okta.example",
        }],
        "createdAt": CREATED,
        "updatedAt": CREATED,
    });
    Provider {
        id: seeds::FLEET_SCIM_PROVIDER.to_owned(),
        realm: seeds::FLEET_SCIM_REALM.to_owned(),
        document: document.as_object().cloned().unwrap_or_default(),
        directories: Vec::new(),
    }
}
