//! Locates a directory with as few calls as possible: realms lead to identity providers, and those to directories.

use std::time::Duration;

use super::Client;
use super::directories::{Directory, ListDirectories, RealmName};
use super::proof::same;
use super::provider::ResourceId;
use super::realms::{ListRealms, Realm};
use super::syncs::is_of_the_place;
use super::version::{GetVersion, Version};
use crate::directory::{DirectoryRef, DirectorySummary, check_syncable};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

/// Most identity providers whose directories are read.
const MAX_PROVIDERS: usize = 50;

/// Most domains of a directory that are tried.
const MAX_DOMAINS: usize = 10;

/// How long a version is used.
const VERSION_AGE: Duration = Duration::from_secs(600);

/// The directory that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// One that can be synced.
    Syncable,
    /// Any.
    Any,
}

/// A directory found in VCF Operations, with the ids that its calls need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// The identity provider.
    pub(crate) provider: String,
    /// The realm, which has the groups and users.
    pub(crate) realm: RealmName,
    /// Its domains.
    pub(crate) domains: Vec<String>,
    /// Whether this piece of work has read the list that contains it; a cached entry may be outdated.
    pub(super) is_fresh: bool,
}

impl Located {
    pub(super) fn of(directory: Directory, is_fresh: bool) -> Self {
        let Directory { id, name, identity_provider: provider, realm, domains, .. } = directory;
        Self { id, name, provider, realm, domains, is_fresh }
    }

    /// The domains under which the broker may have a group of this directory with this distinguished name: that of its `DC`s if it
    /// is one of the directory's, otherwise any of them. Administrators often enter the suffix of the user principal names there.
    pub(super) fn domains_of<'n>(&'n self, of_dn: Option<&'n str>) -> Vec<&'n str> {
        let listed = |domain: &str| self.domains.iter().any(|theirs| same(theirs, domain));
        match of_dn {
            Some(domain) if listed(domain) => vec![domain],
            None if self.domains.is_empty() => vec![""],
            _ => of_dn.into_iter().chain(self.domains.iter().take(MAX_DOMAINS).map(String::as_str)).collect(),
        }
    }
}

impl From<Located> for DirectorySummary {
    fn from(located: Located) -> Self {
        Self { id: located.id, name: located.name, kind: None }
    }
}

