"""A Temporal activity: starts a sync of a directory of vIDM or VCF Operations at idhook, waits until it is final, and fails unless it
succeeded and every group is present. Needs `temporalio` and the standard library. README.md beside this file says how to use it.

Key       IDHOOK_KEY in the worker's environment, with the scopes vidm:read and vidm:sync (and vidm:profile for add_to_profile), or those
          of fleet for VCF Operations. Never an argument: arguments are part of the workflow's history.
Returns   the final state: status ("succeeded"), id, groups, counts.
Raises    ApplicationError with a code as its type (`sync_timeout` after `timeout` seconds), and what to do; non-retryable if a retry cannot
          help.

Each heartbeat carries the address of the sync: an activity that is retried, on another worker too, goes on with the same sync. A cancelled
activity stops asking; a sync that has begun goes on.
"""

import asyncio
import dataclasses
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError


@dataclasses.dataclass
class SyncOrder:
    url: str
    directory: str
    groups: list[str] = dataclasses.field(default_factory=list)
    add_to_profile: bool = False
    target: str = "default"  # a vIDM target by name, or fleet/NAME for VCF Operations
    timeout: float = 600  # seconds for one attempt; keep it below start_to_close_timeout


@activity.defn
async def sync_directory(order: SyncOrder) -> dict:
    if isinstance(order.groups, str):
        order = dataclasses.replace(order, groups=[order.groups])
    ends = time.monotonic() + order.timeout
    place = next(iter(activity.info().heartbeat_details), None)
    if place is None:
        body = {"directory": order.directory, "groups": order.groups}
        if order.add_to_profile:
            body["addToProfile"] = True
        # No `Prefer: wait` here: the address must be known early, so that a retry finds the sync.
        kind, name = ["vidm", *order.target.split("/")][-2:]
        syncs = f"/{urllib.parse.quote(kind, safe='')}/{urllib.parse.quote(name, safe='')}/v1/syncs"
        state = await call(order, syncs, 0, body)
        place = f"{syncs}/{state['id']}"
    while True:
        activity.heartbeat(place)
        # idhook holds the request until the sync is final, 20 s at most. With its time limit and the pause below a round takes 70 s at most:
        # less than the heartbeat timeout.
        state = await call(order, place, max(0, min(20, int(ends - time.monotonic()))))
        if state["status"] == "succeeded":
            return proven(order, state)
        if state["status"] == "failed":
            # Non-retryable: a retry would read the same state.
            raise failure(state["reason"], "the sync failed", state)
        left = ends - time.monotonic()
        if left <= 0:
            raise failure("sync_timeout", f"the sync is still {state['status']} after {order.timeout} s", state)
        await asyncio.sleep(min(state.get("retryAfter") or 2, 20, left))


def proven(order: SyncOrder, state: dict) -> dict:
    """The state, if every group of the order is present."""
    present = {group["requested"] for group in state.get("groups", []) if group["state"] == "present"}
    absent = [name for name in order.groups if name not in present]
    if absent:
        raise failure("group_absent", f"the sync succeeded, but these groups are absent: {', '.join(absent)}", state)
    return state


def failure(code: str, happened: str, state: dict) -> ApplicationError:
    message = ": ".join(filter(None, [happened, state.get("message"), state.get("hint")]))
    return ApplicationError(message, state, type=code, non_retryable=True)


async def call(order: SyncOrder, path: str, wait: int, body: dict | None = None) -> dict:
    """One request, outside the event loop; a POST if there is a body."""
    return await asyncio.to_thread(request, order.url.rstrip("/") + path, wait, body)


def request(url: str, wait: int, body: dict | None) -> dict:
    # A key from a file often ends in a line break.
    key = os.environ.get("IDHOOK_KEY", "").strip()
    if not re.fullmatch("[!-~]+", key):
        # Without the key: this text is part of the workflow's history.
        raise ApplicationError("IDHOOK_KEY of the worker is not set, or has blanks or line breaks in it", type="no_key", non_retryable=True)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if wait:
        headers["Prefer"] = f"wait={wait}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with opener().open(urllib.request.Request(url, data, headers), timeout=wait + 30) as response:
            answer = response.read()
    except urllib.error.HTTPError as e:
        raise problem(e) from None
    except (OSError, http.client.HTTPException) as e:
        # Temporal retries, as its retry policy says.
        raise ApplicationError(f"idhook cannot be reached: {e!r}", type="unreachable") from None
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not {"id", "status"} <= found.keys():
        message = f"the answer is not idhook's: {answer[:300].decode(errors='replace')}; check the url"
        raise ApplicationError(message, type="unreachable") from None
    return found


def opener():
    """Not made when this file is imported: Temporal's sandbox imports it for a workflow, and allows no use of `urllib.request` there."""

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        """A redirect would take the key elsewhere."""

        def redirect_request(self, *_):
            return None

    return urllib.request.build_opener(NoRedirects)


def problem(response) -> ApplicationError:
    """The error for a problem document (RFC 9457), retried no sooner than it says, or for the answer of a proxy."""
    text = response.read().decode(errors="replace")
    given = response.headers.get("Retry-After", "")
    delay = timedelta(seconds=int(given)) if given.isdecimal() else None
    if 300 <= response.status < 400:
        message = f"idhook's address redirects to {response.headers.get('Location')}: use that address"
        return ApplicationError(message, type="redirected", non_retryable=True)
    if response.headers.get_content_type() != "application/problem+json":
        message = f"idhook returned {response.status}: {text[:300]}"
        return ApplicationError(message, type="unreachable", next_retry_delay=delay)
    found = json.loads(text)
    fields = [f"{error['pointer']}: {error['detail']}" for error in found.get("errors", [])]
    # The detail names a single field itself.
    message = "; ".join(filter(None, [found["detail"], *(fields if len(fields) > 1 else []), found.get("hint")]))
    return ApplicationError(message, found, type=found["code"], non_retryable=not found["retryable"], next_retry_delay=delay)
