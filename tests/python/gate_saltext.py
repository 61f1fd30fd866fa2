"""`saltext-vcf` from PyPI against idhook in place of SDDC Manager. It has no functions for identity providers; its helpers call any path.

It reads its settings from the environment, fails at the first surprise and ends with "OK".
"""

import os

import requests
from saltext.vcf.utils import sddc

import gate_calls as calls
from gate_calls import expect

for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)

PROVIDERS = "/v1/identity-providers"


def options(key):
    settings = {
        "host": os.environ["IDHOOK"].removeprefix("https://") + "/vcf/default",
        "username": "administrator@vsphere.local",
        "password": key,
        "verify_ssl": os.environ["CA_FILE"],
    }
    return {"saltext.vcf": {"sddc_manager": settings}}


def call(helper, path, **named):
    """The result of a helper's call, which is counted by its method and path."""
    result = helper(OPTS, path, **named)
    calls.note(calls.passed, name(helper, path))
    return result


def name(helper, path):
    """The call as the vendor writes it."""
    parts = ["{id}" if part.count("-") == 4 else "{domainName}" if part.endswith(".example") else part for part in path.split("/")]
    return f"{helper.__name__.removeprefix('api_').upper()} {'/'.join(parts)}"


def fails(status, helper, path, opts=None, **named):
    try:
        helper(opts or OPTS, path, **named)
    except requests.HTTPError as error:
        expect(error.response.status_code == status, error)
        calls.note(calls.passed, name(helper, path), status)
        return error.response.json()
    raise AssertionError(f"{helper} did not fail")


OPTS = options(os.environ["IDHOOK_KEY"])
expect(call(sddc.api_get, "/v1/sddc-managers")["elements"][0]["version"].startswith("5.2.1.0"), "version")
embedded = next(one for one in call(sddc.api_get, PROVIDERS)["elements"] if one["type"] == "Embedded")
expect(call(sddc.api_get, f"{PROVIDERS}/{embedded['id']}")["name"] == embedded["name"], embedded)
ldap = {
    "type": "ActiveDirectory",
    "domainName": "research.example",
    "username": "svc@research.example",
    "password": "a password",
    "sourceDetails": {"usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": ["ldap://dc01"]},
}
sources = f"{PROVIDERS}/{embedded['id']}/identity-sources"
source = {"name": "research", "ldap": ldap}
call(sddc.api_post, sources, body=source)
call(sddc.api_patch, f"{sources}/research.example", body=source)
call(sddc.api_delete, f"{sources}/research.example")
oidc = {"clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://a.example/.well-known/openid-configuration"}
adfs = {"name": "My ADFS", "type": "AD_FS", "ldap": ldap, "oidc": oidc}
added = call(sddc.api_post, PROVIDERS, body=adfs)
call(sddc.api_patch, f"{PROVIDERS}/{added['id']}", body=adfs)
call(sddc.api_delete, f"{PROVIDERS}/{added['id']}")
expect(call(sddc.api_get, "/v1/identity-broker/prechecks", params={"type": "Embedded"})["status"] == "SUCCESS", "prechecks")
expect("oidcClientId" in call(sddc.api_get, "/v1/identity-broker/sddc-manager-oidc"), "oidc")

error = fails(400, sddc.api_post, sources, body={"name": "x"})
expect(error["errorCode"] == "REQUEST_INVALID" and error["causes"], error)
error = fails(404, sddc.api_get, "/v1/hosts")
expect(error["errorCode"] == "ROUTE_NOT_FOUND", error)
sddc.invalidate_token(OPTS)
error = fails(401, sddc.api_get, PROVIDERS, options("wrong"))
expect(error["errorCode"] == "IDENTITY_UNAUTHORIZED_ENTITY", error)
calls.end()
