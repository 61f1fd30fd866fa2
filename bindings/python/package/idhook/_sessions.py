"""The functions, with their types. A session is with vIDM, VCF Operations or SDDC Manager directly, or with an idhook server in front of
them: the functions, results and errors are the same."""

from __future__ import annotations

import abc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from ._errors import invalid
from ._json import read, write
from ._types import (
    ChangeOutcome,
    Directory,
    DryRun,
    FederatedIdentityProvider,
    FleetDirectory,
    FleetGroup,
    Group,
    IamTask,
    ProviderDeletion,
    RealmIdentityProviders,
    SamlMetadata,
    SamlMetadataContent,
    ScimSyncClient,
    Sync,
    SyncHistory,
    VidmHealth,
)



class _Session(abc.ABC):
    @abc.abstractmethod
    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]: ...

    def _call(self, function: str, progress: Callable[[Any], object] | None = None, /, **arguments: Any) -> Any:
        given = {key: write(value) for key, value in arguments.items() if value is not None}
        calls = self._begin(function, given)
        try:
            while True:
                state = next(calls)
                if progress is not None:
                    progress(state)
        except StopIteration as done:
            return done.value
        finally:
            calls.close()


def _options(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None and value is not False}


def _names(groups: Sequence[str]) -> list[str]:
    # A text is a sequence of texts too: its letters would be looked up as groups.
    if isinstance(groups, (str, bytes)):
        raise invalid("groups", "is a single text", "write a list: groups=[\"CN=gg-new,OU=Groups,DC=corp,DC=example\"]")
    return list(groups)


def _users(users: Sequence[str]) -> dict[str, Any]:
    if isinstance(users, (str, bytes)):
        raise invalid("users", "is a single text", "write a list: users=[\"ada@corp.example\"]")
    return {"users": list(users)} if users else {}


class SyncSession(_Session):
    """What a session with directory syncs has, whichever product it is with: :class:`VidmSession`, :class:`FleetSession`. *The target*
    is the one that the session is with.

    Every call raises :class:`IdhookError` if it fails. Threads may share a session; nothing has to be closed. In ``asyncio`` use
    ``await asyncio.to_thread(session.ensure_groups, …)``.

    A ``directory`` is an id, a name or one of the directory's domains. The last request of a wait may outlast the wait's ``timeout``:
    :class:`Timeouts` and :class:`Webhook` show by how much.
    """

    def start_sync(
        self, directory: str, groups: Sequence[str] = (), *, users: Sequence[str] = (), add_to_profile: bool = False
    ) -> Sync:
        """Starts a sync, or joins the next one, and returns at once. ``wait_for_sync(sync.id)`` goes on, in another process too.

        With ``groups`` (distinguished names, or ``name@domain``) or ``users`` (``name@domain``), ``succeeded`` means that the target
        has each of them.
        """
        return self._start(directory, groups, users, addToProfile=add_to_profile)

    def ensure_groups(
        self,
        directory: str,
        groups: Sequence[str],
        *,
        users: Sequence[str] = (),
        timeout: float = 600,
        add_to_profile: bool = False,
        on_progress: Callable[[Sync], object] | None = None,
    ) -> Sync:
        """Starts a sync or joins one, waits, and returns only if it succeeded and the target has each of the groups.

        Otherwise it raises :class:`IdhookError`: ``group_absent``, ``safeguard_tripped``, ``sync_failed``, or ``sync_timeout`` if the
        sync is not final after ``timeout`` seconds. Once the sync is started, the error's ``sync`` is its last known state.

        * ``groups``: distinguished names, or ``name@domain``.
        * ``users``: ``name@domain``; users that must be there too, else ``user_absent``.
        * ``add_to_profile``: first add the groups to the directory's sync profile, unless it selects them already.
        * ``on_progress``: receives the state right after the start, and then each change. What it raises ends the call.
        """
        return self._ensure_groups(directory, groups, users, timeout, on_progress, addToProfile=add_to_profile)

    def _start(self, directory: str, groups: Sequence[str], users: Sequence[str], **flags: bool) -> Sync:
        order = {"groups": _names(groups), **_users(users), **_options(**flags)}
        return read(Sync, self._call("startSync", directory=directory, order=order))

    def _ensure_groups(
        self,
        directory: str,
        groups: Sequence[str],
        users: Sequence[str],
        timeout: float,
        on_progress: Callable[[Sync], object] | None,
        **flags: bool,
    ) -> Sync:
        options = {"timeoutSeconds": timeout, **_users(users), **_options(**flags)}
        progress = None if on_progress is None else lambda state: on_progress(read(Sync, state))
        names = _names(groups)
        return read(Sync, self._call("ensureGroups", progress, directory=directory, groups=names, options=options))

    def sync(self, id: str) -> Sync:
        """The state of a started sync."""
        return read(Sync, self._call("sync", id=id))

    def wait_for_sync(self, id: str, *, timeout: int = 600) -> Sync:
        """The state of a started sync once it is final, or after ``timeout`` whole seconds. A failed sync is not an error here: see
        ``status``."""
        return read(Sync, self._call("waitForSync", id=id, options={"timeoutSeconds": timeout}))

    def watch_sync(self, id: str, *, timeout: int = 600) -> Iterator[Sync]:
        """Each change of a started sync, until it is final or ``timeout`` whole seconds are over."""
        calls = self._begin("watchSync", {"id": id, "options": {"timeoutSeconds": timeout}})
        try:
            for state in calls:
                yield read(Sync, state)
        finally:
            calls.close()

    def latest_sync(self, directory: str) -> Sync:
        """The state of the directory's latest sync, whoever started it. It has no ``id``."""
        return read(Sync, self._call("latestSync", directory=directory))

    def sync_history(self, directory: str) -> SyncHistory:
        """The directory's recent syncs, the newest first; ``not_found`` if this version of the product does not report them."""
        return read(SyncHistory, self._call("syncHistory", directory=directory))


