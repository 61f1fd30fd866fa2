//! Entry points for fuzzers: the responses of VCF Operations and its identity broker.

use std::marker::PhantomData;
use std::time::SystemTime;

use super::directories::{Directory, ListDirectories, RealmName};
use super::directory_query::FindDirectoryGroups;
use super::node_status::GetNodeStatus;
use super::principal_query::{Group, Query, User};
use super::provision::ProvisionGroup;
use super::realms::ListRealms;
use super::sync_logs::ListSyncLogs;
use super::sync_profile::GetSyncProfile;
use super::sync_start::StartSync;
use super::version::GetVersion;
use crate::directory::Listed as _;
use crate::upstream::fuzzing::{has_no_secrets, read};
use crate::upstream::path_segment::{self, MAX_ID};

pub(crate) use super::login::fuzzing::logins;
pub(crate) use super::provider::fuzzing::providers;

/// The list of directories: every id is safe in a path, nothing shown is a secret, and a cached one stays the same.
pub(crate) fn directories(input: &[u8]) {
    let realm = RealmName { id: "r".to_owned(), name: None };
    for directory in read(&ListDirectories { realm: &realm, provider: "p" }, input).unwrap_or_default() {
        assert_eq!(path_segment::check(directory.id(), MAX_ID), Ok(()));
        has_no_secrets(&directory);
        let cached = Directory::read(directory.written()).map(|cached| cached.written());
        assert_eq!(cached, Some(directory.written()), "the cached directory differs");
    }
    read(&ListRealms, input).iter().flatten().for_each(has_no_secrets);
}

/// The log of syncs, and the state of a start.
pub(crate) fn sync_logs(input: &[u8]) {
    for last in [false, true] {
        let logs = read(&ListSyncLogs { provider: "p", directory: "d", last, page: 0 }, input).unwrap_or_default();
        assert!(logs.entries.len() <= input.len());
    }
    read(&StartSync { provider: "p", directory: "d", with_body: false }, input);
}

/// Pages of groups and users, groups of the source, sync profiles, versions.
pub(crate) fn answers(input: &[u8]) {
    read(&Query::<Group> { realm: "r", all_of: &[], page: 0, of: PhantomData }, input);
    read(&Query::<User> { realm: "r", all_of: &[], page: 1, of: PhantomData }, input);
    read(&FindDirectoryGroups { provider: "p", directory: "d", base: "DC=a", name: Some("b") }, input);
    read(&GetSyncProfile { provider: "p", directory: "d" }, input);
    read(&ProvisionGroup { provider: "p", directory: "d", dn: "CN=a,DC=b" }, input);
    read(&GetVersion, input);
    read(&GetNodeStatus, input);
}

/// When the logins here were made.
pub(super) const NOW: SystemTime = SystemTime::UNIX_EPOCH;
