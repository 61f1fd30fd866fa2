# An ABX action for Aria Automation (Python): starts a sync of a directory of vIDM or VCF Operations at idhook, waits until it is
# final, and fails unless it succeeded and every group is present. Needs the standard library alone. README.md beside this file says what to enter in each field of
# Aria's form.
#
# Inputs    idhookUrl       https://idhook.example
#           idhookKey       name of a project secret, or an action constant with "Secret" ticked; scopes: vidm:read, vidm:sync,
#                           or fleet:read, fleet:sync for VCF Operations
#           idhookTarget    optional: a vIDM target by name, or `fleet/NAME` for VCF Operations; default `default`
#           idhookCa        optional: PEM text of the CA that issued idhook's certificate, if it is a private one
#           timeoutSeconds  optional; default 150. Keep it 30 s below the action's timeout
#           directory       id, name or domain
#           groups          optional: groups that must be present in the end, as DN or name@domain
#           addToProfile    optional: first add the groups (DNs) to the directory's sync profile; needs the scope vidm:profile or
#                           fleet:profile. Must be an input: idhook does not read it from `customProperties`
#           users           optional: users that must be present too, as name@domain
#           provision       optional, VCF Operations 9.1.1 and later: bring the groups (DNs) in without a sync; needs fleet:profile
#           If directory and groups are not inputs, idhook reads them from `customProperties`, so the action can be bound to a subscription.
# Outputs   status ("succeeded"), id, directory, groups; there is no id with provision
# Fails     with a code, what happened, and what to do.

import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 150  # seconds for the whole action
WAIT = 20  # seconds that idhook may hold one request; keep it below the timeouts of proxies


class Problem(Exception):
    """idhook, or a proxy in front of it, returned an error."""

    def __init__(self, text, retryable=False, retry_after=None):
        super().__init__(text)
        self.retryable = retryable
        self.retry_after = retry_after


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key elsewhere."""

    def redirect_request(self, *_):
        return None


def handler(context, inputs):
    order = dict(inputs)
    idhook = needed(order.pop("idhookUrl", None), "idhookUrl").rstrip("/")
    # A secret that was pasted, or read from a file, often ends in a line break.
    key = needed(context.getSecret(needed(order.pop("idhookKey", None), "idhookKey")), "the secret of idhookKey")
    if not re.fullmatch("[!-~]+", key):
        raise Problem("the secret of idhookKey is no key: it has blanks or line breaks in it; copy the key alone")
    kind, target = ["vidm", *(order.pop("idhookTarget", None) or "default").split("/")][-2:]
    ends = time.monotonic() + float(order.pop("timeoutSeconds", None) or TIMEOUT)
    tls = trusting(order.pop("idhookCa", None))
    syncs = "/".join([idhook, urllib.parse.quote(kind, safe=""), urllib.parse.quote(target, safe=""), "v1/syncs"])

    sync = call(syncs, key, tls, ends, order)
    while sync["status"] != "succeeded":
        if sync["status"] == "failed":
            raise Problem(text("the sync failed", sync))
        if "id" not in sync:
            raise Problem(text(f"the groups are {sync['status']}", sync))
        left = ends - time.monotonic()
        if left <= 0:
            raise Problem(text(f"sync_timeout: the sync is still {sync['status']}; ask for it at {syncs}/{sync['id']}", sync))
        time.sleep(min(sync.get("retryAfter") or 2, left))
        try:
            sync = call(f"{syncs}/{sync['id']}", key, tls, ends)
        except Problem as e:
            if not e.retryable:
                raise
            print(f"retrying: {e}")
            sync = {**sync, "retryAfter": e.retry_after, "message": str(e)}
    groups = sync.get("groups", [])
    present = {group["requested"] for group in groups if group["state"] == "present"}
    absent = [name for name in asked(order) if name not in present]
    if absent:
        raise Problem(text(f"group_absent: the sync succeeded, but these groups are absent: {', '.join(absent)}", sync))
    print(f"the sync {sync['id']} succeeded" if "id" in sync else "the groups are present")
    return {"status": sync["status"], "id": sync.get("id"), "directory": sync["directory"], "groups": groups}


def needed(value, name):
    """An input that must be there."""
    if not isinstance(value, str) or not value.strip():
        raise Problem(f"{name} is not set; README.md says what to enter")
    return value.strip()


def text(happened, sync):
    """What happened, why, and what to do."""
    return ": ".join(filter(None, [happened, *(sync.get(name) for name in ("reason", "message", "hint"))]))


def asked(order):
    """The groups of an order, as idhook reads them: a list, a text that is a JSON list, or one name."""
    given = order.get("groups")
    if given is None:
        given = (order.get("customProperties") or {}).get("groups") or []
    if isinstance(given, str):
        given = json.loads(given) if given.lstrip().startswith("[") else [given]
    return [name for name in given if name and name.strip()]


def trusting(ca):
    """The TLS settings for the CA in a PEM text, whose line breaks a form may have removed."""
    if not ca:
        return ssl.create_default_context()
    found = re.findall("-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----", ca)
    if not found:
        raise Problem("idhookCa is not a PEM text; paste the CA's certificate, from -----BEGIN to END CERTIFICATE-----")
    bodies = ["\n".join(re.findall(".{1,64}", re.sub(r"\\n|\s", "", body))) for body in found]
    pem = "".join(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n" for body in bodies)
    return ssl.create_default_context(cadata=pem)


def call(url, key, tls, ends, body=None):
    """One request, a POST if there is a body; raises unless the status is 2xx."""
    wait = max(0, min(WAIT, int(ends - time.monotonic())))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Prefer": f"wait={wait}"}
    data = None if body is None else json.dumps(body).encode()
    try:
        opener = urllib.request.build_opener(NoRedirects, urllib.request.HTTPSHandler(context=tls))
        with opener.open(urllib.request.Request(url, data, headers), timeout=wait + 30) as response:
            answer = response.read()
    except urllib.error.HTTPError as e:
        raise problem(e) from None
    except (OSError, http.client.HTTPException) as e:
        is_untrusted = isinstance(getattr(e, "reason", None), ssl.SSLCertVerificationError)
        hint = "; if a private CA issued idhook's certificate, set the input idhookCa" if is_untrusted else ""
        raise Problem(f"idhook cannot be reached: {e!r}{hint}", retryable=not is_untrusted) from None
    try:
        found = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "status" not in found:
        raise Problem(f"the answer is not idhook's: {answer[:300].decode(errors='replace')}; check idhookUrl") from None
    return found


def problem(response):
    """The exception for a problem document (RFC 9457), or for the answer of a proxy."""
    body = response.read().decode(errors="replace")
    given = response.headers.get("Retry-After", "")
    retry_after = int(given) if given.isdecimal() else None
    if 300 <= response.status < 400:
        return Problem(f"idhook's address redirects to {response.headers.get('Location')}: use that address")
    if response.headers.get_content_type() != "application/problem+json":
        return Problem(f"idhook returned {response.status}: {body[:300]}", response.status in (429, 502, 503, 504), retry_after)
    document = json.loads(body)
    fields = [f"{error['pointer']}: {error['detail']}" for error in document.get("errors", [])]
    # The detail names a single field itself.
    parts = [f"{document['code']}: {document['detail']}", *(fields if len(fields) > 1 else []), document.get("hint")]
    return Problem("; ".join(filter(None, parts)), document["retryable"], retry_after)
