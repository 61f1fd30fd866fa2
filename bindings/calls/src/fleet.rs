//! The functions of a session with VCF Operations (VCF 9.1 and later).

use idhook::embedded::{Fleet, Result};
use idhook::runtime::Runtime;
use idhook::sync::SyncDocument;

use crate::arguments::{Arguments, Deletion, SyncClient};
use crate::{json, syncs};

pub(crate) async fn call<R: Runtime>(
    fleet: &Fleet<R>,
    name: &str,
    mut given: Arguments,
    progress: impl FnMut(&SyncDocument),
) -> Result<String> {
    Ok(match name {
        "directories" => json(&fleet.directories(&given.optional("filter")?).await?),
        "directory" => json(&fleet.directory(&given.text("directory")?).await?),
        "groups" => json(&fleet.groups(&given.text("name")?).await?),
        "provision" => json(&fleet.provision(&given.text("directory")?, &given.texts("groups")?).await?),
        "identityProviders" => json(&fleet.identity_providers().await?),
        "identityProvider" => json(&fleet.identity_provider(&given.text("id")?).await?),
        "createIdentityProvider" => json(&fleet.create_identity_provider(given.optional("spec")?).await?),
        "putIdentityProvider" => {
            let options = given.optional("options")?;
            json(&fleet.put_identity_provider(given.optional("spec")?, options).await?)
        }
        "deleteIdentityProvider" => {
            let options: Deletion = given.optional("options")?;
            json(&fleet.delete_identity_provider(&given.text("id")?, options.into()).await?)
        }
        "task" => json(&fleet.task(&given.text("id")?).await?),
        "syncClient" => json(&fleet.sync_client(&given.text("providerId")?).await?),
        "generateSyncClient" => {
            let SyncClient { ttl_minutes } = given.optional("options")?;
            json(&fleet.generate_sync_client(&given.text("providerId")?, ttl_minutes).await?)
        }
        "validateSamlMetadata" => json(&fleet.validate_saml_metadata(given.optional("spec")?).await?),
        _ => return syncs::call(fleet.syncs(), name, given, progress).await,
    })
}
