//! The routes below `/vidm/{target}`: directories, syncs, groups, health.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::input::{flag, query_error};
use super::route::{Matched, Name};
use super::sync_id::SyncId;
use super::{Context, json, with_headers};
use crate::config::Scope;
use crate::endpoint::segment;
use crate::error::{Error, ErrorCode, FieldError};
use crate::runtime::{Runtime, rfc3339};
use crate::vidm::{
    Client, Counts, Directory, DirectoryRef, FailureReason, Group, GroupQuery, StartOptions, SyncReport, SyncStatus,
};

/// How soon to ask again after a sync that goes on, in seconds.
const ASK_AGAIN: u64 = 2;

/// What a start may be asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StartRequest {
    directory: Option<String>,
    #[serde(deserialize_with = "flag")]
    ignore_safeguards: bool,
    groups: Option<Vec<String>>,
    #[serde(deserialize_with = "flag")]
    add_to_profile: bool,
}

#[derive(Debug, Serialize)]
struct Directories<'d> {
    directories: Vec<&'d Directory>,
}

#[derive(Debug, Serialize)]
struct Groups {
    present: bool,
    groups: Vec<Group>,
}

/// A sync as callers see it: always flat, always answered with 2xx.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: SyncStatus,
    directory: DirectoryDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<FailureReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    joined: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    links: Links,
}

#[derive(Debug, Serialize)]
struct DirectoryDocument {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

#[derive(Debug, Serialize)]
struct UpstreamWord {
    status: String,
}

#[derive(Debug, Serialize)]
struct Links {
    #[serde(rename = "self")]
    this: String,
}

pub(super) async fn dispatch<R: Runtime>(
    mut context: Context<'_, R>,
    matched: &Matched,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let configured = context.configured;
    let (Some(target), Some(memory)) = (configured.config.vidm.get(name), configured.vidm.get(name)) else {
        return Err(Error::new(
            ErrorCode::TargetNotFound,
            format!("there is no vidm target {}", crate::error::excerpt(name)),
        )
        .hint("GET /readyz lists the configured targets"));
    };
    let client = Client::new(target, memory, context.outbound);
    match matched.row.name {
        Name::Directories => directories(&context, &client).await,
        Name::Directory => {
            let which = DirectoryRef::parse(matched.parameter("directory"));
            json(StatusCode::OK, &client.directory(&which).await?)
        }
        Name::DirectorySyncs => {
            let wanted = context.input.body()?;
            let which = DirectoryRef::parse(matched.parameter("directory"));
            start(&mut context, &client, name, &which, &wanted).await
        }
        Name::Syncs => {
            let wanted: StartRequest = context.input.body()?;
            let directory = wanted.directory.as_deref().map(str::trim).filter(|directory| !directory.is_empty());
            let Some(directory) = directory else {
                return Err(Error::invalid(vec![FieldError::new(
                    "/directory",
                    "is missing: the id or the name of a directory",
                )]));
            };
            start(&mut context, &client, name, &DirectoryRef::parse(directory), &wanted).await
        }
        Name::Sync => sync(&context, &client, name, matched.parameter("sync")).await,
        Name::DirectorySync => {
            let directory = client.directory(&DirectoryRef::parse(matched.parameter("directory"))).await?;
            let report = client.sync_state(&directory.id).await?;
            let this = format!("/vidm/{}/v1/directories/{}/sync", segment(name), segment(&directory.id));
            let kind = directory.kind.as_ref().map(|kind| kind.as_str().to_owned());
            let directory = DirectoryDocument { id: directory.id, name: directory.name, kind };
            state(SyncDocument::new(report, directory, this))
        }
        Name::Groups => groups(&context, &client).await,
        Name::VidmHealth => json(StatusCode::OK, &client.health().await?),
        other => Err(Error::new(ErrorCode::Internal, format!("{other:?} is not a vidm route"))),
    }
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

async fn start<R: Runtime>(
    context: &mut Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    which: &DirectoryRef,
    wanted: &StartRequest,
) -> Result<Response<Bytes>, Error> {
    let mut fields = Vec::new();
    if wanted.groups.as_ref().is_some_and(|groups| !groups.is_empty()) {
        fields.push(FieldError::new("/groups", "is not supported by this version: ask GET …/groups after the sync"));
    }
    if wanted.add_to_profile {
        fields.push(FieldError::new("/addToProfile", "is not supported by this version"));
    }
    if !fields.is_empty() {
        return Err(Error::invalid(fields));
    }
    if wanted.ignore_safeguards {
        if !context.caller.may(Scope::VidmOverride) {
            return Err(context.caller.lacks(Scope::VidmOverride));
        }
        context.log.ignores_safeguards();
    }
    let requested = context.outbound.runtime().now();
    let started = client.start_sync(which, StartOptions { ignore_safeguards: wanted.ignore_safeguards }).await?;
    let directory = started.directory;
    let id = SyncId::new(target, directory.id, directory.name, directory.kind, requested);
    let text = context.configured.sync_ids.seal(&id)?;
    let place = format!("/vidm/{}/v1/syncs/{text}", segment(target));
    let mut document = SyncDocument::new(SyncReport::running(), DirectoryDocument::of(&id), place.clone());
    document.id = Some(text);
    document.requested_at = Some(rfc3339(id.requested()));
    document.joined = started.already_running;
    document.retry_after = Some(ASK_AGAIN);
    let response = json(StatusCode::ACCEPTED, &document)?;
    Ok(with_headers(response, &[(LOCATION, &place), (RETRY_AFTER, &ASK_AGAIN.to_string())]))
}

async fn sync<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    text: &str,
) -> Result<Response<Bytes>, Error> {
    let id = context.configured.sync_ids.open(text).filter(|id| id.target == target).ok_or_else(|| {
        Error::new(ErrorCode::SyncNotFound, "this id was not given by this idhook for this target")
            .hint("use the id, or the Location, of a start's answer as it is; ids end with a change of state_key or credentials")
    })?;
    let report = client.sync_state(&id.directory).await?;
    let this = format!("/vidm/{}/v1/syncs/{text}", segment(target));
    let mut document = SyncDocument::new(report, DirectoryDocument::of(&id), this);
    document.id = Some(text.to_owned());
    document.requested_at = Some(rfc3339(id.requested()));
    state(document)
}

/// The state, with word of when to ask again while it is not final.
fn state(document: SyncDocument) -> Result<Response<Bytes>, Error> {
    let response = json(StatusCode::OK, &document)?;
    Ok(match document.retry_after {
        Some(seconds) => with_headers(response, &[(RETRY_AFTER, &seconds.to_string())]),
        None => response,
    })
}

impl DirectoryDocument {
    fn of(id: &SyncId) -> Self {
        Self { id: id.directory.clone(), name: id.name.clone(), kind: id.kind.clone() }
    }
}

impl SyncDocument {
    fn new(report: SyncReport, directory: DirectoryDocument, this: String) -> Self {
        let time = |time: Option<SystemTime>| time.map(rfc3339);
        Self {
            id: None,
            status: report.status,
            directory,
            requested_at: None,
            started_at: time(report.started_at),
            finished_at: time(report.finished_at),
            counts: report.counts,
            reason: report.reason,
            message: report.message,
            joined: false,
            upstream: report.upstream_word.map(|status| UpstreamWord { status }),
            retry_after: (!report.status.is_final()).then_some(ASK_AGAIN),
            links: Links { this },
        }
    }
}