class VidmSession(SyncSession):
    """A session with one vIDM (Workspace ONE Access) tenant. It logs in when it first has to, once for any number of calls.

    Every call raises :class:`IdhookError` if it fails. :class:`SyncSession` describes what is common to the products.
    """

    def directories(
        self, *, name: str | None = None, type: str | None = None, domain: str | None = None, syncable: bool | None = None
    ) -> list[Directory]:
        """The directories that fit; all of them without an argument. Case does not count."""
        filter = {"name": name, "type": type, "domain": domain, "syncable": syncable}
        return read(list[Directory], self._call("directories", filter=_present(filter)))

    def directory(self, directory: str) -> Directory:
        """One directory."""
        return read(Directory, self._call("directory", directory=directory))

    def start_sync(
        self,
        directory: str,
        groups: Sequence[str] = (),
        *,
        users: Sequence[str] = (),
        add_to_profile: bool = False,
        ignore_safeguards: bool = False,
    ) -> Sync:
        """As :meth:`SyncSession.start_sync`. ``ignore_safeguards``: run without the safeguards; a broken LDAP filter then deletes
        users."""
        return self._start(directory, groups, users, addToProfile=add_to_profile, ignoreSafeguards=ignore_safeguards)

    def ensure_groups(
        self,
        directory: str,
        groups: Sequence[str],
        *,
        users: Sequence[str] = (),
        timeout: float = 600,
        add_to_profile: bool = False,
        ignore_safeguards: bool = False,
        on_progress: Callable[[Sync], object] | None = None,
    ) -> Sync:
        """As :meth:`SyncSession.ensure_groups`. ``ignore_safeguards``: run without the safeguards; a broken LDAP filter then deletes
        users."""
        flags = {"addToProfile": add_to_profile, "ignoreSafeguards": ignore_safeguards}
        return self._ensure_groups(directory, groups, users, timeout, on_progress, **flags)

    def dry_run(self, directory: str, *, ignore_safeguards: bool = False) -> DryRun:
        """What a sync would change. Nothing is started. ``not_supported`` if this version of vIDM has no such call."""
        options = _options(ignoreSafeguards=ignore_safeguards)
        return read(DryRun, self._call("dryRun", directory=directory, options=options))

    def groups(self, name: str) -> list[Group]:
        """The groups of exactly this distinguished name, or of exactly this ``name@domain``."""
        return read(list[Group], self._call("groups", name=name))

    def health(self) -> VidmHealth:
        """vIDM's own health."""
        return read(VidmHealth, self._call("health"))


