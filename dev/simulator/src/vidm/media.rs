//! The media types of `connectormanagement`, and the two checks on them.
//!
//! Names recovered from VMware's own clients (priam, PowerValidatedSolutions).

use crate::reply::{Ask, Reply};
use http::{StatusCode, header};

macro_rules! horizon {
    ($short:literal) => {
        concat!("application/vnd.vmware.horizon.manager.", $short, "+json")
    };
}

pub(crate) const DIRECTORY_LIST: &str = horizon!("connector.management.directory.list");
pub(crate) const DIRECTORY_LDAP: &str = horizon!("connector.management.directory.ad.over.ldap");
pub(crate) const DIRECTORY_IWA: &str = horizon!("connector.management.directory.ad.over.iwa");
pub(crate) const DIRECTORY_LOCAL: &str = horizon!("connector.management.directory.local");
pub(crate) const DIRECTORY_JIT: &str = horizon!("connector.management.directory.jit");
pub(crate) const DIRECTORY_OTHER: &str = horizon!("connector.management.directory.other");
pub(crate) const DOMAIN_LIST: &str = horizon!("connector.management.directory.domain.list");
pub(crate) const CONNECTOR: &str = horizon!("connector.management.connector");
pub(crate) const CONNECTOR_INSTANCES: &str = horizon!("connector.management.connectorinstance.list");
pub(crate) const SYNC: &str = horizon!("connector.management.directory.sync.profile.sync");
pub(crate) const SYNC_V2: &str = horizon!("connector.management.directory.sync.trigger.v2");
pub(crate) const PROFILE: &str = horizon!("connector.management.directory.sync.profile");
pub(crate) const PROFILE_GROUPS: &str = horizon!("connector.management.directory.sync.profile.groups");
pub(crate) const PROFILE_USERS: &str = horizon!("connector.management.directory.sync.profile.users");
pub(crate) const PROFILE_SCHEDULE: &str = horizon!("connector.management.directory.sync.profile.syncschedule");
pub(crate) const EXECUTIONS: &str = horizon!("connector.management.directory.syncexecution.list");
pub(crate) const GROUP_QUERY: &str = horizon!("connector.management.ops.groupquery");
pub(crate) const ERROR: &str = concat!(horizon!("error"), ";charset=UTF-8");
/// The media type of the classic kick-off's response.
pub(crate) const V1: &str = "application/vnd.vmware.horizon.v1.0+json";
pub(crate) const JSON: &str = "application/json";

/// The one of `types` that the body has; 415 if none. `application/json` counts as the first unless `strict`.
pub(crate) fn consumes(ask: &Ask, strict: bool, types: &[&'static str]) -> Result<&'static str, Reply> {
    let sent = ask.content_type().unwrap_or_default();
    types
        .iter()
        .find(|known| sent == **known)
        .or_else(|| types.first().filter(|_| !strict && sent == JSON))
        .copied()
        .ok_or_else(|| Reply::tomcat(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// The one of `types` for the response; 406 if Accept lists none of them. Without Accept, or with a wildcard, it is the
/// first. `application/json` is used as such unless `strict`.
pub(crate) fn produces(ask: &Ask, strict: bool, types: &[&'static str]) -> Result<&'static str, Reply> {
    let first = types.first().copied().unwrap_or(JSON);
    let Some(accept) = ask.header(header::ACCEPT) else { return Ok(first) };
    for range in accept.split(',') {
        let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if range == "*/*" || range == "application/*" {
            return Ok(first);
        }
        if let Some(known) = types.iter().find(|known| range == **known) {
            return Ok(known);
        }
        if range == JSON && !strict {
            return Ok(JSON);
        }
    }
    Err(Reply::tomcat(StatusCode::NOT_ACCEPTABLE))
}
