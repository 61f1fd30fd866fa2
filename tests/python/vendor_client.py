"""The vendor's Python client against VCF Operations: each identity call that the simulator has, once.

It reads its settings from the environment, fails at the first surprise and ends with "OK". The client is `vcf-operations` from PyPI.
"""

import os
import time

import requests
from vcf.operations import model_client as model
from vcf.operations.api import auth_client, versions_client
from vcf.operations.api.auth import token_client
from vcf.operations.api.auth.sources import vidb_client
from vcf.operations.api.deployment import node_client
from vcf.operations.api.fleet_management import iam_client as iam
from vcf.operations.api.fleet_management.iam import (
    identity_providers_client,
    saml_metadata_client,
    ssorealms_client,
)
from vcf.operations.api.fleet_management.iam.identity_providers import (
    directories_client,
    ldap_directories_client,
)
from vcf.operations.api.fleet_management.iam.identity_providers.ldap_directories import (
    groups_client as ldap_groups_client,
    users_client as ldap_users_client,
)
from vcf.operations.api.fleet_management.iam.ssorealms import (
    api_clients_client,
    api_tokens_client,
    groups_client,
    principals_client,
    users_client,
)
from vcf.operations.api.fleet_management.iam.ssorealms.groups import members_client
from vmware.vapi.lib.connect import get_requests_connector
from vmware.vapi.stdlib.client.factories import StubConfigurationFactory

NEW_GROUP = os.environ["NEW_GROUP"]
IS_9_1_1 = os.environ["VERSION"] == "9.1.1.0"

session = requests.Session()
# Else REQUESTS_CA_BUNDLE wins over the CA.
session.trust_env = False
session.verify = os.environ["CA_FILE"]
connector = get_requests_connector(session, msg_protocol="rest", url=os.environ["FLEET_URL"] + "/suite-api")
config = StubConfigurationFactory.new_std_configuration(connector)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def wait(until, what):
    end = time.monotonic() + 20
    while not until():
        expect(time.monotonic() < end, f"timeout: {what}")
        time.sleep(0.1)


# Without a login.
version = versions_client.Current(config).get_current_version_of_server()
expect((version.major, version.minor, version.minor_minor) == ((9, 1, 1) if IS_9_1_1 else (9, 1, 0)), version)
expect(node_client.Status(config).get_node_status().status == "ONLINE", "node status")
well_known = vidb_client.WellKnownUrl(config).get_vidb_well_known_url()
expect(well_known.url.endswith("/acs/t/CUSTOMER/.well-known/openid-configuration"), well_known)

# The login; the client has no helper for the header.
credentials = model.UsernamePassword(
    username=os.environ["FLEET_USERNAME"], password=os.environ["FLEET_PASSWORD"], auth_source="local"
)
token = token_client.Acquire(config).acquire_token(credentials)
session.headers["Authorization"] = f"OpsToken {token.token}"
expect(auth_client.Currentuser(config).get_current_user().username == credentials.username, "current user")

# Realms and directories.
realms = iam.Ssorealms(config).get_sso_realm_list().sso_realms
realm = next(realm for realm in realms if realm.name == "Headquarters")
empty = next(realm for realm in realms if realm.idp_id is None)
expect(iam.Ssorealms(config).get_sso_realm(realm.id).idp_id == realm.idp_id, "realm")
vidbs = iam.Vidbs(config).get_eligible_vidbs(deployment_type="EMBEDDED").vidbs
expect(any(vidb.id == realm.vidb_resource_id for vidb in vidbs), vidbs)
directories = identity_providers_client.LdapDirectories(config)


def directory_named(name):
    rows = directories.get_ldap_directories(realm.idp_id).ldap_directories
    return next(row for row in rows if row.name == name)


corp = directory_named("corp.example").ldap_configuration_id

