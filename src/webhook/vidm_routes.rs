//! The routes below `/vidm/{target}`: directories, syncs, groups, health.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::input::query_error;
use super::route::{Matched, Vidm};
use super::{Context, Reply, doctor, json};
use crate::config::Scope;
use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::Error;
use crate::operations::VidmOperations;
use crate::runtime::Runtime;
use crate::upstream::segment;
use crate::vidm::DirectoryFilter;

mod documents;
mod start;
mod state;

#[cfg(feature = "contract")]
pub(super) use documents::DryRunAnswer;
pub(super) use documents::{Directories, Groups, StartRequest, SyncAnswer};
pub(super) use start::start_by_hook;
pub(super) use state::{Viewer, sync_answer};

use documents::Links;

pub(super) async fn dispatch<R: Runtime>(
    mut context: Context<'_, R>,
    action: Vidm,
    matched: &Matched,
) -> Result<Reply, Error> {
    let name = matched.target().unwrap_or_default();
    let vidm = operations(&context, name)?;
    let directory = || DirectoryRef::parse(matched.parameter("directory"));
    let response = match action {
        Vidm::ListDirectories => directories(&context, &vidm).await?,
        Vidm::FindDirectory => json(StatusCode::OK, &vidm.client.directory(&directory()).await?)?,
        Vidm::SyncHistory => json(StatusCode::OK, &vidm.history(&directory()).await?)?,
        Vidm::StartSync => return start::start(&mut context, &vidm, None).await,
        Vidm::StartSyncOfDirectory => return start::start(&mut context, &vidm, Some(directory())).await,
        Vidm::Sync => return state::sync(&mut context, name, matched.parameter("sync")).await,
        Vidm::LatestSync => latest(&context, &vidm, name, &directory()).await?,
        Vidm::FindGroups => groups(&context, &vidm).await?,
        Vidm::Health => json(StatusCode::OK, &vidm.client.health().await?)?,
        Vidm::Doctor => doctor::answer(&context, async |examination| vidm.doctor(examination).await).await?,
    };
    Ok(Reply::Whole(response))
}

/// The operations that this request's caller may use at the target `name`.
fn operations<'c, R: Runtime>(context: &Context<'c, R>, name: &str) -> Result<VidmOperations<'c, R>, Error> {
    let target = context.configured.targets.vidm(name)?;
    Ok(VidmOperations::new(target, context.outbound, context.caller.may(Scope::VidmOverride)))
}

/// The state of the directory's latest sync, started by any means.
async fn latest<R: Runtime>(
    context: &Context<'_, R>,
    vidm: &VidmOperations<'_, R>,
    target: &str,
    which: &DirectoryRef,
) -> Result<Response<Bytes>, Error> {
    let document = vidm.latest(which).await?;
    let this =
        format!("{}/vidm/{}/v1/directories/{}/sync", context.base, segment(target), segment(&document.directory.id));
    state::answer(StatusCode::OK, &SyncAnswer { document, ignored: Vec::new(), links: Links { this } })
}

async fn directories<R: Runtime>(
    context: &Context<'_, R>,
    vidm: &VidmOperations<'_, R>,
) -> Result<Response<Bytes>, Error> {
    let text = |name| context.input.query(name).map(str::to_owned);
    let (name, kind, domain) = (text("name"), text("type"), text("domain"));
    let filter = DirectoryFilter { name, kind, domain, syncable: context.input.query_flag("syncable")? };
    json(StatusCode::OK, &Directories { directories: vidm.client.directories_of(&filter).await? })
}

async fn groups<R: Runtime>(context: &Context<'_, R>, vidm: &VidmOperations<'_, R>) -> Result<Response<Bytes>, Error> {
    let (field, text) = match (context.input.query("dn"), context.input.query("name")) {
        (Some(dn), None) => ("dn", dn),
        (None, Some(name)) => ("name", name),
        _ => return Err(query_error("dn", "send either dn (CN=…,DC=…) or name (name@domain), not both")),
    };
    let query = GroupQuery::parse(text).map_err(|why| query_error(field, &why))?;
    if field == "dn" && matches!(query, GroupQuery::Name(_)) {
        return Err(query_error("dn", "is a name, not a DN: send it as `name`"));
    }
    let groups = vidm.client.groups(&query).await?;
    json(StatusCode::OK, &Groups { present: !groups.is_empty(), groups })
}
