//! The routes below `/vidm/{target}`: directories, syncs, groups, health.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use super::caller::Caller;
use super::input::{Input, query_error};
use super::log::LogLine;
use super::oversized_groups::Long;
use super::route::{Matched, Name};
use super::{Configured, Context, Reply, json, no_target, oversized_groups, with_headers};
use crate::config::{Config, Scope};
use crate::directory::{DirectoryRef, GroupQuery};
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::Runtime;
use crate::shared_state::Origin;
use crate::shared_state::refresh;
use crate::sync::{self, Coordinator, SyncDocument, SyncOrder, SyncRequest, SyncState};
use crate::upstream::Outbound;
use crate::upstream::segment;
use crate::vidm::{Client, DirectoryFilter};

mod documents;

pub(super) use documents::{Directories, DryRunAnswer, Groups, StartRequest, SyncAnswer};

use documents::Links;

pub(super) async fn dispatch<R: Runtime>(mut context: Context<'_, R>, matched: &Matched) -> Result<Reply, Error> {
    let name = matched.target().unwrap_or_default();
    let target = vidm_target(context.configured, name)?;
    let client = Client::new(target.target, target.memory, context.outbound);
    let directory = || DirectoryRef::parse(matched.parameter("directory"));
    let response = match matched.row.name {
        Name::Directories => directories(&context, &client).await?,
        Name::Directory => json(StatusCode::OK, &client.directory(&directory()).await?)?,
        Name::DirectorySyncs if context.input.is_read() => {
            let desk = Coordinator::new(name, &client, target.syncs, context.outbound);
            json(StatusCode::OK, &desk.history(&directory()).await?)?
        }
        Name::DirectorySyncs => {
            let wanted;
            (wanted, context.ignored) = context.input.order()?;
            return start(&mut context, &client, name, &directory(), wanted).await;
        }
        Name::Syncs => {
            let wanted: StartRequest;
            (wanted, context.ignored) = context.input.order()?;
            let directory = wanted.directory.as_deref().map(str::trim).filter(|directory| !directory.is_empty());
            let Some(directory) = directory else {
                return Err(Error::invalid(vec![FieldError::new(
                    "/directory",
                    "is missing: the id or the name of a directory",
                )]));
            };
            let which = DirectoryRef::parse(directory);
            return start(&mut context, &client, name, &which, wanted).await;
        }
        Name::Sync => return sync(&mut context, name, matched.parameter("sync")).await,
        Name::DirectorySync => present(&context, &client, name, &directory()).await?,
        Name::Groups => groups(&context, &client).await?,
        Name::VidmHealth => json(StatusCode::OK, &client.health().await?)?,
        other => return Err(Error::new(ErrorCode::Internal, format!("{other:?} is not a vidm route"))),
    };
    Ok(Reply::Whole(response))
}

/// A vIDM target with what is remembered of it.
struct VidmTarget<'c> {
    target: &'c crate::vidm::Target,
    memory: &'c crate::vidm::Cache,
    syncs: &'c sync::Cache,
}

fn vidm_target<'c>(configured: &'c Configured, name: &str) -> Result<VidmTarget<'c>, Error> {
    match (configured.config.vidm.get(name), configured.vidm.get(name), configured.syncs.get(name)) {
        (Some(target), Some(memory), Some(syncs)) => Ok(VidmTarget { target, memory, syncs }),
        _ => Err(no_target("vidm", name)),
    }
}

/// The directory's present state, with no request behind it.
async fn present<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    which: &DirectoryRef,
) -> Result<Response<Bytes>, Error> {
    let syncs = vidm_target(context.configured, target)?.syncs;
    let document = Coordinator::new(target, client, syncs, context.outbound).present(which).await?;
    let this =
        format!("{}/vidm/{}/v1/directories/{}/sync", context.base, segment(target), segment(&document.directory.id));
    answer(StatusCode::OK, &SyncAnswer { document, ignored: Vec::new(), links: Links { this, events: None } })
}

