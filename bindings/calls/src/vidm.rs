//! The functions of a session with vIDM (Workspace ONE Access).

use idhook::embedded::{Result, Vidm};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;

use crate::arguments::{Arguments, DryRunOptions, WaitOptions};
use crate::{json, unknown};

pub(crate) async fn call<R: Runtime>(
    vidm: &Vidm<R>,
    name: &str,
    mut given: Arguments,
    progress: impl FnMut(&SyncDocument),
) -> Result<String> {
    let given = &mut given;
    Ok(match name {
        "directories" => json(&vidm.directories(&given.optional("filter")?).await?),
        "directory" => json(&vidm.directory(&given.text("directory")?).await?),
        "startSync" => json(&vidm.start_sync(&given.text("directory")?, given.optional("order")?).await?),
        "ensureGroups" => {
            let (directory, groups) = (given.text("directory")?, given.texts("groups")?);
            json(&vidm.ensure_groups(&directory, groups, given.optional("options")?, progress).await?)
        }
        "sync" => json(&vidm.sync(&given.text("id")?).await?),
        "waitForSync" => {
            let options: WaitOptions = given.optional("options")?;
            json(&vidm.wait_for_sync(&given.text("id")?, options.max_wait()).await?)
        }
        "latestSync" => json(&vidm.latest_sync(&given.text("directory")?).await?),
        "syncHistory" => json(&vidm.sync_history(&given.text("directory")?).await?),
        "dryRun" => {
            let options: DryRunOptions = given.optional("options")?;
            json(&vidm.dry_run(&given.text("directory")?, options.ignore_safeguards).await?)
        }
        "groups" => json(&vidm.groups(&given.text("name")?).await?),
        "health" => json(&vidm.health().await?),
        _ => return Err(unknown(name)),
    })
}
