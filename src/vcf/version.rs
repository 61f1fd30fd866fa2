//! SDDC Manager's version, and what the versions have.
//!
//! From the vendor's OpenAPI documents of 5.2.0 to 9.1.0, its Go client of 4.5 and 5.1.1, and its API reference of 4.4 and 5.0.
//! The version is known after `GET /v1/sddc-managers`, which any role may read; no other call reads it first.

use std::time::Duration;

use super::{Client, Vcf};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::upstream::Endpoint;

/// How long a version is used: an upgrade must be noticed.
const MAX_AGE: Duration = Duration::from_mins(10);

/// A version with its build: `5.2.1.0-24307856`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    text: String,
    major_minor: (u32, u32),
}

/// The features that some versions lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// `/v1/identity-providers` and the identity sources.
    IdentityProviders,
    /// `POST …/sync-client`.
    SyncClient,
    /// The query parameter `syncClientTokenTTL` of it.
    SyncClientLifetime,
    /// `GET /v1/identity-broker/prechecks`.
    Prechecks,
    /// The query parameter `type` of it.
    PrecheckKind,
    /// `GET /v1/identity-broker/sddc-manager-oidc`.
    SddcManagerOidc,
    /// Federated providers (`fedIdpSpec`).
    Federation,
}

impl Feature {
    /// The first version that has it, its name, and what to do in an older one.
    const fn facts(self) -> ((u32, u32), &'static str, &'static str) {
        const VSPHERE: &str = "configure identity sources in the vSphere Client of the management domain, or upgrade";
        const FEDERATION: &str = "use the embedded provider with an identity source, or AD FS; or upgrade";
        match self {
            Self::IdentityProviders => ((4, 5), "identity providers", VSPHERE),
            Self::SyncClient => ((5, 1), "SCIM tokens (…/sync-client)", FEDERATION),
            Self::SyncClientLifetime => (
                (5, 2),
                "the parameter syncClientTokenTTL",
                "leave it out: the token lives as long as syncClientTokenTTL of the provider's fedIdpSpec says",
            ),
            Self::Prechecks => (
                (5, 1),
                "prechecks (…/identity-broker/prechecks)",
                "preview the change with PUT …/identity-providers?dryRun=true, or upgrade",
            ),
            Self::PrecheckKind => ((5, 2), "the parameter type of prechecks", "leave it out"),
            Self::SddcManagerOidc => (
                (5, 2),
                "…/identity-broker/sddc-manager-oidc",
                "read the provider's oidc with GET …/identity-providers/{id}, or upgrade",
            ),
            Self::Federation => ((5, 1), "federated identity providers (fedIdpSpec)", FEDERATION),
        }
    }
}

impl Version {
    /// The version in a text that begins with two numbers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-']).map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return None };
        Some(Self { text: crate::error::excerpt(text), major_minor: (major, minor) })
    }

    /// The version as the server writes it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the calls of identity providers are deprecated: since VCF 9.0.
    pub(crate) fn deprecates_identity_providers(&self) -> bool {
        self.major_minor >= (9, 0)
    }

    /// Whether VCF Operations of the same release has calls that replace them: since VCF 9.1.
    pub(crate) fn has_fleet_iam(&self) -> bool {
        self.major_minor >= (9, 1)
    }

    /// Whether SDDC Manager knows the Workspace ONE Access of a vRealize Suite: until VCF 9.
    pub(crate) fn has_workspace_one_access(&self) -> bool {
        self.major_minor < (9, 0)
    }

    fn lacks(&self, feature: Feature) -> Option<Error> {
        let ((major, minor), what, instead) = feature.facts();
        (self.major_minor < (major, minor)).then(|| {
            let detail =
                format!("SDDC Manager {} does not have {what}, which came with VCF {major}.{minor}", self.text);
            Error::new(ErrorCode::NotSupported, detail).hint(instead)
        })
    }
}

/// A call that some versions lack.
pub(super) trait Versioned: Endpoint<Api = Vcf> {
    /// The features that it needs, the oldest first.
    fn needs(&self) -> &'static [Feature] {
        &[Feature::IdentityProviders]
    }
}

impl<R: Runtime> Client<'_, R> {
    /// SDDC Manager's version, at most ten minutes old; `None` if it reports none.
    ///
    /// # Errors
    /// As any upstream call.
    pub(crate) async fn version(&self) -> Result<Option<Version>> {
        match self.known_version() {
            Some(version) => Ok(Some(version)),
            None => self.sddc_managers().await.map(|_| self.known_version()),
        }
    }

    /// Keeps the version that a list of SDDC Managers contains: it has one element, this SDDC Manager.
    pub(super) fn learn_version(&self, managers: &super::SddcManagers) {
        let mut texts = managers.elements.iter().filter_map(|manager| manager.version.as_deref());
        if let Some(version) = texts.find_map(Version::parse) {
            self.cache.version.set(version, self.out.runtime().now());
        }
    }

    fn known_version(&self) -> Option<Version> {
        self.cache.version.get(self.out.runtime().now(), MAX_AGE)
    }

    /// Rejects a call that needs `features` if this version is known to lack one.
    ///
    /// # Errors
    /// `not_supported`, with the alternative.
    pub(super) fn needs(&self, features: &[Feature]) -> Result<()> {
        let Some(version) = self.known_version() else { return Ok(()) };
        match features.iter().find_map(|feature| version.lacks(*feature)) {
            Some(error) => Err(error.at(&self.target.name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_what_the_vendors_documents_have() {
        use Feature::*;
        let all =
            [IdentityProviders, SyncClient, Prechecks, Federation, SyncClientLifetime, PrecheckKind, SddcManagerOidc];
        for (text, count, deprecated, replaced) in [
            ("3.9.0.0-14713675", 0, false, false),
            ("4.4.1.0-1", 0, false, false),
            ("4.5.2.0-2", 1, false, false),
            ("5.0.0.0-3", 1, false, false),
            ("5.1.1.0-4", 4, false, false),
            ("5.2.0.0-5", 7, false, false),
            ("5.2.1.0-24307856", 7, false, false),
            ("9.0.0.0-6", 7, true, false),
            ("9.1.0.0.7", 7, true, true),
            ("10.0-8", 7, true, true),
        ] {
            let version = Version::parse(text).unwrap();
            let has: Vec<_> = all.iter().filter(|feature| version.lacks(**feature).is_none()).collect();
            assert_eq!(has, all.iter().take(count).collect::<Vec<_>>(), "{text}");
            assert_eq!((version.deprecates_identity_providers(), version.has_fleet_iam()), (deprecated, replaced));
            assert_eq!(version.has_workspace_one_access(), !deprecated);
        }
        for text in ["", "9", "9.x", "v5.2", "five.two"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn missing_feature_is_named_with_its_version_and_the_alternative() {
        let error = Version::parse("5.0.0.0-1").unwrap().lacks(Feature::Prechecks).unwrap();
        assert_eq!(error.code(), ErrorCode::NotSupported);
        let detail =
            "SDDC Manager 5.0.0.0-1 does not have prechecks (…/identity-broker/prechecks), which came with VCF 5.1";
        assert_eq!(error.detail(), detail);
        assert!(error.hint_text().unwrap().contains("dryRun"), "{error}");
    }
}
