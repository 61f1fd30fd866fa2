//! The settings of the servers: at the start with [`crate::Options`], later with [`crate::Simulator::configure_vidm`],
//! [`crate::Simulator::configure_sddc`] and [`crate::Simulator::configure_fleet`].

mod fleet;
mod sddc;

pub use fleet::{
    DeadApiToken, DisplayNames, EqualsCase, FleetSettings, FleetVersion, KnownPrincipal, LastSyncTime, LikeTerms,
    LogOrder, LogWords, OnDemandSync, PageCap, PrincipalSettings, ProfilePut, ProviderSettings, RunningWord,
    SecondSync, SyncBody, TaskCall, TokenExpiresAt, UnauthorizedForm, UnknownId,
};

pub use sddc::{EntityNames, RefreshBody, SddcFront, SddcSettings, SddcVersion, SourceAdded};

use serde_json::Value;
use std::time::Duration;

/// The duration of a sync run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncDuration {
    /// This long.
    Fixed(Duration),
    /// Until [`crate::Simulator::finish_sync`] or [`crate::Simulator::finish_fleet_sync`] is called.
    Manual,
}

/// The outcome of a sync run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success.
    Completed,
    /// Stopped by the safeguards.
    SafeguardsTripped,
    /// Another failure, with the server's message.
    Failed(String),
}

/// The response to a second kick-off during a run. The real behaviour is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlreadyRunning {
    /// 200, and the active run continues.
    #[default]
    Join,
    /// 409 with an `errors` body.
    Conflict,
}

/// The document of `GET …/syncprofile/sync`. The real one is unknown; these are plausible ones.
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
    /// 404 with Tomcat's page, as if the call did not exist.
    NotFound,
}

/// How SCIM reads quoted values in a filter. The real behaviour is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScimValues {
    /// As JSON strings: `\\"` and `\\\\` are escapes, and another one is 400 (RFC 7644).
    #[default]
    Json,
    /// Every character literally; a value ends at a quotation mark before a blank, a parenthesis or the end.
    Literal,
}

/// The format of a run's times. The real one is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTimes {
    /// As milliseconds since 1970.
    #[default]
    Milliseconds,
    /// As seconds since 1970.
    Seconds,
    /// As `2026-01-05T05:00:00`, without time zone.
    Local,
    /// No times.
    Absent,
}

/// The clocks behind the responses of a server. In the field they differ by hours: a run's times often come from a connector, and the
/// `Date` header from a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The format of runs' times.
    pub start_times: StartTimes,
    /// How many milliseconds the clock behind them is ahead (negative: behind).
    pub ahead: i64,
    /// How many milliseconds it gains per second.
    pub gains: i64,
    /// How many seconds the `Date` header is ahead; `None`: no header.
    pub date_ahead: Option<i64>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { start_times: StartTimes::default(), ahead: 0, gains: 0, date_ahead: Some(0) }
    }
}

/// vIDM's settings.
#[derive(Clone, Debug)]
pub struct VidmSettings {
    /// The duration of a sync run. Default: four seconds.
    pub sync_duration: SyncDuration,
    /// The lifetime of a session token. Default: eight hours.
    pub session_lifetime: Duration,
    /// The lifetime of an OAuth token. Default: three hours.
    pub oauth_lifetime: Duration,
    /// Whether `connectormanagement` accepts only the vendor's media types (true), or also `application/json`, as Omnissa
    /// announced in 2025 (false).
    pub strict_media_types: bool,
    /// The number of consecutive rejected logins that lock the account. Default: five.
    pub lockout_after: u32,
    /// The duration of the lock. Default: five minutes.
    pub lockout_duration: Duration,
    /// The response to a second kick-off.
    pub already_running: AlreadyRunning,
    /// The shape of the status document.
    pub status_shape: StatusShape,
    /// How long after a kick-off the status still shows the previous run. Default: zero.
    pub status_lag: Duration,
    /// The clocks behind its responses. Default: all correct.
    pub clocks: Clocks,
    /// The order of `syncexecutions`.
    pub executions_newest_first: bool,
    /// Whether `syncexecutions` has the active run too. Default: no, as the console's sync log.
    pub executions_have_active: bool,
    /// The 200 response of `POST …/syncprofile/dryrun`; `None` means 404, because the real call is unknown.
    pub dry_run: Option<Value>,
    /// The most resources per SCIM response, whatever `count` requests.
    pub scim_page_limit: Option<usize>,
    /// How SCIM reads values in a filter.
    pub scim_values: ScimValues,
    /// A filter that contains one of these texts is 400.
    pub scim_rejects: Vec<String>,
    /// Whether `POST …/scim/Groups/.search` exists; without it the call is 404.
    pub scim_search: bool,
    /// How many members each synced group lists, unless attributes are requested.
    pub scim_members: usize,
    /// How many more `totalResults` reports than the pages contain.
    pub scim_hides: usize,
    /// Whether the first group is 0 and the second is 1; otherwise both mean the first.
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
            executions_have_active: false,
            dry_run: None,
            scim_page_limit: None,
            scim_values: ScimValues::default(),
            scim_rejects: Vec::new(),
            scim_search: true,
            scim_members: 0,
            scim_hides: 0,
            scim_first_is_zero: false,
            healthy: true,
        }
    }
}
