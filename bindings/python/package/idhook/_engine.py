"""Runs idhook's WebAssembly module inside this process, and does for it what it cannot do itself: HTTP, timers, waiting.

The module does no I/O. A step takes what has happened and returns what to do next (`bindings/python/src/messages.rs`). So TLS, the
CA, Ctrl-C and threads are Python's own, and the module can reach nothing: it imports two clocks and random numbers.
"""

from __future__ import annotations

import base64
import collections
import functools
import heapq
import importlib.resources
import itertools
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ._errors import IdhookError
from ._http import LONGEST_WAIT, Exchange, Limits, TransportError

if TYPE_CHECKING:
    import wasmtime

Event = dict[str, Any]

_compiling = threading.Lock()


@functools.lru_cache(maxsize=None)
def _module() -> tuple[wasmtime.Engine, wasmtime.Module]:
    try:
        import wasmtime
    except ImportError as e:
        raise ImportError(
            "idhook.Vidm, idhook.Fleet and idhook.Vcf run idhook inside this process, which needs wasmtime: pip install 'idhook[wasmtime]'. "
            "Without wasmtime, call an idhook server: idhook.Webhook(url, key).vidm()"
        ) from e
    code = importlib.resources.files(__package__).joinpath("idhook.wasm").read_bytes()
    try:
        config = wasmtime.Config()
        # Machine code is kept in the user's cache folder: the next process starts in milliseconds.
        config.cache = True
        engine = wasmtime.Engine(config)
        return engine, wasmtime.Module(engine, code)
    except wasmtime.WasmtimeError:
        # A read-only home, as in a container: compile each time.
        engine = wasmtime.Engine()
        return engine, wasmtime.Module(engine, code)


class _Instance:
    """One instance of the module."""

    def __init__(self) -> None:
        with _compiling:
            engine, module = _module()
        import wasmtime

        self._store = wasmtime.Store(engine)
        f64, i64 = wasmtime.ValType.f64(), wasmtime.ValType.i64()
        provided: dict[str, tuple[wasmtime.ValType, Callable[[], float]]] = {
            "now": (f64, lambda: time.time() * 1000),
            "elapsed": (f64, lambda: time.monotonic() * 1000),
            "random": (i64, lambda: secrets.randbits(64) - (1 << 63)),
        }
        functions = {
            name: wasmtime.Func(self._store, wasmtime.FuncType([], [kind]), function)
            for name, (kind, function) in provided.items()
        }
        self._exports = wasmtime.Instance(
            self._store, module, [functions[one.name or ""] for one in module.imports]
        ).exports(self._store)

    def _call(self, name: str, *arguments: int) -> int:
        function: Any = self._exports[name]
        return int(function(self._store, *arguments))

    def step(self, events: list[Event]) -> list[dict[str, Any]]:
        memory: Any = self._exports["memory"]
        given = json.dumps(events).encode()
        memory.write(self._store, given, self._call("input", len(given)) & 0xFFFFFFFF)
        length = self._call("step") & 0xFFFFFFFF
        start = self._call("output") & 0xFFFFFFFF
        actions: list[dict[str, Any]] = json.loads(bytes(memory.read(self._store, start, start + length)))
        return actions


