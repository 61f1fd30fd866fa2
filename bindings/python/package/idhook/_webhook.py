"""Sessions with an idhook server, over the standard library alone."""

from __future__ import annotations

import email.utils
import json
import os
import ssl
import time
import urllib.parse
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ._embedded import tls
from ._errors import IdhookError, invalid, whole
from ._http import Exchange, Limits, Response, TransportError
from ._sessions import FleetSession, SyncSession, VidmSession
from ._vcf_session import VcfSession

# Seconds that the server may hold one request. Proxies in between often end a request after 60 s.
HOLD = 20
# Seconds for a whole request that is not held, from the look-up of the server's name to the last byte of the response. By default the
# server's own calls have 25 s.
ANSWER = 40.0
# The longest pause between two looks at a sync, in seconds.
LONGEST_PAUSE = 60.0
MAX_BODY = 16 << 20


class Webhook:
    """An idhook server and a key for it. Needs the standard library alone.

    * ``url``: ``https://host[:port]``, and a path if a proxy serves idhook below one.
    * ``key``: an API key, as ``cargo xtask key`` makes it.
    * ``ca``: a PEM file, or its text. With it, exactly these CAs are trusted; without it, those of the system. Certificates are always
      verified.

    A request ends within 40 s, however slowly the server sends its response. While a sync or a deletion runs, the server may hold a
    request for up to 20 s more, but not beyond the ``timeout`` of the call. So a request outlasts what is left of that by at most 40 s. A
    request that does not end in time is ``webhook_unreachable``.
    """

    def __init__(self, url: str, key: str, *, ca: str | os.PathLike[str] | None = None) -> None:
        if not isinstance(url, str):
            raise invalid("url", "is not a text")
        parts = urllib.parse.urlsplit(url.strip())
        try:
            is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_valid = False
        if not is_valid:
            raise invalid("url", "is not an http or https URL", "write https://host or https://host:port")
        if parts.username is not None or parts.query or parts.fragment:
            raise invalid("url", "holds a user name, a query or a fragment", "write https://host; the key is a setting of its own")
        if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or key != key.strip():
            raise invalid("key", "is empty, or holds blanks or other characters that no key has", "write the key as it was shown")
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._key = key
        self._tls: ssl.SSLContext = tls(ca)

    def vidm(self, target: str = "default") -> VidmSession:
        """vIDM behind the server; ``target`` is its name in the server's configuration."""
        return _Vidm(self, target)

    def fleet(self, target: str = "default") -> FleetSession:
        """VCF Operations behind the server; ``target`` is its name in the server's configuration."""
        return _Fleet(self, target)

    def vcf(self, target: str = "default") -> VcfSession:
        """SDDC Manager behind the server; ``target`` is its name in the server's configuration."""
        return _Vcf(self, target)

    def __repr__(self) -> str:
        return f"Webhook({self._base!r})"

    def _request(self, route: _Route, wait: int = 0) -> Any:
        headers = [("Accept", "application/json"), ("Authorization", f"Bearer {self._key}"), ("User-Agent", "idhook-python")]
        body = b""
        if wait:
            headers.append(("Prefer", f"wait={wait}"))
        if route.if_match is not None:
            headers.append(("If-Match", route.if_match))
        if route.body is not None:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(route.body).encode()
        limit = ANSWER + wait
        limits = Limits(first_byte=limit, between_bytes=limit, max_body=MAX_BODY)
        try:
            response = Exchange(self._tls).send_within(limit, route.method, self._base + route.path, headers, body, limits)
        except TransportError as e:
            raise _unreachable(e) from None
        if response.status >= 300:
            raise _problem(response)
        document = _document(response)
        if not route.is_answer(document):
            raise _foreign(response)
        return document


def _is_object(document: Any) -> bool:
    """Whether an answer is one: a JSON object, or nothing with status 204."""
    return document is None or isinstance(document, dict)


def _is_sync(document: Any) -> bool:
    """Whether it has what a wait reads of a sync's state."""
    if not isinstance(document, dict) or not isinstance(document.get("directory"), dict):
        return False
    proofs = [document.get(kind, []) for kind in ("groups", "users")]
    return (
        all(isinstance(text, str) for text in (document.get("id"), document.get("status"), document["directory"].get("id")))
        and all(isinstance(kind, list) for kind in proofs)
        and all(isinstance(proof, dict) and isinstance(proof.get("requested"), str) for kind in proofs for proof in kind)
    )


def _has_list(name: str) -> Callable[[Any], bool]:
    return lambda document: isinstance(document, dict) and isinstance(document.get(name), list)


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    body: Any = None
    if_match: str | None = None
    # Whether a document is this route's answer, and not that of something else at the same address.
    is_answer: Callable[[Any], bool] = _is_object


