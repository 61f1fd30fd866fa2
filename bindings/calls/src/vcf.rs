//! The functions of a session with SDDC Manager (VMware Cloud Foundation).

use idhook::embedded::{Result, Vcf};
use idhook::runtime::Runtime;

use crate::arguments::{Arguments, Part, Put, TokenOptions};
use crate::{json, unknown};

pub(crate) async fn call<R: Runtime>(vcf: &Vcf<R>, name: &str, mut given: Arguments) -> Result<String> {
    let given = &mut given;
    Ok(match name {
        "identityProviders" => json(&vcf.identity_providers().await?),
        "identityProvider" => json(&vcf.identity_provider(&given.text("id")?).await?),
        "addIdentityProvider" => json(&vcf.add_identity_provider(given.optional("spec")?).await?),
        "putIdentityProvider" => {
            let options: Put = given.optional("options")?;
            json(&vcf.put_identity_provider(given.optional("spec")?, options.into()).await?)
        }
        "updateIdentityProvider" => {
            json(&vcf.update_identity_provider(&given.text("id")?, given.optional("spec")?).await?)
        }
        "deleteIdentityProvider" => json(&vcf.delete_identity_provider(&given.text("id")?).await?),
        "addIdentitySource" => {
            json(&vcf.add_identity_source(&given.text("providerId")?, given.optional("spec")?).await?)
        }
        "putIdentitySource" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let options: Put = given.optional("options")?;
            json(&vcf.put_identity_source(&provider, &domain, given.optional("spec")?, options.into()).await?)
        }
        "updateIdentitySource" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            json(&vcf.update_identity_source(&provider, &domain, given.optional("spec")?).await?)
        }
        "deleteIdentitySource" => {
            json(&vcf.delete_identity_source(&given.text("providerId")?, &given.text("domainName")?).await?)
        }
        "setIdentitySourceCredentials" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let Part { dry_run } = given.optional("options")?;
            let spec = given.optional("spec")?;
            json(&vcf.set_identity_source_credentials(&provider, &domain, spec, dry_run).await?)
        }
        "setIdentitySourceCertificates" => {
            let (provider, domain) = (given.text("providerId")?, given.text("domainName")?);
            let Part { dry_run } = given.optional("options")?;
            let spec = given.optional("spec")?;
            json(&vcf.set_identity_source_certificates(&provider, &domain, spec, dry_run).await?)
        }
        "setClientSecret" => {
            let Part { dry_run } = given.optional("options")?;
            json(&vcf.set_client_secret(&given.text("providerId")?, given.optional("spec")?, dry_run).await?)
        }
        "apply" => {
            let options: Put = given.optional("options")?;
            json(&vcf.apply(given.optional("spec")?, options.into()).await?)
        }
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