async fn directories<R: Runtime>(context: &Context<'_, R>, client: &Client<'_, R>) -> Result<Response<Bytes>, Error> {
    let text = |name| context.input.query(name).map(str::to_owned);
    let (name, kind, domain) = (text("name"), text("type"), text("domain"));
    let filter = DirectoryFilter { name, kind, domain, syncable: context.input.query_flag("syncable")? };
    json(StatusCode::OK, &Directories { directories: client.directories_of(&filter).await? })
}

async fn groups<R: Runtime>(context: &Context<'_, R>, client: &Client<'_, R>) -> Result<Response<Bytes>, Error> {
    let (field, text) = match (context.input.query("dn"), context.input.query("name")) {
        (Some(dn), None) => ("dn", dn),
        (None, Some(name)) => ("name", name),
        _ => return Err(query_error("dn", "give either dn (CN=…,DC=…) or name (name@domain), and not both")),
    };
    let query = GroupQuery::parse(text).map_err(|why| query_error(field, &why))?;
    if field == "dn" && matches!(query, GroupQuery::Name(_)) {
        return Err(query_error("dn", "is a name: give it as `name`"));
    }
    let groups = client.groups(&query).await?;
    json(StatusCode::OK, &Groups { present: !groups.is_empty(), groups })
}

/// What a hook starts: as if its caller had asked for it, with the safeguards on.
pub(super) async fn start_by_hook<R: Runtime>(
    context: &mut Context<'_, R>,
    target: &str,
    directory: &str,
    groups: Vec<String>,
    add_to_profile: bool,
) -> Result<Reply, Error> {
    let found = vidm_target(context.configured, target)?;
    let client = Client::new(found.target, found.memory, context.outbound);
    let wanted = StartRequest { groups, add_to_profile, ..StartRequest::default() };
    start(context, &client, target, &DirectoryRef::parse(directory), wanted).await
}

async fn start<R: Runtime>(
    context: &mut Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    which: &DirectoryRef,
    wanted: StartRequest,
) -> Result<Reply, Error> {
    let (DirectoryRef::Id(directory) | DirectoryRef::Name(directory)) = which;
    context.log.directory(directory);
    let named = wanted.groups.iter().filter(|group| !group.trim().is_empty()).count();
    context.log.start(named, wanted.callback.as_deref(), wanted.add_to_profile, wanted.dry_run);
    let running = Running::of(&context.input)?;
    if wanted.ignore_safeguards {
        if !context.caller.may(Scope::VidmOverride) {
            return Err(context.caller.lacks(Scope::VidmOverride));
        }
        context.log.ignores_safeguards();
    }
    if wanted.add_to_profile && !context.caller.may(Scope::VidmProfile) {
        return Err(context.caller.lacks(Scope::VidmProfile));
    }
    check(&wanted, which, &context.configured.config).map_err(|fields| context.input.order_invalid(fields))?;
    let configured = context.configured;
    let desk = Coordinator::new(target, client, vidm_target(configured, target)?.syncs, context.outbound)
        .override_allowed(context.caller.may(Scope::VidmOverride));
    if wanted.dry_run {
        let document = desk.dry_run(which, wanted.ignore_safeguards).await?;
        let answer = DryRunAnswer { document, ignored: std::mem::take(&mut context.ignored) };
        return json(StatusCode::OK, &answer).map(Reply::Whole);
    }
    let groups: Vec<_> = wanted.groups.into_iter().filter(|group| !group.trim().is_empty()).collect();
    let long = Long::of(context.outbound.store(), (target, context.caller.name()), &groups)?;
    let order = SyncOrder {
        ignore_safeguards: wanted.ignore_safeguards,
        groups_at: long.as_ref().and_then(Long::place),
        groups,
        add_to_profile: wanted.add_to_profile,
        callback: wanted.callback.filter(|name| !name.trim().is_empty()),
    };
    let (request, status) = desk.start(which, order).await?;
    context.log.directory(&request.directory);
    if let Some(long) = long {
        long.keep(context.outbound.store()).await?;
    }
    if let Some(patience) = context.patience {
        match waited(context, &request, patience).await {
            // It has started, and its id must not be lost because a question after it failed.
            Err(error) if error.is_retryable() => {}
            done => return done,
        }
    }
    let mut begun = answer_of(configured, context.base, &request, SyncState::begun(status))?;
    begun.ignored = std::mem::take(&mut context.ignored);
    let place = running.place(&begun.links.this);
    answer(StatusCode::ACCEPTED, &begun).map(|response| Reply::Whole(with_location(response, &place)))
}

