//! The sync functions, which a session with vIDM has and one with VCF Operations.

use idhook::embedded::{Result, Syncs};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;

use crate::arguments::{Arguments, WaitOptions};
use crate::{json, unknown};

pub(crate) async fn call<R: Runtime>(
    syncs: Syncs<'_, R>,
    name: &str,
    mut given: Arguments,
    progress: impl FnMut(&SyncDocument),
) -> Result<String> {
    let given = &mut given;
    Ok(match name {
        "startSync" => json(&syncs.start(&given.text("directory")?, given.optional("order")?).await?),
        "ensureGroups" => {
            let (directory, groups) = (given.text("directory")?, given.texts("groups")?);
            json(&syncs.ensure_groups(&directory, groups, given.optional("options")?, progress).await?)
        }
        "sync" => json(&syncs.state(&given.text("id")?).await?),
        "waitForSync" => {
            let options: WaitOptions = given.optional("options")?;
            json(&syncs.wait(&given.text("id")?, options.max_wait()).await?)
        }
        "latestSync" => json(&syncs.latest(&given.text("directory")?).await?),
        "syncHistory" => json(&syncs.history(&given.text("directory")?).await?),
        _ => return Err(unknown(name)),
    })
}
