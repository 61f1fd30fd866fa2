"""SDDC Manager's identity providers, directly and through a server."""

import unittest
from typing import Any

from idhook import IdentitySourceSpec, LdapSpec, SourceDetails, Vcf
from simulator import CA, VCF_LOGIN, VCF_TLS, both_vcf
from test_vidm import failure

PASSWORD = "planted-in-a-spec"


def source(endpoint: str, domain: str | None = None) -> IdentitySourceSpec:
    details = SourceDetails(users_base_dn="OU=P", groups_base_dn="OU=G", server_endpoints=[endpoint])
    ldap = LdapSpec(
        type="ActiveDirectory",
        domain_name=domain,
        username="svc@research.example",
        password=PASSWORD,
        source_details=details,
    )
    return IdentitySourceSpec(name="research", ldap=ldap)


def adfs(name: str) -> dict[str, Any]:
    details = {"usersBaseDn": "u", "groupsBaseDn": "g", "serverEndpoints": ["ldap://dns01.domain.com"]}
    ldap = {"domainName": "domain.com", "username": "u@domain.com", "password": PASSWORD, "sourceDetails": details}
    discovery = "https://domain.com/.well-known/openid-configuration"
    oidc = {"clientId": "id", "clientSecret": PASSWORD, "discoveryEndpoint": discovery}
    return {"name": name, "type": "AD_FS", "ldap": ldap, "oidc": oidc}


class TestVcf(unittest.TestCase):
    def test_identity_sources(self) -> None:
        for way, session in both_vcf():
            with self.subTest(way):
                vcf, domain = session(), "research.example"
                embedded = next(one for one in vcf.identity_providers().elements if one.type == "Embedded")
                assert embedded.id is not None
                put = vcf.put_identity_source(embedded.id, domain, source("ldap://dc01"), dry_run=True)
                self.assertEqual((put.outcome, put.dry_run), ("created", True))
                self.assertEqual(vcf.put_identity_source(embedded.id, domain, source("ldap://dc01")).outcome, "created")
                self.assertEqual(vcf.put_identity_source(embedded.id, domain, source("ldap://dc01")).outcome, "unchanged")
                changed = vcf.put_identity_source(embedded.id, domain, source("ldap://dc02"))
                self.assertEqual(changed.outcome, "updated")
                assert changed.changes is not None
                self.assertEqual(changed.changes[0].from_, ["ldap://dc01"])
                forced = vcf.put_identity_source(embedded.id, domain, source("ldap://dc02"), force=True)
                self.assertEqual(forced.outcome, "updated")
                assert forced.etag is not None
                error = failure(vcf.delete_identity_source, embedded.id, domain, if_match='"old"')
                self.assertEqual((error.code, error.status), ("precondition_failed", 412))
                self.assertIsNone(vcf.delete_identity_source(embedded.id, domain, if_match=forced.etag))
                absent = vcf.delete_identity_source("embedded", domain, absent="ok")
                assert absent is not None
                self.assertEqual(absent.outcome, "unchanged")
                sources = vcf.identity_provider(embedded.id).identity_sources or []
                self.assertNotIn(domain, [name for one in sources for name in one.domain_names or []])

    def test_replaced_provider(self) -> None:
        for way, session in both_vcf():
            with self.subTest(way):
                vcf = session()
                vcf.put_identity_provider(adfs("First"))
                error = failure(vcf.put_identity_provider, adfs("Second"), replace=True)
                self.assertEqual(error.code, "request_invalid")
                self.assertIn("First", error.detail)
                outcome = vcf.put_identity_provider(adfs("Second"), replace=True, confirm="First")
                self.assertEqual(outcome.outcome, "replaced")
                self.assertTrue(outcome.removed)
                self.assertIsNone(vcf.delete_identity_provider("external", if_match=vcf.identity_provider("external").etag))

    def test_a_whole_job(self) -> None:
        for way, session in both_vcf():
            with self.subTest(way):
                vcf, domain = session(), f"{way}.example".replace(" ", "-")
                spec = source("ldap://dc01", domain)
                job = {"identitySource": spec, "roles": [{"group": f"gg-vcf-admins@{domain}", "role": "VIEWER"}]}
                plan = vcf.apply(job, dry_run=True)
                self.assertEqual([step.outcome for step in plan.steps], ["wouldCreate", "skipped", "wouldCreate"])
                self.assertEqual([step.outcome for step in vcf.apply(job).steps], ["created", "passed", "created"])
                self.assertEqual([step.outcome for step in vcf.apply(job).steps], ["unchanged", "passed", "unchanged"])
                job["roles"] = [{"group": f"gg-vcf@{domain}", "role": "VIEWER"}]
                error = failure(vcf.apply, job)
                self.assertEqual((error.code, error.steps[-1].outcome), ("not_found", "failed"))
                job = {"roles": [{"group": f"gg-vcf-admins@{domain}", "state": "absent"}]}
                self.assertEqual([step.outcome for step in vcf.apply(job).steps], ["removed"])

    def test_a_wrong_specification(self) -> None:
        for way, session in both_vcf():
            with self.subTest(way):
                empty: dict[str, Any] = {"ldap": {"sourceDetails": {"serverEndpoints": ["http://dc02"]}}}
                error = failure(session().add_identity_source, "x", empty)
                self.assertEqual(error.code, "request_invalid")
                pointers = [field.pointer for field in error.errors]
                for pointer in ("/name", "/ldap/password", "/ldap/sourceDetails/serverEndpoints/0"):
                    self.assertIn(pointer, pointers)

    def test_a_specification_does_not_show_its_password(self) -> None:
        self.assertNotIn(PASSWORD, repr(source("ldap://dc01")))

    def test_private_ca(self) -> None:
        self.assertTrue(Vcf(VCF_TLS, *VCF_LOGIN, ca=CA).identity_providers().elements)
        self.assertEqual(failure(Vcf(VCF_TLS, *VCF_LOGIN).identity_providers).code, "upstream_tls")

    def test_other_calls(self) -> None:
        for way, session in both_vcf():
            with self.subTest(way):
                self.assertIsNotNone(session().prechecks().status)
                self.assertIsNotNone(session().sddc_manager_oidc().oidc_client_id)


if __name__ == "__main__":
    unittest.main()
