//! `POST …/ldap-directories/{ldapDirectoryId}/sync`: starts the sync of a directory.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::api::{Fleet, JSON, directory_path};
use crate::error::{Error, Result};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, with_body};

/// `POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync` (VCF
/// Operations API, `executeLdapSync`)
///
/// Takes no body and responds 202 with a status word and no id. The private call of 9.0 requires `{}`.
#[derive(Debug)]
pub(super) struct StartSync<'a> {
    pub(super) provider: &'a str,
    pub(super) directory: &'a str,
    /// Whether to send an empty object.
    pub(super) with_body: bool,
}

impl Endpoint for StartSync<'_> {
    type Api = Fleet;
    type Response = ();
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/identity-providers/{idpConfigId}/ldap-directories/{ldapDirectoryId}/sync";
    /// A second one may start another run.
    const REPEAT: Repeat = Repeat::IfNeverArrived;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        let path = format!("{}/sync", directory_path(self.provider, self.directory));
        match self.with_body {
            true => with_body(Method::POST, &path, JSON, JSON, "{}"),
            false => bare(Method::POST, &path, JSON),
        }
    }

    /// The word says nothing that the next observation does not.
    fn response(&self, _: Response<Bytes>) -> Result<()> {
        Ok(())
    }
}

/// Whether a rejected start may be about its missing body.
pub(super) fn wants_body(error: &Error) -> bool {
    matches!(error.answer_status().map(|status| status.as_u16()), Some(411 | 415))
        || (error.answer_status().is_some_and(|status| status == 400) && says(error, &["body"]))
}

/// Whether a rejected start says that a run is active, and not that something is "not running" or "already failed". The
/// real response is unknown.
pub(super) fn already_running(error: &Error) -> bool {
    error.answer_status().is_some_and(|status| status.is_client_error())
        && says(error, &["already", "in progress", "in_progress", "running"])
        && !says(error, &["not running", "not in progress", "fail", "disabled", "deleted"])
}

fn says(error: &Error, words: &[&str]) -> bool {
    let Some(said) = error.evidence().filter(|said| said.is_vendor) else { return false };
    let texts = said.code.iter().chain(&said.message).chain(&said.details);
    texts.map(|text| text.to_ascii_lowercase()).any(|text| words.iter().any(|word| text.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};
    use crate::upstream::check;
    use std::time::SystemTime;

    const START: StartSync<'_> = StartSync { provider: "p", directory: "d", with_body: false };
    const PATH: &str = "POST /suite-api/api/fleet-management/iam/identity-providers/p/ldap-directories/d/sync";

    #[test]
    fn request_is_encoded() {
        assert_eq!(sent(&START), format!("{PATH}\naccept: application/json\n\n"));
        let with_body = sent(&StartSync { with_body: true, ..START });
        assert_eq!(with_body, format!("{PATH}\naccept: application/json\ncontent-type: application/json\n\n{{}}"));
    }

    #[test]
    fn rejections_are_told_apart() {
        let rejected = |status, body| check::<StartSync<'_>>(answer(status, body), SystemTime::UNIX_EPOCH).unwrap_err();
        for (status, body, body_is_wanted, is_running) in [
            (409, r#"{"message":"A sync is already in progress."}"#, false, true),
            (400, r#"{"message":"Directory sync is running"}"#, false, true),
            (409, r#"{"message":"The directory is locked."}"#, false, false),
            (400, r#"{"message":"LDAP sync service is not running"}"#, false, false),
            (400, r#"{"message":"The setup has already failed"}"#, false, false),
            (409, "<html>already running</html>", false, false),
            (500, r#"{"message":"already running"}"#, false, false),
            (415, "", true, false),
            (400, r#"{"message":"Required request body is missing"}"#, true, false),
            (400, r#"{"message":"Invalid parameter ldapDirectoryId"}"#, false, false),
        ] {
            let error = rejected(status, body);
            assert_eq!((wants_body(&error), already_running(&error)), (body_is_wanted, is_running), "{status} {body}");
        }
        START.response(answer(202, r#"{"syncStatus":"IN_PROGRESS"}"#)).unwrap();
        START.response(answer(202, "")).unwrap();
    }
}
