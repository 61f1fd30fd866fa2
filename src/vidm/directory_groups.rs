//! `POST …/connectormanagement/directoryconfigs/{directory}/directorygroups`: looks groups up at their source.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, invalid, json, read_json, with_body};

/// `POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/directorygroups` (a public script for
/// vRealize Automation 8 copies the response into the sync profile)
///
/// The connector searches only by distinguished name. A container's name finds every group in it.
#[derive(Debug)]
pub(crate) struct FindDirectoryGroups<'a> {
    pub(crate) directory: &'a str,
    pub(crate) dns: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    search_dns: &'a [&'a str],
}

impl Endpoint for FindDirectoryGroups<'_> {
    type Api = Vidm;
    /// The found groups, each as an entry of a sync profile.
    type Response = Vec<Value>;
    const CALL: &'static str =
        "POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/directorygroups";
    /// Read-only.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::DirectoryGroups, self.directory)?;
        let accept = dialect.media(Media::DirectoryGroupsAccept);
        let content = dialect.media(Media::DirectoryGroupsContent);
        with_body(Method::POST, &path, &accept, &content, json(&Body { search_dns: self.dns })?)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<Value>> {
        let mut body: Map<String, Value> = read_json(Self::CALL, &answer)?;
        let Some(Value::Object(found)) = body.remove("identityGroups") else {
            return Err(invalid(Self::CALL, &answer, "it has no identityGroups"));
        };
        let lists = found.into_iter().filter_map(|(_, mut found)| match found.get_mut("mappedGroupData") {
            Some(Value::Array(entries)) => Some(std::mem::take(entries)),
            _ => None,
        });
        Ok(lists.flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::vidm::tests::{answer, sent};

    const FIND: FindDirectoryGroups<'_> = FindDirectoryGroups { directory: "d", dns: &["CN=a\\, \"é\",DC=x", "CN=b"] };

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, content: &str| {
            format!(
                "POST {base}/jersey/manager/api/connectormanagement/directoryconfigs/d/directorygroups\n\
                 accept: application/json, */*;q=0.5\ncontent-type: {content}\n\n\
                 {{\"searchDns\":[\"CN=a\\\\, \\\"é\\\",DC=x\",\"CN=b\"]}}"
            )
        };
        let query = "application/vnd.vmware.horizon.manager.connector.management.ops.groupquery+json";
        assert_eq!(sent(&FIND, &Dialect::horizon()), expected("/SAAS", query));
        assert_eq!(sent(&FIND, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", "application/json"));
    }

    #[test]
    fn entries_are_returned_unchanged() {
        let body = include_str!("../../tests/fixtures/vidm/directory_groups.json");
        let entries = FIND.response(answer(200, body)).unwrap();
        let dns: Vec<_> = entries.iter().map(|entry| entry["mappedGroup"]["dn"].as_str().unwrap()).collect();
        assert_eq!(dns, ["CN=gg-new,OU=Groups,DC=corp,DC=example"]);
        assert_eq!(entries[0]["mappedGroup"]["unheardOf"], 7);
    }

    #[test]
    fn empty_result_is_read_and_nonsense_is_rejected() {
        for body in [
            r#"{"identityGroups":{}}"#,
            r#"{"identityGroups":{"CN=a":null,"CN=b":{},"CN=c":{"mappedGroupData":null},"CN=d":{"mappedGroupData":[]}}}"#,
        ] {
            assert!(FIND.response(answer(200, body)).unwrap().is_empty(), "{body}");
        }
        for body in ["", "[]", "{}", r#"{"identityGroups":[]}"#, "<html>"] {
            assert_eq!(FIND.response(answer(200, body)).unwrap_err().code(), ErrorCode::UpstreamInvalid, "{body}");
        }
    }
}
