//! VCF Operations: the interface `fleet`.

use std::time::{Duration, SystemTime};

use idhook::config::FleetSettings;
use idhook::embedded::{self, Fleet};
use idhook::fleet;
use idhook::runtime::rfc3339;
use idhook::secret::Secret;
use idhook_wasip2::{Wasi, block_on};

use crate::bindings::fleet as wit;
use crate::numbers::{each, extra, max_wait, unsigned};
use crate::{Library, runtime};

type Result<T> = std::result::Result<T, wit::Error>;

impl wit::Guest for Library {
    type Session = Session;
}

/// A session with one VCF Operations.
#[derive(Debug)]
pub(crate) struct Session(Fleet<Wasi>);

impl wit::GuestSession for Session {
    fn open(settings: wit::Settings) -> Result<wit::Session> {
        let timeouts = settings.timeouts.map(Into::into).unwrap_or_default();
        let fleet = Fleet::new(runtime(), settings.into(), timeouts)?;
        Ok(wit::Session::new(Self(fleet)))
    }

    fn directories(&self, filter: Option<wit::DirectoryFilter>) -> Result<Vec<wit::Directory>> {
        let filter = filter.map(Into::into).unwrap_or_default();
        Ok(each(block_on(self.0.directories(&filter))?))
    }

    fn directory(&self, directory: String) -> Result<wit::Directory> {
        Ok(block_on(self.0.directory(&directory))?.into())
    }

    fn start_sync(&self, directory: String, order: Option<wit::SyncOrder>) -> Result<wit::SyncState> {
        let order = order.map(Into::into).unwrap_or_default();
        Ok(block_on(self.0.start_sync(&directory, order))?.into())
    }

    fn ensure_groups(
        &self,
        directory: String,
        groups: Vec<String>,
        options: Option<wit::EnsureOptions>,
    ) -> Result<wit::SyncState> {
        let options = options.map(Into::into).unwrap_or_default();
        Ok(block_on(self.0.ensure_groups(&directory, groups, options, |_| ()))?.into())
    }

    fn sync(&self, id: String) -> Result<wit::SyncState> {
        Ok(block_on(self.0.sync(&id))?.into())
    }

    fn wait_for_sync(&self, id: String, timeout_seconds: f64) -> Result<wit::SyncState> {
        Ok(block_on(self.0.wait_for_sync(&id, max_wait(timeout_seconds)))?.into())
    }

    fn latest_sync(&self, directory: String) -> Result<wit::SyncState> {
        Ok(block_on(self.0.latest_sync(&directory))?.into())
    }

    fn sync_history(&self, directory: String) -> Result<wit::SyncHistory> {
        Ok(block_on(self.0.sync_history(&directory))?.into())
    }

    fn groups(&self, name_or_dn: String) -> Result<Vec<wit::Group>> {
        Ok(each(block_on(self.0.groups(&name_or_dn))?))
    }
}

impl From<wit::Settings> for FleetSettings {
    fn from(settings: wit::Settings) -> Self {
        let wit::Settings { url, username, password, auth_source, api_token, broker_url, timeouts: _ } = settings;
        Self {
            url: Some(url),
            username,
            password: password.map(Secret::new),
            auth_source,
            api_token: api_token.map(Secret::new),
            broker_url,
        }
    }
}

impl From<wit::DirectoryFilter> for fleet::DirectoryFilter {
    fn from(wit::DirectoryFilter { name, domain, realm, syncable }: wit::DirectoryFilter) -> Self {
        Self { name, domain, realm, syncable }
    }
}

impl From<wit::SyncOrder> for embedded::SyncOrder {
    fn from(wit::SyncOrder { groups, add_to_profile }: wit::SyncOrder) -> Self {
        Self {
            groups: groups.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            ..Self::default()
        }
    }
}

impl From<wit::EnsureOptions> for embedded::EnsureOptions {
    fn from(wit::EnsureOptions { add_to_profile, timeout_seconds }: wit::EnsureOptions) -> Self {
        Self { add_to_profile: add_to_profile.unwrap_or_default(), timeout_seconds, ..Self::default() }
    }
}

impl From<fleet::Directory> for wit::Directory {
    fn from(directory: fleet::Directory) -> Self {
        let syncable = directory.syncable();
        let fleet::Directory {
            id,
            name,
            realm,
            identity_provider,
            domains,
            status,
            last_sync_at,
            setup_status,
            sync_mode,
            users,
            groups,
            alerts,
            extra: fields,
            ..
        } = directory;
        Self {
            id,
            name,
            syncable,
            realm: realm.map(|fleet::RealmName { id, name }| wit::RealmName { id, name }),
            identity_provider,
            domains,
            status,
            last_sync_at: last_sync_at.and_then(time),
            setup_status,
            sync_mode,
            users: users.map(unsigned),
            groups: groups.map(unsigned),
            alerts: alerts.map(unsigned),
            extra: extra(fields),
        }
    }
}

impl From<fleet::Group> for wit::Group {
    fn from(group: fleet::Group) -> Self {
        let fleet::Group { group_id, group_name, display_name, domain_name, extra: fields } = group;
        Self { id: group_id, name: group_name, display_name, domain: domain_name, extra: extra(fields) }
    }
}

/// A time in milliseconds since 1970; none if the clock type cannot represent it.
fn time(ms: u64) -> Option<String> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).map(rfc3339)
}