# A group is looked up, added to the sync profile, synced and found.
container = NEW_GROUP.split(",", 1)[1]
query = model.LdapQuery(search_dn=container, search_term="gg-new")
found = ldap_groups_client.Query(config).lookup_ldap_groups(realm.idp_id, corp, query).ldap_groups
expect([group.dn for group in found] == [NEW_GROUP], found)
query = model.LdapQuery(search_dn="DC=corp,DC=example", search_term="ada")
people = ldap_users_client.Query(config).lookup_ldap_users(realm.idp_id, corp, query).ldap_users
expect(len(people) == 1, people)
profiles = ldap_directories_client.SyncProfile(config)
profile = profiles.get_ldap_sync_profile(realm.idp_id, corp)
profile.ldap_groups.append(found[0])
stored = profiles.update_ldap_sync_profile(realm.idp_id, corp, profile)
expect(any(group.dn == NEW_GROUP for group in stored.ldap_groups), stored)
logs = ldap_directories_client.SyncLogs(config)
before = logs.get_ldap_sync_logs(realm.idp_id, corp, last=True).sync_logs[0].id
started = ldap_directories_client.Sync(config).execute_ldap_sync(realm.idp_id, corp)
expect(started.sync_status in ("STARTED", "IN_PROGRESS"), started)
wait(lambda: directory_named("corp.example").last_sync_status == "COMPLETED", "status")
page = logs.get_ldap_sync_logs(realm.idp_id, corp, page=0, page_size=10)
newest = page.sync_logs[0]
expect(newest.id != before and newest.success and newest.sync_details.groups_added == 1, newest)
expect(logs.get_ldap_sync_log_by_id(realm.idp_id, corp, newest.id).id == newest.id, "log")


def query_of(**fields):
    terms = [
        model.VidbPrincipalSearchTerm(searchable_field=field.upper(), operator="EQUALS", terms=[value])
        for field, value in fields.items()
    ]
    return model.VidbPrincipalQuery(search_terms=model.VidbPrincipalSearchGroupings(all_of=terms, any_of=[]))


groups = groups_client.Query(config).get_groups_list(
    realm.id, query_of(display_name="gg-new", domain="corp.example"), page=0, page_size=50, sort_by="DISPLAYNAME"
)
expect([group.display_name for group in groups.vidb_groups] == ["gg-new"], groups)
group = groups.vidb_groups[0]
members = members_client.Query(config).get_group_members_list(
    realm.id, group.group_id, model.VidbPrincipalQuery(), page=0, page_size=50
)
expect([user.user_name for user in members.vidb_users] == ["ada"], members)
users = users_client.Query(config).get_users_list(realm.id, query_of(username="ada"), page=0, page_size=50)
user = users.vidb_users[0]
expect(user.domain_name == "corp.example", user)
if IS_9_1_1:
    by_dn = groups_client.Query(config).get_groups_list(realm.id, query_of(dn=NEW_GROUP), page=0, page_size=50)
    expect(by_dn.page_info.total_count == 1, by_dn)
    groups_of_user = users_client.Groups(config).get_user_group_details(realm.id, user.user_id).vidb_groups
    expect(any(known.group_id == group.group_id for known in groups_of_user), groups_of_user)
    principals = ldap_directories_client.Principals(config)
    dn = "CN=gg-unpicked,OU=Picked,DC=corp,DC=example"
    principal = principals.provision_principal(
        realm.idp_id, corp, model.VidbPrincipal(dn=dn, principal_type="GROUP")
    )
    expect(principal.dn == dn, principal)
    principals.deprovision_principal(realm.idp_id, corp, principal.principal_id)

# An identity provider is made, read, changed and removed.
providers = iam.IdentityProviders(config)
with open(os.environ["CA_FILE"], encoding="ascii") as file:
    pem = file.read()
