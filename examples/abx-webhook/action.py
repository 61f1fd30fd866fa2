# An ABX action for Aria Automation, Python: starts a sync at idhook, waits until it is final, and fails unless it succeeded and vIDM
# has every group that was asked for. The standard library is enough.
#
# Where     Assembler, Extensibility, Actions: a new action, "Write script", Python, main function `handler`, timeout 180 s or more.
# Inputs    idhookUrl       https://idhook.example
#           idhookKey       a secret of the project, or an action constant: tick "Secret"; its scopes: vidm:read, vidm:sync
#           idhookTarget    optional; `default`
#           timeoutSeconds  optional; 150. Keep it 30 s below the action's timeout
#           directory       id, name or domain
#           groups          optional: groups that must be in vIDM in the end, as DN or name@domain
#           addToProfile    optional: first add those groups (DNs) to the directory's sync profile; needs the scope vidm:profile,
#                           and to be an input: idhook does not take it from `customProperties`
#           idhook itself reads directory and groups from `customProperties` where they are not inputs: an event's payload can be
#           passed on as it is, so the action can be bound to a subscription.
# Outputs   status ("succeeded"), id, directory, groups
# Fails     with idhook's code, what happened, and what to do about it.

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 150  # seconds for all of it
WAIT = 20  # seconds that idhook may hold one request; keep it below the timeouts of proxies


class Problem(Exception):
    """What idhook, or what stands between, answered instead of a state."""

    def __init__(self, text, retryable=False, retry_after=None):
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after


def handler(context, inputs):
    order = dict(inputs)
    idhook = order.pop("idhookUrl").rstrip("/")
    key = context.getSecret(order.pop("idhookKey"))
    target = urllib.parse.quote(order.pop("idhookTarget", None) or "default", safe="")
    ends = time.monotonic() + float(order.pop("timeoutSeconds", None) or TIMEOUT)
    syncs = f"{idhook}/vidm/{target}/v1/syncs"

    sync = call(syncs, key, ends, order)
    while sync["status"] != "succeeded":
        if sync["status"] == "failed":
            raise Problem(text("the sync failed", sync))
        left = ends - time.monotonic()
        if left <= 0:
            raise Problem(text(f"the sync is still {sync['status']}; ask for it at {syncs}/{sync['id']}", sync))
        time.sleep(min(sync.get("retryAfter") or 2, left))
        try:
            sync = call(f"{syncs}/{sync['id']}", key, ends)
        except Problem as e:
            if not e.retryable:
                raise
            print(f"asking again: {e}")
            sync = {**sync, "retryAfter": e.retry_after, "message": str(e)}
    groups = sync.get("groups", [])
    present = {group["requested"] for group in groups if group["state"] == "present"}
    absent = [name for name in asked(order) if name not in present]
    if absent:
        raise Problem(text(f"group_absent: the sync succeeded, but vIDM does not have {', '.join(absent)}", sync))
    print(f"the sync {sync['id']} succeeded")
    return {"status": sync["status"], "id": sync["id"], "directory": sync["directory"], "groups": groups}


def text(happened, sync):
    """What happened, why, and what to do about it."""
    return ": ".join(filter(None, [happened, *(sync.get(name) for name in ("reason", "message", "hint"))]))


def asked(order):
    """The groups of an order, as idhook reads them: a list, a text that is a JSON list, or one name."""
    given = order.get("groups")
    if given is None:
        given = (order.get("customProperties") or {}).get("groups") or []
    if isinstance(given, str):
        given = json.loads(given) if given.lstrip().startswith("[") else [given]
    return [name for name in given if name and name.strip()]


def call(url, key, ends, body=None):
    """One request, a POST where there is a body; what is not a 2xx is raised, legibly."""
    wait = max(0, min(WAIT, int(ends - time.monotonic())))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": f"wait={wait}"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=wait + 30) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise problem(e) from None
    except (OSError, http.client.HTTPException) as e:
        raise Problem(f"idhook cannot be reached: {e!r}", retryable=True) from None


def problem(response):
    """A problem document (RFC 9457) as an exception; a proxy's answer as it is."""
    body = response.read().decode(errors="replace")
    told = response.headers.get("Retry-After", "")
    retry_after = int(told) if told.isdecimal() else None
    if response.headers.get_content_type() != "application/problem+json":
        return Problem(f"idhook answered {response.status}: {body[:300]}", response.status in (429, 502, 503, 504), retry_after)
    told = json.loads(body)
    fields = [f"{error['pointer']}: {error['detail']}" for error in told.get("errors", [])]
    parts = [f"{told['code']}: {told['detail']}", *fields, told.get("hint")]
    return Problem("; ".join(filter(None, parts)), told["retryable"], retry_after)
