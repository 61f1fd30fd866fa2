//! Queries about a directory's syncs without a request.

use super::directory_service::DirectoryService;
use super::{Coordinator, DryRun, SyncDocument, SyncHistory};
use crate::directory::DirectoryRef;
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;

impl<R: Runtime, D: DirectoryService> Coordinator<'_, R, D> {
    /// The state of the directory's latest run, however it was started.
    ///
    /// # Errors
    /// Those of the directory look-up and the calls.
    pub(crate) async fn present(&self, which: &DirectoryRef) -> Result<SyncDocument> {
        let directory = self.service.locate(which).await?;
        let report = self.latest(&directory.id).await?;
        Ok(SyncDocument::new(self.target.product, report.into(), directory))
    }

    /// The directory's recent runs, newest first.
    ///
    /// # Errors
    /// `not_found` if this version lists no runs; and those of the directory look-up and the calls.
    pub(crate) async fn history(&self, which: &DirectoryRef) -> Result<SyncHistory> {
        let directory = self.service.locate(which).await?;
        let Some(syncs) = self.service.executions(&directory.id).await? else {
            return Err(Error::new(
                ErrorCode::NotFound,
                format!("this version of {} does not expose sync history", self.target.product),
            )
            .hint("the directory's current state shows the latest run"));
        };
        Ok(SyncHistory { directory, syncs })
    }

    /// The changes that a run would make; nothing is started.
    ///
    /// # Errors
    /// `not_supported` if the product or this version has no dry run; and those of the directory look-up and the calls.
    pub(crate) async fn dry_run(&self, which: &DirectoryRef, ignore_safeguards: bool) -> Result<DryRun> {
        let directory = self.service.locate(which).await?;
        match self.service.dry_run(&directory.id, ignore_safeguards).await? {
            Some(result) => Ok(DryRun { dry_run: true, directory, result }),
            None => {
                let detail = format!("this version of {} has no dry run", self.target.product);
                Err(Error::new(ErrorCode::NotSupported, detail)
                    .hint("the console's Sync Now page shows what a run would change before it is confirmed"))
            }
        }
    }
}