/// What is wrong with the groups and the callback, all of it at once.
fn check(wanted: &StartRequest, which: &DirectoryRef, config: &Config) -> Result<(), Vec<FieldError>> {
    let mut fields = Vec::new();
    let callback = wanted.callback.as_deref().filter(|name| !name.trim().is_empty());
    if callback.is_some_and(|name| config.callback(name).is_none()) {
        fields.push(FieldError::new("/callback", "is the name of no callback that is configured"));
    }
    fields.extend(SyncOrder::faults(&wanted.groups, wanted.add_to_profile, which));
    if fields.is_empty() { Ok(()) } else { Err(fields) }
}

/// A sync by its id: its state now, after a wait, or as it goes.
async fn sync<R: Runtime>(context: &mut Context<'_, R>, target: &str, text: &str) -> Result<Reply, Error> {
    let configured = context.configured;
    let mut opened = configured.sync_ids.open(text);
    if opened.is_none() && refresh(&configured.state_key, context.outbound.store()).await {
        opened = configured.sync_ids.open(text);
    }
    let mut request = opened.filter(|request| request.target == target).ok_or_else(|| {
        let hint = match configured.state_key.origin() {
            Some(Origin::Instance) => {
                "without state_key and without a store an id is good only at the instance that made it, until that ends: \
                 set state_key"
            }
            _ => "use the id, or the Location, of a start's answer as it is; ids end when state_key no longer holds their key",
        };
        Error::new(ErrorCode::SyncNotFound, "this id was not given by this idhook for this target").hint(hint)
    })?;
    oversized_groups::recall(context.outbound.store(), &mut request).await?;
    context.log.sync(&request);
    let running = Running::of(&context.input)?;
    if context.wants_events {
        let viewer = Viewer::of(context.caller);
        if request.ignores_safeguards() && viewer.may_override {
            // The stream may start it after this line of log is written.
            context.log.ignores_safeguards();
        }
        return Ok(Reply::Watch(Box::new((request, viewer)), None));
    }
    match context.patience {
        Some(patience) => waited(context, &request, patience).await,
        None => {
            let viewer = Viewer::of(context.caller);
            let found =
                sync_answer(context.configured, context.outbound, context.base, &request, &viewer, Duration::ZERO)
                    .await;
            viewer.log(context.log);
            running.answer(&found?).map(Reply::Whole)
        }
    }
}

/// The state after a wait: 200 when it is final, else as it is, with where to go on asking.
async fn waited<R: Runtime>(
    context: &mut Context<'_, R>,
    request: &SyncRequest,
    patience: Duration,
) -> Result<Reply, Error> {
    let running = Running::of(&context.input)?;
    let viewer = Viewer::of(context.caller);
    let look = async |max_age| {
        sync_answer(context.configured, context.outbound, context.base, request, &viewer, max_age).await
    };
    let last = sync::wait(context.outbound.runtime(), patience, look).await;
    viewer.log(context.log);
    let mut last = last?;
    last.ignored.clone_from(&context.ignored);
    let response = with_location(running.answer(&last)?, &running.place(&last.links.this));
    let applied = format!("wait={}", patience.as_secs());
    Ok(Reply::Whole(with_headers(response, &[(http::HeaderName::from_static("preference-applied"), &applied)])))
}

/// A caller that asks for a sync's state, and what is to be logged of it.
#[derive(Debug)]
pub(super) struct Viewer {
    /// Whether it may start a run that ignores the safeguards.
    may_override: bool,
    overrode: Cell<bool>,
    unknown: RefCell<Option<String>>,
}

