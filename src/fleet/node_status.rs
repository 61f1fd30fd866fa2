//! `GET /suite-api/api/deployment/node/status`: whether VCF Operations is running.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use super::api::{Fleet, JSON};
use crate::error::{Result, excerpt};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_json};

/// `GET /suite-api/api/deployment/node/status` (VCF Operations API, "Deployment"; needs no login)
///
/// Responds 200 with `ONLINE`, or 503 while it starts.
#[derive(Debug)]
pub(super) struct GetNodeStatus;

impl Endpoint for GetNodeStatus {
    type Api = Fleet;
    /// The server's word.
    type Response = String;
    const CALL: &'static str = "GET /suite-api/api/deployment/node/status";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, "/suite-api/api/deployment/node/status", JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<String> {
        #[derive(Deserialize)]
        struct NodeStatus {
            status: String,
        }
        Ok(excerpt(&read_json::<NodeStatus>(Self::CALL, &answer)?.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn request_is_encoded_and_word_is_read() {
        assert_eq!(sent(&GetNodeStatus), "GET /suite-api/api/deployment/node/status\naccept: application/json\n\n");
        let read = |body| GetNodeStatus.response(answer(200, body));
        assert_eq!(read(r#"{"status":"ONLINE","systemTime":1}"#).unwrap(), "ONLINE");
        assert!(read("{}").is_err());
    }
}
