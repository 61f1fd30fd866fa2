//! Each product with directory syncs as the sync protocol's `DirectoryService`.

use serde_json::Value;

use crate::directory::{DirectoryRef, DirectorySummary, GroupQuery, Proof, SyncReport, UserQuery};
use crate::error::{Error, ErrorCode, FieldError, Result};
use crate::runtime::Runtime;
use crate::sync::{DirectoryService, KickOffAnswer, ProfileLookUp, SyncOrder};
use crate::{fleet, vidm};

/// The fix for an order with safeguards or a dry run at a product without them.
const HAS_NEITHER: &str = "VCF Operations' API has neither safeguards nor a dry run: leave the field out; the directory's sync profile \
                           (the groups it selects) decides what a sync changes";

/// One request's view of a product with directory syncs. One type for all products, so the protocol is compiled once.
#[derive(Debug)]
pub(super) enum Service<'a, R> {
    Vidm(vidm::Client<'a, R>),
    Fleet(fleet::Client<'a, R>),
}

/// Groups to select in a sync profile.
pub(super) enum Addition {
    Vidm(vidm::ProfileAddition),
    Fleet(fleet::ProfileAddition),
}

impl<R: Runtime> Service<'_, R> {
    /// Rejects an order that the product cannot carry out, before any call.
    ///
    /// # Errors
    /// `not_supported`
    pub(super) fn check_order(&self, order: &SyncOrder) -> Result<()> {
        match self {
            Self::Fleet(_) if order.ignores_safeguards() => {
                Err(unsupported("/ignoreSafeguards", "has no safeguards to ignore"))
            }
            Self::Vidm(_) | Self::Fleet(_) => Ok(()),
        }
    }
}

fn unsupported(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::NotSupported, format!("VCF Operations {why}"))
        .fields_of(vec![FieldError::new(field, format!("is not supported: VCF Operations {why}"))])
        .hint(HAS_NEITHER)
}

impl<R: Runtime> DirectoryService for Service<'_, R> {
    type Addition = Addition;

    async fn locate(&self, which: &DirectoryRef) -> Result<DirectorySummary> {
        match self {
            Self::Vidm(vidm) => vidm.locate(which).await.map(DirectorySummary::from),
            Self::Fleet(fleet) => fleet.locate(which).await.map(DirectorySummary::from),
        }
    }

    async fn kick_off(&self, directory: DirectorySummary, ignore_safeguards: bool) -> Result<KickOffAnswer> {
        let already_running = match self {
            Self::Vidm(vidm) => vidm.start_sync(&vidm.recall(directory).await, ignore_safeguards).await,
            Self::Fleet(fleet) => fleet.start_sync(&fleet.recall(&directory.id).await?).await,
        };
        Ok(if already_running? { KickOffAnswer::AlreadyRunning } else { KickOffAnswer::Started })
    }

    async fn observe(&self, directory: &str) -> Result<SyncReport> {
        match self {
            Self::Vidm(vidm) => vidm.sync_state(directory).await,
            Self::Fleet(fleet) => fleet.sync_state(directory).await,
        }
    }

    async fn executions(&self, directory: &str) -> Result<Option<Vec<SyncReport>>> {
        match self {
            Self::Vidm(vidm) => vidm.executions(directory).await,
            Self::Fleet(fleet) => fleet.executions(directory).await.map(Some),
        }
    }

    async fn prove(&self, directory: &str, groups: &[GroupQuery]) -> Result<Vec<Proof>> {
        match self {
            // vIDM's look-up covers the tenant.
            Self::Vidm(vidm) => vidm.prove(groups).await,
            Self::Fleet(fleet) => fleet.prove(&fleet.recall(directory).await?, groups).await,
        }
    }

    fn has_connectors(&self) -> bool {
        // Whether directories of one identity broker can be synced at the same time is unknown; nobody reports that they
        // cannot.
        matches!(self, Self::Vidm(_))
    }

    async fn prove_users(&self, directory: &str, users: &[UserQuery]) -> Result<Vec<Proof>> {
        match self {
            Self::Vidm(vidm) => vidm.prove_users(users).await,
            Self::Fleet(fleet) => fleet.prove_users(&fleet.recall(directory).await?, users).await,
        }
    }

    async fn connectors(&self, directory: &str) -> Result<Vec<String>> {
        match self {
            Self::Vidm(vidm) => vidm.connectors(directory).await,
            Self::Fleet(_) => Ok(Vec::new()),
        }
    }

    async fn dry_run(&self, directory: &str, ignore_safeguards: bool) -> Result<Option<Value>> {
        match self {
            Self::Vidm(vidm) => vidm.dry_run(directory, ignore_safeguards).await,
            Self::Fleet(_) => Err(unsupported("/dryRun", "has no dry run")),
        }
    }

    async fn look_up_for_profile(&self, directory: &str, groups: &[GroupQuery]) -> Result<ProfileLookUp<Addition>> {
        let (not_found, addition) = match self {
            Self::Vidm(vidm) => {
                let known = DirectorySummary { id: directory.to_owned(), name: None, kind: None };
                let addition = vidm.profile_addition_of(&vidm.recall(known).await, groups).await?;
                (addition.not_found().to_vec(), addition.is_needed().then_some(Addition::Vidm(addition)))
            }
            Self::Fleet(fleet) => {
                let addition = fleet.profile_addition_of(&fleet.recall(directory).await?, groups).await?;
                (addition.not_found().to_vec(), addition.is_needed().then_some(Addition::Fleet(addition)))
            }
        };
        Ok(ProfileLookUp { not_found, addition })
    }

    async fn add_to_profile(&self, addition: Addition) -> Result<()> {
        match (self, addition) {
            (Self::Vidm(vidm), Addition::Vidm(addition)) => vidm.add_to_profile(addition).await,
            (Self::Fleet(fleet), Addition::Fleet(addition)) => fleet.add_to_profile(addition).await,
            // An addition is made by the service that gets it.
            _ => Err(Error::new(ErrorCode::Internal, "a profile addition of another product")),
        }
    }
}
