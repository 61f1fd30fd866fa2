//! The settings of VCF Operations and of the identity broker. Where the vendor documents nothing and nobody has measured,
//! a setting offers the plausible behaviours.

use super::{Clocks, SyncDuration};
use std::time::Duration;

/// The simulated version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FleetVersion {
    /// 9.0.0: no public identity API; reports itself as 2.0.0.
    V9_0,
    /// 9.1.0.
    #[default]
    V9_1_0,
    /// 9.1.1: adds single principals, the search by DN and id, and the sync mode `ON_DEMAND`.
    V9_1_1,
}

/// The response to a second `POST …/sync` during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondSync {
    /// 202, and the active run continues.
    #[default]
    Join,
    /// 202, and a further run begins when the active one has ended.
    Queue,
    /// An error, with [`FleetSettings::conflict_status`].
    Rejected,
}

/// The body of `POST …/sync`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncBody {
    /// None, as in the vendor's OpenAPI document. Any body is 400.
    #[default]
    Forbidden,
    /// A JSON object. Without one the call is 415 or 400.
    Required,
}

/// The status word of a run that has begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunningWord {
    /// `IN_PROGRESS`, as in the vendor's example.
    #[default]
    InProgress,
    /// `STARTED`, the other word in the schema.
    Started,
}

/// The words in `syncResult` and `syncResultMessageKey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogWords {
    /// `COMPLETED`, `FAILED`, `IN_PROGRESS`; the message key of a success is empty.
    #[default]
    Status,
    /// Message keys throughout, of a success too: `message.directory.sync.success`.
    MessageKeys,
}

/// The meaning of `lastSyncDateTime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastSyncTime {
    /// The end of the newest ended run.
    #[default]
    End,
    /// The start of the newest run.
    Start,
}

/// The order of `sync-logs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogOrder {
    /// The newest run first.
    #[default]
    NewestFirst,
    /// The oldest run first.
    OldestFirst,
}

/// The effect of `PUT …/sync-profile` on groups and users that it does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfilePut {
    /// They are no longer selected.
    #[default]
    Replace,
    /// They stay selected.
    Merge,
}

/// `displayName` of a group that came from LDAP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DisplayNames {
    /// `name`
    #[default]
    Bare,
    /// `name@domain`
    WithDomain,
}

/// How the operator `EQUALS` compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EqualsCase {
    /// Character by character.
    #[default]
    Exact,
    /// Ignoring case.
    Ignored,
}

/// How the operator `LIKE` compares, ignoring case in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LikeTerms {
    /// The value contains the term.
    #[default]
    Contains,
    /// `*` in the term stands for any text.
    Asterisk,
}

/// A page of more rows than allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageCap {
    /// Every size is allowed.
    #[default]
    None,
    /// The page has this many rows, and reports it.
    Shortened(usize),
    /// More than this many rows are 400.
    Rejected(usize),
}

/// The response to an id that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownId {
    /// 404.
    NotFound,
    /// 400 `InvalidParameter`.
    InvalidParameter,
}

/// The form of a 401 for a missing, unknown or expired token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnauthorizedForm {
    /// JSON with `apiErrorCode` 1512.
    #[default]
    Json,
    /// An HTML page.
    Html,
}

/// The broker's response to an expired or revoked API token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadApiToken {
    /// 401 `invalid_client`, as measured for a sibling grant.
    #[default]
    InvalidClient,
    /// 400 `invalid_grant`, as RFC 6749 suggests.
    InvalidGrant,
}

/// `POST …/sync` of a directory with the sync mode `ON_DEMAND`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDemandSync {
    /// 400.
    #[default]
    Rejected,
    /// A run like any other.
    Runs,
}

/// `POST …/principals` for a principal that is already in the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownPrincipal {
    /// 201 with its id.
    #[default]
    Returned,
    /// An error, with [`FleetSettings::conflict_status`].
    Conflict,
}

/// `GET /tasks/{taskId}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskCall {
    /// 200 with the task.
    #[default]
    Works,
    /// 404, as if the task did not exist.
    NotFound,
    /// 500, as seen in another area.
    Fails,
}

/// The meaning of `tokenExpiresAt` of a SCIM sync client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenExpiresAt {
    /// The time, in milliseconds since 1970.
    #[default]
    Time,
    /// The lifetime in minutes, as in the vendor's example.
    Minutes,
}

/// The settings of identity providers.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The duration of a task, such as the removal of a provider. Default: one second.
    pub task_duration: Duration,
    /// The text key with which tasks fail. Default: none; they succeed.
    pub task_fails: Option<String>,
    /// How tasks are reported.
    pub task_call: TaskCall,
    /// Whether a PUT must repeat passwords and client secrets; otherwise it may leave them out. Default: false.
    pub put_needs_secrets: bool,
    /// Whether a provider whose realm has components is removed only with `force=true`. Default: false.
    pub removal_needs_force: bool,
    /// The meaning of `tokenExpiresAt`.
    pub token_expires_at: TokenExpiresAt,
    /// Whether GET of a SCIM sync client shows the token, as in the vendor's example. Default: true.
    pub scim_get_shows_token: bool,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            task_duration: Duration::from_secs(1),
            task_fails: None,
            task_call: TaskCall::default(),
            put_needs_secrets: false,
            removal_needs_force: false,
            token_expires_at: TokenExpiresAt::default(),
            scim_get_shows_token: true,
        }
    }
}

/// The settings of single principals (9.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrincipalSettings {
    /// The response to a principal that is already there.
    pub known: KnownPrincipal,
    /// Whether a directory with `FULL_SYNC` accepts them; otherwise 400.
    pub with_full_sync: bool,
    /// Whether a group brings its members.
    pub with_members: bool,
    /// Whether a later run keeps principals that the sync profile does not select.
    pub kept_by_runs: bool,
}

