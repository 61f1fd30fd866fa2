//! Entry points for fuzzers: vIDM's responses, and the filters that are sent to it.

use serde_json::Value;

use super::connectors::ListConnectors;
use super::directories::{Directory, ListDirectories};
use super::directory_groups::FindDirectoryGroups;
use super::domains::ListDomains;
use super::dry_run::DryRun;
use super::groups::Group;
use super::health::GetHealth;
use super::login::{OauthToken, SystemLogin};
use super::scim::{Find, Page, Resource, Search};
use super::scim_filter::{ByName, quoted};
use super::sync_executions::ListSyncExecutions;
use super::sync_profile::GetSyncProfile;
use super::sync_start::{StartSync, StartSyncV2};
use super::sync_state::GetSync;
use super::users::User;
use crate::directory::{DirectoryRef, GroupQuery, Listed as _, SyncReport, UserQuery};
use crate::runtime::rfc3339;
use crate::secret::{Scheme, Secret};
use crate::upstream::fuzzing::{has_no_secrets, read};
use crate::upstream::path_segment::{self, MAX_ID};

/// The list of directories: every id is safe in a path, nothing shown is a secret, and the cached list is the same.
pub(crate) fn directories(input: &[u8]) {
    for directory in read(&ListDirectories, input).unwrap_or_default() {
        assert_eq!(path_segment::check(&directory.id, MAX_ID), Ok(()));
        assert!(directory.syncable() == directory.why_not_syncable().is_none());
        has_no_secrets(&directory);
        assert_eq!(Directory::read(directory.written()).as_ref(), Some(&directory), "the cached directory differs");
    }
    let domains = read(&ListDomains { directory: "d" }, input).unwrap_or_default();
    assert!(domains.iter().all(|domain| !domain.trim().is_empty()), "{domains:?}");
    read(&ListConnectors { directory: "d" }, input);
    read(&GetHealth, input);
}

/// The state of a sync, and the list of runs: bounded words, times that can be written, latest first.
pub(crate) fn reports(input: &[u8]) {
    if let Some(report) = read(&GetSync { directory: "d" }, input) {
        check_report(&report);
    }
    let reports = read(&ListSyncExecutions { directory: "d" }, input).unwrap_or_default();
    assert!(reports.len() <= input.len());
    assert!(reports.iter().map(|report| report.started_at).is_sorted_by(|one, next| one >= next), "not latest first");
    reports.iter().for_each(check_report);
    read(&StartSync { directory: "d", ignore_safeguards: false }, input);
    read(&StartSyncV2 { directory: "d", ignore_safeguards: true }, input);
    read(&DryRun { directory: "d", ignore_safeguards: false }, input).iter().for_each(has_no_secrets);
}

fn check_report(report: &SyncReport) {
    let texts = [&report.upstream_word, &report.message];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= 1000 && !text.contains(char::is_control), "{text:?}");
    }
    for time in [report.started_at, report.finished_at].into_iter().flatten() {
        assert!(humantime::parse_rfc3339(&rfc3339(time)).is_ok(), "{time:?}");
    }
}

/// Pages of groups and users: no entry is lost silently, each has an id, and the next page is later.
pub(crate) fn scim(input: &[u8]) {
    let search = Search { filter: "displayName eq \"a\"", attributes: None, start: 1 };
    if let Some(page) = read(&Find::<Group>::new(search), input) {
        check_page(&page, input);
    }
    if let Some(page) = read(&Find::<User>::new(search), input) {
        check_page(&page, input);
    }
}

fn check_page<T: Resource>(page: &Page<T>, input: &[u8]) {
    let came = page.entries.len() + page.unread;
    assert!(came <= input.len());
    assert!(page.next.is_none_or(|next| next == came + 1 && came > 0), "{page:?}");
    for entry in &page.entries {
        assert!(!entry.id().is_empty(), "{entry:?}");
        entry.identities();
        entry.display_name();
    }
}

/// Logins: a token fits into a header.
pub(crate) fn logins(input: &[u8]) {
    let secret = Secret::new("pw");
    read(&SystemLogin { username: "u", password: &secret, scheme: Scheme::Hzn }, input);
    read(&OauthToken { client_id: "c", client_secret: &secret, account: None }, input);
}

/// A sync profile, and the groups of a directory.
pub(crate) fn profile(input: &[u8]) {
    read(&GetSyncProfile { directory: "d" }, input);
    let found = read(&FindDirectoryGroups { directory: "d", dns: &["CN=a,DC=b"] }, input).unwrap_or_default();
    assert!(found.len() <= input.len());
}

/// Names of groups, users and directories as callers write them, and the filters for them: each value stays in its quotes.
pub(crate) fn names(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match GroupQuery::parse(&text) {
        Ok(query) => {
            assert_eq!(GroupQuery::parse(query.as_str()).as_ref(), Ok(&query), "an accepted name is accepted again");
            check_filters(&query);
        }
        Err(why) => assert!((1..8000).contains(&why.len()) && !why.contains(char::is_control), "{why:?}"),
    }
    match UserQuery::parse(&text) {
        Ok(query) => {
            assert_eq!(UserQuery::parse(query.as_str()).as_ref(), Ok(&query), "an accepted name is accepted again");
            check_filters(&query);
        }
        Err(why) => assert!((1..8000).contains(&why.len()) && !why.contains(char::is_control), "{why:?}"),
    }
    let directory = DirectoryRef::parse(&text);
    assert_eq!(DirectoryRef::parse(directory.as_str()), directory);
    assert_eq!(
        serde_json::from_str(&quoted(&text.replace(char::is_control, ""))).ok(),
        Some(Value::from(text.replace(char::is_control, "")))
    );
}

fn check_filters(query: &impl ByName) {
    for filter in query.exact_filters() {
        let value = filter.split_once(" eq ").map(|(_, value)| value).unwrap_or_default();
        let read = serde_json::from_str::<String>(value);
        assert!(read.is_ok_and(|read| quoted(&read) == value), "a value leaves its quotes: {filter}");
    }
    for filter in query.raw_filters().iter().chain(&query.piece_filter()) {
        assert_eq!(filter.matches('"').count(), 2, "a value leaves its quotes: {filter}");
    }
}
