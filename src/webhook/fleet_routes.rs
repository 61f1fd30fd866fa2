//! The routes below `/fleet/{target}` besides syncs: directories, groups, identity providers, the doctor.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::input::group_query;
use super::route::{Fleet, Matched};
use super::{Context, doctor, json};
use crate::directory::DirectoryRef;
use crate::error::Error;
use crate::fleet::{Directory, DirectoryFilter, Group};
use crate::operations::FleetOperations;
use crate::runtime::Runtime;

mod providers;

/// The matching directories.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "FleetDirectoryList"))]
pub(super) struct Directories {
    /// The matches, realm by realm.
    directories: Vec<Directory>,
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
    let target = context.configured.targets.fleet(matched.target().unwrap_or_default())?;
    let fleet = FleetOperations::new(target, context.outbound);
    match action {
        Fleet::Provider(action) => providers::dispatch(&context, action, matched, &fleet).await,
        Fleet::ListDirectories => directories(&context, &fleet).await,
        Fleet::FindDirectory => {
            let which = DirectoryRef::parse(matched.parameter("directory"));
            json(StatusCode::OK, &fleet.client.directory(&which).await?)
        }
        Fleet::FindGroups => {
            let groups = fleet.groups(&group_query(&context.input)?).await?;
            json(StatusCode::OK, &Groups { present: !groups.is_empty(), groups })
        }
        Fleet::Doctor => doctor::answer(&context, async |examination| fleet.doctor(examination).await).await,
    }
}

async fn directories<R: Runtime>(
    context: &Context<'_, R>,
    fleet: &FleetOperations<'_, R>,
) -> Result<Response<Bytes>, Error> {
    let text = |name| context.input.query(name).map(str::to_owned);
    let (name, domain, realm) = (text("name"), text("domain"), text("realm"));
    let filter = DirectoryFilter { name, domain, realm, syncable: context.input.query_flag("syncable")? };
    json(StatusCode::OK, &Directories { directories: fleet.directories(&filter).await? })
}
