//! The routes below `/vcf/{target}`: the vendor's own operations, with validation in front.

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Response, StatusCode};
use serde::Serialize;

use super::route::{Matched, Name};
use super::{Context, empty, json, with_headers};
use crate::endpoint::segment;
use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::vcf::{CertificateFacts, Client, IdentityProviderSpec, IdentitySourceSpec, Purpose};

/// The answer to a new provider or source.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Added<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_name: Option<&'a str>,
    /// What SDDC Manager said, where it said something that is not the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// The certificates that were sent: whose they are and until when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<CertificateFacts>,
}

pub(super) async fn dispatch<R: Runtime>(
    context: Context<'_, R>,
    matched: &Matched,
    method: &Method,
) -> Result<Response<Bytes>, Error> {
    let name = matched.target().unwrap_or_default();
    let configured = context.configured;
    let (Some(target), Some(memory)) = (configured.config.vcf.get(name), configured.vcf.get(name)) else {
        return Err(Error::new(
            ErrorCode::TargetNotFound,
            format!("there is no vcf target {}", crate::error::excerpt(name)),
        )
        .hint("GET /readyz lists the configured targets"));
    };
    let client = Client::new(target, memory, context.outbound);
    let id = matched.parameter("id");
    let domain = matched.parameter("domainName");
    match matched.row.name {
        Name::IdentityProviders if method == Method::POST => add_provider(&context, &client, name).await,
        Name::IdentityProviders => json(StatusCode::OK, &client.identity_providers().await?),
        Name::IdentityProvider if method == Method::PATCH => {
            let spec: IdentityProviderSpec = context.input.body()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now()).map_err(Error::invalid)?;
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
            let spec: IdentitySourceSpec = context.input.body()?;
            spec.validate(Purpose::Update, context.outbound.runtime().now()).map_err(Error::invalid)?;
            client.update_identity_source(id, domain, &spec).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
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
            json(StatusCode::OK, &client.generate_sync_client_token(id, ttl.transpose()?).await?)
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
    let spec: IdentityProviderSpec = context.input.body()?;
    let certificates = spec.validate(Purpose::Create, context.outbound.runtime().now()).map_err(Error::invalid)?;
    let added = client.add_identity_provider(&spec).await?;
    let answer = Added { id: added.id.as_deref(), domain_name: None, message: added.message.as_deref(), certificates };
    let response = json(StatusCode::CREATED, &answer)?;
    Ok(match &added.id {
        Some(id) => {
            let place = format!("/vcf/{}/v1/identity-providers/{}", segment(target), segment(id));
            with_headers(response, &[(LOCATION, &place)])
        }
        None => response,
    })
}

async fn add_source<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    provider: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentitySourceSpec = context.input.body()?;
    let certificates = spec.validate(Purpose::Create, context.outbound.runtime().now()).map_err(Error::invalid)?;
    let added = client.add_identity_source(provider, &spec).await?;
    let domain = spec.ldap.as_ref().and_then(|ldap| ldap.domain_name.as_deref()).unwrap_or_default();
    let answer = Added { id: None, domain_name: Some(domain), message: added.message.as_deref(), certificates };
    let place = format!(
        "/vcf/{}/v1/identity-providers/{}/identity-sources/{}",
        segment(target),
        segment(provider),
        segment(domain)
    );
    Ok(with_headers(json(StatusCode::CREATED, &answer)?, &[(LOCATION, &place)]))
}
