//! The settings of SDDC Manager.

use serde_json::Value;
use std::time::Duration;

/// The accepted form of the refresh token id in `PATCH /v1/tokens/access-token/refresh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshBody {
    /// As a JSON string, in quotes, according to the schema.
    #[default]
    Quoted,
    /// Bare, as scripts send it to VCF 5.0.
    Bare,
}

/// The response to a successful `POST …/identity-sources`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceAdded {
    /// 201 and a sentence, as in the 5.0.0 guide.
    #[default]
    Sentence,
    /// 204, as in the OpenAPI documents.
    NoContent,
}

/// The form of the names of a domain's users and groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntityNames {
    /// `gg-vcf-admins`
    #[default]
    Bare,
    /// `gg-vcf-admins@corp.example`
    AtDomain,
    /// `CORP.EXAMPLE\gg-vcf-admins`, as in the list of users.
    OfDomain,
}

/// The nginx in front of SDDC Manager, and the version of its routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SddcFront {
    /// Whether all of `/v1/identity-broker` is routed from outside; VCF 9.0.0 routes only its prechecks.
    pub routes_oidc: bool,
}

/// A release whose behaviour [`SddcSettings::of`] has, as far as it is published. Each has its calls, statuses and forms; where
/// the publications leave a choice, the releases have different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SddcVersion {
    /// By the API reference guide 5.0.0 and PowerVCF: a bare refresh token id, texts without quotes, 201 and a sentence for a
    /// new identity source, neither federation nor the identity broker.
    V5_0,
    /// By the OpenAPI document of 5.2.1.
    V5_2,
    /// By the OpenAPI document of 9.1.0: as 5.2, but vIDM is unknown.
    V9_1,
}

/// SDDC Manager's settings.
#[derive(Clone, Debug)]
pub struct SddcSettings {
    /// The lifetime of an access token. Default: one hour.
    pub access_lifetime: Duration,
    /// The lifetime of a refresh token. Default: 24 hours.
    pub refresh_lifetime: Duration,
    /// The status of a successful `POST /v1/tokens`: 200 (up to VCF 5.2.0) or 201 (after).
    pub token_status: u16,
    /// The accepted form of the refresh token id.
    pub refresh_body: RefreshBody,
    /// Whether text responses (a refreshed token, a new id, a sentence) are JSON strings in quotes instead of bare texts.
    pub quoted_answers: bool,
    /// The response to adding an identity source.
    pub source_added: SourceAdded,
    /// The `status` and `details` of `GET /v1/identity-broker/prechecks`.
    pub precheck: Value,
    /// The nginx in front, as in every real SDDC Manager. `None`: requests reach the service unchanged.
    pub front: Option<SddcFront>,
    /// The version and build in `GET /v1/sddc-managers`; it decides which calls there are. Default: `5.2.1.0-24307856`.
    pub version: String,
    /// The host of the Workspace ONE Access in `GET /v1/wsas`. `None`: there is none.
    pub workspace_one_access: Option<String>,
    /// How long after an identity source was added its groups appear in its domain. Default: zero.
    pub group_delay: Duration,
    /// The form of names in `GET /v1/sso-domains/{sso-domain}/entities`, which is not documented.
    pub entity_names: EntityNames,
}

impl Default for SddcSettings {
    fn default() -> Self {
        Self {
            access_lifetime: Duration::from_hours(1),
            refresh_lifetime: Duration::from_hours(24),
            token_status: 200,
            refresh_body: RefreshBody::default(),
            quoted_answers: false,
            source_added: SourceAdded::default(),
            precheck: serde_json::json!({"status": "SUCCESS", "details": []}),
            front: None,
            version: "5.2.1.0-24307856".to_owned(),
            workspace_one_access: Some("vidm.corp.example".to_owned()),
            group_delay: Duration::ZERO,
            entity_names: EntityNames::default(),
        }
    }
}

impl SddcSettings {
    /// The behaviour of a release. Builds are examples.
    #[must_use]
    pub fn of(version: SddcVersion) -> Self {
        let documented = |version: &str| Self {
            token_status: 201,
            refresh_body: RefreshBody::Quoted,
            quoted_answers: true,
            source_added: SourceAdded::NoContent,
            version: version.to_owned(),
            ..Self::default()
        };
        match version {
            SddcVersion::V5_0 => Self {
                token_status: 200,
                refresh_body: RefreshBody::Bare,
                quoted_answers: false,
                source_added: SourceAdded::Sentence,
                version: "5.0.0.0-21822418".to_owned(),
                ..Self::default()
            },
            SddcVersion::V5_2 => documented("5.2.1.0-24307856"),
            SddcVersion::V9_1 => Self { workspace_one_access: None, ..documented("9.1.0.0-24957454") },
        }
    }

    /// The release whose document a call has to keep: none of 5.0 is published, and the default settings mix forms. The extracts
    /// have the calls of tokens, identity providers and the identity broker; and domains, roles and users, whose forms are always
    /// those of the document.
    pub(crate) fn contract(&self, path_and_query: &str) -> Option<SddcVersion> {
        let is_documented = self.token_status == 201
            && self.refresh_body == RefreshBody::Quoted
            && self.quoted_answers
            && self.source_added == SourceAdded::NoContent;
        let starts = |paths: &[&str]| paths.iter().any(|path| path_and_query.starts_with(path));
        let is_extracted = is_documented && starts(&["/v1/tokens", "/v1/identity-"])
            || starts(&["/v1/sso-domains", "/v1/roles", "/v1/users"]);
        match self.release() {
            (5, 2) if is_extracted => Some(SddcVersion::V5_2),
            (9, 1) if is_extracted => Some(SddcVersion::V9_1),
            _ => None,
        }
    }

    /// The first two numbers of the version.
    pub(crate) fn release(&self) -> (u32, u32) {
        let mut numbers = self.version.split('.').map(|number| number.parse().unwrap_or_default());
        (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
    }
}
