"""The functions of a session with SDDC Manager, with their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ._json import read
from ._sessions import _options, _Session
from ._types import (
    Applied,
    ApplySpec,
    ChangeOutcome,
    IdentityProvider,
    IdentityProviders,
    IdentityProviderSpec,
    IdentitySourceSpec,
    NewCertificates,
    NewClientSecret,
    NewCredentials,
    PrecheckResult,
    SddcManagerOidc,
    SyncClientToken,
)


class VcfSession(_Session):
    """A session with one SDDC Manager (VMware Cloud Foundation 4.5 to 9.x): its identity providers and their identity sources.

    Every call raises :class:`IdhookError` if it fails. A specification is checked before anything is sent; the error lists everything
    that is wrong with it. Specifications may also be mappings under the vendor's own names.
    """

    def identity_providers(self) -> IdentityProviders:
        """All identity providers; the embedded one with its identity sources is among them."""
        return read(IdentityProviders, self._call("identityProviders"))

    def identity_provider(self, id: str) -> IdentityProvider:
        """One identity provider."""
        return read(IdentityProvider, self._call("identityProvider", id=id))

    def add_identity_provider(self, spec: IdentityProviderSpec | Mapping[str, Any]) -> ChangeOutcome:
        """Adds an external identity provider. There can be only one."""
        return read(ChangeOutcome, self._call("addIdentityProvider", spec=spec))

    def put_identity_provider(
        self,
        spec: IdentityProviderSpec | Mapping[str, Any],
        *,
        force: bool = False,
        dry_run: bool = False,
        replace: bool = False,
        confirm: str | None = None,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Makes the external identity provider match ``spec``: adds it, changes it, or leaves it alone.

        * ``force``: change it although nothing differs; for a new password, which cannot be compared.
        * ``dry_run``: change nothing, and return what would be done.
        * ``replace``: delete the external provider that has another name or kind, and add this one. ``confirm`` is the name of the
          provider that is deleted. ``removed`` of the result lists what disappears with it.
        * ``if_match``: the ``etag`` that the provider must still have, or ``"*"`` if it must only exist; otherwise
          ``precondition_failed``, and nothing is changed.
        """
        options = _options(force=force, dryRun=dry_run, replace=replace, confirm=confirm, ifMatch=if_match)
        return read(ChangeOutcome, self._call("putIdentityProvider", spec=spec, options=options))

    def update_identity_provider(
        self, id: str, spec: IdentityProviderSpec | Mapping[str, Any], *, if_match: str | None = None
    ) -> None:
        """Changes an external identity provider; ``spec`` is the whole of it, secrets included. ``if_match`` as in
        :meth:`put_identity_provider`."""
        self._call("updateIdentityProvider", id=id, spec=spec, options=_options(ifMatch=if_match))

    def delete_identity_provider(
        self, id: str, *, absent: Literal["ok"] | None = None, if_match: str | None = None
    ) -> ChangeOutcome | None:
        """Deletes an external identity provider, and returns ``None``. With ``absent="ok"`` a provider that does not exist is no error,
        but an outcome. ``if_match`` as in :meth:`put_identity_provider`."""
        options = _options(absent=absent, ifMatch=if_match)
        return read(ChangeOutcome, self._call("deleteIdentityProvider", id=id, options=options))

    def add_identity_source(self, provider_id: str, spec: IdentitySourceSpec | Mapping[str, Any]) -> ChangeOutcome:
        """Adds an identity source to the embedded provider; its id is in the list of providers."""
        return read(ChangeOutcome, self._call("addIdentitySource", providerId=provider_id, spec=spec))

    def put_identity_source(
        self,
        provider_id: str,
        domain_name: str,
        spec: IdentitySourceSpec | Mapping[str, Any],
        *,
        force: bool = False,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Makes the identity source of this domain match ``spec``; as :meth:`put_identity_provider`."""
        options = _options(force=force, dryRun=dry_run, ifMatch=if_match)
        given = {"providerId": provider_id, "domainName": domain_name, "spec": spec, "options": options}
        return read(ChangeOutcome, self._call("putIdentitySource", **given))

    def apply(
        self,
        spec: ApplySpec | Mapping[str, Any],
        *,
        force: bool = False,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> Applied:
        """Does a whole job: precheck, identity source or external provider, verification, roles of groups. The options are those of
        :meth:`put_identity_provider`.

        A second call with the same ``spec`` continues a job that failed; ``steps`` of the error has what is done."""
        options = _options(force=force, dryRun=dry_run, ifMatch=if_match)
        return read(Applied, self._call("apply", spec=spec, options=options))

    def update_identity_source(
        self,
        provider_id: str,
        domain_name: str,
        spec: IdentitySourceSpec | Mapping[str, Any],
        *,
        if_match: str | None = None,
    ) -> None:
        """Changes the identity source of this domain; ``spec`` is the whole of it, its password included. ``if_match`` as in
        :meth:`put_identity_provider`."""
        options = _options(ifMatch=if_match)
        given = {"providerId": provider_id, "domainName": domain_name, "spec": spec, "options": options}
        self._call("updateIdentitySource", **given)

    def delete_identity_source(
        self, provider_id: str, domain_name: str, *, absent: Literal["ok"] | None = None, if_match: str | None = None
    ) -> ChangeOutcome | None:
        """Deletes the identity source of this domain; as :meth:`delete_identity_provider`."""
        options = _options(absent=absent, ifMatch=if_match)
        given = {"providerId": provider_id, "domainName": domain_name, "options": options}
        return read(ChangeOutcome, self._call("deleteIdentitySource", **given))

    def set_identity_source_credentials(
        self,
        provider_id: str,
        domain_name: str,
        spec: NewCredentials | Mapping[str, Any],
        *,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Sets the bind password of this domain's identity source, and optionally another account; the rest stays."""
        return self._set_part("setIdentitySourceCredentials", provider_id, domain_name, spec, dry_run, if_match)

    def set_identity_source_certificates(
        self,
        provider_id: str,
        domain_name: str,
        spec: NewCertificates | Mapping[str, Any],
        *,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Sets the certificates of this domain's identity source; ``keep`` keeps the present ones beside them."""
        return self._set_part("setIdentitySourceCertificates", provider_id, domain_name, spec, dry_run, if_match)

    def _set_part(
        self, name: str, provider_id: str, domain_name: str, spec: Any, dry_run: bool, if_match: str | None
    ) -> ChangeOutcome:
        options = _options(dryRun=dry_run, ifMatch=if_match)
        given = {"providerId": provider_id, "domainName": domain_name, "spec": spec, "options": options}
        return read(ChangeOutcome, self._call(name, **given))

    def set_client_secret(
        self,
        provider_id: str,
        spec: NewClientSecret | Mapping[str, Any],
        *,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Sets the client secret of the external identity provider; the rest stays."""
        options = _options(dryRun=dry_run, ifMatch=if_match)
        return read(ChangeOutcome, self._call("setClientSecret", providerId=provider_id, spec=spec, options=options))

    def generate_sync_client_token(self, provider_id: str, *, ttl_seconds: int | None = None) -> SyncClientToken:
        """Makes a new SCIM token for a federated provider, which ends the former one. VCF 5.1 and later."""
        options = _options(ttlSeconds=ttl_seconds)
        return read(SyncClientToken, self._call("generateSyncClientToken", providerId=provider_id, options=options))

    def prechecks(self, type: str | None = None) -> PrecheckResult:
        """Whether the identity provider may be changed, to one of this type. VCF 5.1 and later."""
        return read(PrecheckResult, self._call("prechecks", type=type))

    def sddc_manager_oidc(self) -> SddcManagerOidc:
        """SDDC Manager's own OpenID Connect client. VCF 5.2 and later."""
        return read(SddcManagerOidc, self._call("sddcManagerOidc"))
