//! The functions of a session with VCF Operations (VCF 9.1 and later).

use idhook::embedded::{Fleet, Result};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;

use crate::arguments::Arguments;
use crate::{json, syncs};

pub(crate) async fn call<R: Runtime>(
    fleet: &Fleet<R>,
    name: &str,
    mut given: Arguments,
    progress: impl FnMut(&SyncDocument),
) -> Result<String> {
    Ok(match name {
        "directories" => json(&fleet.directories(&given.optional("filter")?).await?),
        "directory" => json(&fleet.directory(&given.text("directory")?).await?),
        "groups" => json(&fleet.groups(&given.text("name")?).await?),
        _ => return syncs::call(fleet.syncs(), name, given, progress).await,
    })
}
