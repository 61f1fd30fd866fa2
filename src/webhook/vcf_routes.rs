//! The routes below `/vcf/{target}`: the vendor's own operations after validation, and PUT.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::changes::{absent_ok, checked, condition, deleted, options, preference_applied, respond, versioned};
use super::idempotency::NotKept;
use super::input::query_error;
use super::route::{Matched, Vcf};
use super::{Context, doctor, empty, json};
use crate::config::Scope;
use crate::error::Error;
use crate::operations::{ApplyOrder, Replacement, VcfOperations};
use crate::runtime::Runtime;
use crate::upstream::segment;
use crate::vcf::{
    ChangeOutcome, Checked, DomainName, IdentityProviderSpec, IdentitySourceSpec, NewCertificates, NewClientSecret,
    NewCredentials, ProviderRef, TokenLifetime,
};

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    action: Vcf,
    matched: &Matched,
) -> Result<Response<Bytes>, Error> {
    let target = matched.target().unwrap_or_default();
    let vcf = VcfOperations::new(context.configured.targets.vcf(target)?, context.outbound);
    // Names in the path are checked before the body.
    let provider = || ProviderRef::parse(matched.parameter("id"));
    let source = || Ok::<_, Error>((provider()?, DomainName::parse(matched.parameter("domainName"))?));
    let done = |()| empty(StatusCode::NO_CONTENT, &[]);
    let created = Created { base: context.base, target, provider: matched.parameter("id") };
    match action {
        Vcf::ListProviders => json(StatusCode::OK, &vcf.client.identity_providers().await?),
        Vcf::GetProvider => {
            let found = vcf.identity_provider(&provider()?).await?;
            versioned(&context, &found, found.etag.as_deref())
        }
        Vcf::AddProvider => {
            let spec = checked(&context, Checked::<IdentityProviderSpec>::to_add)?;
            created.provider(&vcf.add_identity_provider(&spec).await?)
        }
        Vcf::PutProvider => {
            let spec = checked(&context, Checked::<IdentityProviderSpec>::to_add)?;
            let options = options(&context)?;
            let replacement = Replacement {
                replace: context.input.query_flag("replace")?.unwrap_or(false),
                confirm: context.input.query("confirm"),
            };
            created.provider(&vcf.put_identity_provider(&spec, options, &replacement, &condition(&context)?).await?)
        }
        Vcf::UpdateProvider => {
            let id = provider()?;
            let spec = checked(&context, Checked::<IdentityProviderSpec>::to_update)?;
            vcf.update_identity_provider(&id, &spec, &condition(&context)?).await.map(done)
        }
        Vcf::DeleteProvider => {
            let (id, absent_ok) = (provider()?, absent_ok(&context)?);
            deleted(vcf.delete_identity_provider(&id, absent_ok, &condition(&context)?).await?)
        }
        Vcf::GetSource => {
            let (provider, domain) = source()?;
            let found = vcf.identity_source(&provider, &domain).await?;
            versioned(&context, &found, found.etag.as_deref())
        }
        Vcf::AddSource => {
            let provider = provider()?;
            let spec = checked(&context, Checked::<IdentitySourceSpec>::to_add)?;
            created.source(&vcf.add_identity_source(&provider, &spec).await?)
        }
        Vcf::PutSource => {
            let (provider, domain) = source()?;
            let spec = checked(&context, |spec, now| Checked::<IdentitySourceSpec>::to_put(spec, &domain, now))?;
            let (options, condition) = (options(&context)?, condition(&context)?);
            created.source(&vcf.put_identity_source(&provider, &domain, &spec, options, &condition).await?)
        }
        Vcf::UpdateSource => {
            let (provider, domain) = source()?;
            let spec = checked(&context, Checked::<IdentitySourceSpec>::to_update)?;
            vcf.update_identity_source(&provider, &domain, &spec, &condition(&context)?).await.map(done)
        }
        Vcf::DeleteSource => {
            let ((provider, domain), absent_ok) = (source()?, absent_ok(&context)?);
            deleted(vcf.delete_identity_source(&provider, &domain, absent_ok, &condition(&context)?).await?)
        }
        Vcf::SetCredentials => {
            let (provider, domain) = source()?;
            let new = checked(&context, Checked::<NewCredentials>::to_set)?;
            let (dry_run, condition) = (options(&context)?.dry_run, condition(&context)?);
            created.source(&vcf.set_credentials((&provider, &domain), &new, dry_run, &condition).await?)
        }
        Vcf::SetCertificates => {
            let (provider, domain) = source()?;
            let new = checked(&context, Checked::<NewCertificates>::to_set)?;
            let (dry_run, condition) = (options(&context)?.dry_run, condition(&context)?);
            created.source(&vcf.set_certificates((&provider, &domain), &new, dry_run, &condition).await?)
        }
        Vcf::SetClientSecret => {
            let provider = provider()?;
            let new = checked(&context, Checked::<NewClientSecret>::to_set)?;
            let (dry_run, condition) = (options(&context)?.dry_run, condition(&context)?);
            created.provider(&vcf.set_client_secret(&provider, &new, dry_run, &condition).await?)
        }
        Vcf::GenerateSyncClientToken => {
            let provider = provider()?;
            let token = vcf.generate_sync_client_token(&provider, lifetime(&context)?).await?;
            let mut response = json(StatusCode::OK, &token)?;
            // It contains a token, which must not be stored: the same key makes a new one.
            response.extensions_mut().insert(NotKept);
            Ok(response)
        }
        Vcf::Prechecks => json(StatusCode::OK, &vcf.client.prechecks(context.input.query("type")).await?),
        Vcf::SddcManagerOidc => json(StatusCode::OK, &vcf.client.sddc_manager_oidc().await?),
        Vcf::SddcManagers => json(StatusCode::OK, &vcf.client.sddc_managers().await?),
        Vcf::Apply => apply(&context, &vcf).await,
        Vcf::Doctor => doctor::answer(&context, async |examination| vcf.doctor(examination).await).await,
    }
}

