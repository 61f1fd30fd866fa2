"""The vendor's Python SDK against idhook in place of SDDC Manager: each identity-provider call, and its failures.

It reads its settings from the environment, fails at the first surprise and ends with "OK". The client is `vmware-sddc-manager` from PyPI.
"""

import os

import requests
from vmware.sddc_manager import model_client as model
from vmware.sddc_manager import v1_client as v1
from vmware.sddc_manager.v1 import identity_broker_client as broker
from vmware.sddc_manager.v1 import identity_providers_client as providers_client
from vmware.sddc_manager.v1 import tokens_client
from vmware.sddc_manager.v1.tokens import access_token_client
from vmware.vapi.bindings.error import UnresolvedError
from vmware.vapi.lib.connect import get_requests_connector
from vmware.vapi.security.oauth import create_oauth_security_context
from vmware.vapi.stdlib.client.factories import StubConfigurationFactory

import gate_calls as calls
from gate_calls import drops, expect, passes

session = requests.Session()
# Else REQUESTS_CA_BUNDLE wins over the CA.
session.trust_env = False
session.verify = os.environ["CA_FILE"]


def connect(target):
    connector = get_requests_connector(session, msg_protocol="rest", url=os.environ["IDHOOK"] + target)
    return connector, StubConfigurationFactory.new_std_configuration(connector)


def fails(kind, code, call, *arguments):
    """The error of a call, which the SDK raises as `kind` with the vendor's code."""
    error = calls.fails(kind, code, call, *arguments)
    expect(error.error_code == code and error.message, error)
    return error


def fails_without_words(status, call, *arguments):
    """The status is not declared for this call, so the SDK cannot read the error, whatever its body."""
    calls.fails_without_words(UnresolvedError, status, call, *arguments)


connector, config = connect("/vcf/default")
tokens = v1.Tokens(config)


def create_token(key):
    return tokens.create_token(model.TokenCreationSpec(username="administrator@vsphere.local", password=key))


pair = passes(create_token, os.environ["IDHOOK_KEY"])
refresh = access_token_client.Refresh(config)
fresh = passes(refresh.refresh_access_token, pair.refresh_token.id)
expect(fresh.count(".") == 2, fresh)
connector.set_security_context(create_oauth_security_context(fresh))

managers = passes(v1.SddcManagers(config).get_sddc_managers)
expect(managers.elements[0].version == "5.2.1.0-24307856", managers)

providers = v1.IdentityProviders(config)
listed = passes(providers.get_identity_providers).elements
embedded = next(one for one in listed if one.type == "Embedded")
expect(passes(providers.get_identity_provider_by_id, embedded.id).name == embedded.name, embedded)


def ldap(domain):
    return model.LdapSpec(
        type="ActiveDirectory",
        domain_name=domain,
        username=f"svc@{domain}",
        password="a password",
        source_details=model.SourceDetails(
            users_base_dn="OU=P", groups_base_dn="OU=G", server_endpoints=[f"ldap://dc01.{domain}"]
        ),
    )


sources = providers_client.IdentitySources(config)
source = model.IdentitySourceSpec(name="research", ldap=ldap("research.example"))
# The SDK returns nothing of the response of these three: the vendor's specification declares none.
drops(sources.add_embedded_identity_source, embedded.id, source)
names = [name for one in providers.get_identity_provider_by_id(embedded.id).identity_sources for name in one.domain_names]
expect("research.example" in names, names)
passes(sources.update_embedded_identity_source, embedded.id, "research.example", source)
passes(sources.delete_identity_source, embedded.id, "research.example")

oidc = model.OidcSpec(
    client_id="c", client_secret="s", discovery_endpoint="https://a.example/.well-known/openid-configuration"
)
adfs = model.IdentityProviderSpec(name="My ADFS", type="AD_FS", ldap=ldap("adfs.example"), oidc=oidc)
drops(providers.add_external_identity_provider, adfs)
external = next(one for one in providers.get_identity_providers().elements if one.name == "My ADFS")
passes(providers.update_external_identity_provider, external.id, adfs)
passes(providers.delete_external_identity_provider, external.id)

federated = model.IdentityProviderSpec(
    name="Entra",
    type="MICROSOFT_ENTRA_ID",
    fed_idp_spec=model.FederatedIdentityProviderSpec(
        name="Entra",
        directory=model.IdentityProviderDirectory(
            name="entra",
            default_domain="corp.example",
            domains=["corp.example"],
            federated_idp_source_type="MICROSOFT_ENTRA_ID",
        ),
        oidc_spec=oidc,
    ),
)
providers.add_external_identity_provider(federated)
entra = next(one for one in providers.get_identity_providers().elements if one.name == "Entra")
expect(entra.fed_idp.source == "MICROSOFT_ENTRA_ID", entra)
drops(providers_client.SyncClient(config).generate_sync_client_token, entra.id)
providers.delete_external_identity_provider(entra.id)

expect(passes(broker.Prechecks(config).get_identity_precheck_result).status == "SUCCESS", "prechecks")
expect(passes(broker.SddcManagerOidc(config).get_sddc_ws1b_oidc_info).oidc_client_id, "oidc")

# Failures, as the SDK shows them.
wrong = model.IdentitySourceSpec(name="research", ldap=ldap("research.example"))
wrong.ldap.username = "svc"
error = fails(model.Error, "REQUEST_INVALID", sources.add_embedded_identity_source, embedded.id, wrong)
expect(error.causes[0].type == "/ldap/username", error)
error = fails(model.Error, "IDENTITY_PROVIDER_NOT_FOUND", sources.delete_identity_source, "00000000-0000-4000-8000-000000000000", "a.example")
expect(error.reference_token, error)
fails(model.Error, "NOT_FOUND", refresh.refresh_access_token, "3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e")
# 401 of a login, and 404 of one provider.
fails_without_words(401, create_token, "wrong")
fails_without_words(404, providers.get_identity_provider_by_id, "00000000-0000-4000-8000-000000000000")

passes(tokens_client.RefreshToken(config).invalidate_refresh_token, pair.refresh_token.id)
fails(model.Error, "NOT_FOUND", refresh.refresh_access_token, pair.refresh_token.id)

connector.set_security_context(create_oauth_security_context(fresh[:-4] + "AAAA"))
error = fails(model.ErrorResponse, "TOKEN_EXPIRED", providers.get_identity_providers)
expect(error.remediation_message == "log in again", error)
fails(model.ErrorResponse, "TOKEN_EXPIRED", providers.get_identity_provider_by_id, embedded.id)
# 401 of a call that writes.
fails_without_words(401, providers.delete_external_identity_provider, external.id)
calls.end()