impl<R: Runtime> Client<'_, R> {
    /// The realms of VCF single sign-on.
    ///
    /// # Errors
    /// `not_supported` for a VCF Operations before 9.1; and those of the login and the call.
    pub async fn realms(&self) -> Result<Vec<Realm>> {
        match self.call(&ListRealms).await {
            // Before 9.1 the call does not exist.
            Err(error) if error.answer_status() == Some(http::StatusCode::NOT_FOUND) => Err(self.too_old(error).await),
            done => done,
        }
    }

    /// All LDAP directories, of all realms.
    ///
    /// # Errors
    /// As [`realms`](Self::realms); and those of the calls. An identity provider of another kind, for which VCF Operations itself rejects
    /// the call, has no LDAP directory.
    pub async fn directories(&self) -> Result<Vec<Directory>> {
        self.directories_of(&self.realms().await?).await
    }

    /// The LDAP directories of these realms, which the caller has just read.
    ///
    /// # Errors
    /// Those of the login and the calls.
    pub(crate) async fn directories_of(&self, realms: &[Realm]) -> Result<Vec<Directory>> {
        let (directories, failure) = self.list(realms, true).await;
        failure.map_or(Ok(directories), Err)
    }

    /// The LDAP directories of these realms, and the first failure, which is certain to hide some. After one without a response, and
    /// with `all_or_none` after any, no further identity provider is read.
    async fn list(&self, realms: &[Realm], all_or_none: bool) -> (Vec<Directory>, Option<Error>) {
        let (mut directories, mut passed_over, mut failure) = (Vec::new(), None, None);
        let with_provider = realms.iter().filter_map(|realm| Some((realm, realm.provider.as_deref()?)));
        for (realm, provider) in with_provider.take(MAX_PROVIDERS) {
            match self.call(&ListDirectories { realm: &realm.named(), provider }).await {
                Ok(listed) => directories.extend(listed),
                // Another server's page does not prove that there is none.
                Err(error)
                    if is_of_the_place(&error)
                        && error.evidence().is_some_and(|said| said.is_vendor)
                        && !self.is_ldap(provider).await =>
                {
                    passed_over.get_or_insert_with(|| error.detail().to_owned());
                }
                Err(error) => {
                    let is_last = all_or_none || error.answer_status().is_none();
                    failure.get_or_insert(error);
                    if is_last {
                        break;
                    }
                }
            }
        }
        *self.passed_over.borrow_mut() = passed_over;
        let now = self.out.runtime().now();
        if failure.is_none() {
            self.listed.set(true);
            self.cache.list.keep(&directories, now);
            self.cache.list.share(self.out.store(), self.list_name()).await;
        } else if !directories.is_empty() {
            self.cache.list.keep_part(&directories, now);
        }
        (directories, failure)
    }

    /// Whether VCF Operations shows this identity provider as one with LDAP directories. Then their list is missing, not empty.
    async fn is_ldap(&self, provider: &str) -> bool {
        let Ok(id) = ResourceId::parse("id", provider) else { return false };
        let kind = self.identity_provider(&id).await.ok().and_then(|provider| provider.provision_type);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("LDAP"))
    }

    /// One directory, by its id, its name or one of its domains. It is found although the directories of another realm cannot be read.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; and as [`directories`](Self::directories).
    pub async fn directory(&self, which: &DirectoryRef) -> Result<Directory> {
        let known = self.cache.list.directories(self.out.runtime().now()).filter(|_| self.listed.get());
        let (directories, failure) = match known {
            Some(directories) => (directories, None),
            // Each realm has an identity broker of its own, and one that fails must not stop the syncs of the others.
            None => self.list(&self.realms().await?, false).await,
        };
        let found = which.find(&directories).map_err(|e| e.at(&self.target.name))?;
        found.cloned().ok_or_else(|| {
            if let Some(error) = failure {
                return error;
            }
            let error = which.not_found(&directories).at(&self.target.name);
            match (self.passed_over.borrow().as_deref(), error.hint_text()) {
                (Some(why), Some(hint)) => {
                    let hint = format!("{hint}; an identity provider was passed over: {why}");
                    error.hint(hint)
                }
                _ => error,
            }
        })
    }

    /// The same from a list that is read now: the cached one proved wrong, and is dropped here and in the store.
    pub(super) async fn directory_again(&self, which: &DirectoryRef) -> Result<Directory> {
        self.cache.list.forget(self.out.store(), self.list_name()).await;
        self.directory(which).await
    }

    /// The directory to sync: if it is cached, without a call; otherwise the list decides, for ids as well.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; and those of the login and the calls.
    pub(crate) async fn locate(&self, which: &DirectoryRef) -> Result<Located> {
        self.cache.list.recall(self.out.store(), self.list_name()).await;
        if let Some(directory) = self.cache.list.directory(which, self.out.runtime().now()) {
            return Ok(Located::of(directory, self.listed.get()));
        }
        let directory = self.directory(which).await?;
        check_syncable(&directory).map_err(|e| e.at(&self.target.name))?;
        Ok(Located::of(directory, true))
    }

    /// All directories, from the cache while it is fresh.
    ///
    /// # Errors
    /// As [`directories`](Self::directories).
    pub(super) async fn known_directories(&self) -> Result<Vec<Directory>> {
        self.cache.list.recall(self.out.store(), self.list_name()).await;
        match self.cache.list.directories(self.out.runtime().now()) {
            Some(directories) => Ok(directories),
            None => self.directories().await,
        }
    }

    /// A directory that an earlier request located, maybe at another instance.
    ///
    /// # Errors
    /// `directory_not_found`; and those of the login and the calls.
    pub(crate) async fn recall(&self, id: &str) -> Result<Located> {
        self.cache.list.recall(self.out.store(), self.list_name()).await;
        match self.cache.list.with_id(id, self.out.runtime().now()) {
            Some(directory) => Ok(Located::of(directory, self.listed.get())),
            None => Ok(Located::of(self.directory(&DirectoryRef::Id(id.to_owned())).await?, true)),
        }
    }

    /// Locates `directory` again after a call with its ids failed: they may be cached, and the directory or its identity provider
    /// replaced. The list decides then, also whether it is a directory that the call needs. If this succeeds, the call can be repeated
    /// with other ids.
    ///
    /// # Errors
    /// `error`, the failure of that call, if it is not about the ids; and as [`locate`](Self::locate).
    pub(super) async fn relocate(&self, directory: &mut Located, needs: Needs, error: Error) -> Result<()> {
        if directory.is_fresh || !is_of_the_place(&error) {
            return Err(error);
        }
        let again = self.directory_again(&DirectoryRef::Id(directory.id.clone())).await?;
        if needs == Needs::Syncable {
            check_syncable(&again).map_err(|e| e.at(&self.target.name))?;
        }
        let before = std::mem::replace(directory, Located::of(again, true));
        // The directory exists where it was, so the rejection is about something else.
        if directory.provider == before.provider { Err(error) } else { Ok(()) }
    }

    /// A directory that need not be syncable.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; and those of the login and the calls.
    pub(super) async fn locate_any(&self, which: &DirectoryRef) -> Result<Located> {
        let known = self.known_directories().await?;
        match which.find(&known).map_err(|e| e.at(&self.target.name))? {
            Some(directory) => Ok(Located::of(directory.clone(), self.listed.get())),
            None => Ok(Located::of(self.directory(which).await?, true)),
        }
    }

    /// The version, at most ten minutes old: an upgrade must be noticed.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn version(&self) -> Result<Version> {
        let now = self.out.runtime().now();
        if let Some(version) = self.cache.version.get(now, VERSION_AGE) {
            return Ok(version);
        }
        let version = self.call(&GetVersion).await?;
        self.cache.version.set(version.clone(), now);
        Ok(version)
    }

    /// `error`, or `not_supported` if this VCF Operations is too old for the call.
    pub(super) async fn too_old(&self, error: Error) -> Error {
        // An upgrade must be noticed at once.
        self.cache.version.clear();
        match self.version().await {
            Ok(version) if !version.has_iam() => {
                self.cache.version.clear();
                let release = version.release_name.as_deref().unwrap_or("this version of VCF Operations").to_owned();
                let detail = format!("{release} has no public calls for identity and access management");
                Error::new(ErrorCode::NotSupported, detail)
                    .hint(
                        "upgrade VCF Operations to 9.1 or later; until then start the sync in VCF Operations (Identity & Access, \
                         Sync Now), or keep vIDM as the target",
                    )
                    .at(&self.target.name)
            }
            _ => error,
        }
    }

    /// The name of the shared list in the store.
    fn list_name(&self) -> Option<String> {
        let identity = self.target.identity();
        let parts: Vec<&str> = identity.iter().map(String::as_str).collect();
        self.out.store().name("fleet-directories", &self.target.name, &parts)
    }
}
