//! Which directory is meant: found in the list, in as few calls as it takes.

use super::client::Client;
use super::directories::{Directory, ListDirectories};
use super::directory_choice::check_syncable;
use super::domains::ListDomains;
use crate::directory::{DirectoryRef, DirectorySummary};
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;

/// At most this many directories are asked for their domains when a name matches none of them.
const DOMAINS_ASKED: usize = 20;

impl DirectorySummary {
    fn of(directory: &Directory) -> Self {
        let kind = directory.kind.as_ref().map(|kind| kind.as_str().to_owned());
        Self { id: directory.id.clone(), name: directory.name.clone(), kind }
    }
}

/// A directory of one vIDM that was found there: what a start takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub(super) summary: DirectorySummary,
    /// Whether it was migrated to the enterprise service, whose call starts its syncs then.
    pub(super) is_migrated: bool,
    /// Whether this piece of work has read the list that shows it; what was remembered may be out of date.
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
    /// Every directory of the tenant.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn directories(&self) -> Result<Vec<Directory>> {
        let directories = self.call(&ListDirectories).await?;
        self.listed.set(true);
        self.cache.keep(&directories, self.out.runtime().now());
        self.cache.share_list(self.out.store(), self.target).await;
        Ok(directories)
    }

    /// One directory. It is taken from the list, which every version has; the call for a single one is seen in one public
    /// script only, and answers in another form.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; else the login's and the call's.
    pub async fn directory(&self, which: &DirectoryRef) -> Result<Directory> {
        let known = self.cache.directories(self.out.runtime().now()).filter(|_| self.listed.get());
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

    /// The directory that is to be synced: where it is remembered, no call is made; else the list decides, for ids as well. So nothing
    /// is written anywhere for a directory that vIDM does not have.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; else the login's and the call's.
    pub async fn locate(&self, which: &DirectoryRef) -> Result<Located> {
        self.cache.recall_list(self.out.store(), self.target).await;
        match self.cache.directory(which, self.out.runtime().now()) {
            Some(directory) => Ok(Located::of(&directory, self.listed.get())),
            None => self.locate_in_list(which).await,
        }
    }

    /// A directory that an earlier request located, maybe at another instance. No call is made: what is remembered of it counts,
    /// and else the id alone.
    pub async fn recall(&self, directory: DirectorySummary) -> Located {
        self.cache.recall_list(self.out.store(), self.target).await;
        let which = DirectoryRef::Id(directory.id.clone());
        match self.cache.directory(&which, self.out.runtime().now()) {
            Some(directory) => Located::of(&directory, self.listed.get()),
            None => Located { summary: directory, is_migrated: false, is_fresh: false },
        }
    }

    /// Locates `directory` once more, after a start of its sync was refused: what was remembered of it is forgotten, here and in the
    /// store.
    ///
    /// # Errors
    /// As [`locate`](Self::locate).
    pub(super) async fn locate_again(&self, directory: &Located) -> Result<Located> {
        self.cache.forget_list(self.out.store(), self.target).await;
        self.locate_in_list(&DirectoryRef::Id(directory.summary.id.clone())).await
    }

    async fn locate_in_list(&self, which: &DirectoryRef) -> Result<Located> {
        let directory = self.directory(which).await?;
        check_syncable(&directory).map_err(|e| e.at(&self.target.name))?;
        Ok(Located::of(&directory, true))
    }

    /// The directory that has this domain.
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
                self.cache.keep_domain(domain, &one.id);
                self.cache.share_list(self.out.store(), self.target).await;
                Ok(Some((*one).clone()))
            }
            many => {
                let candidates = many.iter().map(|directory| directory.candidate()).collect();
                Err(which.ambiguous(candidates).at(&self.target.name))
            }
        }
    }

    /// Those of `directories` that have this domain, the first twenty that can be synced being asked. One that does not
    /// tell its domains is passed over, and so is one whose call fails while another has the domain.
    ///
    /// # Errors
    /// The login's; the first call's that failed, where none has the domain.
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
