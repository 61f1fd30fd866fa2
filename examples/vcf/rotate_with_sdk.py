#!/usr/bin/env python3
"""Gives an identity source of SDDC Manager a new bind password with the vendor's Python SDK, through idhook's gate: an API key of idhook takes
the place of the administrator's password. Needs `pip install vmware-sddc-manager`.

    IDHOOK_URL=https://idhook.example IDHOOK_KEY=… LDAP_PASSWORD=… ./rotate_with_sdk.py corp.example

Environment  IDHOOK_KEY: a key with the scopes vcf:read and vcf:write
             LDAP_PASSWORD: the new password of the account that reads the directory
             IDHOOK_TARGET (default), REQUESTS_CA_BUNDLE (a private CA; the variable of requests)
Exit code    0: SDDC Manager has the new password. 1: anything else; what failed and what to do about it is on stderr.

The API has no call for one field: the source is read, and sent whole with the new password. `identity_source.py --password` lets idhook do
that, and fails if another writer changes the source meanwhile.
"""

import os
import sys

import requests
from vmware.sddc_manager import model_client as model
from vmware.sddc_manager import v1_client as v1
from vmware.sddc_manager.v1.identity_providers_client import IdentitySources
from vmware.vapi.bindings.error import UnresolvedError, VapiError
from vmware.vapi.lib.connect import get_requests_connector
from vmware.vapi.security.oauth import create_oauth_security_context
from vmware.vapi.stdlib.client.factories import StubConfigurationFactory


def connect():
    """The SDK's configuration, logged in with the key. The SDK refreshes no token: one lives for an hour."""
    url = "{}/vcf/{}".format(os.environ["IDHOOK_URL"].rstrip("/"), os.environ.get("IDHOOK_TARGET", "default"))
    connector = get_requests_connector(requests.Session(), msg_protocol="rest", url=url)
    config = StubConfigurationFactory.new_std_configuration(connector)
    # The gate does not read the user name.
    spec = model.TokenCreationSpec(username="idhook", password=os.environ["IDHOOK_KEY"])
    pair = v1.Tokens(config).create_token(spec)
    connector.set_security_context(create_oauth_security_context(pair.access_token))
    return config


def rotate(config, domain, password):
    providers = v1.IdentityProviders(config)
    embedded = next(one for one in providers.get_identity_providers().elements if one.type == "Embedded")
    sources = [one for one in embedded.identity_sources or [] if domain in (one.domain_names or [])]
    if not sources:
        sys.exit(f"the embedded identity provider has no identity source of the domain {domain}")
    [source] = sources
    ldap = source.ldap
    details = ldap.source_details
    # The certificates are public, and have to be sent again; they are returned in the form that a specification needs.
    spec = model.IdentitySourceSpec(
        name=source.name,
        ldap=model.LdapSpec(
            type=ldap.type,
            domain_name=ldap.domain_name,
            domain_alias=ldap.domain_alias,
            username=ldap.username,
            password=password,
            source_details=model.SourceDetails(
                users_base_dn=details.users_base_dn,
                groups_base_dn=details.groups_base_dn,
                cert_chain=details.cert_chain,
                server_endpoints=details.server_endpoints,
            ),
        ),
    )
    IdentitySources(config).update_embedded_identity_source(embedded.id, domain, spec)
    print(f"{domain}: the account {ldap.username} has the new password")


def words(error):
    """The error of a call: the vendor's fields, which idhook fills as SDDC Manager does."""
    if isinstance(error, UnresolvedError):
        # Its specification does not declare the status for this call, and then the SDK drops the answer.
        return "the call failed, and the SDK cannot show why: probably the key is wrong (a login) or lacks a scope; idhook's log has the reason"
    lines = [f"{error.error_code}: {error.message}", error.remediation_message]
    causes = getattr(error, "causes", None) or getattr(error, "cause", None) or []
    lines += [f"{cause.type}: {cause.message}" for cause in causes if (cause.message or "") not in (error.message or "")]
    return "\n".join(line for line in lines if line)


def main():
    missing = [name for name in ("IDHOOK_URL", "IDHOOK_KEY", "LDAP_PASSWORD") if not os.environ.get(name)]
    if missing or len(sys.argv) != 2:
        sys.exit(f"not set: {', '.join(missing)}" if missing else __doc__)
    try:
        rotate(connect(), sys.argv[1], os.environ["LDAP_PASSWORD"])
    except VapiError as error:
        sys.exit(words(error))
    except requests.exceptions.RequestException as error:
        # Its text has the URL and no header.
        sys.exit(f"idhook cannot be reached: {error}")


if __name__ == "__main__":
    main()
