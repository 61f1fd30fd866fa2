"""What `Webhook` makes of a server that is slow or hostile; without an idhook server."""

import contextlib
import functools
import json
import socket
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from idhook import IdhookError, VidmSession, Webhook, _http, _webhook

# What a call may take on a busy machine. The servers here would hold it for longer.
AT_MOST = 30
SYNC = {"id": "s", "status": "succeeded", "directory": {"id": "d"}, "groups": []}
# The beginning of a record with a certificate of 16,000 bytes or so.
HANDSHAKE = b"\x16\x03\x03\x3f\xff\x02"

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(serve: Serve) -> Iterator[tuple[str, threading.Event]]:
    """The address of a server that serves each connection so, and the event that its client has closed one."""
    is_left = threading.Event()

    def work(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(60)
            try:
                serve(connection)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
            except OSError:
                return
            is_left.set()

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=work, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=[listener], daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", is_left


def read_request(connection: socket.socket) -> None:
    """Reads the head of a request."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionError
        text += piece


def answer(status: int, kind: str, body: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return serve


def drip(start: bytes, byte: bytes, seconds: float = 60) -> Serve:
    """Sends `start` at once, and then a byte every 50 ms."""

    def serve(connection: socket.socket) -> None:
        if start != HANDSHAKE:
            read_request(connection)
        connection.sendall(start)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            connection.sendall(byte)
            time.sleep(0.05)

    return serve


def session(address: str, scheme: str = "http") -> VidmSession:
    return Webhook(f"{scheme}://{address}", "key").vidm()


class TestTime(unittest.TestCase):
    def fails_in_time(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> IdhookError:
        begun = time.monotonic()
        with self.assertRaises(IdhookError) as raised:
            call(*arguments, **options)
        self.assertLess(time.monotonic() - begun, AT_MOST)
        error = raised.exception
        self.assertEqual((error.code, error.status, error.retryable), ("webhook_unreachable", 502, True), str(error))
        return error

    # No other limit ends the connection that the caller has left.
    @mock.patch.object(_webhook, "Limits", functools.partial(_http.Limits, connect=2 * AT_MOST))
    @mock.patch.object(_webhook, "ANSWER", 0.3)
    def test_a_response_that_drips_has_an_end(self) -> None:
        def check(case: tuple[str, str, bytes, bytes]) -> None:
            phase, scheme, start, byte = case
            with server(drip(start, byte)) as (address, is_left):
                error = self.fails_in_time(session(address, scheme).health)
                # A busy machine may be slow to connect.
                self.assertRegex(error.detail, "no (complete response|connection) within 0.3 s", phase)
                self.assertTrue(is_left.wait(AT_MOST), f"{phase}: the connection is left open")

        cases = (
            ("status line", "http", b"", b"H"),
            ("header line", "http", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
            ("header lines", "http", b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
            ("body", "http", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
            ("chunks", "http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
            ("handshake", "https", HANDSHAKE, b"\x00"),
        )
        with ThreadPoolExecutor(len(cases)) as pool:
            list(pool.map(check, cases))

    @mock.patch.object(_webhook, "ANSWER", 0.3)
    def test_a_wait_has_an_end(self) -> None:
        with server(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")) as (address, _):
            vidm = session(address)
            calls: list[Callable[[], Any]] = [
                lambda: vidm.wait_for_sync("s", timeout=1),
                lambda: list(vidm.watch_sync("s", timeout=1)),
                lambda: vidm.ensure_groups("d", ["gg@corp.example"], timeout=1),
            ]
            with ThreadPoolExecutor(len(calls)) as pool:
                list(pool.map(self.fails_in_time, calls))

    @mock.patch.object(_webhook, "ANSWER", 0.3)
    def test_a_held_request_has_the_time_of_its_wait_as_well(self) -> None:
        def serve(connection: socket.socket) -> None:
            drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" ", 0.6)(connection)
            connection.sendall(json.dumps(SYNC).encode())
            connection.shutdown(socket.SHUT_WR)

        with server(serve) as (address, _):
            self.assertEqual([sync.status for sync in session(address).watch_sync("s", timeout=30)], ["succeeded"])

    @mock.patch.object(_webhook, "ANSWER", 0.3)
    def test_a_look_up_has_an_end_and_nothing_is_sent_after_it(self) -> None:
        received: list[bytes] = []
        may_look_up = threading.Event()
        look_up = socket.getaddrinfo

        def slow(*arguments: Any) -> Any:
            may_look_up.wait(60)
            return look_up(*arguments)

        with server(lambda connection: received.append(connection.recv(4096))) as (address, is_left):
            with mock.patch.object(socket, "getaddrinfo", slow):
                error = self.fails_in_time(session(address).health)
                self.assertIn("no connection within 0.3 s", error.detail)
                may_look_up.set()
                self.assertTrue(is_left.wait(AT_MOST))
        self.assertEqual(received, [b""])


class TestResponses(unittest.TestCase):
    def test_a_document_that_is_too_deep_is_not_idhooks(self) -> None:
        for status, kind in ((200, "application/json"), (500, "application/problem+json")):
            for body in (b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000):
                with self.subTest(status=status, body=body[:5]), server(answer(status, kind, body)) as (address, _):
                    with self.assertRaises(IdhookError) as raised:
                        session(address).health()
                    self.assertEqual((raised.exception.code, raised.exception.status), ("webhook_invalid", status))

    def test_a_document_of_another_shape_is_not_idhooks(self) -> None:
        def read(path: str) -> Callable[[VidmSession], Any]:
            return {
                "sync": lambda vidm: vidm.sync("s"),
                "wait": lambda vidm: vidm.wait_for_sync("s", timeout=1),
                "ensure": lambda vidm: vidm.ensure_groups("d", ["gg@corp.example"], timeout=1),
                "directories": lambda vidm: vidm.directories(),
                "groups": lambda vidm: vidm.groups("gg@corp.example"),
                "health": lambda vidm: vidm.health(),
            }[path]

        no_objects: list[Any] = [None, [], [SYNC], "a page", 7, True]
        no_syncs: list[Any] = [{}, {**SYNC, "status": 1}, {**SYNC, "directory": "d"}, {**SYNC, "directory": {}}, {**SYNC, "id": None}]
        no_syncs += [{**SYNC, "groups": groups} for groups in ("gg", 7, None, ["gg"], [{"requested": ["gg"]}])]
        no_lists: list[Any] = [{}, {"directories": {}, "groups": {}}, {"directories": "d", "groups": None}]
        cases = [(name, one) for name in ("sync", "wait", "ensure") for one in no_objects + no_syncs]
        cases += [(name, one) for name in ("directories", "groups") for one in no_objects + no_lists]
        cases += [("health", one) for one in no_objects if one is not None]
        for name, document in cases:
            body = json.dumps(document).encode()
            with self.subTest(name, document=document), server(answer(200, "application/json", body)) as (address, _):
                with self.assertRaises(IdhookError) as raised:
                    read(name)(session(address))
                self.assertEqual((raised.exception.code, raised.exception.status), ("webhook_invalid", 200))

    def test_a_pause_that_is_none_does_not_end_a_wait(self) -> None:
        pauses: list[Any] = [-1, "7", float("nan"), float("inf"), [], True, 10**400]
        for pause in pauses:
            states = [{**SYNC, "status": "running", "retryAfter": pause}, SYNC]

            def serve(connection: socket.socket, states: list[Any] = states) -> None:
                answer(200, "application/json", json.dumps(states.pop(0)).encode())(connection)

            with self.subTest(pause=pause), server(serve) as (address, _), mock.patch.object(_webhook, "LONGEST_PAUSE", 0.01):
                self.assertEqual(session(address).wait_for_sync("s", timeout=30).status, "succeeded")

    def test_a_problem_of_another_shape_is_an_error_all_the_same(self) -> None:
        whole = {"code": "upstream_busy", "detail": "busy", "status": 503, "retryable": True}
        names = ("errors", "candidates", "steps", "upstream", "sync")
        values: list[Any] = [7, "text", [7, "text"], [[]], {}, None, [{}, {}]]
        no_seconds: list[Any] = [-1, 1.5, "7", [], True]
        odd = [{**whole, name: value} for name in names for value in values]
        odd += [{**whole, "retryAfter": value} for value in no_seconds] + [{**whole, "status": "503"}, {**whole, "hint": 7}]
        for problem in odd:
            body = json.dumps(problem).encode()
            with self.subTest(problem=problem), server(answer(503, "application/problem+json", body)) as (address, _):
                with self.assertRaises(IdhookError) as raised:
                    session(address).health()
                self.assertEqual((raised.exception.code, raised.exception.retry_after), ("upstream_busy", None))
        none: list[Any] = [[], "text", 7, None, {}, {"code": 7, "detail": "busy"}, {"code": "upstream_busy", "detail": []}]
        for problem in none:
            body = json.dumps(problem).encode()
            with self.subTest(problem=problem), server(answer(503, "application/problem+json", body)) as (address, _):
                with self.assertRaises(IdhookError) as raised:
                    session(address).health()
                self.assertEqual((raised.exception.code, raised.exception.retryable), ("webhook_invalid", True))

    def test_a_retry_after_that_is_no_time_is_ignored(self) -> None:
        dates = ("Mon, 99 Foo 99999 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +2400")
        for given in ("9" * 5_000, "-1", "1.5", "\u0663\u00b2", *dates, ",", "()"):
            with self.subTest(given=given[:40]), server(answer(503, f"text/html\r\nRetry-After: {given}", b"busy")) as (address, _):
                with self.assertRaises(IdhookError) as raised:
                    session(address).health()
                self.assertEqual((raised.exception.code, raised.exception.retry_after), ("webhook_invalid", None))

    def test_a_response_is_read_whole(self) -> None:
        with server(answer(200, "application/json", json.dumps(SYNC).encode())) as (address, is_left):
            self.assertEqual(session(address).sync("s").status, "succeeded")
            self.assertTrue(is_left.wait(AT_MOST))


if __name__ == "__main__":
    unittest.main()
