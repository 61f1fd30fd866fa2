"""One line of JSON in, one line of JSON out: calls of the package for stories that compare every entry point.

{"open": {"vidm": {settings}}} opens a session in place of the one before, and so do "vcf" and "fleet": {"ok": null}.
{"call": "startSync", "arguments": ["corp.example"]} calls it: {"ok": …}, or {"error": {"code", "status", "detail", "hint", …}}.

It calls below the typed functions, because a story compares what the documents contain, absent fields and nulls included.
"""

import json
import sys
from typing import Any

from idhook import IdhookError
from idhook._embedded import tls
from idhook._engine import Session

# The names of the arguments, in the order in which a story gives them.
ARGUMENTS = {
    "directories": ["filter"],
    "directory": ["directory"],
    "startSync": ["directory", "order"],
    "ensureGroups": ["directory", "groups", "options"],
    "sync": ["id"],
    "waitForSync": ["id", "options"],
    "latestSync": ["directory"],
    "syncHistory": ["directory"],
    "dryRun": ["directory", "options"],
    "groups": ["name"],
    "identityProvider": ["id"],
    "addIdentityProvider": ["spec"],
    "putIdentityProvider": ["spec", "options"],
    "updateIdentityProvider": ["id", "spec", "options"],
    "deleteIdentityProvider": ["id", "options"],
    "addIdentitySource": ["providerId", "spec"],
    "putIdentitySource": ["providerId", "domainName", "spec", "options"],
    "updateIdentitySource": ["providerId", "domainName", "spec", "options"],
    "deleteIdentitySource": ["providerId", "domainName", "options"],
    "setIdentitySourceCredentials": ["providerId", "domainName", "spec", "options"],
    "setIdentitySourceCertificates": ["providerId", "domainName", "spec", "options"],
    "setClientSecret": ["providerId", "spec", "options"],
    "apply": ["spec", "options"],
    "generateSyncClientToken": ["providerId", "options"],
    "prechecks": ["type"],
    "provision": ["directory", "groups"],
    "createIdentityProvider": ["spec"],
    "task": ["id"],
    "syncClient": ["providerId"],
    "generateSyncClient": ["providerId", "options"],
    "validateSamlMetadata": ["spec"],
}


def call(session: Session, name: str, given: list[Any]) -> Any:
    calls = session.call(name, dict(zip(ARGUMENTS.get(name, []), given)))
    try:
        while True:
            next(calls)
    except StopIteration as done:
        return done.value


def main() -> None:
    session: Session | None = None
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any]
        try:
            if "open" in order:
                [(kind, settings)] = order["open"].items()
                session = Session(kind, settings, tls(None), None)
                answer = {"ok": None}
            else:
                assert session is not None
                answer = {"ok": call(session, order["call"], order.get("arguments", []))}
        except IdhookError as error:
            answer = {"error": error.problem}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
