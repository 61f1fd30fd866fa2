//! The calls put together: what a caller asks for, in as few of them as it takes.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::api::Vidm;
use super::cache::{Cache, StartCall};
use super::connectors::ListConnectors;
use super::dialect::Dialect;
use super::directories::{Directory, ListDirectories};
use super::directory_choice::check_syncable;
use super::domains::ListDomains;
use super::dry_run::DryRun;
use super::health::{GetHealth, Health};
use super::login::login;
use super::sync_executions::ListSyncExecutions;
use super::sync_start::{StartOptions, StartSync, StartSyncV2, already_running};
use super::sync_state::GetSync;
use super::{Credentials, SyncApi, Target};
use crate::directory::SyncReport;
use crate::directory::{DirectoryRef, DirectorySummary};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::secret::AccessToken;
use crate::upstream::Endpoint;
use crate::upstream::SharedToken;
use crate::upstream::{Destination, Outbound, Prepared};

/// At most this many directories are asked for their domains when a name is none of theirs.
const DOMAINS_ASKED: usize = 20;

/// The login was good, and then its token was not.
const TOKEN_REFUSED: &str = "the login succeeded, but this call refuses its token: check that the account is an \
    administrator, and whether this version wants the token under HZN or under Bearer";

/// One request's view of a target: cheap to make, gone when the request is.
#[derive(Debug)]
pub struct Client<'a, R> {
    target: &'a Target,
    memory: &'a Cache,
    out: &'a Outbound<'a, R>,
    profile: Dialect,
}

impl DirectorySummary {
    fn of(directory: &Directory) -> Self {
        let kind = directory.kind.as_ref().map(|kind| kind.as_str().to_owned());
        Self { id: directory.id.clone(), name: directory.name.clone(), kind }
    }
}

/// A sync that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartedSync {
    /// What is synced.
    pub directory: DirectorySummary,
    /// Whether it ran before we asked: what was made in the directory since its start may not be in it.
    pub already_running: bool,
    /// The time by vIDM's own clock when it answered, in whole seconds.
    #[serde(skip)]
    pub server_time: Option<SystemTime>,
}

impl<'a, R: Runtime> Client<'a, R> {
    /// A view of `target` through `out`.
    pub fn new(target: &'a Target, memory: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        Self { target, memory, out, profile: target.profile.in_tenant(target.tenant.as_deref()) }
    }

