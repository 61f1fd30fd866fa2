//! vIDM: the interface `directories`.

use std::time::Duration;

use idhook::config::VidmSettings;
use idhook::embedded::{self, Vidm};
use idhook::secret::Secret;
use idhook::sync::{self, SyncDocument, SyncFailure};
use idhook::vidm;
use idhook_wasip2::{Wasi, block_on};

use crate::bindings::directories as wit;
use crate::numbers::{each, extra, unsigned};
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
        // Negative numbers and NaN mean no wait.
        let longest = if timeout_seconds > 0.0 { Duration::MAX } else { Duration::ZERO };
        let patience = Duration::try_from_secs_f64(timeout_seconds).unwrap_or(longest);
        Ok(block_on(self.0.wait_for_sync(&id, patience))?.into())
    }

    fn latest_sync(&self, directory: String) -> Result<wit::SyncState> {
        Ok(block_on(self.0.latest_sync(&directory))?.into())
    }

    fn sync_history(&self, directory: String) -> Result<wit::SyncHistory> {
        let sync::SyncHistory { directory, syncs } = block_on(self.0.sync_history(&directory))?;
        Ok(wit::SyncHistory { directory: directory.into(), syncs: each(syncs) })
    }

    fn dry_run(&self, directory: String, ignore_safeguards: Option<bool>) -> Result<wit::DryRun> {
        let run = block_on(self.0.dry_run(&directory, ignore_safeguards.unwrap_or_default()))?;
        let sync::DryRun { dry_run: _, directory, result } = run;
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
    fn from(wit::SyncOrder { groups, add_to_profile, ignore_safeguards }: wit::SyncOrder) -> Self {
        Self {
            groups: groups.unwrap_or_default(),
            add_to_profile: add_to_profile.unwrap_or_default(),
            ignore_safeguards: ignore_safeguards.unwrap_or_default(),
        }
    }
}

impl From<wit::EnsureOptions> for embedded::EnsureOptions {
    fn from(options: wit::EnsureOptions) -> Self {
        let wit::EnsureOptions { add_to_profile, ignore_safeguards, timeout_seconds } = options;
        Self {
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

impl From<SyncDocument> for wit::SyncState {
    fn from(document: SyncDocument) -> Self {
        let SyncDocument {
            id,
            status,
            directory,
            requested_at,
            started_at,
            finished_at,
            counts,
            groups,
            reason,
            hint,
            message,
            upstream,
            retry_after,
            age: _,
        } = document;
        Self {
            id,
            status: status.into(),
            directory: directory.into(),
            requested_at,
            started_at,
            finished_at,
            counts: counts.map(Into::into),
            groups: each(groups),
            reason: reason.map(Into::into),
            hint,
            message,
            upstream: upstream.map(|sync::UpstreamWord { status }| wit::UpstreamWord { status }),
            retry_after: retry_after.map(unsigned),
        }
    }
}

impl From<idhook::directory::SyncStatus> for wit::SyncStatus {
    fn from(status: idhook::directory::SyncStatus) -> Self {
        match status {
            idhook::directory::SyncStatus::Queued => Self::Queued,
            idhook::directory::SyncStatus::Running => Self::Running,
            idhook::directory::SyncStatus::Succeeded => Self::Succeeded,
            idhook::directory::SyncStatus::Failed => Self::Failed,
            idhook::directory::SyncStatus::Unknown => Self::Unknown,
        }
    }
}

impl From<SyncFailure> for wit::SyncFailure {
    fn from(reason: SyncFailure) -> Self {
        match reason {
            SyncFailure::SafeguardTripped => Self::SafeguardTripped,
            SyncFailure::SyncFailed => Self::SyncFailed,
            SyncFailure::GroupAbsent => Self::GroupAbsent,
        }
    }
}

impl From<idhook::directory::DirectorySummary> for wit::DirectoryName {
    fn from(idhook::directory::DirectorySummary { id, name, kind }: idhook::directory::DirectorySummary) -> Self {
        Self { id, name, type_: kind }
    }
}

impl From<idhook::directory::Counts> for wit::Counts {
    fn from(idhook::directory::Counts { users, groups }: idhook::directory::Counts) -> Self {
        Self { users: users.into(), groups: groups.into() }
    }
}

impl From<idhook::directory::Changes> for wit::Changes {
    fn from(idhook::directory::Changes { added, updated, removed }: idhook::directory::Changes) -> Self {
        Self { added: added.map(unsigned), updated: updated.map(unsigned), removed: removed.map(unsigned) }
    }
}

impl From<idhook::directory::Proof> for wit::RequestedGroup {
    fn from(idhook::directory::Proof { requested, state, detail, id, display_name }: idhook::directory::Proof) -> Self {
        let state = match state {
            idhook::directory::Presence::Present => wit::GroupState::Present,
            idhook::directory::Presence::Absent => wit::GroupState::Absent,
            idhook::directory::Presence::Unknown => wit::GroupState::Unknown,
        };
        Self { requested, state, detail, id, display_name }
    }
}

impl From<idhook::directory::SyncReport> for wit::SyncReport {
    fn from(report: idhook::directory::SyncReport) -> Self {
        let idhook::directory::SyncReport {
            status,
            upstream_word,
            message,
            started_at,
            finished_at,
            counts,
            reason,
            server_time: _,
        } = report;
        Self {
            status: status.into(),
            upstream_word,
            message,
            started_at: started_at.map(idhook::runtime::rfc3339),
            finished_at: finished_at.map(idhook::runtime::rfc3339),
            counts: counts.map(Into::into),
            reason: reason.map(|reason| SyncFailure::from(reason).into()),
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
