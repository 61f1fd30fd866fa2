//! Identity providers of a VCF Operations: PUT, which brings a realm's provider into the specified state, and deletion, which
//! follows the vendor's task.

use std::time::Duration;

use serde::Serialize;

use super::FleetOperations;
use super::read_back::{Look, read_back};
use crate::change::{ChangeOutcome, Checked, Outcome, Precondition, PutOptions, etag};
use crate::error::{Error, ErrorCode, FieldError, Result, excerpt};
use crate::fleet::{
    FederatedIdentityProvider, IamTask, LdapConfiguration, Realm, ResourceId, ScimSyncClient, TokenTtl,
};
use crate::runtime::Runtime;
use crate::sync::Pauses;

/// The deletion of a provider.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "ProviderDeletion"))]
pub struct Deletion {
    /// The provider's id.
    pub id: String,
    /// Whether the provider is deleted; otherwise the deletion goes on.
    pub deleted: bool,
    /// The vendor's task, as last seen; without an id if the vendor returned none.
    pub task: IamTask,
}

impl<R: Runtime> FleetOperations<'_, R> {
    /// Creates the identity provider of a realm without one.
    ///
    /// # Errors
    /// Those of the login and the call.
    pub(crate) async fn create_identity_provider(
        &self,
        spec: &Checked<FederatedIdentityProvider>,
    ) -> Result<ChangeOutcome> {
        let created = self.client.create_identity_provider(spec).await?;
        Ok(ChangeOutcome { id: created.id, certificates: spec.certificates().to_vec(), ..ChangeOutcome::default() })
    }

    /// Brings the identity provider of the specified realm into the state of `spec`: it is created if absent, changed if
    /// different, else left unchanged. PUT never replaces it by another. After a change the provider is read again.
    ///
    /// # Errors
    /// `request_invalid` for an unknown realm, for a realm whose provider has another id, name or kind, and for a specification without
    /// one of its directories;
    /// `precondition_failed`; and those of the login and the calls.
    pub(crate) async fn put_identity_provider(
        &self,
        spec: &Checked<FederatedIdentityProvider>,
        options: PutOptions,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let realm = self.realm_of(spec.spec()).await?;
        let outcome = match realm.provider.as_deref() {
            Some(id) => self.changed(&self.usable(id)?, spec, options, condition).await?,
            None => {
                self.check(condition, None)?;
                if options.dry_run { ChangeOutcome::default() } else { self.created(spec).await? }.by_put()
            }
        };
        let certificates = spec.certificates().to_vec();
        Ok(ChangeOutcome { certificates, dry_run: options.dry_run, ..outcome })
    }

    fn check(&self, condition: &Precondition, present: Option<&str>) -> Result<()> {
        condition.check(present).map_err(|error| error.at(&self.target.settings.name))
    }

    /// The realm that `spec` names.
    async fn realm_of(&self, spec: &FederatedIdentityProvider) -> Result<Realm> {
        let wanted = spec.sso_realm_id.as_deref().unwrap_or_default();
        let realms = self.client.realms().await?;
        let is_wanted = |realm: &Realm| realm.id.eq_ignore_ascii_case(wanted);
        if let Some(realm) = realms.iter().find(|realm| is_wanted(realm)) {
            return Ok(realm.clone());
        }
        let describe = |realm: &Realm| format!("{} ({})", realm.id, realm.name.as_deref().unwrap_or("no name"));
        let known: Vec<_> = realms.iter().map(describe).collect();
        let detail = match known.as_slice() {
            [] => {
                "VCF Operations has no realm: create one first, in its user interface or with its POST …/iam/ssorealms"
                    .to_owned()
            }
            known => format!("is not a realm of this VCF Operations; its realms are {}", known.join(", ")),
        };
        Err(Error::invalid(vec![FieldError::new("/ssoRealmId", detail)]).at(&self.target.settings.name))
    }

    async fn created(&self, spec: &Checked<FederatedIdentityProvider>) -> Result<ChangeOutcome> {
        let created = self.client.create_identity_provider(spec).await?;
        let mut id = created.id;
        if id.is_none() {
            // The provider exists now, so a failure of this look must not hide that.
            id = self.realm_of(spec.spec()).await.ok().and_then(|realm| realm.provider);
        }
        let outcome = ChangeOutcome { id, ..ChangeOutcome::default() };
        Ok(self.read_back(spec, outcome).await)
    }

    async fn changed(
        &self,
        id: &ResourceId,
        spec: &Checked<FederatedIdentityProvider>,
        options: PutOptions,
        condition: &Precondition,
    ) -> Result<ChangeOutcome> {
        let mut present = self.client.identity_provider(id).await?;
        let etag = etag(&present);
        self.check(condition, etag.as_deref())?;
        present.id.get_or_insert_with(|| id.as_str().to_owned());
        self.same_provider(&present, spec.spec())?;
        self.keeps_directories(&present, spec.spec())?;
        let outcome = ChangeOutcome::found(spec.spec().difference(&present), options);
        let outcome = ChangeOutcome { id: present.id.clone(), etag, ..outcome };
        self.sends_changed_secrets(spec.spec(), &outcome)?;
        if outcome.outcome != Some(Outcome::Updated) || options.dry_run {
            return Ok(outcome);
        }
        self.client.update_identity_provider(&present, spec).await?;
        Ok(self.read_back(spec, outcome).await.with_message(unsent_secrets(spec.spec())))
    }

    /// Compares the provider with `spec` again. The change was made, so a failure here is a message.
    async fn read_back(&self, spec: &Checked<FederatedIdentityProvider>, outcome: ChangeOutcome) -> ChangeOutcome {
        let id = match outcome.id.as_deref() {
            Some(id) => self.usable(id),
            None => Err(Error::new(ErrorCode::UpstreamInvalid, "VCF Operations returned no id of it")),
        };
        let look = async || {
            let shown = self.client.identity_provider(id.as_ref().map_err(Error::clone)?).await?;
            Ok(Look { difference: spec.spec().difference(&shown), id: None, etag: etag(&shown) })
        };
        read_back(self.out, outcome, look).await
    }

    fn same_provider(&self, present: &FederatedIdentityProvider, spec: &FederatedIdentityProvider) -> Result<()> {
        let fields = spec.is_another_than(present);
        if fields.is_empty() {
            return Ok(());
        }
        let name = &self.target.settings.name;
        let hint = format!(
            "a realm has one provider, and PUT does not replace it by another: send its name and kind to change it, or \
             DELETE /fleet/{name}/v1/identity-providers/{} first",
            present.id.as_deref().unwrap_or_default()
        );
        Err(Error::invalid(fields).hint(hint).at(name))
    }

    /// Rejects a specification without a directory that the provider has. PUT would remove it, with its users, its groups and their
    /// roles; a new name without an id looks like this too.
    fn keeps_directories(&self, present: &FederatedIdentityProvider, spec: &FederatedIdentityProvider) -> Result<()> {
        let name = |directory: &LdapConfiguration| {
            let of =
                [&directory.name, &directory.ldap_configuration_id].map(|text| text.as_deref().unwrap_or("unknown"));
            format!("{} (ldapConfigurationId {})", excerpt(of[0]), excerpt(of[1]))
        };
        let names: Vec<_> = spec.lacking(present).into_iter().map(name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "lacks {}: a directory would be removed with its users, its groups and their roles",
            names.join(", ")
        );
        Err(Error::invalid(vec![FieldError::new("/provisioningConfig/ldapConfigurations", detail)])
            .hint("send all directories of the provider, a renamed one with its ldapConfigurationId; remove one in VCF Operations")
            .at(&self.target.settings.name))
    }

    /// Requires the secret of each configuration that changes. If VCF Operations keeps a secret that was not sent, a caller who does
    /// not know it could have it sent to a server of their choice.
    fn sends_changed_secrets(&self, spec: &FederatedIdentityProvider, outcome: &ChangeOutcome) -> Result<()> {
        let changes = |at: &str| {
            outcome.changes.iter().flatten().any(|change| lies_in(&change.pointer, at) || lies_in(at, &change.pointer))
        };
        let unsent = spec.missing_secrets().into_iter();
        let needed = unsent.filter(|secret| secret.receiver.iter().any(|at| changes(at)));
        let detail = "is missing; it is needed to change the configuration around it, so that a stored secret is sent to no other server";
        let fields: Vec<_> = needed.map(|secret| FieldError::new(secret.pointer, detail)).collect();
        if fields.is_empty() { Ok(()) } else { Err(Error::invalid(fields).at(&self.target.settings.name)) }
    }

    /// An id from a response, for a path.
    fn usable(&self, id: &str) -> Result<ResourceId> {
        ResourceId::parse("id", id).map_err(|_| {
            let detail = "VCF Operations lists an identity provider without a usable id";
            Error::new(ErrorCode::UpstreamInvalid, detail).at(&self.target.settings.name)
        })
    }

    /// Deletes an identity provider, and follows the deletion for at most `max_wait`. It is read first only for a `condition`.
    ///
    /// The task decides. Where its state is unknown or cannot be read (servers answered 500 for other tasks), the realms do:
    /// the deletion is over when none has the provider.
    ///
    /// # Errors
    /// `precondition_failed`; `upstream_failed` for a failed task; and those of the login and the calls.
    pub(crate) async fn delete_identity_provider(
        &self,
        id: &ResourceId,
        force: bool,
        condition: &Precondition,
        max_wait: Option<Duration>,
    ) -> Result<Deletion> {
        if condition.is_some() {
            let present = self.client.identity_provider(id).await?;
            self.check(condition, etag(&present).as_deref())?;
        }
        let task = self.client.delete_identity_provider(id, force).await?;
        let mut deletion = Deletion { id: id.as_str().to_owned(), deleted: false, task };
        let Some(max_wait) = max_wait else { return Ok(deletion) };
        let clock = self.out.runtime();
        let mut pauses = Pauses::new(clock, max_wait);
        let mut outcome = Ok(());
        while !deletion.deleted && pauses.next(clock, outcome.as_ref().map(|()| Duration::ZERO)).await {
            outcome = self.look_at(&mut deletion).await;
            if outcome.as_ref().is_err_and(|error| !error.is_retryable()) {
                return outcome.map(|()| deletion);
            }
        }
        Ok(deletion)
    }

    /// One look at a deletion.
    async fn look_at(&self, deletion: &mut Deletion) -> Result<()> {
        match self.task_status(deletion).await?.as_deref() {
            Some("COMPLETED") => deletion.deleted = true,
            Some("FAILED") => return Err(self.failed(&deletion.task)),
            Some("QUEUED" | "IN_PROGRESS") => {}
            _ => deletion.deleted = Realm::all_lack(&self.client.realms().await?, &deletion.id),
        }
        Ok(())
    }

    /// The task's state; `None` if the server's response does not show it.
    async fn task_status(&self, deletion: &mut Deletion) -> Result<Option<String>> {
        let Some(Ok(id)) = deletion.task.task_id.as_deref().map(|id| ResourceId::parse("taskId", id)) else {
            return Ok(None);
        };
        match self.client.task(&id).await {
            Ok(task) => {
                let task_id = deletion.task.task_id.take();
                deletion.task = IamTask { task_id, ..task };
                Ok(deletion.task.task_status.clone())
            }
            // Without a response, or without a login, the realms could not be read either.
            Err(error) if error.upstream_status().is_none() || error.code() == ErrorCode::UpstreamAuth => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn failed(&self, task: &IamTask) -> Error {
        let reason = |name: &str| task.error_details.as_ref()?.0.get(name)?.as_str().map(excerpt);
        let reasons: Vec<_> = [reason("errorCode"), reason("errorMessage")].into_iter().flatten().collect();
        let detail = match reasons.as_slice() {
            [] => "VCF Operations could not delete the identity provider and reports no reason".to_owned(),
            reasons => format!("VCF Operations could not delete the identity provider: {}", reasons.join(": ")),
        };
        Error::new(ErrorCode::UpstreamFailed, detail)
            .hint("look at the tasks and the realm's issues in VCF Operations; force=true also removes the components that use it")
            .not_retryable()
            .at(&self.target.settings.name)
    }

    /// The SCIM sync client of the provider's directory, without its secrets.
    ///
    /// # Errors
    /// `request_invalid` for a provider without such a directory; and those of the login and the calls.
    pub(crate) async fn sync_client(&self, provider: &ResourceId) -> Result<ScimSyncClient> {
        let directory = self.scim_directory(provider).await?;
        self.client.sync_client(provider, &directory).await
    }

    /// Makes a SCIM sync client with a token for the provider's directory.
    ///
    /// # Errors
    /// As [`sync_client`](Self::sync_client).
    pub(crate) async fn generate_sync_client(
        &self,
        provider: &ResourceId,
        ttl: Option<TokenTtl>,
    ) -> Result<ScimSyncClient> {
        let directory = self.scim_directory(provider).await?;
        self.client.generate_sync_client(provider, &directory, ttl).await
    }

    /// The id of the provider's only directory.
    async fn scim_directory(&self, provider: &ResourceId) -> Result<ResourceId> {
        let found = self.client.identity_provider(provider).await?;
        let directory = found.directories.iter().flatten().next();
        match directory.map(|directory| directory.id.as_deref()) {
            Some(Some(id)) => ResourceId::parse("the directory's id", id),
            Some(None) => {
                let detail = "VCF Operations shows the directory of this provider without its id";
                Err(Error::new(ErrorCode::UpstreamInvalid, detail))
            }
            None => {
                let kind = found.provision_type.as_deref().unwrap_or("unknown");
                let detail = format!("this provider has no directory for SCIM: its provisionType is {kind}");
                let error = Error::invalid(vec![FieldError::new("", detail)]);
                Err(error.hint("only a provider with the provisionType SCIM has a sync client"))
            }
        }
        .map_err(|error| error.at(&self.target.settings.name))
    }
}

/// Whether the value at the JSON Pointer `part` is the one at `whole`, or in it.
fn lies_in(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A message for a change without secrets, which the vendor's document declares optional.
fn unsent_secrets(spec: &FederatedIdentityProvider) -> Option<String> {
    let missing: Vec<_> = spec.missing_secrets().into_iter().map(|secret| secret.pointer).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "{} was not sent, and it is not documented whether VCF Operations keeps the present one: check that users can log in",
            missing.join(", ")
        )
    })
}
