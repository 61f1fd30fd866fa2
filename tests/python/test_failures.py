"""What can go wrong on the way, as a program meets it."""

import pickle
import socket
import threading
import time
import unittest

from idhook import IdhookError, Timeouts, Vcf, Vidm, Webhook
from simulator import CA, IDHOOK, KEY, PRESENT, VCF, VCF_LOGIN, VIDM, VIDM_LOGIN, asked, clear_faults, fault, quick
from test_vidm import failure


def nobody() -> str:
    """A port on which nothing listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class TestSettings(unittest.TestCase):
    def test_wrong_settings_are_rejected_at_once(self) -> None:
        asked()
        login = {"username": "u", "password": "planted"}
        for given, pointers in (
            ({"url": "vidm.corp.example", **login}, ["/url"]),
            ({"url": f"{VIDM}/SAAS", **login}, ["/url"]),
            ({"url": 7, **login}, ["/url"]),
            ({"url": VIDM}, ["/username"]),
            ({"url": VIDM, "username": "u"}, ["/password"]),
            ({"url": VIDM, "client_id": "i"}, ["/clientSecret"]),
            ({"url": VIDM, "domain": "corp.example", **login}, ["/clientId", "/clientSecret"]),
            ({"url": VIDM, "profile": "horzon", **login}, ["/profile"]),
            ({"url": VIDM, "timeouts": Timeouts(operation=0), **login}, ["/timeouts/operation"]),
            ({"url": VIDM, "ca": "/no/such/file.pem", **login}, ["/ca"]),
            ({"url": VIDM, "ca": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", **login}, ["/ca"]),
        ):
            with self.subTest(given):
                error = failure(Vidm, **given)
                self.assertEqual(error.code, "request_invalid")
                self.assertEqual([field.pointer for field in error.errors], pointers)
        self.assertEqual([field.pointer for field in failure(Vcf, "https://v/x", "", "p").errors], ["/url", "/username"])
        for url, key in (("idhook.example", KEY), ("https://u:p@idhook.example", KEY), (IDHOOK, ""), (IDHOOK, "a b\n")):
            self.assertEqual(failure(Webhook, url, key).code, "request_invalid")
        with self.assertRaises(TypeError):
            Vidm(VIDM, *VIDM_LOGIN, pasword="x")  # type: ignore[call-arg]
        self.assertEqual(asked(), [])

    def test_nothing_shows_a_secret(self) -> None:
        for session in (Vidm(VIDM, *VIDM_LOGIN), Webhook(IDHOOK, KEY), Webhook(IDHOOK, KEY).vidm()):
            self.assertNotIn("planted", repr(session))
            self.assertNotIn(KEY, repr(session))


class TestDirect(unittest.TestCase):
    def tearDown(self) -> None:
        clear_faults()

    def test_a_wrong_password_is_tried_once(self) -> None:
        asked()
        vcf = Vcf(VCF, VCF_LOGIN[0], "planted-wrong")
        self.assertEqual(failure(vcf.identity_providers).code, "upstream_auth")
        again = failure(vcf.identity_providers)
        assert again.retry_after is not None and again.upstream is not None
        self.assertGreater(again.retry_after, 60)
        self.assertEqual(asked(), ["POST /v1/tokens"])

    def test_each_fault_has_its_code(self) -> None:
        vidm = Vidm(VIDM, *VIDM_LOGIN, timeouts=quick())
        vidm.health()
        for trouble, code, detail in (
            ({"kind": "delay", "milliseconds": 3000}, "upstream_timeout", "no response within 0.4 s"),
            ({"kind": "drip", "bytes": 1, "milliseconds": 2000}, "upstream_timeout", "no further byte of the response within 0.3 s"),
            ({"kind": "oversized", "bytes": 9_000_000, "chunked": True}, "upstream_invalid", "over 8388608 bytes"),
            ({"kind": "oversized", "bytes": 9_000_000, "chunked": False}, "upstream_invalid", "over 8388608 bytes"),
            ({"kind": "cutBody"}, "upstream_failed", ""),
            ({"kind": "reset"}, "upstream_failed", ""),
            ({"kind": "redirect", "location": f"{VIDM}/elsewhere"}, "upstream_invalid", ""),
            ({"kind": "garbageJson"}, "upstream_invalid", ""),
            ({"kind": "html", "status": 500}, "upstream_failed", ""),
            ({"kind": "busy", "status": 429, "retryAfter": {"seconds": 77}}, "upstream_busy", ""),
        ):
            with self.subTest(trouble):
                fault(times=None, server="vidm", path="directoryconfigs", **trouble)
                begun = time.monotonic()
                error = failure(vidm.directories)
                clear_faults()
                self.assertEqual(error.code, code, str(error))
                self.assertIn(detail, str(error))
                self.assertLess(time.monotonic() - begun, 15)
                assert error.upstream is not None
                self.assertTrue(error.upstream.call.startswith("GET /SAAS/"))
                if code == "upstream_busy":
                    self.assertEqual(error.retry_after, 77)
        self.assertNotIn("GET /elsewhere", asked())
        self.assertTrue(vidm.directories(), "the session is as good as before")

    def test_nobody_there(self) -> None:
        timeouts = Timeouts(operation=1)
        refused = failure(Vidm(nobody(), *VIDM_LOGIN, timeouts=timeouts).health)
        self.assertEqual((refused.code, refused.status, refused.retryable), ("upstream_unreachable", 502, True))
        # A busy machine may take longer than a second to learn that there is no such name.
        unknown = failure(Vidm("http://vidm.invalid", *VIDM_LOGIN).health)
        self.assertEqual(unknown.code, "upstream_unreachable")
        plain = failure(Vidm(VIDM.replace("http:", "https:"), *VIDM_LOGIN).health)
        self.assertEqual(plain.code, "upstream_tls", str(plain))

    def test_an_operation_has_an_end(self) -> None:
        fault(kind="delay", milliseconds=20_000, times=None)
        begun = time.monotonic()
        error = failure(Vidm(VIDM, *VIDM_LOGIN, timeouts=Timeouts(operation=0.5)).health)
        self.assertEqual((error.code, error.status), ("upstream_timeout", 504))
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_call_that_is_left_ends_its_connection(self) -> None:
        ended = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    while connection.recv(4096):
                        pass
                    ended.set()

            threading.Thread(target=serve, daemon=True).start()
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            error = failure(Vidm(url, *VIDM_LOGIN, timeouts=Timeouts(operation=0.5)).health)
            self.assertEqual(error.code, "upstream_timeout")
            self.assertTrue(ended.wait(5))

    def test_an_error_can_be_pickled(self) -> None:
        error = failure(Vidm(VIDM, *VIDM_LOGIN).directory, "lab.example")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(copy), copy.code, copy.candidates), (str(error), error.code, error.candidates))
        self.assertIsInstance(copy, IdhookError)


class TestWebhook(unittest.TestCase):
    def test_errors_of_the_server_itself(self) -> None:
        self.assertEqual(failure(Webhook(IDHOOK, "idh_wrong").vidm().directories).code, "unauthenticated")
        self.assertEqual(failure(Webhook(IDHOOK, KEY).vidm("nope").directories).code, "target_not_found")
        down = failure(Webhook(nobody(), KEY).vidm().ensure_groups, "corp.example", [PRESENT])
        self.assertEqual((down.code, down.retryable), ("webhook_unreachable", True))
        untrusted = failure(Webhook(IDHOOK.replace("http:", "https:"), KEY, ca=CA).vidm().health)
        self.assertEqual(untrusted.code, "webhook_tls")
        # Another server, or a proxy's page.
        foreign = failure(Webhook(VIDM, KEY).vidm().health)
        self.assertEqual(foreign.code, "webhook_invalid", str(foreign))


if __name__ == "__main__":
    unittest.main()
