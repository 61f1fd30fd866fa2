//! `POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/dryrun`: what a sync would
//! change.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use super::sync_start::body;
use crate::error::Result;
use crate::redact::blank_secret_fields;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, with_body};

/// The kept part of a response, in bytes.
const KEPT: usize = 64 << 10;

/// `POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/dryrun` (not verified: only
/// the path is known, and that the console has a dry run with "Ignore Safeguards")
///
/// Method, body and media types are those of the call that starts a sync; the response is passed on unchanged.
#[derive(Debug)]
pub(crate) struct DryRun<'a> {
    pub(crate) directory: &'a str,
    pub(crate) ignore_safeguards: bool,
}

impl Endpoint for DryRun<'_> {
    type Api = Vidm;
    type Response = Value;
    const CALL: &'static str =
        "POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/dryrun";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::DryRun, self.directory)?;
        let (accept, content) = (dialect.media(Media::DryRunAccept), dialect.media(Media::DryRunContent));
        with_body(Method::POST, &path, &accept, &content, body(self.ignore_safeguards)?)
    }

    /// JSON unchanged; other or oversized bodies as the beginning of their text; an empty body as null.
    fn response(&self, answer: Response<Bytes>) -> Result<Value> {
        let body = answer.body().trim_ascii();
        if body.is_empty() {
            return Ok(Value::Null);
        }
        let json = if body.len() <= KEPT { serde_json::from_slice(body).ok() } else { None };
        let mut result = json.unwrap_or_else(|| Value::String(beginning(&String::from_utf8_lossy(body))));
        blank_secret_fields(&mut result);
        Ok(result)
    }
}

fn beginning(text: &str) -> String {
    match text.char_indices().find(|(at, c)| at + c.len_utf8() > KEPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};
    use serde_json::json;

    const SYNC: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.sync+json";

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, content: &str, flag: bool| {
            format!(
                "POST {base}/jersey/manager/api/connectormanagement/directoryconfigs/d-1/syncprofile/dryrun\n\
                 accept: application/json, */*;q=0.5\ncontent-type: {content}\n\n{{\"ignoreSafeguards\":{flag}}}"
            )
        };
        for flag in [false, true] {
            let call = DryRun { directory: "d-1", ignore_safeguards: flag };
            assert_eq!(sent(&call, &Dialect::horizon()), expected("/SAAS", SYNC, flag));
            assert_eq!(
                sent(&call, &Dialect::json().in_tenant(Some("t"))),
                expected("/SAAS/t/t", "application/json", flag)
            );
        }
    }

    #[test]
    fn response_is_kept_unchanged_within_bounds() {
        let read =
            |body: &str| DryRun { directory: "d", ignore_safeguards: false }.response(answer(200, body)).unwrap();
        assert_eq!(read(r#"{"usersToAdd": 3, "x": [null]}"#), json!({"usersToAdd": 3, "x": [null]}));
        assert_eq!(read(r#"{"a": [{"bindPassword": "hunter2"}]}"#), json!({"a": [{"bindPassword": "…"}]}));
        assert_eq!(
            read("[12345678901234567890123,1.0,-0,1e+400]").to_string(),
            "[12345678901234567890123,1.0,-0,1e+400]"
        );
        assert_eq!(read(""), Value::Null);
        assert_eq!(read("<html>"), json!("<html>"));
        let long = format!("[\"{}\"]", "é".repeat(40_000));
        let cut = read(&long);
        let cut = cut.as_str().unwrap();
        assert!(cut.len() <= 65_536 + 3 && cut.ends_with("é…") && long.starts_with(cut.trim_end_matches('…')));
    }
}
