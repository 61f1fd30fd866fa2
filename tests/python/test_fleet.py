"""What only VCF Operations has, directly and through a server; the main job is in test_syncs."""

import unittest

from idhook import Fleet, Webhook
from simulator import FLEET, FLEET_API_TOKEN, FLEET_LOGIN, IDHOOK, KEY, PRESENT, asked, both_fleet, control
from test_vidm import failure

LOGIN = "POST /suite-api/api/auth/token/acquire"


class TestFleet(unittest.TestCase):
    def test_directories_and_groups(self) -> None:
        for way, session in both_fleet():
            with self.subTest(way):
                fleet = session()
                self.assertIn("corp.example", [one.name for one in fleet.directories()])
                [corp] = fleet.directories(name="CORP.example", syncable=True)
                self.assertEqual(fleet.directory(corp.id), corp)
                self.assertEqual([one.id for one in fleet.directories(realm=corp.realm.id, domain="corp.example")], [corp.id])
                [group] = fleet.groups(PRESENT)
                self.assertEqual(f"{group.name}@{group.domain}", PRESENT)
                self.assertEqual(fleet.latest_sync("corp.example").directory.id, corp.id)
                self.assertIsInstance(fleet.sync_history("corp.example").syncs, list)
                error = failure(fleet.directory, "lab.example")
                self.assertEqual((error.code, len(error.candidates)), ("directory_ambiguous", 2))
                self.assertEqual(failure(fleet.directory, "no/such?dir").code, "directory_not_found")
                self.assertEqual(failure(fleet.sync, "no-such-id").code, "sync_not_found")
                self.assertEqual(failure(fleet.ensure_groups, "corp.example", []).code, "request_invalid")

    def test_groups_are_added_to_the_profile(self) -> None:
        for way, session in both_fleet():
            with self.subTest(way):
                group = f"CN=gg-picked-{way},OU=Picked,DC=corp,DC=example"
                control("POST", "fleet/groups", {"directory": "corp.example", "dn": group})
                control("POST", "fleet/settings", {"syncMilliseconds": 200})
                fleet = session()
                self.assertEqual(failure(fleet.ensure_groups, "corp.example", [group], timeout=30).code, "group_absent")
                sync = fleet.ensure_groups("corp.example", [group], timeout=30, add_to_profile=True)
                self.assertEqual((sync.status, sync.groups[0].state), ("succeeded", "present"))

    def test_groups_are_brought_in_without_a_sync(self) -> None:
        for way, session in both_fleet():
            with self.subTest(way):
                group = f"CN=gg-brought-{way},OU=Picked,DC=corp,DC=example"
                control("POST", "fleet/groups", {"directory": "corp.example", "dn": group})
                sync = session().provision("corp.example", [group])
                self.assertEqual((sync.id, [one.state for one in sync.groups]), (None, ["present"]))
                self.assertEqual(failure(session().provision, "corp.example", ["gg@corp.example"]).code, "request_invalid")
                self.assertEqual(failure(session().provision, "corp.example", [PRESENT, " "]).code, "request_invalid")

    def test_identity_providers(self) -> None:
        id = ""
        for way, session in both_fleet():
            with self.subTest(way):
                fleet = session()
                scim = next(one for one in fleet.identity_providers().elements if one.provider and one.provider.provision_type == "SCIM")
                assert scim.provider is not None and scim.provider.id is not None
                id = scim.provider.id
                self.assertEqual(fleet.identity_provider(scim.provider.id).sso_realm_id, scim.realm.id)
                self.assertIsNotNone(fleet.generate_sync_client(scim.provider.id, ttl_minutes=60))
                self.assertIsNotNone(fleet.sync_client(scim.provider.id))
                self.assertGreater(len(failure(fleet.create_identity_provider, {"name": "x"}).errors), 1)
                self.assertGreater(len(failure(fleet.put_identity_provider, {"name": "x"}, dry_run=True).errors), 1)
                self.assertEqual(failure(fleet.validate_saml_metadata, {}).code, "request_invalid")
                self.assertEqual(failure(fleet.task, "no-such-task").code, "upstream_rejected")
                raced = failure(fleet.delete_identity_provider, id, force=True, if_match='"old"')
                self.assertEqual(raced.code, "precondition_failed")
        gone = Webhook(IDHOOK, KEY).fleet().delete_identity_provider(id, force=True, timeout=30, if_match="*")
        self.assertEqual((gone.deleted, gone.id), (True, id))

    def test_api_token(self) -> None:
        asked()
        fleet = Fleet(FLEET, api_token=FLEET_API_TOKEN)
        self.assertTrue(fleet.directories())
        self.assertNotIn(LOGIN, asked())
        self.assertNotIn("planted", repr(fleet))
        self.assertEqual(failure(Fleet(FLEET, api_token="planted-wrong").directories).code, "upstream_auth")

    def test_a_wrong_password_is_tried_once(self) -> None:
        asked()
        fleet = Fleet(FLEET, FLEET_LOGIN[0], "planted-wrong")
        self.assertEqual(failure(fleet.directories).code, "upstream_auth")
        again = failure(fleet.start_sync, "corp.example")
        assert again.retry_after is not None
        self.assertGreater(again.retry_after, 60)
        self.assertEqual([call for call in asked() if call == LOGIN], [LOGIN])

    def test_wrong_settings_are_rejected_at_once(self) -> None:
        for given, pointers in (
            ({}, ["/username"]),
            ({"username": "u"}, ["/password"]),
            ({"username": "u", "password": "planted", "api_token": "planted"}, ["/apiToken"]),
            ({"username": "u", "password": "planted", "broker_url": FLEET}, ["/brokerUrl"]),
        ):
            with self.subTest(given):
                error = failure(Fleet, FLEET, **given)
                self.assertEqual((error.code, [field.pointer for field in error.errors]), ("request_invalid", pointers))


if __name__ == "__main__":
    unittest.main()
