//! VCF Operations: the interface `fleet`.

use std::time::{Duration, SystemTime};

use idhook::config::FleetSettings;
use idhook::embedded::{self, ChangeOptions, Fleet, ProviderDeletionOptions};
use idhook::error::{FieldError, Problem};
use idhook::fleet;
use idhook::runtime::rfc3339;
use idhook::secret::Secret;
use idhook_wasip2::{Wasi, block_on};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::fleet as wit;
use crate::numbers::{each, extra, max_wait, unsigned};
use crate::{Library, runtime};

type Result<T> = std::result::Result<T, wit::Error>;

impl wit::Guest for Library {
    type Session = Session;
}

/// How long a deletion is followed by default, in seconds; as in the other bindings.
const DELETION_SECONDS: f64 = 600.0;

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

    fn provision(&self, directory: String, groups: Vec<String>) -> Result<wit::SyncState> {
        Ok(block_on(self.0.provision(&directory, &groups))?.into())
    }

    fn identity_providers(&self) -> Result<String> {
        Ok(json(&block_on(self.0.identity_providers())?))
    }

    fn identity_provider(&self, id: String) -> Result<String> {
        Ok(json(&block_on(self.0.identity_provider(&id))?))
    }

    fn create_identity_provider(&self, spec: String) -> Result<String> {
        Ok(json(&block_on(self.0.create_identity_provider(read(&spec)?))?))
    }

    fn put_identity_provider(&self, spec: String, options: Option<wit::PutOptions>) -> Result<String> {
        let options = options.map(Into::into).unwrap_or_default();
        Ok(json(&block_on(self.0.put_identity_provider(read(&spec)?, options))?))
    }

    fn delete_identity_provider(&self, id: String, options: Option<wit::DeletionOptions>) -> Result<String> {
        let options =
            options.unwrap_or(wit::DeletionOptions { force: None, timeout_seconds: None, if_match: None }).into();
        Ok(json(&block_on(self.0.delete_identity_provider(&id, options))?))
    }

    fn task(&self, id: String) -> Result<String> {
        Ok(json(&block_on(self.0.task(&id))?))
    }

    fn sync_client(&self, provider: String) -> Result<String> {
        Ok(json(&block_on(self.0.sync_client(&provider))?))
    }

    fn generate_sync_client(&self, provider: String, ttl_minutes: Option<i32>) -> Result<String> {
        Ok(json(&block_on(self.0.generate_sync_client(&provider, ttl_minutes.map(i64::from)))?))
    }

    fn validate_saml_metadata(&self, spec: String) -> Result<String> {
        Ok(json(&block_on(self.0.validate_saml_metadata(read(&spec)?))?))
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
    fn from(wit::SyncOrder { groups, users, add_to_profile }: wit::SyncOrder) -> Self {
        Self {
            groups: groups.unwrap_or_default(),
            users: users.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            ..Self::default()
        }
    }
}

impl From<wit::EnsureOptions> for embedded::EnsureOptions {
    fn from(wit::EnsureOptions { users, add_to_profile, timeout_seconds }: wit::EnsureOptions) -> Self {
        Self {
            users: users.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            timeout_seconds,
            ..Self::default()
        }
    }
}

impl From<wit::PutOptions> for ChangeOptions {
    fn from(wit::PutOptions { force, dry_run, if_match }: wit::PutOptions) -> Self {
        Self { force: force.unwrap_or_default(), dry_run: dry_run.unwrap_or_default(), if_match }
    }
}

impl From<wit::DeletionOptions> for ProviderDeletionOptions {
    fn from(wit::DeletionOptions { force, timeout_seconds, if_match }: wit::DeletionOptions) -> Self {
        let max_wait = max_wait(timeout_seconds.unwrap_or(DELETION_SECONDS));
        Self { force: force.unwrap_or_default(), max_wait, if_match }
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
            realm: wit::RealmName { id: realm.id, name: realm.name },
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

/// A document of the vendor. Documents are texts, numbers, lists and objects of them, so this does not fail.
fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

/// The argument `spec`, a JSON text.
fn read<T: DeserializeOwned>(spec: &str) -> std::result::Result<T, Box<Problem>> {
    let value = serde_json::from_str(spec).map_err(|_| {
        let fields = vec![FieldError::new("", "is not a JSON text")];
        Box::new(Problem::new(&idhook::error::Error::invalid(fields), &[]))
    })?;
    embedded::read(value)
}

/// A time in milliseconds since 1970; none if the clock type cannot represent it.
fn time(ms: u64) -> Option<String> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).map(rfc3339)
}