async fn apply<R: Runtime>(context: &Context<'_, R>, vcf: &VcfOperations<'_, R>) -> Result<Response<Bytes>, Error> {
    let order = checked(context, ApplyOrder::of)?;
    // A caller that may change providers must not be able to make administrators.
    if order.has_roles() && !context.caller.may(Scope::VcfRoles) {
        return Err(context.caller.lacks(Scope::VcfRoles));
    }
    let applied = vcf.apply(&order, options(context)?, &condition(context)?).await?;
    Ok(preference_applied(json(StatusCode::OK, &applied)?, context.max_wait))
}

fn lifetime<R>(context: &Context<'_, R>) -> Result<Option<TokenLifetime>, Error> {
    const NAME: &str = "syncClientTokenTTL";
    let read = |text: &str| TokenLifetime::from_seconds(text.parse().ok()?).ok();
    let wrong = || query_error(NAME, "use a whole number of seconds");
    context.input.query(NAME).map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// The response to a created or changed provider or source: 201 with its path, if it was created.
struct Created<'c> {
    base: &'c str,
    target: &'c str,
    /// The provider in the path.
    provider: &'c str,
}

impl Created<'_> {
    fn provider(&self, outcome: &ChangeOutcome) -> Result<Response<Bytes>, Error> {
        let place = outcome.id.as_deref().map(|id| format!("{}/{}", self.providers(), segment(id)));
        respond(outcome, place)
    }

    fn source(&self, outcome: &ChangeOutcome) -> Result<Response<Bytes>, Error> {
        let provider = segment(self.provider);
        let place = outcome
            .domain_name
            .as_deref()
            .map(|domain| format!("{}/{provider}/identity-sources/{}", self.providers(), segment(domain)));
        respond(outcome, place)
    }

    fn providers(&self) -> String {
        format!("{}/vcf/{}/v1/identity-providers", self.base, segment(self.target))
    }
}
