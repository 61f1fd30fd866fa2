//! vIDM as the sync protocol's `DirectoryService`.

use serde_json::Value;

use crate::directory::{DirectoryRef, DirectorySummary, GroupQuery, Proof, SyncReport};
use crate::error::Result;
use crate::runtime::Runtime;
use crate::sync::{DirectoryService, KickOffAnswer, ProfileLookUp};
use crate::vidm::{Client, ProfileAddition};

impl<R: Runtime> DirectoryService for Client<'_, R> {
    type Addition = ProfileAddition;

    async fn locate(&self, which: &DirectoryRef) -> Result<DirectorySummary> {
        Client::locate(self, which).await.map(DirectorySummary::from)
    }

    async fn kick_off(&self, directory: DirectorySummary, ignore_safeguards: bool) -> Result<KickOffAnswer> {
        let started = self.start_sync(&self.recall(directory).await, ignore_safeguards).await?;
        Ok(if started.already_running { KickOffAnswer::AlreadyRunning } else { KickOffAnswer::Started })
    }

    async fn observe(&self, directory: &str) -> Result<SyncReport> {
        self.sync_state(directory).await
    }

    async fn executions(&self, directory: &str) -> Result<Option<Vec<SyncReport>>> {
        Client::executions(self, directory).await
    }

    async fn prove(&self, groups: &[GroupQuery]) -> Result<Vec<Proof>> {
        Client::prove(self, groups).await
    }

    async fn connectors(&self, directory: &str) -> Result<Vec<String>> {
        Client::connectors(self, directory).await
    }

    async fn dry_run(&self, directory: &str, ignore_safeguards: bool) -> Result<Option<Value>> {
        Client::dry_run(self, directory, ignore_safeguards).await
    }

    async fn look_up_for_profile(
        &self,
        directory: &str,
        groups: &[GroupQuery],
    ) -> Result<ProfileLookUp<ProfileAddition>> {
        let addition = self.profile_addition(directory, groups).await?;
        let not_found = addition.not_found().to_vec();
        Ok(ProfileLookUp { not_found, addition: addition.is_needed().then_some(addition) })
    }

    async fn add_to_profile(&self, addition: ProfileAddition) -> Result<()> {
        Client::add_to_profile(self, addition).await.map(|_| ())
    }
}
