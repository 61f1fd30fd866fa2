//! The functions of a session with SDDC Manager (VMware Cloud Foundation).

use idhook::embedded::{Result, Vcf};
use idhook::runtime::Runtime;

use crate::arguments::{Arguments, TokenOptions};
use crate::{json, unknown};

pub(crate) async fn call<R: Runtime>(vcf: &Vcf<R>, name: &str, mut given: Arguments) -> Result<String> {
    let given = &mut given;
    Ok(match name {
        "identityProviders" => json(&vcf.identity_providers().await?),
        "identityProvider" => json(&vcf.identity_provider(&given.text("id")?).await?),
        "addIdentityProvider" => json(&vcf.add_identity_provider(given.optional("spec")?).await?),
        "putIdentityProvider" => {
            json(&vcf.put_identity_provider(given.optional("spec")?, given.optional("options")?).await?)
        }
        "updateIdentityProvider" => {
            let (id, spec) = (given.text("id")?, given.optional("spec")?);
            json(&vcf.update_identity_provider(&id, spec, given.optional("options")?).await?)
        }
        "deleteIdentityProvider" => {
            json(&vcf.delete_identity_provider(&given.text("id")?, given.optional("options")?).await?)
        }
        "addIdentitySource" => {
            json(&vcf.add_identity_source(&given.text("providerId")?, given.optional("spec")?).await?)
        }
        "putIdentitySource" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let (spec, options) = (given.optional("spec")?, given.optional("options")?);
            json(&vcf.put_identity_source(&provider, &domain, spec, options).await?)
        }
        "updateIdentitySource" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let (spec, options) = (given.optional("spec")?, given.optional("options")?);
            json(&vcf.update_identity_source(&provider, &domain, spec, options).await?)
        }
        "deleteIdentitySource" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            json(&vcf.delete_identity_source(&provider, &domain, given.optional("options")?).await?)
        }
        "setIdentitySourceCredentials" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let (spec, options) = (given.optional("spec")?, given.optional("options")?);
            json(&vcf.set_identity_source_credentials(&provider, &domain, spec, options).await?)
        }
        "setIdentitySourceCertificates" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let (spec, options) = (given.optional("spec")?, given.optional("options")?);
            json(&vcf.set_identity_source_certificates(&provider, &domain, spec, options).await?)
        }
        "setClientSecret" => {
            let (provider, spec) = (given.text("providerId")?, given.optional("spec")?);
            json(&vcf.set_client_secret(&provider, spec, given.optional("options")?).await?)
        }
        "apply" => json(&vcf.apply(given.optional("spec")?, given.optional("options")?).await?),
        "generateSyncClientToken" => {
            let options: TokenOptions = given.optional("options")?;
            json(&vcf.generate_sync_client_token(&given.text("providerId")?, options.ttl_seconds).await?)
        }
        "prechecks" => {
            let kind: Option<String> = given.optional("type")?;
            json(&vcf.prechecks(kind.as_deref()).await?)
        }
        "sddcManagerOidc" => json(&vcf.sddc_manager_oidc().await?),
        _ => return Err(unknown(name)),
    })
}
