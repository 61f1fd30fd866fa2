//! The routes below `/fleet/{target}` besides syncs: directories, groups, identity providers, the doctor.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::input::group_query;
use super::route::{Fleet, Matched};
use super::sync_routes::{stale, stale_after};
use super::{Context, doctor, json};
use crate::directory::{DirectoryRef, Product};
use crate::error::Error;
use crate::fleet::{Directory, DirectoryFilter, Group};
use crate::operations::FleetOperations;
use crate::runtime::Runtime;
use crate::sync::StaleDirectory;

mod providers;

/// The matching directories.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetDirectoryList"))]
pub(super) struct Directories {
    /// The matches, realm by realm.
    directories: Vec<Directory>,
    /// With `staleAfter`: why each directory counts as stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<Vec<StaleDirectory>>,
}

/// The groups with a name.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetGroupList"))]
pub(super) struct Groups {
    /// Whether there is at least one.
    present: bool,
    /// All groups with that name.
    groups: Vec<Group>,
}

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    action: Fleet,
    matched: &Matched,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let fleet = FleetOperations::new(context.configured.targets.fleet(name)?, context.outbound);
    match action {
        Fleet::Provider(action) => providers::dispatch(&context, action, matched, &fleet).await,
        Fleet::ListDirectories => directories(&context, &fleet, name).await,
        Fleet::FindDirectory => {
            let which = DirectoryRef::parse(matched.parameter("directory"));
            json(StatusCode::OK, &fleet.client.directory(&which).await?)
        }
        Fleet::FindGroups => {
            let groups = fleet.client.groups(&group_query(&context.input)?).await?;
            json(StatusCode::OK, &Groups { present: !groups.is_empty(), groups })
        }
        Fleet::Doctor => doctor::answer(&context, async |examination| fleet.doctor(examination).await).await,
    }
}

async fn directories<R: Runtime>(
    context: &Context<'_, R>,
    fleet: &FleetOperations<'_, R>,
    target: &str,
) -> Result<Response<Bytes>, Error> {
    let text = |name| context.input.query(name).map(str::to_owned);
    let (name, domain, realm) = (text("name"), text("domain"), text("realm"));
    let filter = DirectoryFilter { name, domain, realm, syncable: context.input.query_flag("syncable")? };
    let period = stale_after(context)?;
    let mut directories = fleet.directories(&filter).await?;
    let stale = stale(context, (Product::Fleet, target), period, &mut directories).await?;
    json(StatusCode::OK, &Directories { directories, stale })
}
