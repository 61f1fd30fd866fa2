"""Sessions without a server: idhook runs inside this process."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ._errors import invalid
from ._http import context
from ._json import write
from ._sessions import FleetSession, VidmSession
from ._vcf_session import VcfSession


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long things may take, in seconds from 0.1 to 600."""

    connect: float | None = None
    """For a connection, TLS included; default 10."""
    first_byte: float | None = None
    """To the first byte of a response; default 30."""
    between_bytes: float | None = None
    """Between two pieces of a response; default 10."""
    operation: float | None = None
    """For a whole call with its login and its retries; default 25. A wait for a sync has its own timeout on top."""


def tls(ca: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """The TLS settings for this CA, or an error that names the setting."""
    try:
        return context(ca)
    except (OSError, ValueError, TypeError) as e:
        # Not `repr`: the text may be a key in the wrong place.
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        raise invalid("ca", f"is not a readable PEM file: {reason}", "write the path of a PEM file with the CA's certificate") from None


class Vidm(VidmSession):
    """A session with one vIDM (Workspace ONE Access) tenant, without a server: idhook runs inside this process, in wasmtime.

    One of three logins:

    * ``username`` and ``password``: a local administrator;
    * ``client_id`` and ``client_secret``: an OAuth client;
    * all four and ``domain``: an account of that domain.

    Other settings:

    * ``url``: ``https://host[:port]``, no path.
    * ``ca``: a PEM file, or its text. With it, exactly these CAs are trusted; without it, those of the system. Certificates are always
      verified.
    * ``tenant``: if it is in the path (``/SAAS/t/NAME``) and not in the host name.
    * ``log``: receives lines of log, for example ``print``.
    * ``authorization_scheme``, ``profile``, ``sync_api``, ``paths``, ``media_types``: for unusual versions of vIDM; see
      docs/reference/configuration.md.

    Raises :class:`IdhookError` with the code ``request_invalid`` at once, with everything that is wrong with the settings. Nothing is
    sent before the first call.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        domain: str | None = None,
        tenant: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        timeouts: Timeouts | None = None,
        log: Callable[[str], object] | None = None,
        authorization_scheme: Literal["hzn", "bearer"] | None = None,
        profile: Literal["horizon", "json"] | None = None,
        sync_api: Literal["auto", "classic", "v2"] | None = None,
        paths: Mapping[str, str] | None = None,
        media_types: Mapping[str, str] | None = None,
    ) -> None:
        from ._engine import Session

        settings = {
            "url": url,
            "username": username,
            "password": password,
            "clientId": client_id,
            "clientSecret": client_secret,
            "domain": domain,
            "tenant": tenant,
            "timeouts": timeouts,
            "authorizationScheme": authorization_scheme,
            "profile": profile,
            "syncApi": sync_api,
            "paths": paths,
            "mediaTypes": media_types,
        }
        self._url = url
        self._session = Session("vidm", _given(settings), tls(ca), log)

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        return self._session.call(name, arguments)

    def __repr__(self) -> str:
        return f"Vidm({self._url!r})"


class Fleet(FleetSession):
    """A session with one VCF Operations (VMware Cloud Foundation 9.1 and later), without a server: idhook runs inside this process, in
    wasmtime.

    One of two logins:

    * ``username`` and ``password``: an account of VCF Operations, vCenter or Active Directory, with ``auth_source``, the name of its
      source, if that is not the server's default. An account of VCF single sign-on needs an API token.
    * ``api_token``, with ``broker_url`` (``https://host[:port]``) if it is not the identity broker that VCF Operations names.

    For ``url``, ``ca``, ``timeouts`` and ``log`` see :class:`Vidm`. Raises :class:`IdhookError` with the code ``request_invalid`` at
    once, with everything that is wrong with the settings. Nothing is sent before the first call.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        auth_source: str | None = None,
        api_token: str | None = None,
        broker_url: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        timeouts: Timeouts | None = None,
        log: Callable[[str], object] | None = None,
    ) -> None:
        from ._engine import Session

        settings = {
            "url": url,
            "username": username,
            "password": password,
            "authSource": auth_source,
            "apiToken": api_token,
            "brokerUrl": broker_url,
            "timeouts": timeouts,
        }
        self._url = url
        self._session = Session("fleet", _given(settings), tls(ca), log)

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        return self._session.call(name, arguments)

    def __repr__(self) -> str:
        return f"Fleet({self._url!r})"


class Vcf(VcfSession):
    """A session with one SDDC Manager, without a server: idhook runs inside this process, in wasmtime.

    One of two logins: ``username``, which is ``user@domain``, and ``password``; or ``refresh_token``, the id of a refresh token, which
    works until it expires, about 24 hours. For ``url``, ``ca``, ``timeouts`` and ``log`` see :class:`Vidm`.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        *,
        refresh_token: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        timeouts: Timeouts | None = None,
        log: Callable[[str], object] | None = None,
    ) -> None:
        from ._engine import Session

        settings = {
            "url": url,
            "username": username,
            "password": password,
            "refreshToken": refresh_token,
            "timeouts": timeouts,
        }
        self._url = url
        self._session = Session("vcf", _given(settings), tls(ca), log)

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        return self._session.call(name, arguments)

    def __repr__(self) -> str:
        return f"Vcf({self._url!r})"


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = write({name: value for name, value in settings.items() if value is not None})
    return given
