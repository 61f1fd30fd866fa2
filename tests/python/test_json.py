"""JSON to results and back, without any server."""

import dataclasses
import unittest

from idhook import FederatedIdentityProviderInfo, FieldChange, LdapSpec, SourceDetails, Sync, VidmHealth
from idhook._json import read, write


class TestJson(unittest.TestCase):
    def test_what_is_missing_or_new_is_no_error(self) -> None:
        sync = read(Sync, {"status": "queued", "directory": {"id": "d"}, "groups": [], "inventedLater": 1})
        self.assertEqual((sync.status, sync.id, sync.directory.name), ("queued", None, None))
        self.assertEqual(read(VidmHealth, {"checks": {"A": True, "B": "x"}}).checks, {"A": True, "B": "x"})

    def test_names(self) -> None:
        change = read(FieldChange, {"pointer": "/a", "from": 1, "to": None})
        self.assertEqual((change.from_, change.to), (1, None))
        one = read(FederatedIdentityProviderInfo, {"syncClientTokenTTL": 5, "directoryList": {"name": "n"}, "new": 1})
        self.assertEqual((one.sync_client_token_ttl, one.extra), (5, {"new": 1}))
        assert one.directory_list is not None
        self.assertEqual(one.directory_list[0].name, "n")

    def test_writing(self) -> None:
        spec = LdapSpec(username="u", password="p", source_details=SourceDetails(users_base_dn="o", extra={"new": [1]}))
        expected = {"username": "u", "password": "p", "sourceDetails": {"usersBaseDn": "o", "new": [1]}}
        self.assertEqual(write(spec), expected)
        self.assertEqual(read(LdapSpec, write(spec)), spec)

    def test_results_cannot_be_changed(self) -> None:
        sync = read(Sync, {"status": "queued", "directory": {"id": "d"}, "groups": []})
        with self.assertRaises(dataclasses.FrozenInstanceError):
            setattr(sync, "status", "succeeded")


if __name__ == "__main__":
    unittest.main()