impl Default for PrincipalSettings {
    fn default() -> Self {
        Self { known: KnownPrincipal::default(), with_full_sync: true, with_members: true, kept_by_runs: true }
    }
}

/// The settings of VCF Operations and of the broker.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct FleetSettings {
    /// The version. Default: 9.1.0.
    pub version: FleetVersion,
    /// Whether responses have the faults of the vendor's own examples: required fields are missing, `pageSize` is 0. Errors then
    /// have no `httpStatusCode`, as users of the API have seen.
    pub irregular: bool,
    /// Whether a call that offers JSON only is 406 without `application/json` in Accept. Calls that offer XML too always
    /// return XML then. Default: true.
    pub strict_accept: bool,
    /// The idle time after which a session token expires. Default: six hours.
    pub session_lifetime: Duration,
    /// The lifetime of a Bearer token. Default: 1798 seconds.
    pub bearer_lifetime: Duration,
    /// The names of the source of local accounts, compared ignoring case. Default: `local`.
    pub local_sources: Vec<String>,
    /// The number of consecutive rejected logins that lock an account for good. Default: none.
    pub lockout_after: Option<u32>,
    /// Whether the version is readable without a token. Default: true.
    pub open_version: bool,
    /// The form of a 401.
    pub unauthorized: UnauthorizedForm,
    /// The response to an unknown realm. Default: 400, as measured.
    pub unknown_realm: UnknownId,
    /// The response to any other unknown id. Default: 404.
    pub unknown_id: UnknownId,
    /// The status of a call that does not fit the present state, such as a second provider for a realm: 409 (the default) or
    /// 400.
    pub conflict_status: u16,
    /// Whether there is an identity broker; without one its well-known URL is 409. Default: true.
    pub has_broker: bool,
    /// The broker's response to a dead API token.
    pub dead_api_token: DeadApiToken,
    /// The duration of a sync run. Default: four seconds.
    pub sync_duration: SyncDuration,
    /// The body of `POST …/sync`.
    pub sync_body: SyncBody,
    /// The response to a second one.
    pub second_sync: SecondSync,
    /// The status word of a run that has begun.
    pub running_word: RunningWord,
    /// How far the status of a directory is behind. Default: zero.
    pub status_lag: Duration,
    /// How far the sync logs are behind. Default: zero.
    pub log_lag: Duration,
    /// Whether a run has a row in the sync logs before it has ended. Default: false.
    pub log_row_during_run: bool,
    /// The order of the sync logs.
    pub log_order: LogOrder,
    /// The words in the sync logs.
    pub log_words: LogWords,
    /// The meaning of `lastSyncDateTime`.
    pub last_sync_time: LastSyncTime,
    /// The clocks behind `timeStamp`, `syncEndTime`, `lastSyncDateTime` and `Date`. Default: all correct.
    pub clocks: Clocks,
    /// The effect of a PUT of the sync profile on what it does not name.
    pub profile_put: ProfilePut,
    /// Whether a PUT of the sync profile starts a run. Default: false.
    pub profile_put_syncs: bool,
    /// The display names of groups.
    pub display_names: DisplayNames,
    /// How `EQUALS` compares.
    pub equals: EqualsCase,
    /// How `LIKE` compares.
    pub like: LikeTerms,
    /// Whether a query for groups or users ignores its terms with the field `DN`. Default: false.
    pub ignores_dn: bool,
    /// The largest page.
    pub page_cap: PageCap,
    /// `POST …/sync` with the mode `ON_DEMAND`.
    pub on_demand_sync: OnDemandSync,
    /// Single principals.
    pub principals: PrincipalSettings,
    /// Identity providers.
    pub providers: ProviderSettings,
}

impl Default for FleetSettings {
    fn default() -> Self {
        Self {
            version: FleetVersion::default(),
            irregular: false,
            strict_accept: true,
            session_lifetime: Duration::from_hours(6),
            bearer_lifetime: Duration::from_secs(1_798),
            local_sources: vec!["local".to_owned()],
            lockout_after: None,
            open_version: true,
            unauthorized: UnauthorizedForm::default(),
            unknown_realm: UnknownId::InvalidParameter,
            unknown_id: UnknownId::NotFound,
            conflict_status: 409,
            has_broker: true,
            dead_api_token: DeadApiToken::default(),
            sync_duration: SyncDuration::Fixed(Duration::from_secs(4)),
            sync_body: SyncBody::default(),
            second_sync: SecondSync::default(),
            running_word: RunningWord::default(),
            status_lag: Duration::ZERO,
            log_lag: Duration::ZERO,
            log_row_during_run: false,
            log_order: LogOrder::default(),
            log_words: LogWords::default(),
            last_sync_time: LastSyncTime::default(),
            clocks: Clocks::default(),
            profile_put: ProfilePut::default(),
            profile_put_syncs: false,
            display_names: DisplayNames::default(),
            equals: EqualsCase::default(),
            like: LikeTerms::default(),
            ignores_dn: false,
            page_cap: PageCap::default(),
            on_demand_sync: OnDemandSync::default(),
            principals: PrincipalSettings::default(),
            providers: ProviderSettings::default(),
        }
    }
}

impl FleetSettings {
    /// The release whose contract a call has to keep: none with irregular responses, and none for the start of a sync with a
    /// body, which the contract does not have.
    pub(crate) fn contract(&self, path_and_query: &str) -> Option<FleetVersion> {
        let with_body = self.sync_body == SyncBody::Required && path_and_query.ends_with("/sync");
        (!self.irregular && !with_body).then_some(self.version)
    }
}
