"""What only vIDM has, directly and through a server; the main job is in test_syncs."""

import threading
import unittest

from idhook import IdhookError, Sync, Vidm, VidmSession
from simulator import ABSENT, CA, PRESENT, VIDM_LOGIN, VIDM_TLS, asked, both, clear_faults, configure, control, direct, fault


def failure(call: object, *arguments: object, **options: object) -> IdhookError:
    assert callable(call)
    try:
        result = call(*arguments, **options)
    except IdhookError as e:
        assert "planted" not in f"{e!r} {e} {e.__dict__}", e
        return e
    raise AssertionError(f"it returned {result!r}")


class TestVidm(unittest.TestCase):
    def setUp(self) -> None:
        configure(syncMilliseconds=200)

    def test_safeguards_fail_the_sync(self) -> None:
        for way, session in both():
            with self.subTest(way):
                vidm = session()
                control("POST", "directories/corp.example/safeguards", True)
                error = failure(vidm.ensure_groups, "corp.example", [PRESENT], timeout=30)
                control("POST", "directories/corp.example/safeguards", False)
                self.assertEqual(error.code, "safeguard_tripped")
                assert error.sync is not None
                self.assertEqual(error.sync.reason, "safeguard_tripped")

    def test_directories_groups_and_health(self) -> None:
        for way, session in both():
            with self.subTest(way):
                vidm = session()
                self.assertIn("corp.example", [one.name for one in vidm.directories()])
                self.assertEqual([one.name for one in vidm.directories(name="CORP.example", syncable=True)], ["corp.example"])
                self.assertEqual(vidm.directory("corp.example").type, "ACTIVE_DIRECTORY_LDAP")
                self.assertEqual(vidm.groups(PRESENT)[0].display_name, PRESENT)
                self.assertEqual(vidm.groups(vidm.groups(PRESENT)[0].distinguished_name or "")[0].display_name, PRESENT)
                self.assertEqual(vidm.groups(ABSENT), [])
                self.assertTrue(vidm.health().all_ok)
                self.assertEqual(vidm.latest_sync("corp.example").directory.name, "corp.example")
                self.assertIsInstance(vidm.sync_history("corp.example").syncs, list)
                self.assertEqual(failure(vidm.dry_run, "corp.example").code, "not_supported")
                error = failure(vidm.directory, "lab.example")
                self.assertEqual((error.code, len(error.candidates)), ("directory_ambiguous", 2))
                self.assertEqual(failure(vidm.directory, "no/such?dir").code, "directory_not_found")
                self.assertEqual(failure(vidm.start_sync, "System Directory").code, "directory_not_syncable")
                self.assertEqual(failure(vidm.sync, "no-such-id").code, "sync_not_found")
                self.assertEqual(failure(vidm.start_sync, "corp.example", PRESENT).code, "request_invalid")
                self.assertEqual(failure(vidm.ensure_groups, "corp.example", []).code, "request_invalid")
                wrong = failure(vidm.start_sync, "corp.example", ["gg@corp.example"], add_to_profile=True)
                self.assertEqual((wrong.code, wrong.errors[0].pointer), ("request_invalid", "/groups/0"))

    def test_groups_are_added_to_the_profile(self) -> None:
        for way, session in both():
            with self.subTest(way):
                group = f"CN=gg-picked-{way},OU=Picked,DC=corp,DC=example"
                control("POST", "groups", {"directory": "corp.example", "dn": group})
                sync = session().ensure_groups("corp.example", [group], timeout=30, add_to_profile=True)
                self.assertEqual(sync.status, "succeeded")

    def test_passing_faults_are_waited_out(self) -> None:
        for way, session in both():
            with self.subTest(way):
                configure(syncMilliseconds=2500)
                fault(kind="reset", server="vidm", method="GET", path="/syncprofile/sync", after=1, times=2)
                self.assertEqual(session().ensure_groups("corp.example", [PRESENT], timeout=40).status, "succeeded")
                clear_faults()

    def test_threads_share_one_login(self) -> None:
        vidm, names = direct(), []
        asked()

        def work() -> None:
            names.append([one.name for one in vidm.directories()])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(names), 8)
        self.assertEqual(len([call for call in asked() if "login" in call]), 1)

    def test_what_progress_raises_ends_the_call(self) -> None:
        for way, session in both():
            with self.subTest(way):
                def stop(_: Sync) -> None:
                    raise KeyboardInterrupt

                vidm: VidmSession = session()
                with self.assertRaises(KeyboardInterrupt):
                    vidm.ensure_groups("corp.example", [PRESENT], on_progress=stop)
                self.assertTrue(vidm.directories(), "the session goes on")

    def test_private_ca(self) -> None:
        with open(CA, encoding="ascii") as file:
            text = file.read()
        for ca in (CA, text):
            self.assertTrue(Vidm(VIDM_TLS, *VIDM_LOGIN, ca=ca).directories())
        error = failure(Vidm(VIDM_TLS, *VIDM_LOGIN).directories)
        self.assertEqual((error.code, error.retryable), ("upstream_tls", False))
        self.assertIn("ca=", error.hint or "")
        self.assertIn("CERTIFICATE_VERIFY_FAILED", str(error))
        # The certificate is for another name.
        other = VIDM_TLS.replace("localhost", "ip6-localhost")
        if other != VIDM_TLS:
            self.assertIn(failure(Vidm(other, *VIDM_LOGIN, ca=CA).directories).code, ("upstream_tls", "upstream_unreachable"))


if __name__ == "__main__":
    unittest.main()