class _Syncs(SyncSession):
    """Syncs behind a server: the routes are the same for every product."""

    _kind: str
    _product: str

    def __init__(self, webhook: Webhook, target: str) -> None:
        self._webhook = webhook
        self._base = f"/{self._kind}/{_segment(target)}/v1"

    def __repr__(self) -> str:
        return f"{self._webhook!r}.{self._kind}({urllib.parse.unquote(self._base.split('/')[2])!r})"

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        if name == "ensureGroups":
            return (yield from self._ensure(arguments["directory"], arguments["groups"], dict(arguments["options"])))
        if name in ("waitForSync", "watchSync"):
            return (yield from self._watch(arguments["id"], arguments["options"]["timeoutSeconds"], name == "watchSync"))
        found = self._webhook._request(self._route(name, arguments))
        return found[name] if name in ("directories", "groups") else found

    def _route(self, name: str, given: dict[str, Any]) -> _Route:
        directory = f"{self._base}/directories/{_segment(given['directory'])}" if "directory" in given else ""
        if name == "directories":
            return _Route("GET", f"{self._base}/directories{_query(given['filter'])}", is_answer=_has_list(name))
        if name == "directory":
            return _Route("GET", directory)
        if name == "startSync":
            return self._start_route({"directory": given["directory"], **given["order"]})
        if name == "sync":
            return self._state_route(given["id"])
        if name == "latestSync":
            return _Route("GET", f"{directory}/sync")
        if name == "syncHistory":
            return _Route("GET", f"{directory}/syncs")
        if name == "dryRun":
            order = {"directory": given["directory"], "dryRun": True, **given["options"]}
            return _Route("POST", f"{self._base}/syncs", order)
        if name == "groups":
            # An equals sign is in every distinguished name and in no `name@domain` of use.
            kind = "dn" if "=" in given["name"] else "name"
            return _Route("GET", f"{self._base}/groups{_query({kind: given['name']})}", is_answer=_has_list(name))
        return _Route("GET", f"{self._base}/health")

    def _start_route(self, order: dict[str, Any]) -> _Route:
        return _Route("POST", f"{self._base}/syncs", order, is_answer=_is_sync)

    def _state_route(self, id: str) -> _Route:
        return _Route("GET", f"{self._base}/syncs/{_segment(id)}", is_answer=_is_sync)

    def _watch(self, id: str, timeout: float, changes: bool) -> Generator[Any, None, Any]:
        """The state of a sync once it is final or the time is up. What may pass is waited out; what lasts to the end is raised."""
        ends = time.monotonic() + timeout
        seen: Any = None
        while True:
            failure: IdhookError | None = None
            pause: float = 2
            try:
                state = self._webhook._request(self._state_route(id), _hold(ends))
            except IdhookError as e:
                if not e.retryable:
                    raise
                failure, pause = e, e.retry_after or pause
            else:
                pause = whole(state.get("retryAfter")) or pause
                if changes and state != seen:
                    yield state
                seen = state
                if state["status"] in ("succeeded", "failed"):
                    return state
            left = ends - time.monotonic()
            if left <= 0:
                if failure is not None:
                    raise failure
                return seen
            time.sleep(min(pause, left, LONGEST_PAUSE))

    def _ensure(self, directory: str, groups: list[str], options: dict[str, Any]) -> Generator[Any, None, Any]:
        timeout = options.pop("timeoutSeconds")
        if not isinstance(timeout, (int, float)) or not 0 <= timeout <= 86400:
            raise invalid("timeout", "is not a number of seconds from 0 to 86400")
        if not groups or not _are_names(groups):
            raise invalid("groups", "is empty, or holds a blank name", "write distinguished names, or name@domain")
        if not _are_names(options.get("users", [])):
            raise invalid("users", "holds a blank name", "write name@domain")
        ends = time.monotonic() + timeout
        last = self._webhook._request(self._start_route({"directory": directory, "groups": groups, **options}))
        yield last
        try:
            watch = self._watch(last["id"], max(ends - time.monotonic(), 0), True)
            for state in watch:
                last = state
                yield state
        except IdhookError as e:
            raise _with_sync(e, last) from None
        error = _verdict(last, groups, options.get("users", []), timeout, self._product)
        if error is not None:
            raise IdhookError({**error, "sync": last})
        return last


class _Vidm(_Syncs, VidmSession):
    _kind = "vidm"
    _product = "vIDM"


