"""`vmware-vcf` from PyPI against idhook in place of SDDC Manager: each identity-provider call, and its failures.

It reads its settings from the environment, fails at the first surprise and ends with "OK".
"""

import os
import time

# The client passes its own `verify`, over which the environment would win.
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)

from vcf_sdk.exceptions import AuthenticationError, VCFException  # noqa: E402
from vcf_sdk.sddc_manager import SDDCManager  # noqa: E402

import gate_calls as calls  # noqa: E402
from gate_calls import expect, passes  # noqa: E402

HOST = os.environ["IDHOOK"].removeprefix("https://") + "/vcf/default"


def connect(key):
    return SDDCManager(HOST, username="administrator@vsphere.local", password=key, verify_ssl=os.environ["CA_FILE"])


def fails(status, text, call, *arguments):
    error = calls.fails(VCFException, status, call, *arguments)
    expect(error.status_code == status and text in error.message, error)


sddc = passes(connect, os.environ["IDHOOK_KEY"])
def version():
    return sddc.version


expect(passes(version) == "5.2.1.0", sddc.version)
expiry = sddc.auth._decode_jwt_expiry(sddc.auth.token)
expect(3500 < expiry - time.time() <= 3600, expiry)

providers = sddc.identity_providers
embedded = next(one for one in passes(providers.list) if one["type"] == "Embedded")
expect(passes(providers.get, embedded["id"])["name"] == embedded["name"], embedded)


def ldap(domain):
    return {
        "type": "ActiveDirectory",
        "domainName": domain,
        "username": f"svc@{domain}",
        "password": "a password",
        "sourceDetails": {"usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": [f"ldap://dc01.{domain}"]},
    }


source = {"name": "research", "ldap": ldap("research.example")}
passes(providers.add_identity_source, embedded["id"], source)
passes(providers.update_identity_source, embedded["id"], "research.example", source)
passes(providers.remove_identity_source, embedded["id"], "research.example")

adfs = {
    "name": "My ADFS",
    "type": "AD_FS",
    "ldap": ldap("adfs.example"),
    "oidc": {"clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://a.example/.well-known/openid-configuration"},
}
added = passes(providers.create, adfs)
passes(providers.update, added["id"], adfs)
passes(providers.delete, added["id"])

# Before each call the client refreshes a token that lives less than two more minutes.
before = sddc.auth.token
sddc.auth.TOKEN_REFRESH_THRESHOLD = 10_000
providers.list()
expect(sddc.auth.token.count(".") == 2, before)
calls.note(calls.passed, "refresh")

fails(400, "/ldap/username", providers.add_identity_source, embedded["id"], {"name": "x", "ldap": {**ldap("x.example"), "username": "svc"}})
fails(404, "Remediation", providers.remove_identity_source, "00000000-0000-4000-8000-000000000000", "a.example")
error = calls.fails(AuthenticationError, 401, connect, "wrong")
expect("API key is not configured" in str(error), error)
calls.end()
