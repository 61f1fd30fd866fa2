//! The whole job at an SDDC Manager in one call: the server's precheck, the identity source or provider, its verification, and
//! the roles of groups.
//!
//! Everything that can be known by reading is checked before the first change. A failed step stops the job; its error lists
//! all steps. No step depends on an earlier run, so the same request continues after a failure.

mod group;
mod holders;
mod order;
mod roles;

use serde::Serialize;

use super::{Replacement, VcfOperations};
use crate::change::Precondition;
use crate::error::{Error, ErrorCode, Result, Step, StepName, StepOutcome};
use crate::runtime::Runtime;
use crate::vcf::{ChangeOutcome, DomainName, Outcome, PrecheckResult, ProviderRef, PutOptions};

pub(crate) use order::ApplyOrder;
pub use order::{ApplySpec, GroupParts, GroupSpec, RoleSpec};

use order::Object;
use roles::Appearance;

/// The changes that an apply made or would make.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Applied {
    /// Nothing was changed; this is what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The change of the identity source or provider in detail, as a PUT reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeOutcome>,
}

/// The steps and the current one.
#[derive(Debug)]
struct Progress {
    steps: Vec<Step>,
    at: usize,
}

impl Progress {
    fn of(order: &ApplyOrder) -> Self {
        let mut steps = Vec::new();
        if let Some(object) = &order.object {
            let name = object.name();
            if order.precheck {
                steps.push(Step::skipped(StepName::Precheck, None));
            }
            steps.push(Step::skipped(StepName::Ensure, Some(name.clone())));
            steps.push(Step::skipped(StepName::Verify, Some(name)));
        }
        steps.extend(order.roles.iter().map(|role| Step::skipped(StepName::Roles, Some(role.group.to_string()))));
        Self { steps, at: 0 }
    }

    /// Makes the step the current one; of roles, that of the group at this index.
    fn begin(&mut self, step: StepName, index: usize) {
        let first = self.steps.iter().position(|one| one.step == step);
        self.at = first.unwrap_or_default() + index;
    }

    fn end(&mut self, outcome: StepOutcome, detail: Option<String>) {
        if let Some(step) = self.steps.get_mut(self.at) {
            *step = Step { outcome, detail, ..step.clone() };
        }
    }

    /// `error` with the steps, what is in place, and how to continue.
    fn failed(mut self, error: Error) -> Error {
        self.end(StepOutcome::Failed, Some(error.detail().to_owned()));
        let is_change = |step: &&Step| step.outcome.is_change();
        let done: Vec<_> = self.steps.iter().filter(is_change).filter_map(|step| step.object.as_deref()).collect();
        let again = "send the same request again after the fix";
        let next = match done.as_slice() {
            [] => format!("no earlier step changed anything: {again}"),
            done => format!("already in place: {}; {again}, and it continues with the failed step", done.join(", ")),
        };
        let hint = match error.hint_text() {
            Some(hint) => format!("{hint}; {next}"),
            None => next,
        };
        error.hint(hint).with_steps(self.steps)
    }
}

impl Object {
    /// Its name in steps.
    fn name(&self) -> String {
        match self {
            Self::Source(domain, _) => format!("identity source {}", domain.as_str()),
            Self::Provider(spec) => format!("identity provider {}", spec.spec().name.as_deref().unwrap_or_default()),
        }
    }

    /// Whether the groups of this domain come from it.
    fn provides(&self, domain: &DomainName) -> bool {
        match self {
            Self::Source(own, _) => own.as_str().eq_ignore_ascii_case(domain.as_str()),
            Self::Provider(_) => true,
        }
    }
}

