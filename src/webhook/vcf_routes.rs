//! The routes below `/vcf/{target}`: the vendor's own operations, with validation in front.

use bytes::Bytes;
use http::{Method, Response, StatusCode};

use super::idempotency::NotKept;
use super::route::{Matched, Name};
use super::vcf_put::{answer, put_provider, put_source};
use super::{Context, empty, json, no_target};
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::vcf::{ChangeOutcome, Client, DomainName, IdentityProviderSpec, IdentitySourceSpec, ProviderId, Purpose};

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    matched: &Matched,
    method: &Method,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let configured = context.configured;
    let (Some(target), Some(memory)) = (configured.config.vcf.get(name), configured.vcf.get(name)) else {
        return Err(no_target("vcf", name));
    };
    let client = Client::new(target, memory, context.outbound);
    let id = matched.parameter("id");
    let domain = matched.parameter("domainName");
    // Before the body is looked at: nothing that cannot be sent in a path is worth more words.
    if matched.row.path.contains("{id}") {
        ProviderId::parse(id)?;
    }
    if matched.row.path.contains("{domainName}") {
        DomainName::parse(domain)?;
    }
    match matched.row.name {
        Name::IdentityProviders if method == Method::POST => add_provider(&context, &client, name).await,
        Name::IdentityProviders if method == Method::PUT => put_provider(&context, &client, name).await,
        Name::IdentityProviders => json(StatusCode::OK, &client.identity_providers().await?),
        Name::IdentityProvider if method == Method::PATCH => {
            let spec: IdentityProviderSpec = context.input.spec()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now())
                .map_err(|fields| context.input.spec_invalid(fields))?;
            client.update_identity_provider(id, &spec).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Name::IdentityProvider if method == Method::DELETE => {
            client.delete_identity_provider(id).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Name::IdentityProvider => json(StatusCode::OK, &client.identity_provider(id).await?),
        Name::IdentitySources => add_source(&context, &client, name, id).await,
        Name::IdentitySource if method == Method::PATCH => {
            let spec: IdentitySourceSpec = context.input.spec()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now())
                .map_err(|fields| context.input.spec_invalid(fields))?;
            client.update_identity_source(id, domain, &spec).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Name::IdentitySource if method == Method::PUT => put_source(&context, &client, name, id, domain).await,
        Name::IdentitySource => {
            client.delete_identity_source(id, domain).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        Name::SyncClient => {
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
        Name::Prechecks => json(StatusCode::OK, &client.prechecks(context.input.query("type")).await?),
        Name::SddcManagerOidc => json(StatusCode::OK, &client.sddc_manager_oidc().await?),
        other => Err(Error::new(ErrorCode::Internal, format!("{other:?} is not a vcf route"))),
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
