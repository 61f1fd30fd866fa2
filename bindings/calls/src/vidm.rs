//! The functions of a session with vIDM (Workspace ONE Access).

use idhook::embedded::{Result, Vidm};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;

use crate::arguments::{Arguments, DryRunOptions};
use crate::{json, syncs};

pub(crate) async fn call<R: Runtime>(
    vidm: &Vidm<R>,
    name: &str,
    mut given: Arguments,
    progress: impl FnMut(&SyncDocument),
) -> Result<String> {
    Ok(match name {
        "directories" => json(&vidm.directories(&given.optional("filter")?).await?),
        "directory" => json(&vidm.directory(&given.text("directory")?).await?),
        "dryRun" => {
            let options: DryRunOptions = given.optional("options")?;
            json(&vidm.dry_run(&given.text("directory")?, options.ignore_safeguards).await?)
        }
        "groups" => json(&vidm.groups(&given.text("name")?).await?),
        "health" => json(&vidm.health().await?),
        _ => return syncs::call(vidm.syncs(), name, given, progress).await,
    })
}
