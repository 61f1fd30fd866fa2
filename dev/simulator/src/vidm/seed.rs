//! The initial directories and groups of a tenant. [`crate::seeds`] lists what tests may rely on.

use super::profile::Profile;
use super::state::{AdGroup, Counts, Directory, Group, KickOff, Run, Tenant};
use super::sync;
use crate::settings::Outcome;
use crate::{clock, seeds};

/// The tenant with this number and name.
pub(super) fn tenant(number: usize, name: &str) -> Tenant {
    let directory = |id: &str, kind: &'static str, name: &str, kick_off: KickOff| Directory {
        id: id.replacen("d1000000", &format!("d1{number:06x}"), 1),
        userstore_id: id.replacen("d1000000", &format!("51{number:06x}"), 1),
        kind,
        name: name.to_owned(),
        base_dn: name.split('.').map(|part| format!("DC={part}")).collect::<Vec<_>>().join(","),
        deleting: false,
        kick_off,
        safeguards_trip: false,
        fails_next: None,
        profile: Profile::default(),
        in_ad: Vec::new(),
        users_in_ad: Vec::new(),
        runs: Vec::new(),
    };
    let mut corp = directory(seeds::CORP, "ACTIVE_DIRECTORY_LDAP", seeds::CORP_NAME, KickOff::Both);
    corp.in_ad = in_ad(&[
        seeds::PRESENT_GROUP_DN,
        "CN=gg-app-admins,OU=Groups,DC=corp,DC=example",
        seeds::AWKWARD_GROUP_DN,
        "CN=gg-picked,OU=Picked,DC=corp,DC=example",
        "CN=gg-unpicked,OU=Picked,DC=corp,DC=example",
    ]);
    corp.profile.select_all(seeds::CORP_ALL_SELECTED);
    let picked: Vec<AdGroup> = corp.in_ad.iter().filter(|group| group.name == "gg-picked").cloned().collect();
    corp.profile.pick(seeds::CORP_PICKED, &picked);

    let mut lab_first = directory(seeds::LAB_FIRST, "ACTIVE_DIRECTORY_LDAP", seeds::LAB_NAME, KickOff::Classic);
    lab_first.profile.select_all("OU=Groups,DC=lab,DC=example");
    let mut lab_second = directory(seeds::LAB_SECOND, "ACTIVE_DIRECTORY_IWA", seeds::LAB_NAME, KickOff::Both);
    lab_second.profile.select_all("OU=Groups,DC=lab,DC=example");
    let mut cloud = directory(seeds::CLOUD, "ACTIVE_DIRECTORY_LDAP", seeds::CLOUD_NAME, KickOff::V2);
    cloud.profile.select_all("OU=Groups,DC=cloud,DC=example");
    let mut deleting = directory(seeds::DELETING, "ACTIVE_DIRECTORY_LDAP", "gone.example", KickOff::Classic);
    deleting.deleting = true;

    let mut tenant = Tenant {
        name: name.to_owned(),
        directories: vec![
            directory(seeds::SYSTEM_DIRECTORY, "LOCAL_DIRECTORY", "System Directory", KickOff::Neither),
            corp,
            lab_first,
            lab_second,
            directory(seeds::JIT, "JIT_DIRECTORY", "partners", KickOff::Neither),
            deleting,
            cloud,
        ],
        groups: vec![everybody()],
        users: Vec::new(),
    };
    scheduled_runs(&mut tenant);
    tenant
}

fn in_ad(dns: &[&str]) -> Vec<AdGroup> {
    dns.iter().filter_map(|dn| AdGroup::new(dn)).collect()
}

/// The built-in group of all users, which belongs to no directory.
fn everybody() -> Group {
    Group {
        id: clock::uuid(),
        display_name: "ALL USERS".to_owned(),
        external_id: None,
        dn: None,
        domain: None,
        internal_type: "ALL_USERS",
        userstore_id: None,
        created: 1_704_103_200_000,
    }
}

/// An hour ago the schedule synced every directory that can be synced: a client that kicks a run off and believes the first
/// `COMPLETED` is wrong.
fn scheduled_runs(tenant: &mut Tenant) {
    let start = clock::now() - 3_600_000;
    for directory in tenant.directories.iter_mut().filter(|directory| directory.syncable() && !directory.deleting) {
        directory.runs.push(Run {
            id: clock::uuid(),
            asked_for: false,
            ignore_safeguards: false,
            v2: directory.migrated(),
            start,
            due: Some(start + 42_000),
            planned: Outcome::Completed,
            found: directory.profile.selected(&directory.in_ad),
            users: Vec::new(),
            end: None,
            counts: Counts::default(),
            joined: 0,
        });
    }
    sync::settle(tenant, start + 42_000);
}
