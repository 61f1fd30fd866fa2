# An ABX action for Aria Automation, Python: starts a sync at idhook and waits until it is final. The standard library is enough.
#
# Where     Assembler, Extensibility, Actions: a new action, "Write script", Python, main function `handler`, timeout 180 s or more.
# Inputs    idhookUrl     https://idhook.example
#           idhookKey     a secret of the project, or an action constant: tick "Secret"; its scopes: vidm:read, vidm:sync
#           idhookTarget  optional; `default`
#           directory     id, name or domain
#           groups        optional: DNs or names that must be in vIDM in the end
#           addToProfile  optional: first add those groups (DNs) to the directory's sync profile
#           idhook reads the last three itself, and from `customProperties` where they are not inputs: an event's payload can be
#           passed on as it is, so the action can be bound to a subscription.
# Outputs   status ("succeeded"), id, directory, groups
# Fails     with idhook's code, what happened, and what to do about it.

import json
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 150  # seconds for all of it; keep it below the action's timeout
WAIT = 20  # seconds that idhook may hold one request; keep it below the timeouts of proxies


class Problem(Exception):
    """What idhook, or what stands between, said instead of a state."""

    def __init__(self, text, retryable=False):
        super().__init__(text)
        self.retryable = retryable


def handler(context, inputs):
    order = dict(inputs)
    idhook = order.pop("idhookUrl").rstrip("/")
    key = context.getSecret(order.pop("idhookKey"))
    target = urllib.parse.quote(order.pop("idhookTarget", None) or "default", safe="")
    ends = time.monotonic() + PATIENCE

    sync = call(f"{idhook}/vidm/{target}/v1/syncs", key, ends, order)
    while sync["status"] != "succeeded":
        if sync["status"] == "failed":
            raise Problem(f"the sync failed: {sync['reason']}. {sync.get('message', '')} {sync['hint']}")
        if time.monotonic() > ends:
            raise Problem(f"the sync is still {sync['status']}; ask for it at {sync['links']['self']}")
        time.sleep(2)
        try:
            sync = call(idhook + sync["links"]["self"], key, ends)
        except Problem as e:
            if not e.retryable:
                raise
            print(f"asking again: {e}")
    print(f"the sync {sync['id']} succeeded")
    return {name: sync.get(name, []) for name in ("status", "id", "directory", "groups")}


def call(url, key, ends, body=None):
    """One request, a POST where there is a body; what is not a 2xx is raised, legibly."""
    wait = max(0, min(WAIT, int(ends - time.monotonic())))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": f"wait={wait}"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as e:
        raise problem(e) from None
    except OSError as e:
        raise Problem(f"idhook cannot be reached: {e}", retryable=True) from None


def problem(response):
    """A problem document (RFC 9457) as an exception; a proxy's answer as it is."""
    text = response.read().decode(errors="replace")
    if response.headers.get_content_type() != "application/problem+json":
        return Problem(f"idhook answered {response.status}: {text[:300]}")
    told = json.loads(text)
    fields = [f"{error['pointer']}: {error['detail']}" for error in told.get("errors", [])]
    parts = [f"{told['code']}: {told['detail']}", *fields, told.get("hint")]
    return Problem("; ".join(filter(None, parts)), told["retryable"])
