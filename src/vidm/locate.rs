//! Locates a directory in vIDM's list with as few calls as possible.

use super::client::Client;
use super::directories::{Directory, ListDirectories};
use super::domains::ListDomains;
use crate::directory::{DirectoryRef, DirectorySummary, Listed as _, check_syncable};
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;

/// Most directories that are asked for their domains if no name matches.
const DOMAINS_ASKED: usize = 20;

/// A directory found in a vIDM; a start requires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub(super) summary: DirectorySummary,
    /// Whether it was migrated to the enterprise service, whose call then starts its syncs.
    pub(super) is_migrated: bool,
    /// Whether this piece of work has read the list that contains it; a cached entry may be outdated.
    pub(super) is_fresh: bool,
}

impl Located {
    fn of(directory: &Directory, is_fresh: bool) -> Self {
        let is_migrated = directory.migrated_to_enterprise_service == Some(true);
        Self { summary: DirectorySummary::of(directory), is_migrated, is_fresh }
    }
}

impl From<Located> for DirectorySummary {
    fn from(located: Located) -> Self {
        located.summary
    }
}

impl<R: Runtime> Client<'_, R> {
    /// All directories of the tenant.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub async fn directories(&self) -> Result<Vec<Directory>> {
        let directories = self.call(&ListDirectories).await?;
        self.listed.set(true);
        self.cache.list.keep(&directories, self.out.runtime().now());
        self.cache.list.share(self.out.store(), self.list_name()).await;
        Ok(directories)
    }

    /// One directory, taken from the list, which every version has. The call for a single directory is known from one public
    /// script only, with another response format.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; and those of the login and the call.
    pub async fn directory(&self, which: &DirectoryRef) -> Result<Directory> {
        let known = self.cache.list.directories(self.out.runtime().now()).filter(|_| self.listed.get());
        let directories = match known {
            Some(directories) => directories,
            None => self.directories().await?,
        };
        if let Some(found) = which.find(&directories).map_err(|e| e.at(&self.target.name))? {
            return Ok(found.clone());
        }
        match which {
            DirectoryRef::Name(domain) => match self.by_domain(which, domain, &directories).await? {
                Some(found) => Ok(found),
                None => Err(which.not_found(&directories).at(&self.target.name)),
            },
            DirectoryRef::Id(_) => Err(which.not_found(&directories).at(&self.target.name)),
        }
    }

    /// The directory to sync: if it is cached, without a call; otherwise the list decides, for ids as well. So nothing is
    /// stored for a directory that vIDM does not have.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; and those of the login and the call.
    pub async fn locate(&self, which: &DirectoryRef) -> Result<Located> {
        self.cache.list.recall(self.out.store(), self.list_name()).await;
        match self.cache.list.directory(which, self.out.runtime().now()) {
            Some(directory) => Ok(Located::of(&directory, self.listed.get())),
            None => self.locate_in_list(which).await,
        }
    }

    /// A directory that an earlier request located, maybe at another instance. Makes no call: uses the cache, otherwise the
    /// id alone.
    pub async fn recall(&self, directory: DirectorySummary) -> Located {
        self.cache.list.recall(self.out.store(), self.list_name()).await;
        let which = DirectoryRef::Id(directory.id.clone());
        match self.cache.list.directory(&which, self.out.runtime().now()) {
            Some(directory) => Located::of(&directory, self.listed.get()),
            None => Located { summary: directory, is_migrated: false, is_fresh: false },
        }
    }

    /// Locates `directory` again after a start of its sync was rejected: the cached entry is dropped, here and in the store.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    pub(super) async fn locate_again(&self, directory: &Located) -> Result<Located> {
        self.cache.list.forget(self.out.store(), self.list_name()).await;
        self.locate_in_list(&DirectoryRef::Id(directory.summary.id.clone())).await
    }

    /// The name of the shared list in the store.
    fn list_name(&self) -> Option<String> {
        let identity = self.target.identity();
        let parts: Vec<&str> = identity.iter().map(String::as_str).collect();
        self.out.store().name("directories", &self.target.name, &parts)
    }

    async fn locate_in_list(&self, which: &DirectoryRef) -> Result<Located> {
        let directory = self.directory(which).await?;
        check_syncable(&directory).map_err(|e| e.at(&self.target.name))?;
        Ok(Located::of(&directory, true))
    }

    /// The directory with this domain.
    async fn by_domain(
        &self,
        which: &DirectoryRef,
        domain: &str,
        directories: &[Directory],
    ) -> Result<Option<Directory>> {
        let found = self.of_domain(directories, domain).await?;
        match found.as_slice() {
            [] => Ok(None),
            [one] => {
                self.cache.list.keep_domain(domain, &one.id);
                self.cache.list.share(self.out.store(), self.list_name()).await;
                Ok(Some((*one).clone()))
            }
            many => {
                let candidates = many.iter().map(|directory| directory.candidate()).collect();
                Err(which.ambiguous(candidates).at(&self.target.name))
            }
        }
    }

    /// The matches in `directories` for this domain; the first twenty that can be synced are asked. A directory that does
    /// not list its domains is skipped, and so is one whose call fails while another matches.
    ///
    /// # Errors
    /// Those of the login; if none matches, that of the first failed call.
    pub(crate) async fn of_domain<'d>(&self, directories: &'d [Directory], domain: &str) -> Result<Vec<&'d Directory>> {
        let (mut found, mut failed) = (Vec::new(), None);
        for directory in directories.iter().filter(|directory| directory.syncable()).take(DOMAINS_ASKED) {
            match self.call(&ListDomains { directory: &directory.id }).await {
                Ok(texts) if texts.iter().any(|text| text.eq_ignore_ascii_case(domain)) => found.push(directory),
                Ok(_) => {}
                Err(e) if matches!(e.answer_status().map(|s| s.as_u16()), Some(403..=406)) => {}
                Err(e) if e.answer_status().is_some() && e.code() != ErrorCode::UpstreamAuth => {
                    failed.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        match failed {
            Some(e) if found.is_empty() => Err(e),
            _ => Ok(found),
        }
    }
}