    /// The target's name.
    pub(super) fn target(&self) -> &'a str {
        &self.target.name
    }

    pub(super) fn memory(&self) -> &'a Cache {
        self.memory
    }

    pub(super) fn runtime(&self) -> &'a R {
        self.out.runtime()
    }

    fn to(&self) -> Destination<'_, Vidm> {
        Destination { target: &self.target.name, url: &self.target.url, profile: &self.profile }
    }

    /// Sends `endpoint` with a token and reads its answer.
    pub(super) async fn call<E: Endpoint<Api = Vidm>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.to(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token, logging in first where there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let to = self.to();
        let log_in = async || login(self.out, &to, self.target).await;
        let send = async |token: AccessToken| {
            // Another target of the same account may send it under the other word.
            let token = match &self.target.credentials {
                Credentials::System { scheme, .. } => token.under(*scheme),
                Credentials::Client { .. } | Credentials::Password { .. } => token,
            };
            self.out.send(&call, Some(&token)).await
        };
        let shared = self.shared_token();
        let done = self.memory.session.with_token(&shared, log_in, send).await;
        done.map_err(|e| match e.code() {
            // A login that was refused brings its own hint.
            ErrorCode::UpstreamAuth if e.hint_text().is_none() => e.hint(TOKEN_REFUSED),
            _ => e,
        })
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.memory.session.allow_attempt(&self.shared_token()).await
    }

    /// Every directory of the tenant.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn directories(&self) -> Result<Vec<Directory>> {
        let directories = self.call(&ListDirectories).await?;
        self.memory.keep(&directories, self.out.runtime().now());
        self.memory.share_list(self.out.store(), self.target).await;
        Ok(directories)
    }

    /// One directory. It is taken from the list, which every version has; the call for a single one is seen in one public
    /// script only, and answers in another form.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`; else the login's and the call's.
    pub async fn directory(&self, which: &DirectoryRef) -> Result<Directory> {
        let directories = self.directories().await?;
        if let Some(found) = which.find(&directories).map_err(|e| e.at(&self.target.name))? {
            return Ok(found.clone());
        }
        match which {
            DirectoryRef::Name(domain) => match self.by_domain(which, domain, &directories).await? {
                Some(found) => Ok(found),
                None => Err(which.not_found(&directories).at(&self.target.name)),
            },
            DirectoryRef::Id(_) => Err(which.not_found(&directories).at(&self.target.name)),
        }
    }

    /// The directory that is to be synced: where it is remembered, no call is made; else the list decides, for ids as well. So nothing
    /// is written anywhere for a directory that vIDM does not have.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; else the login's and the call's.
    pub async fn locate(&self, which: &DirectoryRef) -> Result<DirectorySummary> {
        self.memory.recall_list(self.out.store(), self.target).await;
        if let Some(directory) = self.memory.directory(which, self.out.runtime().now()) {
            return Ok(DirectorySummary::of(&directory));
        }
        let directory = self.directory(which).await?;
        check_syncable(&directory).map_err(|e| e.at(&self.target.name))?;
        Ok(DirectorySummary::of(&directory))
    }

    /// The directory that has this domain.
    async fn by_domain(
        &self,
        which: &DirectoryRef,
        domain: &str,
        directories: &[Directory],
    ) -> Result<Option<Directory>> {
        let found = self.of_domain(directories, domain).await?;
        match found.as_slice() {
            [] => Ok(None),
            [one] => {
                self.memory.keep_domain(domain, &one.id);
                self.memory.share_list(self.out.store(), self.target).await;
                Ok(Some((*one).clone()))
            }
            many => {
                let candidates = many.iter().map(|directory| directory.candidate()).collect();
                Err(which.ambiguous(candidates).at(&self.target.name))
            }
        }
    }

    /// Those of `directories` that have this domain, the first twenty that can be synced being asked. One that does not
    /// tell its domains is passed over, and so is one whose call fails while another has the domain.
    ///
    /// # Errors
    /// The login's; the first call's that failed, where none has the domain.
    pub async fn of_domain<'d>(&self, directories: &'d [Directory], domain: &str) -> Result<Vec<&'d Directory>> {
        let (mut found, mut failed) = (Vec::new(), None);
        for directory in directories.iter().filter(|directory| directory.syncable()).take(DOMAINS_ASKED) {
            match self.call(&ListDomains { directory: &directory.id }).await {
                Ok(texts) if texts.iter().any(|text| text.eq_ignore_ascii_case(domain)) => found.push(directory),
                Ok(_) => {}
                Err(e) if matches!(e.answer_status().map(|s| s.as_u16()), Some(403..=406)) => {}
                Err(e) if e.answer_status().is_some() && e.code() != ErrorCode::UpstreamAuth => {
                    failed.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        match failed {
            Some(e) if found.is_empty() => Err(e),
            _ => Ok(found),
        }
    }

    /// Starts a sync of one directory, or finds it running.
    ///
    /// By id, or by a name that is remembered, this is one call.
    ///
    /// # Errors
    /// `directory_not_found`, `directory_ambiguous`, `directory_not_syncable`; else the login's and the calls'.
    pub async fn start_sync(&self, which: &DirectoryRef, options: StartOptions) -> Result<StartedSync> {
        self.memory.recall_list(self.out.store(), self.target).await;
        let remembered = self.memory.directory(which, self.out.runtime().now());
        // An id is tried as it is; a name has to be looked up first.
        let unseen = match (&remembered, which) {
            (Some(directory), _) => Some(Start::of(directory)),
            (None, DirectoryRef::Id(id)) => Some(Start::blind(id)),
            (None, DirectoryRef::Name(_)) => None,
        };
        let mut tried = None;
        if let Some(start) = unseen {
            let call = self.first_call(&start);
            match self.try_start(&start, call, options).await {
                Err(error) if wants_another_call(&error) => {
                    // Perhaps it is gone, perhaps it takes the other call: the list tells.
                    self.memory.forget_list(self.out.store(), self.target).await;
                    tried = Some((start.summary.id, call, error));
                }
                done => return done,
            }
        }
        let directory = self.directory(which).await?;
        check_syncable(&directory).map_err(|e| e.at(&self.target.name))?;
        self.start_seen(&Start::of(&directory), options, tried).await
    }

    /// Starts a sync of a directory that was just seen in the list, with each call that may be used and was not tried.
    async fn start_seen(
        &self,
        start: &Start,
        options: StartOptions,
        tried: Option<(String, StartCall, Error)>,
    ) -> Result<StartedSync> {
        let first = self.first_call(start);
        let calls = match self.target.sync_api {
            SyncApi::Auto => vec![first, first.other()],
            SyncApi::Classic | SyncApi::V2 => vec![first],
        };
        // A try under another id was a try of another directory.
        let tried = tried.filter(|(id, ..)| *id == start.summary.id);
        let used = tried.as_ref().map(|(_, call, _)| *call);
        let mut refused = tried.map(|(.., error)| error);
        for call in calls.into_iter().filter(|call| Some(*call) != used) {
            match self.try_start(start, call, options).await {
                Err(error) if wants_another_call(&error) => {
                    refused.get_or_insert(error);
                }
                done => return done,
            }
        }
        let error = refused.unwrap_or_else(|| Error::new(ErrorCode::Internal, "no call starts a sync"));
        Err(self.no_call_fits(start, error))
    }

    /// The directory is there and no call we may use starts its sync.
    fn no_call_fits(&self, start: &Start, error: Error) -> Error {
        if error.answer_status() == Some(StatusCode::CONFLICT) {
            return error
                .hint("vIDM refuses to start this sync now, in its own words; look at the directory in the console");
        }
        let hint = match self.target.sync_api {
            SyncApi::Auto => "the directory is there, and neither sync call fits it: this version may use other paths or media types, \
                 which the target's profile can override"
                .to_owned(),
            SyncApi::Classic | SyncApi::V2 => format!(
                "the directory is there, but the {} sync call does not fit it: set the target's sync_api to auto",
                self.first_call(start).name()
            ),
        };
        let detail = error.detail().to_owned();
        // "Not found" would say that the directory is not there.
        let error = if error.answer_status() == Some(StatusCode::NOT_FOUND) {
            error.recode(ErrorCode::UpstreamRejected, detail)
        } else {
            error
        };
        error.hint(hint).at(&self.target.name)
    }

    /// The call to begin with.
    fn first_call(&self, start: &Start) -> StartCall {
        match self.target.sync_api {
            SyncApi::Classic => StartCall::Classic,
            SyncApi::V2 => StartCall::V2,
            SyncApi::Auto => self.memory.worked(&start.summary.id).unwrap_or(match start.migrated {
                true => StartCall::V2,
                false => StartCall::Classic,
            }),
        }
    }

    /// One kick-off.
    async fn try_start(&self, start: &Start, call: StartCall, options: StartOptions) -> Result<StartedSync> {
        let directory = start.summary.id.as_str();
        let done = match call {
            StartCall::Classic => self.call(&StartSync { directory, options }).await,
            StartCall::V2 => self.call(&StartSyncV2 { directory, options }).await,
        };
        let (already_running, server_time) = match done {
            Ok(server_time) => (false, server_time),
            Err(error) if already_running(&error) => (true, error.server_time()),
            Err(error) => return Err(error),
        };
        self.memory.keep_worked(directory, call);
        Ok(StartedSync { directory: start.summary.clone(), already_running, server_time })
    }

    /// How the directory's sync stands. An answer that cannot be read, or none for this directory, is
    /// [`SyncStatus::Unknown`](super::SyncStatus::Unknown) and no error.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn sync_state(&self, directory_id: &str) -> Result<SyncReport> {
        match self.call(&GetSync { directory: directory_id }).await {
            Err(error) => match error.answer_status() {
                Some(status) if matches!(status.as_u16(), 404..=406) => Ok(SyncReport::unanswered(status, &error)),
                _ => Err(error),
            },
            report => report,
        }
    }

    /// The directory's runs, the one that began last first; `None` when this version does not tell them.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn executions(&self, directory_id: &str) -> Result<Option<Vec<SyncReport>>> {
        unless(&[404, 405, 406], self.call(&ListSyncExecutions { directory: directory_id }).await)
    }

    /// The connectors of a directory; none where this version or this account does not tell them. Remembered for ten minutes.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn connectors(&self, directory_id: &str) -> Result<Vec<String>> {
        let now = self.out.runtime().now();
        if let Some(known) = self.memory.connectors(directory_id, now) {
            return Ok(known);
        }
        let asked = self.call(&ListConnectors { directory: directory_id }).await;
        let connectors = unless(&[403, 404, 405, 406], asked)?.unwrap_or_default();
        self.memory.keep_connectors(directory_id, &connectors, now);
        Ok(connectors)
    }

    /// What a sync would do, in whatever form vIDM tells it; `None` when this version has no dry run.
    ///
    /// # Errors
    /// The login's and the call's.
    pub async fn dry_run(&self, directory_id: &str, ignore_safeguards: bool) -> Result<Option<serde_json::Value>> {
        let options = StartOptions { ignore_safeguards };
        unless(&[404, 405, 501], self.call(&DryRun { directory: directory_id, options }).await)
    }

    /// vIDM's own health. Needs no login.
    ///
    /// # Errors
    /// The call's.
    pub async fn health(&self) -> Result<Health> {
        self.out.call(&self.to(), &GetHealth, None).await
    }
}

/// A directory whose sync is to start, with what is known of it.
struct Start {
    summary: DirectorySummary,
    migrated: bool,
}

impl Start {
    fn of(directory: &Directory) -> Self {
        let migrated = directory.migrated_to_enterprise_service == Some(true);
        Self { summary: DirectorySummary::of(directory), migrated }
    }

    fn blind(id: &str) -> Self {
        Self { summary: DirectorySummary { id: id.to_owned(), name: None, kind: None }, migrated: false }
    }
}

impl StartCall {
    fn other(self) -> Self {
        match self {
            Self::Classic => Self::V2,
            Self::V2 => Self::Classic,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::V2 => "v2",
        }
    }
}

/// `None` for an answer with one of these statuses: this version does not have the call.
fn unless<T>(statuses: &[u16], done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(e) if e.answer_status().is_some_and(|status| statuses.contains(&status.as_u16())) => Ok(None),
        done => done.map(Some),
    }
}

/// Whether a refused start may be about the call and not about the directory.
fn wants_another_call(error: &Error) -> bool {
    matches!(error.answer_status().map(|status| status.as_u16()), Some(404 | 405 | 409 | 415))
}
