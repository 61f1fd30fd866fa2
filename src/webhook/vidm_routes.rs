//! The routes below `/vidm/{target}` besides syncs: directories, groups, health, the doctor.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::input::group_query;
use super::route::{Matched, Vidm};
use super::sync_routes::{stale, stale_after};
use super::{Context, doctor, json};
use crate::directory::{DirectoryRef, Product};
use crate::error::Error;
use crate::operations::VidmOperations;
use crate::runtime::Runtime;
use crate::vidm::DirectoryFilter;

mod documents;

pub(super) use documents::{Directories, Groups};

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    action: Vidm,
    matched: &Matched,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let vidm = VidmOperations::new(context.configured.targets.vidm(name)?, context.outbound);
    match action {
        Vidm::ListDirectories => directories(&context, &vidm, name).await,
        Vidm::FindDirectory => {
            let which = DirectoryRef::parse(matched.parameter("directory"));
            json(StatusCode::OK, &vidm.client.directory(&which).await?)
        }
        Vidm::FindGroups => groups(&context, &vidm).await,
        Vidm::Health => json(StatusCode::OK, &vidm.client.health().await?),
        Vidm::Doctor => doctor::answer(&context, async |examination| vidm.doctor(examination).await).await,
    }
}

async fn directories<R: Runtime>(
    context: &Context<'_, R>,
    vidm: &VidmOperations<'_, R>,
    target: &str,
) -> Result<Response<Bytes>, Error> {
    let text = |name| context.input.query(name).map(str::to_owned);
    let (name, kind, domain) = (text("name"), text("type"), text("domain"));
    let filter = DirectoryFilter { name, kind, domain, syncable: context.input.query_flag("syncable")? };
    let period = stale_after(context)?;
    let mut directories = vidm.client.directories_of(&filter).await?;
    let stale = stale(context, (Product::Vidm, target), period, &mut directories).await?;
    json(StatusCode::OK, &Directories { directories, stale })
}

async fn groups<R: Runtime>(context: &Context<'_, R>, vidm: &VidmOperations<'_, R>) -> Result<Response<Bytes>, Error> {
    let groups = vidm.client.groups(&group_query(&context.input)?).await?;
    json(StatusCode::OK, &Groups { present: !groups.is_empty(), groups })
}