class Session:
    """A session in an instance of its own. Any number of threads may call it at the same time."""

    def __init__(
        self, kind: str, settings: dict[str, Any], tls: ssl.SSLContext, log: Callable[[str], object] | None
    ) -> None:
        self._tls = tls
        self._log = log
        self._instance = _Instance()
        # Guards everything below; its owner steps the instance, everyone else waits for news.
        self._condition = threading.Condition()
        self._ids = itertools.count(1)
        self._events: list[Event] = []
        self._exchanges: dict[int, Exchange] = {}
        self._timers: list[tuple[float, int]] = []
        self._news: dict[int, collections.deque[tuple[str, Any]]] = {}
        self._broken: str | None = None
        self._opened: dict[str, Any] = {}
        with self._condition:
            self._step([{"open": {"kind": kind, "settings": settings}}])
            if self._broken is not None:
                raise self._stopped()
        _value(self._opened)

    def call(self, name: str, arguments: dict[str, Any]) -> Generator[Any, None, Any]:
        """Calls a function: yields each state that it observes, and returns its result."""
        with self._condition:
            call = next(self._ids)
            self._news[call] = collections.deque()
            self._events.append({"call": {"id": call, "name": name, "arguments": arguments}})
        is_done = False
        try:
            while True:
                with self._condition:
                    while not self._news[call]:
                        self._work()
                    kind, news = self._news[call].popleft()
                if kind == "done":
                    is_done = True
                    return _value(news)
                yield news
        finally:
            with self._condition:
                del self._news[call]
                if not is_done and self._broken is None:
                    # Ctrl-C, or a watch that is no longer read: whatever is under way for it ends.
                    self._step([{"drop": call}])

    def _work(self) -> None:
        """Takes a step if something has happened, or waits until something does."""
        if self._broken is not None:
            raise self._stopped()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._events.append({"woken": heapq.heappop(self._timers)[1]})
        if self._events:
            events, self._events = self._events, []
            self._step(events)
        else:
            until_timer = self._timers[0][0] - now if self._timers else LONGEST_WAIT
            self._condition.wait(min(until_timer, LONGEST_WAIT))

    def _stopped(self) -> IdhookError:
        return IdhookError({"code": "internal", "title": "A fault in idhook", "status": 500, "detail": self._broken})

    def _step(self, events: list[Event]) -> None:
        try:
            actions = self._instance.step(events)
        except Exception as e:  # A trap, after which the instance is of no use.
            self._broken = f"the WebAssembly module stopped: {e}"
            self._condition.notify_all()
            return
        for action in actions:
            [(kind, given)] = action.items()
            if kind == "request":
                self._send(given)
            elif kind == "sleep":
                heapq.heappush(self._timers, (time.monotonic() + given["seconds"], given["id"]))
            elif kind == "cancel":
                self._timers = [timer for timer in self._timers if timer[1] != given]
                heapq.heapify(self._timers)
                if given in self._exchanges:
                    self._exchanges.pop(given).cancel()
            elif kind == "progress":
                self._tell(given["call"], "progress", json.loads(given["state"]))
            elif kind == "done":
                self._tell(given["call"], "done", json.loads(given["answer"]))
            elif kind == "opened":
                self._opened = json.loads(given)
            elif kind == "log" and self._log is not None:
                self._log(given)
        self._condition.notify_all()

    def _tell(self, call: int, kind: str, news: Any) -> None:
        if call in self._news:
            self._news[call].append((kind, news))

    def _send(self, request: dict[str, Any]) -> None:
        number, exchange = request["id"], Exchange(self._tls)
        self._exchanges[number] = exchange
        limits = Limits(request["connect"], request["firstByte"], request["betweenBytes"], request["maxBody"])
        headers = [(name, value) for name, value in request["headers"]]
        body = base64.b64decode(request["body"])

        def work() -> None:
            event: Event
            try:
                response = exchange.send(request["method"], request["url"], headers, body, limits)
                content = base64.b64encode(response.body).decode()
                event = {
                    "response": {
                        "id": number, "status": response.status, "headers": response.headers, "body": content
                    }
                }
            except TransportError as e:
                event = {"failure": {"id": number, "kind": e.kind, "detail": e.detail}}
            except Exception as e:  # Whatever it is, the call must end.
                event = {"failure": {"id": number, "kind": "interrupted", "detail": f"{type(e).__name__}: {e}"}}
            with self._condition:
                if self._exchanges.pop(number, None) is not None:
                    self._events.append(event)
                    self._condition.notify_all()

        # A daemon: a program that ends does not wait for an answer that nobody wants.
        threading.Thread(target=work, name="idhook-http", daemon=True).start()


def _value(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise IdhookError(answer["error"])
    return answer["ok"]
