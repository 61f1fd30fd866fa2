#!/usr/bin/env python3
"""Keeps an identity source of SDDC Manager's embedded identity provider as a JSON file says, through idhook: adds it, changes it, or leaves it
alone. Python 3.8 or later; the standard library alone.

    IDHOOK_URL=https://idhook.example IDHOOK_KEY=… LDAP_PASSWORD=… ./identity_source.py identity-source.json [--dry-run] [--password]

--dry-run    changes nothing; prints what would be done
--password   sets only the password of the account that reads the directory, to LDAP_PASSWORD, unless the source changes meanwhile

Environment  IDHOOK_KEY: a key with the scopes vcf:read and vcf:write
             LDAP_PASSWORD: the password of the account in the file, which is never in the file
             IDHOOK_TARGET (default), SSL_CERT_FILE (a private CA; Python's own variable)
Exit code    0: SDDC Manager has the source as wanted; what was done is on stdout. 1: anything else; what failed and what to do about it is
             on stderr.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Attempts in all, and the longest pause between two of them, in seconds.
ATTEMPTS = 5
LONGEST_PAUSE = 60


class Failure(Exception):
    """The problem that idhook returned, or why it returned none."""

    def __init__(self, text, retryable=False, retry_after=None):
        super().__init__(text)
        self.retryable, self.retry_after = retryable, retry_after


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key elsewhere."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def problem(error):
    """An answer that is no success."""
    body = error.read()
    retry_after = error.headers.get("Retry-After", "")
    retry_after = int(retry_after) if retry_after.isdigit() else None
    try:
        found = json.loads(body)
        lines = [f"{found['code']}: {found['detail']}"]
        fields = [f"{field['pointer']}: {field['detail']}" for field in found.get("errors", [])]
        # The detail names a single field itself.
        lines += fields if len(fields) > 1 else []
        lines += [found["hint"]] if "hint" in found else []
        return Failure("\n".join(lines), found.get("retryable", False), retry_after)
    except (ValueError, KeyError, TypeError):
        text = f"idhook returned {error.code}: {body[:300].decode(errors='replace')}"
        return Failure(text, error.code in (429, 502, 503, 504), retry_after)


def send(method, url, body=None, if_match=None):
    """The document that idhook returns."""
    # A key from a file often ends in a line break.
    headers = {"Authorization": f"Bearer {os.environ['IDHOOK_KEY'].strip()}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if if_match is not None:
        headers["If-Match"] = if_match
    data = None if body is None else json.dumps(body).encode()
    try:
        with OPENER.open(urllib.request.Request(url, data, headers, method=method), timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise problem(error) from None
    except OSError as error:
        raise Failure(f"idhook cannot be reached: {getattr(error, 'reason', error)}") from None
    except ValueError:
        raise Failure("idhook returned no JSON; check IDHOOK_URL") from None


def send_until_done(*request):
    """The same, again after failures that may pass; the pause is idhook's Retry-After."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return send(*request)
        except Failure as failure:
            if not failure.retryable or attempt == ATTEMPTS:
                raise
            pause = min(failure.retry_after or 2, LONGEST_PAUSE)
            print(f"{failure}; next attempt in {pause} s", file=sys.stderr)
            time.sleep(pause)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    arguments.add_argument("file", help="SDDC Manager's specification of the source, without the password")
    arguments.add_argument("--dry-run", action="store_true", help="change nothing; print what would be done")
    arguments.add_argument("--password", action="store_true", help="set only the password, to LDAP_PASSWORD")
    given = arguments.parse_args()
    missing = [name for name in ("IDHOOK_URL", "IDHOOK_KEY", "LDAP_PASSWORD") if not os.environ.get(name)]
    if missing:
        raise Failure(f"not set: {', '.join(missing)}")
    try:
        with open(given.file, encoding="utf-8") as file:
            spec = json.load(file)
        domain = spec["ldap"]["domainName"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"{given.file} is no specification with ldap.domainName: {error!r}") from None
    place = "{}/vcf/{}/v1/identity-providers/embedded/identity-sources/{}".format(
        os.environ["IDHOOK_URL"].rstrip("/"), os.environ.get("IDHOOK_TARGET", "default"), urllib.parse.quote(domain, safe="")
    )
    query = "?dryRun=true" if given.dry_run else ""
    password = os.environ["LDAP_PASSWORD"]
    if given.password:
        # Only if the source is still as read here.
        etag = send_until_done("GET", place)["etag"]
        outcome = send_until_done("POST", f"{place}/credentials{query}", {"password": password}, etag)
    else:
        spec["ldap"]["password"] = password
        outcome = send_until_done("PUT", place + query, spec)
    if outcome.get("outcome") not in ("created", "updated", "unchanged"):
        raise Failure(f"idhook returned no outcome: {json.dumps(outcome)[:300]}")
    print(json.dumps(outcome, indent=2))
    if outcome.get("verified") is False:
        raise Failure("SDDC Manager accepted the change, but does not show it: see remaining and message")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