provider = providers.configure_idp(
    model.FederatedIdentityProvider(
        name="Okta West",
        sso_realm_id=empty.id,
        idp_type="OKTA",
        idp_protocol="OIDC",
        provision_type="SCIM",
        idp_config=model.IdpConfig(
            oidc_configuration=model.OidcConfiguration(
                discovery_endpoint="https://okta.example/.well-known/openid-configuration",
                client_id="0oa2",
                client_secret="planted-client",
            )
        ),
        directories=[model.IdpDirectory(name="Okta West", domains=["west.example"], default_domain="west.example")],
        certificate_chain=[pem],
    )
)
expect(provider.idp_config.oidc_configuration.client_secret is None, "the secret is returned")
shown = providers.get_idp_configuration(provider.id)
shown.name = "Okta East"
expect(providers.update_idp_configuration(shown).name == "Okta East", "update")
sync_clients = directories_client.SyncClient(config)
made = sync_clients.generate_scim_sync_client(
    provider.id, shown.directories[0].id, model.ScimTokenConfiguration(token_ttl=180, generate_token=True)
)
info = sync_clients.get_scim_sync_client_info(provider.id, shown.directories[0].id)
expect(info.scim_client_details.client_id == made.scim_client_details.client_id, info)
metadata = model.SamlXmlMetadata(vidb_resource_id=realm.vidb_resource_id, metadata="https://idp.example/saml")
saml = saml_metadata_client.Validate(config).validate_saml_metadata(metadata)
expect(saml.name_id_format_attribute_mappings, saml)


def wait_for_task(task):
    tasks = iam.Tasks(config)
    wait(lambda: tasks.get_iam_task_details(task.task_id).task_status == "COMPLETED", "task")


wait_for_task(providers.delete_idp_configuration(provider.id, force=True))
fresh = iam.Ssorealms(config).create_sso_realm(
    model.SsoRealmCreationRequest(vidb_resource_id=os.environ["FREE_BROKER"])
)
wait_for_task(iam.Ssorealms(config).delete_sso_realm(fresh.id))

# A client and its API token.
settings = iam.Settings(config).get_iam_settings()
settings.access_token_ttl = 60
expect(iam.Settings(config).update_iam_settings(settings).access_token_ttl == 60, "settings")
clients = ssorealms_client.ApiClients(config)
client = clients.create_api_client(realm.id, model.ApiClient(client_id="ci", client_name="CI"))
expect(clients.get_api_client(realm.id, "ci").client_uuid == client.client_uuid, client)
everything = model.ClientTokenQuery()
listed = api_clients_client.Query(config).query_api_clients(realm.id, everything, page=0, page_size=50)
expect(any(known.client_id == "ci" for known in listed.api_clients), listed)
roles = principals_client.Roles(config)
assignment = model.VcfRoleAssignment(
    role_name="vcf_administrator", role_scope=model.RoleScope(scope_type="SSO_REALM", resources=[])
)
roles.update_role_assignment(
    realm.id, client.client_uuid, model.VcfRoleAssignments(vcf_role_assignments=[assignment])
)
assigned = roles.get_role_assignment(realm.id, client.client_uuid).vcf_role_assignments
expect([role.role_name for role in assigned] == ["vcf_administrator"], assigned)
tokens = ssorealms_client.ApiTokens(config)
made = tokens.generate_api_token(
    realm.id, model.ApiToken(api_client_id="ci", token_name="nightly", token_type="API_CLIENT")
)
again = api_tokens_client.Regenerate(config).re_generate_api_token(realm.id, made.id)
expect(made.token and again.token and made.token != again.token, "token")
listed = api_tokens_client.Query(config).query_api_tokens(realm.id, everything, sort_by="EXPIRATION_DATE")
expect(any(known.id == made.id and known.expiration_date for known in listed.api_tokens), listed)
expect(tokens.get_api_token(realm.id, made.id).token is None, "the token is returned twice")

# With the token in place of the account.
token_client.Release(config).release_token()
del session.headers["Authorization"]
answer = session.post(
    again.token_endpoint_url,
    data={"grant_type": "urn:custom:vcf:params:oauth:grant-type:api-token", "api_token": again.token},
    headers={"Accept": "application/json"},
    timeout=20,
)
answer.raise_for_status()
session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
expect(len(iam.Ssorealms(config).get_sso_realm_list().sso_realms) == len(realms), "realms")
tokens.delete_api_token(realm.id, made.id)
print("OK")
