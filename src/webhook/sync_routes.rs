//! The routes of syncs, the same for every product that has them: `/vidm/{target}`, `/fleet/{target}`.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::route::{Matched, Syncs};
use super::{Context, Reply, json};
use crate::config::Scope;
use crate::directory::{DirectoryRef, Listed, Product, SyncTarget};
use crate::error::Error;
use crate::operations::SyncOperations;
use crate::runtime::Runtime;
use crate::sync::StaleDirectory;
use crate::upstream::segment;

mod advance;
mod documents;
mod start;
mod state;

#[cfg(feature = "contract")]
pub(super) use documents::{AdvanceAnswer, DryRunAnswer};
pub(super) use documents::{StartRequest, SyncAnswer};
pub(super) use start::start_by_hook;
pub(super) use state::{Viewer, sync_answer};

/// The bounds of `staleAfter`. Products report whole seconds by their own clocks, so less than a minute decides nothing.
const STALE_AFTER: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(366 * 24 * 60 * 60);

pub(super) async fn dispatch<R: Runtime>(
    mut context: Context<'_, R>,
    (product, action): (Product, Syncs),
    matched: &Matched,
) -> Result<Reply, Error> {
    let target = SyncTarget { product, name: matched.target().unwrap_or_default().to_owned() };
    let syncs = operations(&context, &target)?;
    let directory = || DirectoryRef::parse(matched.parameter("directory"));
    let response = match action {
        Syncs::Start => return start::start(&mut context, &syncs, None).await,
        Syncs::StartOfDirectory => return start::start(&mut context, &syncs, Some(directory())).await,
        Syncs::State => return state::sync(&mut context, &target, matched.parameter("sync")).await,
        Syncs::History => json(StatusCode::OK, &syncs.history(&directory()).await?)?,
        Syncs::Advance => advance::advance(&mut context, &target).await?,
        Syncs::Latest => latest(&context, &syncs, &directory()).await?,
    };
    Ok(Reply::Whole(response))
}

/// The syncs of `target`, as this request's caller may use them.
fn operations<'c, R: Runtime>(context: &Context<'c, R>, target: &SyncTarget) -> Result<SyncOperations<'c, R>, Error> {
    context.configured.targets.syncs(target, context.outbound, context.caller.may(Scope::VidmOverride))
}

/// The query's `staleAfter`.
pub(super) fn stale_after<R>(context: &Context<'_, R>) -> Result<Option<Duration>, Error> {
    context.input.query_period("staleAfter", STALE_AFTER)
}

/// Keeps those of `directories` that have no successful sync within `period`, and returns why; without a period keeps all.
pub(super) async fn stale<R: Runtime, D: Listed>(
    context: &Context<'_, R>,
    (product, target): (Product, &str),
    period: Option<Duration>,
    directories: &mut Vec<D>,
) -> Result<Option<Vec<StaleDirectory>>, Error> {
    let Some(period) = period else { return Ok(None) };
    let target = SyncTarget { product, name: target.to_owned() };
    let stale = operations(context, &target)?.stale(directories, period).await?;
    directories.retain(|directory| stale.iter().any(|stale| stale.directory.id == directory.id()));
    Ok(Some(stale))
}

/// The state of the directory's latest sync, started by any means.
async fn latest<R: Runtime>(
    context: &Context<'_, R>,
    syncs: &SyncOperations<'_, R>,
    which: &DirectoryRef,
) -> Result<Response<Bytes>, Error> {
    let document = syncs.latest(which).await?;
    let this = latest_place(context.base, syncs.target(), &document.directory.id);
    state::answer(StatusCode::OK, &SyncAnswer::new(document, this))
}

/// The path of a directory's latest sync.
fn latest_place(base: &str, target: &SyncTarget, directory: &str) -> String {
    below(base, target, &format!("directories/{}/sync", segment(directory)))
}

/// A path below the target's routes.
fn below(base: &str, target: &SyncTarget, rest: &str) -> String {
    format!("{base}/{}/{}/v1/{rest}", target.product.kind(), segment(&target.name))
}
