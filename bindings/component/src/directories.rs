//! vIDM: the interface `directories`.

use idhook::config::VidmSettings;
use idhook::embedded::{self, Vidm};
use idhook::secret::Secret;
use idhook::sync::DryRun;
use idhook::vidm;
use idhook_wasip2::{Wasi, block_on};

use crate::bindings::directories as wit;
use crate::numbers::{each, extra, max_wait, unsigned};
use crate::{Library, runtime};

type Result<T> = std::result::Result<T, wit::Error>;

impl wit::Guest for Library {
    type Session = Session;
}

/// A session with one vIDM account.
#[derive(Debug)]
pub(crate) struct Session(Vidm<Wasi>);

impl wit::GuestSession for Session {
    fn open(settings: wit::Settings) -> Result<wit::Session> {
        let timeouts = settings.timeouts.map(Into::into).unwrap_or_default();
        let vidm = Vidm::new(runtime(), settings.into(), timeouts)?;
        Ok(wit::Session::new(Self(vidm)))
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

    fn dry_run(&self, directory: String, ignore_safeguards: Option<bool>) -> Result<wit::DryRun> {
        let run = block_on(self.0.dry_run(&directory, ignore_safeguards.unwrap_or_default()))?;
        let DryRun { dry_run: _, directory, result } = run;
        Ok(wit::DryRun { directory: directory.into(), result: result.to_string() })
    }

    fn groups(&self, name_or_dn: String) -> Result<Vec<wit::Group>> {
        Ok(each(block_on(self.0.groups(&name_or_dn))?))
    }

    fn health(&self) -> Result<wit::Health> {
        let vidm::Health { all_ok, build_version, checks } = block_on(self.0.health())?;
        let checks = checks.into_iter().map(|(name, check)| (name, check.into())).collect();
        Ok(wit::Health { all_ok, build_version, checks })
    }
}

impl From<wit::Settings> for VidmSettings {
    fn from(settings: wit::Settings) -> Self {
        let wit::Settings {
            url,
            tenant,
            username,
            password,
            domain,
            client_id,
            client_secret,
            authorization_scheme,
            profile,
            sync_api,
            paths,
            media_types,
            timeouts: _,
        } = settings;
        let scheme = authorization_scheme.map(|scheme| match scheme {
            wit::AuthorizationScheme::Hzn => "hzn",
            wit::AuthorizationScheme::Bearer => "bearer",
        });
        let profile = profile.map(|profile| match profile {
            wit::Profile::Horizon => "horizon",
            wit::Profile::Json => "json",
        });
        let sync_api = sync_api.map(|api| match api {
            wit::SyncApi::Auto => "auto",
            wit::SyncApi::Classic => "classic",
            wit::SyncApi::V2 => "v2",
        });
        Self {
            url: Some(url),
            tenant,
            username,
            password: password.map(Secret::new),
            domain,
            client_id,
            client_secret: client_secret.map(Secret::new),
            authorization_scheme: scheme.map(str::to_owned),
            profile: profile.map(str::to_owned),
            sync_api: sync_api.map(str::to_owned),
            paths: paths.into_iter().flatten().collect(),
            media_types: media_types.into_iter().flatten().collect(),
        }
    }
}

impl From<wit::DirectoryFilter> for vidm::DirectoryFilter {
    fn from(wit::DirectoryFilter { name, type_, domain, syncable }: wit::DirectoryFilter) -> Self {
        Self { name, kind: type_, domain, syncable }
    }
}

impl From<wit::SyncOrder> for embedded::SyncOrder {
    fn from(wit::SyncOrder { groups, users, add_to_profile, ignore_safeguards }: wit::SyncOrder) -> Self {
        Self {
            groups: groups.unwrap_or_default(),
            users: users.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            ignore_safeguards: ignore_safeguards.unwrap_or_default(),
        }
    }
}

impl From<wit::EnsureOptions> for embedded::EnsureOptions {
    fn from(options: wit::EnsureOptions) -> Self {
        let wit::EnsureOptions { users, add_to_profile, ignore_safeguards, timeout_seconds } = options;
        Self {
            users: users.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            ignore_safeguards: ignore_safeguards.unwrap_or_default(),
            timeout_seconds,
        }
    }
}

impl From<vidm::Directory> for wit::Directory {
    fn from(directory: vidm::Directory) -> Self {
        let syncable = directory.syncable();
        let vidm::Directory {
            id,
            name,
            kind,
            userstore_id,
            count_domains,
            delete_in_progress,
            migrated_to_enterprise_service,
            sync_configuration_enabled,
            extra: fields,
        } = directory;
        Self {
            id,
            name,
            type_: kind.map(|kind| kind.as_str().to_owned()),
            syncable,
            userstore_id,
            count_domains: count_domains.map(unsigned),
            delete_in_progress,
            migrated_to_enterprise_service,
            sync_configuration_enabled,
            extra: extra(fields),
        }
    }
}

impl From<vidm::Group> for wit::Group {
    fn from(group: vidm::Group) -> Self {
        let vidm::Group { id, display_name, external_id, distinguished_name, domain, kind, extra: fields } = group;
        Self { id, display_name, external_id, distinguished_name, domain, type_: kind, extra: extra(fields) }
    }
}

impl From<vidm::Check> for wit::HealthCheck {
    fn from(check: vidm::Check) -> Self {
        match check {
            vidm::Check::Bool(flag) => Self::Flag(flag),
            vidm::Check::Text(text) => Self::Text(text),
        }
    }
}
