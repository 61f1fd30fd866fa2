//! The routes below `/vcf/{target}`: the vendor's own operations, with validation in front.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::idempotency::NotKept;
use super::route::{Matched, Vcf};
use super::vcf_put::{answer, put_provider, put_source};
use super::{Context, doctor, empty, json};
use crate::error::Error;
use crate::operations::VcfOperations;
use crate::runtime::Runtime;
use crate::vcf::{ChangeOutcome, Client, DomainName, IdentityProviderSpec, IdentitySourceSpec, ProviderId, Purpose};

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    action: Vcf,
    matched: &Matched,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let target = context.configured.targets.vcf(name)?;
    let client = Client::new(&target.settings, &target.cache, context.outbound);
    let id = matched.parameter("id");
    let domain = matched.parameter("domainName");
    // Before the body is looked at: nothing that cannot be sent in a path is worth more words.
    if matched.row.path.contains("{id}") {
        ProviderId::parse(id)?;
    }
    if matched.row.path.contains("{domainName}") {
        DomainName::parse(domain)?;
    }
    match action {
        Vcf::ListProviders => json(StatusCode::OK, &client.identity_providers().await?),
        Vcf::AddProvider => add_provider(&context, &client, name).await,
        Vcf::PutProvider => put_provider(&context, &client, name).await,
        Vcf::GetProvider => json(StatusCode::OK, &client.identity_provider(id).await?),
        Vcf::UpdateProvider => {
            let spec: IdentityProviderSpec = context.input.spec()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now())
                .map_err(|fields| context.input.spec_invalid(fields))?;
            client.update_identity_provider(id, &spec).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Vcf::DeleteProvider => {
            client.delete_identity_provider(id).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Vcf::AddSource => add_source(&context, &client, name, id).await,
        Vcf::UpdateSource => {
            let spec: IdentitySourceSpec = context.input.spec()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now())
                .map_err(|fields| context.input.spec_invalid(fields))?;
            client.update_identity_source(id, domain, &spec).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Vcf::PutSource => put_source(&context, &client, name, id, domain).await,
        Vcf::DeleteSource => {
            client.delete_identity_source(id, domain).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Vcf::GenerateSyncClientToken => {
            let ttl = context.input.query("syncClientTokenTTL").map(|text| {
                text.parse::<i64>()
                    .ok()
                    .filter(|seconds| *seconds > 0)
                    .ok_or_else(|| super::input::query_error("syncClientTokenTTL", "write a whole number of seconds"))
            });
            let mut response = json(StatusCode::OK, &client.generate_sync_client_token(id, ttl.transpose()?).await?)?;
            // It holds a token, which has no place in a store: the same key makes a new one.
            response.extensions_mut().insert(NotKept);
            Ok(response)
        }
        Vcf::Prechecks => json(StatusCode::OK, &client.prechecks(context.input.query("type")).await?),
        Vcf::SddcManagerOidc => json(StatusCode::OK, &client.sddc_manager_oidc().await?),
        Vcf::Doctor => {
            let operations = VcfOperations::new(target, context.outbound);
            doctor::answer(&context, async |examination| operations.doctor(examination).await).await
        }
    }
}

async fn add_provider<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentityProviderSpec = context.input.spec()?;
    let certificates = spec
        .validate(Purpose::Create, context.outbound.runtime().now())
        .map_err(|fields| context.input.spec_invalid(fields))?;
    let added = client.add_identity_provider(&spec).await?;
    answer((context.base, target), None, &ChangeOutcome::added_provider(added, certificates))
}

async fn add_source<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    provider: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentitySourceSpec = context.input.spec()?;
    let certificates = spec
        .validate(Purpose::Create, context.outbound.runtime().now())
        .map_err(|fields| context.input.spec_invalid(fields))?;
    let added = client.add_identity_source(provider, &spec).await?;
    let domain_name = spec.ldap.and_then(|ldap| ldap.domain_name);
    answer((context.base, target), Some(provider), &ChangeOutcome::added_source(added, domain_name, certificates))
}
