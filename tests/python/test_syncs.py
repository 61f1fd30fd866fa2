"""The main job, directly and through a server: the same program for every product with directory syncs."""

import time
import unittest
from collections.abc import Callable, Iterator

from idhook import Sync, SyncSession
from simulator import PRESENT, PRODUCTS, Product
from test_vidm import failure


def every() -> Iterator[tuple[Product, str, Callable[[], SyncSession]]]:
    for product in PRODUCTS:
        for way, session in product.sessions():
            product.configure(syncMilliseconds=200)
            yield product, way, session


class TestSyncs(unittest.TestCase):
    def test_groups_are_ensured(self) -> None:
        for product, way, session in every():
            with self.subTest(product=product.name, way=way):
                group = f"CN=gg-{way},OU=Groups,DC=corp,DC=example"
                target = session()
                error = failure(target.ensure_groups, "corp.example", [PRESENT, group], timeout=30)
                self.assertEqual((error.code, error.status, error.retryable), ("group_absent", 409, False))
                self.assertIn(f"gg-{way}", error.detail)
                self.assertNotIn(PRESENT, error.detail)
                self.assertTrue(error.hint)
                assert error.sync is not None and error.sync.id is not None
                self.assertEqual((error.sync.status, error.sync.reason), ("failed", "group_absent"))

                product.add_group(group)
                seen: list[Sync] = []
                sync = target.ensure_groups("corp.example", [PRESENT, f" {group}"], timeout=30, on_progress=seen.append)
                self.assertEqual(sync.status, "succeeded")
                self.assertEqual([one.state for one in sync.groups], ["present", "present"])
                self.assertEqual((seen[-1], len({one.id for one in seen})), (sync, 1))
                self.assertIn(seen[0].status, ("running", "queued"))
                # The id leads to the same sync, in another session too.
                assert sync.id is not None
                self.assertEqual(session().wait_for_sync(sync.id, timeout=5).status, "succeeded")

    def test_a_sync_that_fails(self) -> None:
        for product, way, session in every():
            with self.subTest(product=product.name, way=way):
                product.configure(syncManual=True)
                target = session()
                started = target.start_sync("corp.example")
                assert started.id is not None
                product.finish("failed", "The connector is down.")
                sync = target.wait_for_sync(started.id, timeout=20)
                self.assertEqual((sync.status, sync.reason), ("failed", "sync_failed"))

    def test_a_sync_that_does_not_end_in_time(self) -> None:
        for product, way, session in every():
            with self.subTest(product=product.name, way=way):
                product.configure(syncManual=True)
                begun = time.monotonic()
                error = failure(session().ensure_groups, "corp.example", [PRESENT], timeout=2)
                self.assertLess(time.monotonic() - begun, 15)
                self.assertEqual((error.code, error.retryable), ("sync_timeout", True))
                self.assertIn("still running", error.detail)
                assert error.sync is not None and error.sync.id is not None
                product.finish()
                self.assertEqual(session().wait_for_sync(error.sync.id).status, "succeeded")

    def test_an_absent_user_fails_the_call(self) -> None:
        for product, way, session in every():
            with self.subTest(product=product.name, way=way):
                error = failure(session().ensure_groups, "corp.example", [PRESENT], users=["nobody@corp.example"], timeout=30)
                self.assertEqual((error.code, error.status), ("user_absent", 409))
                self.assertIn("nobody@corp.example", error.detail)
                assert error.sync is not None and error.sync.users is not None
                self.assertEqual([one.state for one in error.sync.users], ["absent"])

    def test_changes_are_watched(self) -> None:
        for product, way, session in every():
            with self.subTest(product=product.name, way=way):
                target = session()
                started = target.start_sync("corp.example", [PRESENT])
                assert started.id is not None
                states = [sync.status for sync in target.watch_sync(started.id, timeout=30)]
                self.assertEqual(states[-1], "succeeded")
                # A watch that is left early ends.
                watch = target.watch_sync(started.id)
                next(iter(watch))


if __name__ == "__main__":
    unittest.main()
