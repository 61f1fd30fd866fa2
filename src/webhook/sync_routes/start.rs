//! Starts a sync over HTTP: by a request with an order, or by a hook.

use http::StatusCode;

use super::documents::{DryRunAnswer, StartRequest, SyncAnswer};
use super::state::{Running, answer, answer_of, waited, with_location};
use super::{SyncOperations, latest_place, operations};
use crate::config::{Config, Scope};
use crate::directory::{DirectoryRef, Product, SyncTarget};
use crate::error::{Error, FieldError};
use crate::runtime::Runtime;
use crate::sync::{SyncDocument, SyncOrder};
use crate::webhook::kept_request::{StartedSync, check_room};
use crate::webhook::{Context, Reply, json};

/// Starts the sync that the body requests; the path names the directory, or else the body does.
pub(super) async fn start<R: Runtime>(
    context: &mut Context<'_, R>,
    syncs: &SyncOperations<'_, R>,
    in_path: Option<DirectoryRef>,
) -> Result<Reply, Error> {
    let wanted: StartRequest;
    (wanted, context.ignored) = context.input.order()?;
    let which = match in_path {
        Some(which) => which,
        None => in_body(&wanted)?,
    };
    context.log.directory(which.as_str());
    let count = |names: &[String]| names.iter().filter(|name| !name.trim().is_empty()).count();
    context.log.users(count(&wanted.users));
    context.log.start(count(&wanted.groups), wanted.callback.as_deref(), wanted.add_to_profile, wanted.dry_run);
    let running = Running::of(&context.input)?;
    let product = syncs.target().product;
    if wanted.ignore_safeguards && product == Product::Vidm {
        require(context, Scope::VidmOverride)?;
        context.log.ignores_safeguards();
    }
    if wanted.add_to_profile {
        require(context, profile_scope(product))?;
    }
    if wanted.provision && product == Product::Fleet {
        require(context, profile_scope(product))?;
    }
    let order = order(&wanted, &which, syncs.target(), &context.configured.config)
        .map_err(|fields| context.input.order_invalid(fields))?;
    if wanted.provision {
        let document = syncs.provision(&which, &order).await?;
        return provisioned(context, syncs.target(), document).map(Reply::Whole);
    }
    if wanted.dry_run {
        let document = syncs.dry_run(&which, wanted.ignore_safeguards).await?;
        let answer = DryRunAnswer { document, ignored: std::mem::take(&mut context.ignored) };
        return json(StatusCode::OK, &answer).map(Reply::Whole);
    }
    begin(context, syncs, &which, order, running).await
}

/// The outcome of bringing groups in; it links to the directory's latest sync, because it is none itself.
fn provisioned<R>(
    context: &mut Context<'_, R>,
    target: &SyncTarget,
    document: SyncDocument,
) -> Result<http::Response<bytes::Bytes>, Error> {
    context.log.directory(&document.directory.id);
    let this = latest_place(context.base, target, &document.directory.id);
    let ignored = std::mem::take(&mut context.ignored);
    answer(StatusCode::OK, &SyncAnswer { ignored, ..SyncAnswer::new(document, this) })
}

/// Starts a sync for a hook, as if its caller had requested it, with the safeguards on.
pub(in crate::webhook) async fn start_by_hook<R: Runtime>(
    context: &mut Context<'_, R>,
    target: &SyncTarget,
    which: &DirectoryRef,
    order: SyncOrder,
) -> Result<Reply, Error> {
    let syncs = operations(context, target)?;
    context.log.directory(which.as_str());
    context.log.start(order.groups().len(), None, order.adds_to_profile(), false);
    let running = Running::of(&context.input)?;
    if order.adds_to_profile() {
        require(context, profile_scope(target.product))?;
    }
    begin(context, &syncs, which, order, running).await
}

async fn begin<R: Runtime>(
    context: &mut Context<'_, R>,
    syncs: &SyncOperations<'_, R>,
    which: &DirectoryRef,
    order: SyncOrder,
    running: Running,
) -> Result<Reply, Error> {
    let store = context.outbound.store();
    check_room(store, &order)?;
    let (request, state) = syncs.start(which, order).await?;
    context.log.started(request.joined());
    context.log.directory(&request.directory);
    let sync = StartedSync::new(&context.configured.sync_ids, store, context.caller.name(), request).await?;
    context.configured.queues.list(store, &sync, state.status).await;
    if let Some(max_wait) = context.max_wait {
        match waited(context, &sync, max_wait).await {
            // The sync has started: its id must not be lost because a later observation failed.
            Err(error) if error.is_retryable() => {}
            done => return done,
        }
    }
    let mut begun = answer_of(context.base, &sync, state);
    begun.ignored = std::mem::take(&mut context.ignored);
    let place = running.place(&begun.links.this);
    answer(StatusCode::ACCEPTED, &begun).map(|response| Reply::Whole(with_location(response, &place)))
}

/// The scope for changing sync profiles.
fn profile_scope(product: Product) -> Scope {
    match product {
        Product::Vidm => Scope::VidmProfile,
        Product::Fleet => Scope::FleetProfile,
    }
}

fn require<R>(context: &Context<'_, R>, scope: Scope) -> Result<(), Error> {
    if context.caller.may(scope) { Ok(()) } else { Err(context.caller.lacks(scope)) }
}

/// The directory in the body.
fn in_body(wanted: &StartRequest) -> Result<DirectoryRef, Error> {
    let directory = wanted.directory.as_deref().map(str::trim).filter(|directory| !directory.is_empty());
    directory.map(DirectoryRef::parse).ok_or_else(|| {
        Error::invalid(vec![FieldError::new("/directory", "is missing; send the directory's id or name")])
    })
}

/// The order, or all faults in it.
fn order(
    wanted: &StartRequest,
    which: &DirectoryRef,
    target: &SyncTarget,
    config: &Config,
) -> Result<SyncOrder, Vec<FieldError>> {
    let callback = wanted.callback.as_deref().filter(|name| !name.trim().is_empty());
    let mut fields = Vec::new();
    // The same words for one of other targets: nobody learns the names of another tenant.
    if callback.is_some_and(|name| config.callback(name).is_none_or(|callback| !callback.is_for(target))) {
        fields.push(FieldError::new("/callback", "is not the name of a callback that is configured for this target"));
    }
    if wanted.provision {
        let mut excludes = |is_set: bool, field: &str| {
            if is_set {
                fields
                    .push(FieldError::new(field, "is set beside provision, which starts no sync; remove one of them"));
            }
        };
        excludes(wanted.add_to_profile, "/addToProfile");
        excludes(wanted.dry_run, "/dryRun");
        excludes(wanted.ignore_safeguards, "/ignoreSafeguards");
        excludes(callback.is_some(), "/callback");
        excludes(!wanted.users.is_empty(), "/users");
    }
    match SyncOrder::new(which, &wanted.groups, &wanted.users, wanted.add_to_profile || wanted.provision) {
        Ok(order) if fields.is_empty() => {
            Ok(order.ignoring_safeguards(wanted.ignore_safeguards).with_callback(callback.map(str::to_owned)))
        }
        Ok(_) => Err(fields),
        Err(wrong) => {
            fields.extend(wrong);
            Err(fields)
        }
    }
}
