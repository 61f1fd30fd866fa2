"""A Temporal activity: starts a sync of a vIDM directory at idhook and waits until it is final. The standard library is enough
beside `temporalio`.

Where     Register `sync_directory` with a worker, and call it from a workflow:

              state = await workflow.execute_activity(
                  sync_directory,
                  SyncOrder("https://idhook.example", "corp.example", groups=["CN=gg-new,OU=Groups,DC=corp,DC=example"]),
                  start_to_close_timeout=timedelta(minutes=15),
                  heartbeat_timeout=timedelta(minutes=1),
              )

Secret    IDHOOK_KEY in the worker's environment, never an argument: arguments stand in the workflow's history. Its scopes:
          vidm:read, vidm:sync.
Returns   the final state, as idhook tells it: status ("succeeded"), id, groups, counts.
Raises    ApplicationError with idhook's code as its type, and what to do about it; non-retryable where a retry cannot help.

Each heartbeat has the place of the sync: an activity that is tried again, on another worker too, goes on with that very sync and
starts no second one. Cancelled, it stops asking; vIDM goes on with a run that has begun.
"""

import asyncio
import dataclasses
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from temporalio import activity
from temporalio.exceptions import ApplicationError


@dataclasses.dataclass
class SyncOrder:
    url: str
    directory: str
    groups: list[str] = dataclasses.field(default_factory=list)
    add_to_profile: bool = False
    target: str = "default"


@activity.defn
async def sync_directory(order: SyncOrder) -> dict:
    place = next(iter(activity.info().heartbeat_details), None)
    if place is None:
        body = {"directory": order.directory, "groups": order.groups, "addToProfile": order.add_to_profile}
        # No `Prefer: wait` here: the sooner the place is known, the less can be lost.
        state = await call(order, f"/vidm/{urllib.parse.quote(order.target, safe='')}/v1/syncs", body)
        place = state["links"]["self"]
    while True:
        activity.heartbeat(place)
        # idhook holds the request until the sync is final, 20 s at most: less than the heartbeat timeout.
        state = await call(order, place)
        if state["status"] == "succeeded":
            return state
        if state["status"] == "failed":
            # The run is over: trying again would only read the same state. Whoever mends the cause starts the activity anew.
            message = " ".join(filter(None, [state.get("message"), state["hint"]]))
            raise ApplicationError(message, state, type=state["reason"], non_retryable=True)
        await asyncio.sleep(2)


async def call(order: SyncOrder, path: str, body: dict | None = None) -> dict:
    """One request, off the event loop: a POST where there is a body."""
    return await asyncio.to_thread(request, order.url.rstrip("/") + path, body)


def request(url: str, body: dict | None) -> dict:
    headers = {"Authorization": f"Bearer {os.environ['IDHOOK_KEY']}", "Content-Type": "application/json"}
    if body is None:
        headers["Prefer"] = "wait=20"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=40) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise problem(e) from None
    except OSError as e:
        # Temporal tries again, as its retry policy says.
        raise ApplicationError(f"idhook cannot be reached: {e}", type="unreachable") from None


def problem(response: urllib.error.HTTPError) -> ApplicationError:
    """A problem document (RFC 9457) as the error; a proxy's answer as it is."""
    text = response.read().decode(errors="replace")
    if response.headers.get_content_type() != "application/problem+json":
        return ApplicationError(f"idhook answered {response.status}: {text[:300]}", type="unreachable")
    told = json.loads(text)
    message = "; ".join(filter(None, [told["detail"], told.get("hint")]))
    return ApplicationError(message, told, type=told["code"], non_retryable=not told["retryable"])
