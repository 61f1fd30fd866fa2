//! The two calls that start a sync: the classic connector's and the enterprise service's.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use crate::error::{Error, Result};
use crate::retry::Repeat;
use crate::upstream::{Api as _, Endpoint, json, rejected_with_success, with_body};

/// The body of both, and of the dry run. The safeguards limit how much one sync may change; without them, a broken LDAP
/// filter can delete a directory's users.
pub(super) fn body(ignore_safeguards: bool) -> Result<Bytes> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        ignore_safeguards: bool,
    }
    json(&Body { ignore_safeguards })
}

/// `POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync` (not in the vendor's
/// public reference; VMware's PowerValidatedSolutions module and "Manual Sync of vIDM via API")
///
/// Responds with 200 only: no id of a run, no link.
#[derive(Debug)]
pub(crate) struct StartSync<'a> {
    pub(crate) directory: &'a str,
    pub(crate) ignore_safeguards: bool,
}

impl Endpoint for StartSync<'_> {
    type Api = Vidm;
    type Response = ();
    const CALL: &'static str =
        "POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/syncprofile/sync";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::Sync, self.directory)?;
        let (accept, content) = (dialect.media(Media::SyncAccept), dialect.media(Media::SyncContent));
        with_body(Method::POST, &path, &accept, &content, body(self.ignore_safeguards)?)
    }

    /// Any 2xx has started a sync, except with an error body or a page, which comes from a gateway or login form and not
    /// from vIDM.
    fn response(&self, answer: Response<Bytes>) -> Result<()> {
        check_no_error(Self::CALL, &answer)
    }
}

/// `POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigurations/{directory}/sync/v2` (not in the vendor's
/// public reference; public scripts for Workspace ONE Access in the cloud)
///
/// For directories that were migrated to the enterprise service.
#[derive(Debug)]
pub(crate) struct StartSyncV2<'a> {
    pub(crate) directory: &'a str,
    pub(crate) ignore_safeguards: bool,
}

impl Endpoint for StartSyncV2<'_> {
    type Api = Vidm;
    type Response = ();
    const CALL: &'static str =
        "POST /SAAS/jersey/manager/api/connectormanagement/directoryconfigurations/{directory}/sync/v2";
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::SyncV2, self.directory)?;
        let media = dialect.media(Media::SyncV2);
        with_body(Method::POST, &path, &media, &media, body(self.ignore_safeguards)?)
    }

    /// Read like [`StartSync`].
    fn response(&self, answer: Response<Bytes>) -> Result<()> {
        check_no_error(Self::CALL, &answer)
    }
}

/// Rejects a success status with vIDM's error format in the body.
pub(super) fn check_no_error(call: &'static str, answer: &Response<Bytes>) -> Result<()> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<serde::de::IgnoredAny>,
    }
    if crate::json::parse::<Errors>(answer.body()).is_some_and(|body| !body.errors.is_empty())
        && let Some(vendor) = Vidm::read_error(answer.body())
    {
        return Err(rejected_with_success(call, answer, vendor));
    }
    Ok(())
}

