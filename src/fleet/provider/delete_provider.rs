//! `DELETE /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}`: starts the deletion of an identity provider.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{IamTask, ResourceId};
use crate::error::Result;
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_shown};

/// `DELETE …/iam/identity-providers/{idpConfigId}?force={force}` (VCF Operations API 9.1, "IAM APIs",
/// deleteIDPConfiguration)
///
/// Returns 202 with the id of a task. With `force`, the components that use the provider are removed from it too.
#[derive(Debug)]
pub(super) struct DeleteProvider<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) force: bool,
}

impl Endpoint for DeleteProvider<'_> {
    type Api = Fleet;
    type Response = IamTask;
    const CALL: &'static str = "DELETE /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let force = if self.force { "?force=true" } else { "" };
        bare(Method::DELETE, &format!("{IAM}/identity-providers/{}{force}", self.id.as_str()), JSON)
    }

    /// The deletion has begun, whatever the response contains: an unreadable one is a task without an id here.
    fn response(&self, answer: Response<Bytes>) -> Result<IamTask> {
        Ok(read_shown(Self::CALL, &answer).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn deletion_is_requested_and_its_task_read() {
        let id = ResourceId::parse("id", "p-1").unwrap();
        for (force, query) in [(false, ""), (true, "?force=true")] {
            let text = format!(
                "DELETE /suite-api/api/fleet-management/iam/identity-providers/p-1{query}\naccept: application/json\n\n"
            );
            assert_eq!(sent(&DeleteProvider { id: &id, force }), text);
        }
        let delete = DeleteProvider { id: &id, force: false };
        let task = delete.response(answer(202, r#"{"taskId":"d33220f1"}"#)).unwrap();
        assert_eq!((task.task_id.as_deref(), task.task_status), (Some("d33220f1"), None));
        for body in ["", "Accepted", "[]"] {
            assert_eq!(delete.response(answer(202, body)).unwrap().task_id, None, "{body}");
        }
    }
}