class FleetSession(SyncSession):
    """A session with one VCF Operations (VMware Cloud Foundation 9.1 and later): the LDAP directories of the identity broker, and the
    identity providers of VCF single sign-on. It logs in when it first has to, once for any number of calls.

    Every call raises :class:`IdhookError` if it fails. :class:`SyncSession` describes what is common to the products. VCF Operations
    has neither safeguards nor a dry run.
    """

    def directories(
        self, *, name: str | None = None, domain: str | None = None, realm: str | None = None, syncable: bool | None = None
    ) -> list[FleetDirectory]:
        """The directories of all realms that fit; all of them without an argument. Case does not count. ``realm`` is a name or id."""
        filter = {"name": name, "domain": domain, "realm": realm, "syncable": syncable}
        return read(list[FleetDirectory], self._call("directories", filter=_present(filter)))

    def directory(self, directory: str) -> FleetDirectory:
        """One directory."""
        return read(FleetDirectory, self._call("directory", directory=directory))

    def groups(self, name: str) -> list[FleetGroup]:
        """The groups of exactly this distinguished name, or of exactly this ``name@domain``, in every realm that may have them."""
        return read(list[FleetGroup], self._call("groups", name=name))

    def provision(self, directory: str, groups: Sequence[str]) -> Sync:
        """Brings groups into the broker by their distinguished names, without a sync. The result has no ``id``; its ``groups`` show which
        are there. ``not_supported`` before 9.1.1."""
        return read(Sync, self._call("provision", directory=directory, groups=_names(groups)))

    def identity_providers(self) -> RealmIdentityProviders:
        """Every realm with its identity provider, if it has one."""
        return read(RealmIdentityProviders, self._call("identityProviders"))

    def identity_provider(self, id: str) -> FederatedIdentityProvider:
        """One identity provider."""
        return read(FederatedIdentityProvider, self._call("identityProvider", id=id))

    def create_identity_provider(self, spec: FederatedIdentityProvider | Mapping[str, Any]) -> ChangeOutcome:
        """Creates the identity provider of a realm without one."""
        return read(ChangeOutcome, self._call("createIdentityProvider", spec=spec))

    def put_identity_provider(
        self,
        spec: FederatedIdentityProvider | Mapping[str, Any],
        *,
        force: bool = False,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> ChangeOutcome:
        """Makes the identity provider of the specified realm match ``spec``: creates it, changes it, or leaves it alone. ``force``,
        ``dry_run`` and ``if_match`` are those of :meth:`VcfSession.put_identity_provider`; outcomes have the ``etag``."""
        options = _options(force=force, dryRun=dry_run, ifMatch=if_match)
        return read(ChangeOutcome, self._call("putIdentityProvider", spec=spec, options=options))

    def delete_identity_provider(
        self, id: str, *, force: bool = False, timeout: int = 600, if_match: str | None = None
    ) -> ProviderDeletion:
        """Deletes an identity provider, and follows the deletion for at most ``timeout`` whole seconds; ``deleted`` shows whether it is
        complete. A server follows it for at most 20 s. ``force``: also remove the components that use the provider. ``if_match`` as in
        :meth:`put_identity_provider`."""
        options = {"timeoutSeconds": timeout, **_options(force=force, ifMatch=if_match)}
        return read(ProviderDeletion, self._call("deleteIdentityProvider", id=id, options=options))

    def task(self, id: str) -> IamTask:
        """The state of a deletion's task."""
        return read(IamTask, self._call("task", id=id))

    def sync_client(self, provider_id: str) -> ScimSyncClient:
        """The SCIM sync client of the provider's directory, without its secrets."""
        return read(ScimSyncClient, self._call("syncClient", providerId=provider_id))

    def generate_sync_client(self, provider_id: str, *, ttl_minutes: int | None = None) -> ScimSyncClient:
        """Makes a SCIM sync client with a token."""
        options = _options(ttlMinutes=ttl_minutes)
        return read(ScimSyncClient, self._call("generateSyncClient", providerId=provider_id, options=options))

    def validate_saml_metadata(self, spec: SamlMetadata | Mapping[str, Any]) -> SamlMetadataContent:
        """What the identity broker reads in SAML metadata; nothing is changed."""
        return read(SamlMetadataContent, self._call("validateSamlMetadata", spec=spec))


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