/// Whether a rejected start means that a sync is already running. vIDM's form for this is not documented: a 409 without a
/// message counts, and so does a message that says so in vIDM's own error format, with any status that concerns this
/// request. A page about an "upgrade in progress" does not.
pub(crate) fn already_running(error: &Error) -> bool {
    let Some(evidence) = error.evidence() else { return false };
    let Some(status) = evidence.status.map(|status| status.as_u16()) else { return false };
    let is_start = [StartSync::CALL, StartSyncV2::CALL].contains(&evidence.call);
    if !is_start || status >= 500 || matches!(status, 401 | 403 | 429) {
        return false;
    }
    let said = [evidence.code.as_deref(), evidence.message.as_deref()].into_iter().flatten();
    let said: String = said.chain(evidence.details.iter().map(String::as_str)).collect();
    let words: String = said.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    if words.contains("delet") {
        return false;
    }
    let speaks_of_it = ["inprogress", "alreadyrunning", "alreadystarted", "alreadysyncing", "alreadyqueued"]
        .into_iter()
        .chain(["currentlyrunning", "currentlysyncing", "syncrunning", "syncisrunning"])
        .any(|phrase| words.contains(phrase));
    (evidence.is_vendor && speaks_of_it) || (status == 409 && words.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::error::ErrorCode;
    use crate::upstream::check;
    use crate::vidm::login::SystemLogin;
    use crate::vidm::sync_state::GetSync;
    use crate::vidm::tests::{answer, sent};

    const SYNC: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.profile.sync+json";
    const TRIGGER: &str = "application/vnd.vmware.horizon.manager.connector.management.directory.sync.trigger.v2+json";
    const JSON: &str = "application/json";

    #[test]
    fn classic_request_is_encoded() {
        let expected = |base: &str, accept: &str, content: &str, flag: bool| {
            format!(
                "POST {base}/jersey/manager/api/connectormanagement/directoryconfigs/d-1/syncprofile/sync\n\
                 accept: {accept}\ncontent-type: {content}\n\n{{\"ignoreSafeguards\":{flag}}}"
            )
        };
        for flag in [false, true] {
            let start = StartSync { directory: "d-1", ignore_safeguards: flag };
            let v1 = "application/vnd.vmware.horizon.v1.0+json";
            assert_eq!(sent(&start, &Dialect::horizon()), expected("/SAAS", v1, SYNC, flag));
            assert_eq!(sent(&start, &Dialect::json()), expected("/SAAS", JSON, JSON, flag));
            assert_eq!(sent(&start, &Dialect::horizon().in_tenant(Some("t"))), expected("/SAAS/t/t", v1, SYNC, flag));
            assert_eq!(sent(&start, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", JSON, JSON, flag));
        }
    }

    #[test]
    fn v2_request_is_encoded() {
        let expected = |base: &str, media: &str| {
            format!(
                "POST {base}/jersey/manager/api/connectormanagement/directoryconfigurations/d-1/sync/v2\n\
                 accept: {media}\ncontent-type: {media}\n\n{{\"ignoreSafeguards\":false}}"
            )
        };
        let start = StartSyncV2 { directory: "d-1", ignore_safeguards: false };
        assert_eq!(sent(&start, &Dialect::horizon()), expected("/SAAS", TRIGGER));
        assert_eq!(sent(&start, &Dialect::json()), expected("/SAAS", JSON));
        assert_eq!(sent(&start, &Dialect::horizon().in_tenant(Some("t"))), expected("/SAAS/t/t", TRIGGER));
        assert_eq!(sent(&start, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", JSON));
    }

    #[test]
    fn any_2xx_without_an_error_body_means_started() {
        let start = StartSync { directory: "d", ignore_safeguards: false };
        for body in
            ["", "{}", "ok", "<ok/>", r#"{"items":[]}"#, r#"{"errors":[]}"#, r#"{"code":0,"message":"started"}"#]
        {
            start.response(answer(200, body)).unwrap();
        }
        let error = start.response(answer(200, r#"{"errors":[{"code":"no","message":"not now"}]}"#)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamRejected);
        assert!(error.detail().contains("no: not now"), "{error}");
    }

    #[test]
    fn already_running_is_recognised_in_several_forms() {
        let says = |status, body: &str| {
            let error = check::<StartSync<'_>>(answer(status, body), SystemTime::UNIX_EPOCH).unwrap_err();
            already_running(&error)
        };
        for (status, body) in [
            (409, ""),
            (409, r#"{"errors":[{"code":"sync.in.progress","message":"x"}]}"#),
            (400, r#"{"errors":[{"code":"a","message":"A sync is already running for this directory."}]}"#),
            (422, r#"{"errors":[{"code":"DIRECTORY_SYNC_ALREADY_STARTED","message":null}]}"#),
            (400, r#"{"code":"b","message":"Directory sync is currently in-progress"}"#),
        ] {
            assert!(says(status, body), "{status} {body}");
        }
        for (status, body) in [
            (400, ""),
            (404, "<html><title>404</title></html>"),
            (409, r#"{"errors":[{"code":"conflict","message":"Use the other call."}]}"#),
            (409, r#"{"errors":[{"code":"conflict","message":"Deletion of the directory is in progress."}]}"#),
            (400, r#"{"errors":[{"code":"connector","message":"The connector is not running."}]}"#),
            // A page, a text, a rejection of our account, a server in trouble: none concerns this sync.
            (503, "<html><title>Upgrade in progress</title></html>"),
            (404, "<html><title>Upgrade in progress</title></html>"),
            (409, "Upgrade in progress"),
            (503, r#"{"errors":[{"code":"busy","message":"An upgrade is in progress."}]}"#),
            (500, r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#),
            (401, r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#),
            (403, r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#),
            (429, r#"{"errors":[{"code":"a","message":"A sync is already running."}]}"#),
        ] {
            assert!(!says(status, body), "{status} {body}");
        }
        // The same words from another call concern something else.
        let login = answer(400, r#"{"errors":[{"code":"a","message":"already running"}]}"#);
        assert!(!already_running(&check::<SystemLogin<'_>>(login, SystemTime::UNIX_EPOCH).unwrap_err()));
        let state = answer(409, "");
        assert!(!already_running(&check::<GetSync<'_>>(state, SystemTime::UNIX_EPOCH).unwrap_err()));
    }
}