impl Viewer {
    fn of(caller: &Caller<'_>) -> Self {
        let may_override = caller.may(Scope::VidmOverride);
        Self { may_override, overrode: Cell::default(), unknown: RefCell::default() }
    }

    fn saw<R: Runtime>(&self, desk: &Coordinator<'_, R>, state: &Result<SyncState, Error>) {
        self.overrode.set(self.overrode.get() || desk.overrode());
        let unknown = state.as_ref().ok().filter(|state| state.doubt.is_some());
        *self.unknown.borrow_mut() = unknown.and_then(|state| state.report.message.clone());
    }

    fn log(&self, line: &mut LogLine) {
        if self.overrode.get() {
            line.ignores_safeguards();
        }
        if let Some(why) = self.unknown.take() {
            line.sync_unknown(why);
        }
    }
}

/// How the sync `request` stands, as callers see it, by a look no older than `max_age`.
pub(super) async fn sync_answer<R: Runtime>(
    configured: &Configured,
    outbound: &Outbound<'_, R>,
    base: &str,
    request: &SyncRequest,
    viewer: &Viewer,
    max_age: Duration,
) -> Result<SyncAnswer, Error> {
    let target = vidm_target(configured, &request.target)?;
    let client = Client::new(target.target, target.memory, outbound);
    let desk = Coordinator::new(&request.target, &client, target.syncs, outbound).override_allowed(viewer.may_override);
    let state = desk.state(request, max_age).await;
    viewer.saw(&desk, &state);
    let answer = answer_of(configured, base, request, state?)?;
    if let Some(id) = answer.document.id.as_deref().filter(|_| answer.document.is_final()) {
        let body = || serde_json::to_vec(&answer).unwrap_or_default();
        super::callback::tell(configured, outbound, request, id, body).await;
    }
    Ok(answer)
}

fn answer_of(
    configured: &Configured,
    base: &str,
    request: &SyncRequest,
    state: SyncState,
) -> Result<SyncAnswer, Error> {
    let id = configured.sync_ids.seal(request)?;
    let this = format!("{base}/vidm/{}/v1/syncs/{id}", segment(&request.target));
    let document = SyncDocument::of(request, id, state);
    Ok(SyncAnswer { document, ignored: Vec::new(), links: Links { events: Some(this.clone()), this } })
}

/// What a state is answered with while it is not final: 200, or with `?running=202` 202 for pollers that go by the status, as Azure
/// Logic Apps and other followers of "202, Location" do. They send no headers of their own, so it stands in the query, and in each
/// Location that they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    Ok,
    Accepted,
}

impl Running {
    /// The query parameter's name.
    const NAME: &str = "running";

    fn of(input: &Input) -> Result<Self, Error> {
        match input.query(Self::NAME) {
            None | Some("200") => Ok(Self::Ok),
            Some("202") => Ok(Self::Accepted),
            Some(_) => Err(query_error(Self::NAME, "write 202, to be answered 202 while the sync goes on, or 200")),
        }
    }

    /// Where to ask again.
    fn place(self, this: &str) -> String {
        match self {
            Self::Ok => this.to_owned(),
            Self::Accepted => format!("{this}?{}=202", Self::NAME),
        }
    }

    /// A state under its status.
    fn answer(self, found: &SyncAnswer) -> Result<Response<Bytes>, Error> {
        if self == Self::Ok || found.document.is_final() {
            return answer(StatusCode::OK, found);
        }
        Ok(with_location(answer(StatusCode::ACCEPTED, found)?, &self.place(&found.links.this)))
    }
}

/// A sync's state, with word of when to ask again while it is not final.
fn answer(status: StatusCode, answer: &SyncAnswer) -> Result<Response<Bytes>, Error> {
    let response = json(status, answer)?;
    Ok(match answer.document.retry_after {
        Some(seconds) => with_headers(response, &[(RETRY_AFTER, &seconds.to_string())]),
        None => response,
    })
}

fn with_location(response: Response<Bytes>, place: &str) -> Response<Bytes> {
    with_headers(response, &[(LOCATION, place)])
}
