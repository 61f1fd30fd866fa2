//! `GET /suite-api/api/versions/current`: the version of VCF Operations.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use super::api::{Fleet, JSON};
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare, read_json};

/// `GET /suite-api/api/versions/current` (VCF Operations API, "Versions")
///
/// Some systems answer it without a token with a page, so it is sent with one.
#[derive(Debug)]
pub(super) struct GetVersion;

/// A version, as the server counts: 9.1.0 is 9, 1, 0; but VCF Operations 9.0.x is 2, and Aria Operations is 1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The name of the release.
    #[serde(default)]
    pub release_name: Option<String>,
    major: u32,
    #[serde(default)]
    minor: u32,
    #[serde(default)]
    minor_minor: u32,
}

impl Version {
    /// Whether it has the public calls of identity and access management: 9.1 and later.
    #[must_use]
    pub(crate) fn has_iam(&self) -> bool {
        self.major >= 9
    }

    /// Whether groups can be searched for by distinguished name and provisioned one by one: 9.1.1 and later.
    #[must_use]
    pub(crate) fn has_principals(&self) -> bool {
        (self.major, self.minor, self.minor_minor) >= (9, 1, 1)
    }
}

impl Endpoint for GetVersion {
    type Api = Fleet;
    type Response = Version;
    const CALL: &'static str = "GET /suite-api/api/versions/current";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        bare(Method::GET, "/suite-api/api/versions/current", JSON)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Version> {
        read_json(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    #[test]
    fn request_is_encoded() {
        assert_eq!(sent(&GetVersion), "GET /suite-api/api/versions/current\naccept: application/json\n\n");
    }

    #[test]
    fn versions_have_what_they_should() {
        for (body, has_iam, has_principals) in [
            (
                r#"{"releaseName":"VCF Operations 9.1.0.0","major":9,"minor":1,"minorMinor":0,"patch":0,"description":null}"#,
                true,
                false,
            ),
            (r#"{"major":9,"minor":1,"minorMinor":1}"#, true, true),
            (r#"{"major":9,"minor":2}"#, true, true),
            (r#"{"releaseName":"VCF Operations 9.0.2","major":2,"minor":2}"#, false, false),
            (r#"{"major":1,"minor":48}"#, false, false),
        ] {
            let version = GetVersion.response(answer(200, body)).unwrap();
            assert_eq!((version.has_iam(), version.has_principals()), (has_iam, has_principals), "{body}");
        }
        assert!(GetVersion.response(answer(200, "<html>")).is_err());
    }
}
