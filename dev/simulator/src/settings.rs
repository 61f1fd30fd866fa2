//! What can be chosen about the two servers: at the start with [`crate::Options`], later with
//! [`crate::Simulator::configure_vidm`] and [`crate::Simulator::configure_sddc`].

use serde_json::Value;
use std::time::Duration;

/// How long a sync run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncDuration {
    /// This long.
    Fixed(Duration),
    /// Until [`crate::Simulator::finish_sync`] is called.
    Manual,
}

/// How a sync run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Completed,
    /// Stopped by the safeguards.
    SafeguardsTripped,
    /// For another reason, in the server's words.
    Failed(String),
}

/// What a second kick-off meets while a run is going. What the real one does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlreadyRunning {
    /// 200, and the run that is going goes on.
    #[default]
    Join,
    /// 409 with an `errors` body.
    Conflict,
}

/// The document of `GET …/syncprofile/sync`. The real one is not known; these are the plausible ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StatusShape {
    /// `{"status":"RUNNING","startTime":…,"endTime":null,"message":null,"groupsAdded":0,…}`
    #[default]
    Flat,
    /// `{"syncStatus":{"status":"COMPLETED","message":null}}`, as in vRealize Automation 7.4.
    Nested,
    /// `{"syncResult":"IN_PROGRESS","timeStamp":…,"syncDetails":{…}}`, as in the VCF Identity Broker.
    Broker,
    /// As [`StatusShape::Flat`], but always with this word.
    Word(String),
    /// 200 without a body.
    Empty,
    /// 404 with Tomcat's page, as if there were no such call.
    NotFound,
}

/// How SCIM reads what stands in quotes in a filter. How the real one does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScimValues {
    /// As JSON strings: `\\"` and `\\\\` are escapes, and another one is 400 (RFC 7644).
    #[default]
    Json,
    /// Every character as it is; a value ends at a quotation mark before a blank, a parenthesis or the end.
    Literal,
}

/// How vIDM writes when a run began and ended. What the real one does is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTimes {
    /// As milliseconds since 1970.
    #[default]
    Milliseconds,
    /// As seconds since 1970.
    Seconds,
    /// As `2026-01-05T05:00:00`, with no word of the zone.
    Local,
    /// Not at all.
    Absent,
}

/// The clocks behind vIDM's answers. In the field they differ by hours: a run's times often come from a connector, and the `Date`
/// header from a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// How the times of runs are written.
    pub start_times: StartTimes,
    /// How many milliseconds the clock behind them is ahead; less than zero: behind.
    pub ahead: i64,
    /// How many milliseconds it gains in a second.
    pub gains: i64,
    /// How many seconds the `Date` header is ahead; None: there is no such header.
    pub date_ahead: Option<i64>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { start_times: StartTimes::default(), ahead: 0, gains: 0, date_ahead: Some(0) }
    }
}

/// Everything about vIDM that can be chosen.
#[derive(Clone, Debug)]
pub struct VidmSettings {
    /// How long a sync run takes. Four seconds.
    pub sync_duration: SyncDuration,
    /// The life of a session token. Eight hours.
    pub session_lifetime: Duration,
    /// The life of an OAuth token. Three hours.
    pub oauth_lifetime: Duration,
    /// Takes only the vendor's media types in `connectormanagement` (true), or `application/json` as well, as Omnissa
    /// announced in 2025 (false).
    pub strict_media_types: bool,
    /// So many refused logins in a row lock the account. Five.
    pub lockout_after: u32,
    /// For this long. Five minutes.
    pub lockout_duration: Duration,
    /// What a second kick-off meets.
    pub already_running: AlreadyRunning,
    /// The shape of the status document.
    pub status_shape: StatusShape,
    /// For this long after a kick-off the status still tells of the run before. Zero.
    pub status_lag: Duration,
    /// The clocks behind its answers. All of them right.
    pub clocks: Clocks,
    /// The order of `syncexecutions`.
    pub executions_newest_first: bool,
    /// What `POST …/syncprofile/dryrun` answers with 200; None means 404, for the real call is not known.
    pub dry_run: Option<Value>,
    /// SCIM never answers more resources than this at once, whatever `count` asks for.
    pub scim_page_limit: Option<usize>,
    /// How SCIM reads the values in a filter.
    pub scim_values: ScimValues,
    /// A filter that holds one of these texts is 400.
    pub scim_rejects: Vec<String>,
    /// Whether there is `POST …/scim/Groups/.search`; without it the call is 404.
    pub scim_search: bool,
    /// `totalResults` is so many more than the pages hold.
    pub scim_hides: usize,
    /// The first group is 0 and the second is 1; else both mean the first.
    pub scim_first_is_zero: bool,
    /// `AllOk` in the health document.
    pub healthy: bool,
}

impl Default for VidmSettings {
    fn default() -> Self {
        Self {
            sync_duration: SyncDuration::Fixed(Duration::from_secs(4)),
            session_lifetime: Duration::from_hours(8),
            oauth_lifetime: Duration::from_hours(3),
            strict_media_types: true,
            lockout_after: 5,
            lockout_duration: Duration::from_mins(5),
            already_running: AlreadyRunning::default(),
            status_shape: StatusShape::default(),
            status_lag: Duration::ZERO,
            clocks: Clocks::default(),
            executions_newest_first: true,
            dry_run: None,
            scim_page_limit: None,
            scim_values: ScimValues::default(),
            scim_rejects: Vec::new(),
            scim_search: true,
            scim_hides: 0,
            scim_first_is_zero: false,
            healthy: true,
        }
    }
}

/// The form of the refresh token id that `PATCH /v1/tokens/access-token/refresh` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefreshBody {
    /// As a JSON string, in quotes: what the schema says.
    #[default]
    Quoted,
    /// Bare: what scripts send to VCF 5.0.
    Bare,
}

/// What a successful `POST …/identity-sources` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceAdded {
    /// 201 and a sentence: what the 5.0.0 guide shows.
    #[default]
    Sentence,
    /// 204: what the OpenAPI documents say.
    NoContent,
}

/// The nginx in front of SDDC Manager, and which version's routes it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SddcFront {
    /// Whether all of `/v1/identity-broker` is routed from outside; VCF 9.0.0 routes only its prechecks.
    pub routes_oidc: bool,
}

/// Everything about SDDC Manager that can be chosen.
#[derive(Clone, Debug)]
pub struct SddcSettings {
    /// The life of an access token. One hour.
    pub access_lifetime: Duration,
    /// The life of a refresh token. 24 hours.
    pub refresh_lifetime: Duration,
    /// The status of a successful `POST /v1/tokens`: 200 (up to VCF 5.2.0) or 201 (after).
    pub token_status: u16,
    /// The form of the refresh token id that is taken.
    pub refresh_body: RefreshBody,
    /// Text answers (a refreshed token, a new id, a sentence) come as JSON strings in quotes instead of bare.
    pub quoted_answers: bool,
    /// What adding an identity source answers.
    pub source_added: SourceAdded,
    /// The `status` and `details` of `GET /v1/identity-broker/prechecks`.
    pub precheck: Value,
    /// SDDC Manager's nginx stands in front, as in every real one. None: requests reach the service as they were sent.
    pub front: Option<SddcFront>,
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
        }
    }
}
