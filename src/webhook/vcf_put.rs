//! `PUT` below `/vcf/{target}`: an identity source, or the external provider, is to be as the body says. And the answer that
//! tells what became of one, by PUT or by POST.

use bytes::Bytes;
use http::header::LOCATION;
use http::{Response, StatusCode};

use super::{Context, json, with_headers};
use crate::error::Error;
use crate::runtime::Runtime;
use crate::upstream::segment;
use crate::vcf::{ChangeOutcome, Client, IdentityProviderSpec, IdentitySourceSpec, Purpose, PutOptions};

/// What became of it: 201 and where the new thing is, where one is there now; `provider` is whose source it is, where it is a
/// source.
pub(super) fn answer(
    (base, target): (&str, &str),
    provider: Option<&str>,
    outcome: &ChangeOutcome,
) -> Result<Response<Bytes>, Error> {
    if !outcome.is_created() {
        return json(StatusCode::OK, outcome);
    }
    let providers = format!("{base}/vcf/{}/v1/identity-providers", segment(target));
    let place = match (provider, &outcome.id, &outcome.domain_name) {
        (Some(provider), _, Some(domain)) => {
            Some(format!("{providers}/{}/identity-sources/{}", segment(provider), segment(domain)))
        }
        (None, Some(id), _) => Some(format!("{providers}/{}", segment(id))),
        _ => None,
    };
    let response = json(StatusCode::CREATED, outcome)?;
    Ok(match place {
        Some(place) => with_headers(response, &[(LOCATION, &place)]),
        None => response,
    })
}

/// Makes the identity source of the path's domain as the body says.
pub(super) async fn put_source<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
    provider: &str,
    domain: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentitySourceSpec = context.input.spec()?;
    let (spec, certificates) = spec
        .for_domain(domain, context.outbound.runtime().now())
        .map_err(|fields| context.input.spec_invalid(fields))?;
    let options = options(context)?;
    let put = client.put_identity_source(provider, domain, &spec, options).await?;
    let domain_name = spec.ldap.and_then(|ldap| ldap.domain_name);
    answer((context.base, target), Some(provider), &ChangeOutcome::put(put, options, domain_name, certificates))
}

/// Makes the external provider as the body says.
pub(super) async fn put_provider<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentityProviderSpec = context.input.spec()?;
    let certificates = spec
        .validate(Purpose::Create, context.outbound.runtime().now())
        .map_err(|fields| context.input.spec_invalid(fields))?;
    let options = options(context)?;
    let put = client.put_identity_provider(&spec, options).await?;
    answer((context.base, target), None, &ChangeOutcome::put(put, options, None, certificates))
}

fn options<R>(context: &Context<'_, R>) -> Result<PutOptions, Error> {
    let flag = |name| Ok::<_, Error>(context.input.query_flag(name)?.unwrap_or(false));
    Ok(PutOptions { force: flag("force")?, dry_run: flag("dryRun")? })
}
