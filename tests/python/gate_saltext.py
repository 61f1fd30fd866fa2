"""`saltext-vcf` from PyPI against idhook in place of SDDC Manager. It has no functions for identity providers; its helpers call any path.

It reads its settings from the environment, fails at the first surprise and ends with "OK".
"""

import os

import requests
from saltext.vcf.utils import sddc

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


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def fails(status, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except requests.HTTPError as error:
        expect(error.response.status_code == status, error)
        return error.response.json()
    raise AssertionError(f"{call} did not fail")


opts = options(os.environ["IDHOOK_KEY"])
expect(sddc.api_get(opts, "/v1/sddc-managers")["elements"][0]["version"].startswith("5.2.1.0"), "version")
embedded = next(one for one in sddc.api_get(opts, PROVIDERS)["elements"] if one["type"] == "Embedded")
expect(sddc.api_get(opts, f"{PROVIDERS}/{embedded['id']}")["name"] == embedded["name"], embedded)
ldap = {
    "type": "ActiveDirectory",
    "domainName": "research.example",
    "username": "svc@research.example",
    "password": "a password",
    "sourceDetails": {"usersBaseDn": "OU=P", "groupsBaseDn": "OU=G", "serverEndpoints": ["ldap://dc01"]},
}
sources = f"{PROVIDERS}/{embedded['id']}/identity-sources"
source = {"name": "research", "ldap": ldap}
sddc.api_post(opts, sources, body=source)
sddc.api_patch(opts, f"{sources}/research.example", body=source)
sddc.api_delete(opts, f"{sources}/research.example")
oidc = {"clientId": "c", "clientSecret": "s", "discoveryEndpoint": "https://a.example/.well-known/openid-configuration"}
adfs = {"name": "My ADFS", "type": "AD_FS", "ldap": ldap, "oidc": oidc}
added = sddc.api_post(opts, PROVIDERS, body=adfs)
sddc.api_patch(opts, f"{PROVIDERS}/{added['id']}", body=adfs)
sddc.api_delete(opts, f"{PROVIDERS}/{added['id']}")
expect(sddc.api_get(opts, "/v1/identity-broker/prechecks", params={"type": "Embedded"})["status"] == "SUCCESS", "prechecks")
expect("oidcClientId" in sddc.api_get(opts, "/v1/identity-broker/sddc-manager-oidc"), "oidc")

error = fails(400, sddc.api_post, opts, sources, body={"name": "x"})
expect(error["errorCode"] == "REQUEST_INVALID" and error["causes"], error)
error = fails(404, sddc.api_get, opts, "/v1/hosts")
expect(error["errorCode"] == "ROUTE_NOT_FOUND", error)
sddc.invalidate_token(opts)
error = fails(401, sddc.api_get, options("wrong"), PROVIDERS)
expect(error["errorCode"] == "IDENTITY_UNAUTHORIZED_ENTITY", error)
print("OK")
