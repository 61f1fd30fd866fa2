//! The routes below `/vidm/{target}`: directories, syncs, groups, health.

use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};

use super::input::query_error;
use super::route::{Matched, Name};
use super::{Configured, Context, Reply, json, long_groups, no_target, watch, with_headers};
use crate::config::{Config, Scope};
use crate::endpoint::segment;
use crate::error::{Error, ErrorCode, FieldError};
use crate::outbound::Outbound;
use crate::runtime::{Runtime, rfc3339};
use crate::sync::{self, Desk, Order, Reason, Request, State};
use crate::vidm::{Client, DirectoryRef, GroupQuery};

mod documents;

pub(super) use documents::{Directories, DryRun, Groups, History, StartRequest, SyncDocument};

use documents::{DirectoryDocument, Links};

/// How soon to ask again after a sync that goes on, in seconds.
const ASK_AGAIN: u64 = 2;

pub(super) async fn dispatch<R: Runtime>(mut context: Context<'_, R>, matched: &Matched) -> Result<Reply, Error> {
    let name = matched.target().unwrap_or_default();
    let target = vidm_target(context.configured, name)?;
    let client = Client::new(target.target, target.memory, context.outbound);
    let directory = || DirectoryRef::parse(matched.parameter("directory"));
    let response = match matched.row.name {
        Name::Directories => directories(&context, &client).await?,
        Name::Directory => json(StatusCode::OK, &client.directory(&directory()).await?)?,
        Name::DirectorySyncs if context.input.is_read() => history(&client, &directory()).await?,
        Name::DirectorySyncs => {
            let wanted = context.input.order()?;
            return start(&mut context, &client, name, &directory(), wanted).await;
        }
        Name::Syncs => {
            let wanted: StartRequest = context.input.order()?;
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
        Name::Sync => return sync(&context, name, matched.parameter("sync")).await,
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
    memory: &'c crate::vidm::Memory,
    syncs: &'c sync::Memory,
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
    let directory = client.locate(which).await?;
    let syncs = vidm_target(context.configured, target)?.syncs;
    let report = Desk::new(target, client, syncs, context.outbound).latest(&directory.id).await?;
    let this = format!("/vidm/{}/v1/directories/{}/sync", segment(target), segment(&directory.id));
    let directory = DirectoryDocument { id: directory.id, name: directory.name, kind: directory.kind };
    let state = State {
        status: report.status,
        reason: report.reason.map(Reason::from),
        groups: Vec::new(),
        report,
        age: Duration::ZERO,
    };
    answer(StatusCode::OK, &SyncDocument::new(state, directory, Links { this, events: None }))
}

/// Recent runs, newest first, where this version tells.
async fn history<R: Runtime>(client: &Client<'_, R>, which: &DirectoryRef) -> Result<Response<Bytes>, Error> {
    let directory = client.locate(which).await?;
    let Some(runs) = client.executions(&directory.id).await? else {
        return Err(Error::new(ErrorCode::NotFound, "this version of vIDM does not tell of earlier runs")
            .hint("GET …/sync tells of the latest"));
    };
    json(
        StatusCode::OK,
        &History {
            directory: DirectoryDocument { id: directory.id, name: directory.name, kind: directory.kind },
            syncs: runs,
        },
    )
}

async fn directories<R: Runtime>(context: &Context<'_, R>, client: &Client<'_, R>) -> Result<Response<Bytes>, Error> {
    let input = &context.input;
    let (name, kind, domain) = (input.query("name"), input.query("type"), input.query("domain"));
    let syncable = input.query_flag("syncable")?;
    let mut directories = client.directories().await?;
    let same = |wanted: Option<&str>, text: Option<&str>| match (wanted, text) {
        (Some(wanted), Some(text)) => wanted.eq_ignore_ascii_case(text),
        (Some(_), None) => false,
        (None, _) => true,
    };
    directories.retain(|directory| {
        same(name, directory.name.as_deref())
            && same(kind, directory.kind.as_ref().map(crate::vidm::DirectoryKind::as_str))
            && syncable.is_none_or(|wanted| directory.syncable() == wanted)
    });
    let directories = match domain {
        Some(domain) => client.of_domain(&directories, domain).await?,
        None => directories.iter().collect(),
    };
    json(StatusCode::OK, &Directories { directories })
}

async fn groups<R: Runtime>(context: &Context<'_, R>, client: &Client<'_, R>) -> Result<Response<Bytes>, Error> {
    let query = match (context.input.query("dn"), context.input.query("name")) {
        (Some(dn), None) => GroupQuery::DistinguishedName(dn.to_owned()),
        (None, Some(name)) => GroupQuery::Name(name.to_owned()),
        _ => return Err(query_error("dn", "give either dn (CN=…,DC=…) or name (name@domain), and not both")),
    };
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
    if wanted.ignore_safeguards {
        if !context.caller.may(Scope::VidmOverride) {
            return Err(context.caller.lacks(Scope::VidmOverride));
        }
        context.log.ignores_safeguards();
    }
    check(&wanted, &context.configured.config).map_err(|fields| context.input.order_invalid(fields))?;
    if wanted.dry_run {
        return dry_run(client, which, wanted.ignore_safeguards).await.map(Reply::Whole);
    }
    let configured = context.configured;
    let desk = Desk::new(target, client, vidm_target(configured, target)?.syncs, context.outbound);
    let groups: Vec<_> = wanted.groups.into_iter().filter(|group| !group.trim().is_empty()).collect();
    let order = Order {
        ignore_safeguards: wanted.ignore_safeguards,
        groups_at: long_groups::keep(context.outbound.store(), target, &groups).await?,
        groups,
        add_to_profile: wanted.add_to_profile,
        callback: wanted.callback.filter(|name| !name.trim().is_empty()),
    };
    let (request, status) = desk.start(which, order).await?;
    if let Some(patience) = context.patience {
        return waited(context, &request, patience).await;
    }
    let mut document = document_of(configured, &request, State::begun(status))?;
    document.retry_after = Some(ASK_AGAIN);
    answer(StatusCode::ACCEPTED, &document).map(|response| Reply::Whole(with_location(response, &document.links.this)))
}

/// What is wrong with the groups and the callback, all of it at once.
fn check(wanted: &StartRequest, config: &Config) -> Result<(), Vec<FieldError>> {
    let mut fields = Vec::new();
    let callback = wanted.callback.as_deref().filter(|name| !name.trim().is_empty());
    if callback.is_some_and(|name| config.callback(name).is_none()) {
        fields.push(FieldError::new("/callback", "is the name of no callback that is configured"));
    }
    let groups = || wanted.groups.iter().enumerate().filter(|(_, group)| !group.trim().is_empty());
    for (at, group) in groups() {
        let fault = GroupQuery::fault(group, wanted.add_to_profile);
        fields.extend(fault.map(|why| FieldError::new(format!("/groups/{at}"), why)));
    }
    if groups().count() > GroupQuery::MAX {
        let told = format!("names {} groups; at most {} in one request", groups().count(), GroupQuery::MAX);
        fields.push(FieldError::new("/groups", told));
    }
    if wanted.add_to_profile && groups().next().is_none() {
        fields.push(FieldError::new("/groups", "is missing: the DNs of the groups to add to the profile"));
    }
    if fields.is_empty() { Ok(()) } else { Err(fields) }
}

async fn dry_run<R: Runtime>(
    client: &Client<'_, R>,
    which: &DirectoryRef,
    ignore_safeguards: bool,
) -> Result<Response<Bytes>, Error> {
    let directory = client.locate(which).await?;
    match client.dry_run(&directory.id, ignore_safeguards).await? {
        Some(result) => {
            let directory = DirectoryDocument { id: directory.id, name: directory.name, kind: directory.kind };
            json(StatusCode::OK, &DryRun { dry_run: true, directory, result })
        }
        None => Err(Error::new(ErrorCode::NotFound, "this version of vIDM has no dry run")
            .hint("the console's Sync Now page shows what a run would change before it is confirmed")),
    }
}

/// A sync by its id: its state now, after a wait, or as it goes.
async fn sync<R: Runtime>(context: &Context<'_, R>, target: &str, text: &str) -> Result<Reply, Error> {
    let request = context.configured.sync_ids.open(text).filter(|request| request.target == target);
    let mut request = request.ok_or_else(|| {
        Error::new(ErrorCode::SyncNotFound, "this id was not given by this idhook for this target")
            .hint("use the id, or the Location, of a start's answer as it is; ids end with a change of state_key or credentials")
    })?;
    long_groups::recall(context.outbound.store(), &mut request).await?;
    if context.wants_events {
        return Ok(Reply::Watch(Box::new(request)));
    }
    match context.patience {
        Some(patience) => waited(context, &request, patience).await,
        None => {
            let document = sync_document(context.configured, context.outbound, &request, Duration::ZERO).await?;
            answer(StatusCode::OK, &document).map(Reply::Whole)
        }
    }
}

/// The state after a wait: 200 when it is final, else as it is, with where to go on asking.
async fn waited<R: Runtime>(context: &Context<'_, R>, request: &Request, patience: Duration) -> Result<Reply, Error> {
    let document = watch::wait(context.configured, context.outbound, request, patience).await?;
    let response = with_location(answer(StatusCode::OK, &document)?, &document.links.this);
    let applied = format!("wait={}", patience.as_secs());
    Ok(Reply::Whole(with_headers(response, &[(http::HeaderName::from_static("preference-applied"), &applied)])))
}

/// How the sync `request` stands, as callers see it, by a look no older than `max_age`.
pub(super) async fn sync_document<R: Runtime>(
    configured: &Configured,
    outbound: &Outbound<'_, R>,
    request: &Request,
    max_age: Duration,
) -> Result<SyncDocument, Error> {
    let target = vidm_target(configured, &request.target)?;
    let client = Client::new(target.target, target.memory, outbound);
    let state = Desk::new(&request.target, &client, target.syncs, outbound).state(request, max_age).await?;
    let document = document_of(configured, request, state)?;
    if let Some(id) = document.id.as_deref().filter(|_| document.is_final()) {
        let body = || serde_json::to_vec(&document).unwrap_or_default();
        super::callback::tell(configured, outbound, request, id, body).await;
    }
    Ok(document)
}

fn document_of(configured: &Configured, request: &Request, state: State) -> Result<SyncDocument, Error> {
    let text = configured.sync_ids.seal(request)?;
    let this = format!("/vidm/{}/v1/syncs/{text}", segment(&request.target));
    let directory =
        DirectoryDocument { id: request.directory.clone(), name: request.name.clone(), kind: request.kind.clone() };
    let mut document = SyncDocument::new(state, directory, Links { events: Some(this.clone()), this });
    document.id = Some(text);
    document.requested_at = Some(rfc3339(request.requested()));
    Ok(document)
}

/// A sync's state, with word of when to ask again while it is not final.
fn answer(status: StatusCode, document: &SyncDocument) -> Result<Response<Bytes>, Error> {
    let response = json(status, document)?;
    Ok(match document.retry_after {
        Some(seconds) => with_headers(response, &[(RETRY_AFTER, &seconds.to_string())]),
        None => response,
    })
}

fn with_location(response: Response<Bytes>, place: &str) -> Response<Bytes> {
    with_headers(response, &[(LOCATION, place)])
}
