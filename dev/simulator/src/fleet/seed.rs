//! The initial realms, providers and directories. [`crate::seeds`] lists what tests may rely on.

use super::api_tokens::{self, ApiToken, Client};
use super::profile::Profile;
use super::state::{Contents, Counts, Directory, Group, Provider, Realm, Run, User, Vidb};
use super::sync;
use crate::settings::{FleetSettings, Outcome};
use crate::{clock, credentials, seeds};
use serde_json::{Value, json};

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

/// A broker for each realm, and a free one.
pub(super) fn vidbs() -> Vec<Vidb> {
    let of_realm = realms().into_iter().map(|realm| Vidb {
        id: realm.vidb,
        name: realm.name,
        instance: realm.instance,
        embedded: true,
    });
    let free = Vidb {
        id: seeds::FLEET_FREE_BROKER.to_owned(),
        name: "Spare".to_owned(),
        instance: id_like(seeds::FLEET_FREE_BROKER, "b"),
        embedded: false,
    };
    of_realm.chain([free]).collect()
}

/// The vendor's defaults.
pub(super) fn iam_settings() -> Value {
    json!({
        "apiTokenTtl": 43_200,
        "accessTokenTtl": 480,
        "apiTokenRetentionPeriod": 43_200,
        "allUsersGroupEnabled": false,
        "jitInactiveUserEnabled": false,
        "jitInactiveUserTtl": 10_080,
    })
}

/// A client with all rights, and one without.
pub(super) fn clients() -> Vec<Client> {
    let client = |id: &str, uuid: &str, roles: Value| Client {
        realm: seeds::FLEET_REALM.to_owned(),
        uuid: uuid.to_owned(),
        id: id.to_owned(),
        name: format!("{id} of the seeds"),
        description: String::new(),
        roles: roles.as_array().cloned().unwrap_or_default(),
    };
    let administrator = json!([{
        "roleName": api_tokens::ADMINISTRATOR,
        "roleDisplayName": "VCF Administrator",
        "roleScope": {"scopeType": "SSO_REALM", "resources": [], "ssoName": "Headquarters"},
    }]);
    vec![
        client("svc-idhook-client", "f1000000-0000-4000-8000-0000000000d1", administrator),
        client("plain-client", "f1000000-0000-4000-8000-0000000000d2", json!([])),
    ]
}

/// The API tokens of [`crate::credentials`]: the good ones live for 30 days from the start.
pub(super) fn api_tokens() -> Vec<ApiToken> {
    const DAY: u64 = 86_400_000;
    let now = clock::now();
    let token = |id: &str, client: &str, secret: &str, created: u64| ApiToken {
        realm: seeds::FLEET_REALM.to_owned(),
        id: id.to_owned(),
        client: client.to_owned(),
        name: format!("token of {client}"),
        description: String::new(),
        secret: secret.to_owned(),
        ttl: 43_200,
        access_ttl: 30,
        created,
        expires: created + 30 * DAY,
        used: None,
    };
    vec![
        token(seeds::FLEET_API_TOKEN_ID, "svc-idhook-client", credentials::FLEET_API_TOKEN, now),
        token("f1000000-0000-4000-8000-0000000000f2", "plain-client", credentials::FLEET_PLAIN_API_TOKEN, now),
        token(
            "f1000000-0000-4000-8000-0000000000f3",
            "svc-idhook-client",
            credentials::FLEET_EXPIRED_API_TOKEN,
            now - 31 * DAY,
        ),
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
    let mut configuration = on_demand.configuration.clone();
    if let Some(mode) = configuration.pointer_mut("/ldapBindConfiguration/syncMode") {
        *mode = json!("ON_DEMAND");
    }
    on_demand.configure(configuration);
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
    let configuration = json!({
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
    });
    Directory { profile, set_up: true, vidb_id: id_like(id, "d"), ..Directory::new(id, configuration) }
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
        scim: None,
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
        scim: None,
    }
}