impl<R: Runtime> VcfOperations<'_, R> {
    /// Does the whole job of `order`, or with `options.dry_run` reports what would be done.
    ///
    /// # Errors
    /// Those of each step, with the list of steps: `request_invalid` for an unknown role and for a removal that a guard
    /// prevents, `not_found` for an unknown group, `upstream_rejected` for a failed precheck, `upstream_invalid` if the
    /// server does not show a change that it accepted; and those of the login and the calls.
    pub(crate) async fn apply(
        &self,
        order: &ApplyOrder,
        options: PutOptions,
        condition: &Precondition,
    ) -> Result<Applied> {
        let mut progress = Progress::of(order);
        match self.carry_out(order, options, condition, &mut progress).await {
            Ok(change) => Ok(Applied { dry_run: options.dry_run, steps: progress.steps, change }),
            Err(error) => Err(progress.failed(error.at(&self.target.settings.name))),
        }
    }

    async fn carry_out(
        &self,
        order: &ApplyOrder,
        options: PutOptions,
        condition: &Precondition,
        progress: &mut Progress,
    ) -> Result<Option<ChangeOutcome>> {
        // Only reads, so that what can fail without the server's consent fails before the first change.
        progress.begin(StepName::Ensure, 0);
        let ensure = async |options| match &order.object {
            Some(Object::Source(domain, spec)) => {
                self.put_identity_source(&ProviderRef::Embedded, domain, spec, options, condition).await.map(Some)
            }
            Some(Object::Provider(spec)) => {
                self.put_identity_provider(spec, options, &Replacement::default(), condition).await.map(Some)
            }
            None => Ok(None),
        };
        let mut change = ensure(PutOptions { dry_run: true, ..options }).await?;
        // If there is nothing to change, the plan is the outcome.
        if let Some(change) = &mut change {
            change.dry_run = options.dry_run;
        }
        let mut known = self.plan_roles(&order.roles, progress).await?;
        let plan = change.as_ref().and_then(|change| change.outcome);
        let changes = plan.is_some_and(|plan| plan != Outcome::Unchanged);

        if order.precheck && plan.is_some() {
            progress.begin(StepName::Precheck, 0);
            if changes {
                let warnings = passed(&self.client.prechecks(None).await?)?;
                progress.end(StepOutcome::Passed, warnings);
            } else {
                progress.end(StepOutcome::Skipped, Some("there is nothing to change".to_owned()));
            }
        }
        if let Some(plan) = plan {
            progress.begin(StepName::Ensure, 0);
            let mut done = plan;
            if changes && !options.dry_run {
                change = ensure(options).await?;
                // Another writer may have been faster.
                done = change.as_ref().and_then(|change| change.outcome).unwrap_or(plan);
            }
            progress.end(outcome(done, options.dry_run), None);
            progress.begin(StepName::Verify, 0);
            match done {
                Outcome::Unchanged => progress.end(StepOutcome::Passed, None),
                _ if options.dry_run => {}
                _ => {
                    verified(change.as_ref())?;
                    progress.end(StepOutcome::Passed, None);
                }
            }
        }
        for (index, wanted) in order.roles.iter().enumerate() {
            progress.begin(StepName::Roles, index);
            let provides = order.object.as_ref().is_some_and(|object| object.provides(&wanted.group.domain));
            let appearance = match (provides, changes) {
                (false, _) => Appearance::Now,
                (true, false) => Appearance::WithDomain,
                (true, true) => Appearance::Later,
            };
            let (outcome, detail) = match options.dry_run {
                true => self.plan_role(wanted, &known, provides && plan == Some(Outcome::Created)).await?,
                false => self.assign(wanted, &mut known, appearance).await?,
            };
            progress.end(outcome, detail);
        }
        if !options.dry_run
            && progress.steps.iter().any(|step| step.step == StepName::Roles && step.outcome.is_change())
        {
            self.verify_roles(&order.roles, &known, progress).await?;
        }
        Ok(change)
    }
}

/// The outcome of a step by that of a PUT.
fn outcome(outcome: Outcome, dry_run: bool) -> StepOutcome {
    match (outcome, dry_run) {
        (Outcome::Created, false) => StepOutcome::Created,
        (Outcome::Created, true) => StepOutcome::WouldCreate,
        (Outcome::Updated | Outcome::Replaced, false) => StepOutcome::Updated,
        (Outcome::Updated | Outcome::Replaced, true) => StepOutcome::WouldUpdate,
        (Outcome::Unchanged, _) => StepOutcome::Unchanged,
    }
}

/// The warnings of a precheck that allows the change.
fn passed(result: &PrecheckResult) -> Result<Option<String>> {
    let lines = result.details.iter().flatten().map(|detail| {
        let texts = [detail.kind.as_deref(), detail.message.as_deref()];
        texts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    let lines = lines.collect::<Vec<_>>().join("; ");
    let status = result.status.as_deref().unwrap_or("no status");
    if ["SUCCESS", "WARNING"].iter().any(|word| status.eq_ignore_ascii_case(word)) {
        return Ok((!lines.is_empty()).then(|| format!("{status}: {lines}")));
    }
    let detail = format!("SDDC Manager's precheck returned {status}: {lines}");
    Err(Error::new(ErrorCode::UpstreamRejected, detail.trim_end_matches([':', ' ']).to_owned())
        .hint("correct what the precheck reports, or send \"precheck\": false to change the provider all the same"))
}

/// Whether the object was read again after the change and is as specified.
fn verified(change: Option<&ChangeOutcome>) -> Result<()> {
    let Some(change) = change.filter(|change| change.verified != Some(true)) else { return Ok(()) };
    let remaining: Vec<_> = change.remaining.iter().flatten().map(|change| change.pointer.as_str()).collect();
    let detail = match (remaining.as_slice(), &change.message) {
        ([], Some(message)) => message.clone(),
        ([], None) => "the object could not be read again after the change".to_owned(),
        (pointers, _) => {
            format!("SDDC Manager accepted the change, but still shows other values at {}", pointers.join(", "))
        }
    };
    Err(Error::new(ErrorCode::UpstreamInvalid, detail)
        .hint("another writer may have changed it at the same time, or this version ignores these fields"))
}
