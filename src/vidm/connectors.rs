//! `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/connectors`: the connectors that read a
//! directory.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use super::directories::read_items;
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/connectors` (VMware's
/// PowerValidatedSolutions module)
///
/// An item's fields are known only from the list of connector instances, `instanceId` and `host`; any usual name of an id is
/// accepted to distinguish connectors.
#[derive(Debug)]
pub(crate) struct ListConnectors<'a> {
    pub(crate) directory: &'a str,
}

/// Fields that may identify a connector, the most reliable first.
const IDS: [&str; 5] = ["instanceId", "connectorId", "id", "uuid", "host"];

impl Endpoint for ListConnectors<'_> {
    type Api = Vidm;
    /// The connectors' ids.
    type Response = Vec<String>;
    const CALL: &'static str =
        "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/connectors";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::DirectoryConnectors, self.directory)?;
        bare(Method::GET, &path, &dialect.media(Media::DirectoryConnectors))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<String>> {
        Ok(read_items(Self::CALL, &answer)?.iter().filter_map(id).collect())
    }
}

/// An id with its field name, so that a host never equals an id.
fn id(item: &Map<String, Value>) -> Option<String> {
    let told = |name: &&str| item.get(*name)?.as_str().filter(|text| !text.is_empty());
    let name = IDS.iter().find(|name| told(name).is_some())?;
    Some(format!("{name}={}", told(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, media: &str| {
            format!(
                "GET {base}/jersey/manager/api/connectormanagement/directoryconfigs/d-1/connectors\naccept: {media}, */*;q=0.5\n\n"
            )
        };
        let horizon = "application/vnd.vmware.horizon.manager.connector.management.connector+json";
        let endpoint = ListConnectors { directory: "d-1" };
        assert_eq!(sent(&endpoint, &Dialect::horizon()), expected("/SAAS", horizon));
        assert_eq!(sent(&endpoint, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", "application/json"));
    }

    #[test]
    fn connectors_are_distinguished_by_any_id() {
        let read = |body: &str| ListConnectors { directory: "d" }.response(answer(200, body)).unwrap();
        let body = r#"{"items":[
            {"instanceId":"c1","host":"connector.corp.example"},{"connectorId":"c2"},{"host":"h"},{"instanceId":"","id":"c4"},
            {"name":"no id"},{"instanceId":7}
        ],"_links":{}}"#;
        assert_eq!(read(body), ["instanceId=c1", "connectorId=c2", "host=h", "id=c4"]);
        assert_eq!(read(r#"{"items":[]}"#), [""; 0]);
    }
}