class _Fleet(_Syncs, FleetSession):
    _kind = "fleet"
    _product = "VCF Operations"

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        if name != "deleteIdentityProvider":
            return (yield from super()._begin(name, arguments))
        options = dict(arguments["options"])
        wait = max(0, min(HOLD, options.pop("timeoutSeconds")))
        return self._webhook._request(self._route(name, {**arguments, "options": options}), wait)

    def _route(self, name: str, given: dict[str, Any]) -> _Route:
        providers = f"{self._base}/identity-providers"
        named = next((given[name] for name in ("id", "providerId") if name in given), None)
        one = f"{providers}/{_segment(named)}" if named is not None else ""
        options, if_match = _condition(given)
        spec = given.get("spec")
        lifetime = _query({"tokenTtl": options["ttlMinutes"]}) if "ttlMinutes" in options else ""
        routes: Mapping[str, _Route] = {
            "identityProviders": _Route("GET", providers),
            "identityProvider": _Route("GET", one),
            "createIdentityProvider": _Route("POST", providers, spec),
            "putIdentityProvider": _Route("PUT", providers + _query(options), spec),
            "deleteIdentityProvider": _Route("DELETE", one + _query(options)),
            "syncClient": _Route("GET", f"{one}/sync-client"),
            "generateSyncClient": _Route("POST", f"{one}/sync-client{lifetime}"),
            "validateSamlMetadata": _Route("POST", f"{self._base}/saml-metadata/validate", spec),
        }
        if name == "provision":
            order = {"directory": given["directory"], "groups": given["groups"], "provision": True}
            return _Route("POST", f"{self._base}/syncs", order)
        if name == "task":
            return _Route("GET", f"{self._base}/tasks/{_segment(given['id'])}")
        return replace(routes[name], if_match=if_match) if name in routes else super()._route(name, given)


