//! `PUT` below `/vcf/{target}`: an identity source, or the external provider, is to be as the body says. And the document
//! that tells what became of one, by PUT or by POST.

use bytes::Bytes;
use http::header::LOCATION;
use http::{Response, StatusCode};
use serde::Serialize;

use super::{Context, json, with_headers};
use crate::endpoint::segment;
use crate::error::{Error, FieldError};
use crate::runtime::Runtime;
use crate::vcf::{
    CertificateFacts, Change, Client, Difference, IdentityProviderSpec, IdentitySourceSpec, Outcome, Purpose, Put,
    PutOptions,
};

/// What became of a provider or a source.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "ChangeOutcome"))]
pub(super) struct Document {
    /// What a PUT did, or would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
    /// Nothing was done: this is what would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dry_run: bool,
    /// The provider's id, where it is one and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The domain of the identity source, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain_name: Option<String>,
    /// What SDDC Manager said, where it said something that is not the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// What differed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changes: Option<Vec<Change>>,
    /// Always false where it stands: no secret is given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secrets_compared: Option<bool>,
    /// The fields that could not be compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) not_compared: Vec<String>,
    /// The certificates that were sent: whose they are and until when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) certificates: Vec<CertificateFacts>,
}

/// 201 with `document`, and where the new thing is; `provider` is whose source it is, where it is a source.
pub(super) fn created(target: &str, provider: Option<&str>, document: Document) -> Result<Response<Bytes>, Error> {
    let providers = format!("/vcf/{}/v1/identity-providers", segment(target));
    let place = match (provider, &document.id, &document.domain_name) {
        (Some(provider), _, Some(domain)) => {
            Some(format!("{providers}/{}/identity-sources/{}", segment(provider), segment(domain)))
        }
        (None, Some(id), _) => Some(format!("{providers}/{}", segment(id))),
        _ => None,
    };
    let response = json(StatusCode::CREATED, &document)?;
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
    let mut spec: IdentitySourceSpec = context.input.body()?;
    let mut another = false;
    if let Some(ldap) = &mut spec.ldap {
        another = !ldap.domain_name.get_or_insert_with(|| domain.to_owned()).eq_ignore_ascii_case(domain);
    }
    let mut valid = spec.validate(Purpose::Create, context.outbound.runtime().now());
    if another {
        let mut errors = valid.err().unwrap_or_default();
        errors.push(FieldError::new(
            "/ldap/domainName",
            "is not the domain in the path; leave it out, or make them equal",
        ));
        valid = Err(errors);
    }
    let certificates = valid.map_err(|fields| context.input.body_invalid(fields))?;
    let options = options(context)?;
    let put = client.put_identity_source(provider, domain, &spec, options).await?;
    let domain_name = spec.ldap.and_then(|ldap| ldap.domain_name);
    answer(target, Some(provider), put, options, Document { domain_name, certificates, ..Document::default() })
}

/// Makes the external provider as the body says.
pub(super) async fn put_provider<R: Runtime>(
    context: &Context<'_, R>,
    client: &Client<'_, R>,
    target: &str,
) -> Result<Response<Bytes>, Error> {
    let spec: IdentityProviderSpec = context.input.body()?;
    let certificates = spec
        .validate(Purpose::Create, context.outbound.runtime().now())
        .map_err(|fields| context.input.body_invalid(fields))?;
    let options = options(context)?;
    let put = client.put_identity_provider(&spec, options).await?;
    answer(target, None, put, options, Document { certificates, ..Document::default() })
}

fn options<R>(context: &Context<'_, R>) -> Result<PutOptions, Error> {
    let flag = |name| Ok::<_, Error>(context.input.query_flag(name)?.unwrap_or(false));
    Ok(PutOptions { force: flag("force")?, dry_run: flag("dryRun")? })
}

/// `document` filled in with what came of the PUT.
fn answer(
    target: &str,
    provider: Option<&str>,
    put: Put,
    options: PutOptions,
    document: Document,
) -> Result<Response<Bytes>, Error> {
    let Put { outcome, id, message, difference: Difference { changes, not_compared } } = put;
    let document = Document { outcome: Some(outcome), dry_run: options.dry_run, id, message, not_compared, ..document };
    match outcome {
        Outcome::Created if !options.dry_run => created(target, provider, document),
        Outcome::Created => json(StatusCode::OK, &document),
        Outcome::Updated | Outcome::Unchanged => {
            let changes = (outcome == Outcome::Updated).then_some(changes);
            json(StatusCode::OK, &Document { changes, secrets_compared: Some(false), ..document })
        }
    }
}
