//! `GET /suite-api/api/fleet-management/iam/tasks/{taskId}`: the state of a task.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::ResourceId;
use crate::change::{Extra, lenient};
use crate::error::Result;
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_shown};

/// A task of fleet management (the vendor's `IamTaskDetails`): the deletion of a provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct IamTask {
    /// Its id, a UUID.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// `QUEUED`, `IN_PROGRESS`, `FAILED`, `COMPLETED` or `UNKNOWN`.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub task_status: Option<String>,
    /// `IDP_RESET`, `SSO_REALM_RESET` and others.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// Why it failed: `errorCode`, `errorMessage` and `timestamp`.
    #[serde(deserialize_with = "lenient::object", skip_serializing_if = "Option::is_none")]
    pub error_details: Option<Extra>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `GET …/iam/tasks/{taskId}` (VCF Operations API 9.1, "IAM APIs", getIamTaskDetails)
#[derive(Debug)]
pub(super) struct GetTask<'a> {
    pub(super) id: &'a ResourceId,
}

impl Endpoint for GetTask<'_> {
    type Api = Fleet;
    type Response = IamTask;
    const CALL: &'static str = "GET /suite-api/api/fleet-management/iam/tasks/{taskId}";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, &format!("{IAM}/tasks/{}", self.id.as_str()), JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<IamTask> {
        read_shown(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn task_is_requested_and_read() {
        let id = ResourceId::parse("task", "d33220f1").unwrap();
        let get = GetTask { id: &id };
        assert_eq!(sent(&get), "GET /suite-api/api/fleet-management/iam/tasks/d33220f1\naccept: application/json\n\n");
        // The vendor's example of a failure, its names in order.
        let json = r#"{"taskId":"d33220f1-9c27-4671-81d5-95c1dd55330d","taskStatus":"FAILED","taskType":"IDP_RESET","errorDetails":{"errorCode":"1500","errorMessage":"error Message","timestamp":17760459}}"#;
        let task = get.response(answer(200, json)).unwrap();
        assert_eq!(task.task_status.as_deref(), Some("FAILED"));
        assert_eq!(serde_json::to_string(&task).unwrap(), json);
        assert_eq!(get.response(answer(200, "{}")).unwrap().task_status, None);
        assert!(get.response(answer(200, "x")).is_err());
    }
}