class _Vcf(VcfSession):
    def __init__(self, webhook: Webhook, target: str) -> None:
        self._webhook = webhook
        self._base = f"/vcf/{_segment(target)}/v1"

    def __repr__(self) -> str:
        return f"{self._webhook!r}.vcf({urllib.parse.unquote(self._base.split('/')[2])!r})"

    def _begin(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        yield from ()
        return self._webhook._request(self._route(name, arguments))

    def _route(self, name: str, given: dict[str, Any]) -> _Route:
        providers = f"{self._base}/identity-providers"
        named = next((given[name] for name in ("id", "providerId") if name in given), None)
        provider = f"{providers}/{_segment(named)}" if named is not None else ""
        sources = f"{provider}/identity-sources"
        source = f"{sources}/{_segment(given['domainName'])}" if "domainName" in given else ""
        choices, if_match = _condition(given)
        options, spec = _query(choices), given.get("spec")
        routes: Mapping[str, _Route] = {
            "identityProviders": _Route("GET", providers),
            "identityProvider": _Route("GET", provider),
            "addIdentityProvider": _Route("POST", providers, spec),
            "putIdentityProvider": _Route("PUT", providers + options, spec),
            "updateIdentityProvider": _Route("PATCH", provider, spec),
            "deleteIdentityProvider": _Route("DELETE", provider + options),
            "addIdentitySource": _Route("POST", sources, spec),
            "putIdentitySource": _Route("PUT", source + options, spec),
            "updateIdentitySource": _Route("PATCH", source, spec),
            "deleteIdentitySource": _Route("DELETE", source + options),
            "setIdentitySourceCredentials": _Route("POST", f"{source}/credentials{options}", spec),
            "setIdentitySourceCertificates": _Route("POST", f"{source}/certificates{options}", spec),
            "setClientSecret": _Route("POST", f"{provider}/client-secret{options}", spec),
            "apply": _Route("POST", f"{self._base}/apply{options}", spec),
            "generateSyncClientToken": _Route("POST", f"{provider}/sync-client{_lifetime(choices)}"),
            "prechecks": _Route("GET", f"{self._base}/identity-broker/prechecks{_query(given)}"),
            "sddcManagerOidc": _Route("GET", f"{self._base}/identity-broker/sddc-manager-oidc"),
        }
        return replace(routes[name], if_match=if_match)


def _condition(given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The options of a change without its condition, and the condition, which is a header."""
    options = dict(given.get("options", {}))
    if_match = options.pop("ifMatch", None)
    if if_match is not None and not (isinstance(if_match, str) and if_match.isascii() and if_match.isprintable()):
        raise invalid("ifMatch", "must be * or an ETag in its quotes, as idhook returned it")
    return options, if_match


def _lifetime(options: dict[str, Any]) -> str:
    return _query({"syncClientTokenTTL": options["ttlSeconds"]}) if "ttlSeconds" in options else ""


def _segment(text: str) -> str:
    """A path segment. A single or double dot would be another path."""
    if not isinstance(text, str) or text in ("", ".", ".."):
        raise invalid("name", "is empty, or is not a name")
    return urllib.parse.quote(text, safe="")


def _query(given: Mapping[str, Any]) -> str:
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return f"?{urllib.parse.urlencode(texts)}" if texts else ""


def _hold(ends: float) -> int:
    return max(0, min(HOLD, int(ends - time.monotonic())))


def _document(response: Response) -> Any:
    if response.status == 204:
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise _foreign(response) from None


def _header(response: Response, name: str) -> str:
    return next((value for key, value in response.headers if key.lower() == name), "")


def _problem(response: Response) -> IdhookError:
    if not _header(response, "content-type").startswith("application/problem+json"):
        return _foreign(response)
    try:
        problem = json.loads(response.body)
    except (ValueError, RecursionError):
        return _foreign(response)
    is_problem = isinstance(problem, dict) and all(isinstance(problem.get(name), str) for name in ("code", "detail"))
    return IdhookError(problem) if is_problem else _foreign(response)


def _foreign(response: Response) -> IdhookError:
    """An answer that is not idhook's: a proxy's, or another server's."""
    retry_after = _seconds(_header(response, "retry-after"))
    problem: dict[str, Any] = {
        "code": "webhook_invalid",
        "title": "The answer is not idhook's",
        "status": response.status,
        "detail": f"{response.status}: {response.body[:300].decode(errors='replace')}",
        "hint": "check the URL; if it is right, a proxy in front of idhook answers in its place",
        "retryable": response.status in (429, 502, 503, 504),
    }
    return IdhookError({**problem, "retryAfter": retry_after} if retry_after is not None else problem)


def _seconds(given: str) -> int | None:
    """``Retry-After``: seconds or a date. Anybody may have written it."""
    try:
        return int(given) if given.isdecimal() else max(0, int(email.utils.parsedate_to_datetime(given).timestamp() - time.time()))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unreachable(e: TransportError) -> IdhookError:
    problem = {"title": "The webhook cannot be reached", "status": 502, "detail": f"idhook cannot be reached: {e.detail}"}
    if e.kind == "tls":
        hint = "if the certificate comes from a private CA, pass ca=\"corp-ca.pem\", a PEM file with the CA's certificate"
        return IdhookError({**problem, "code": "webhook_tls", "retryable": False, "hint": hint})
    hint = "check the URL, and that the server is running: GET /healthz"
    return IdhookError({**problem, "code": "webhook_unreachable", "retryable": True, "hint": hint})


def _with_sync(e: IdhookError, state: Any) -> IdhookError:
    from ._json import read
    from ._types import Sync

    e.sync = read(Sync, state)
    return e


def _are_names(names: list[Any]) -> bool:
    return all(isinstance(name, str) and name.strip() for name in names)


def _missing(names: list[str], proofs: list[dict[str, Any]]) -> list[str]:
    """Those of the names that the proofs do not prove."""
    present = {proof["requested"] for proof in proofs if proof.get("state") == "present"}
    return [name for name in names if name not in present]


def _verdict(
    state: dict[str, Any], groups: list[str], users: list[str], timeout: float, product: str
) -> dict[str, Any] | None:
    """Why a sync did not ensure the groups and users, with the codes and texts of `operations::failure`; ``None`` if it did."""
    directory = state["directory"].get("name") or state["directory"]["id"]
    message = f": {state['message']}" if state.get("message") else ""
    status, reason = state["status"], state.get("reason")
    hint = state.get("hint")
    retryable = False
    if status == "succeeded" or reason in ("group_absent", "user_absent"):
        missing, missing_users = _missing(groups, state.get("groups", [])), _missing(users, state.get("users", []))
        if not missing and not missing_users and status == "succeeded":
            return None
        kind = "group" if missing or reason == "group_absent" else "user"
        code, title, http = f"{kind}_absent", f"A requested {kind} is absent", 409
        detail = f"the sync of {directory} succeeded, but {product} does not have {', '.join(missing or missing_users)}"
        hint = hint or f"check that the {kind} is below a base DN that the directory's sync profile selects"
    elif reason == "safeguard_tripped":
        code, title, http = "safeguard_tripped", "The safeguards stopped the sync", 409
        detail = f"the safeguards stopped the sync of {directory}{message}"
    elif status == "failed":
        code, title, http = "sync_failed", "The sync failed", 502
        detail = f"the sync of {directory} failed{message}"
    else:
        code, title, http, retryable = "sync_timeout", "The sync did not end in time", 504, True
        detail = f"the sync of {directory} is still {status} after {timeout:g} s{message}"
        hint = hint or "the sync goes on: wait for it by its id (sync.id), or allow more time"
    problem = {"code": code, "title": title, "status": http, "detail": detail, "retryable": retryable}
    return {**problem, "hint": hint} if hint else problem
