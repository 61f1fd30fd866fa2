"""One HTTP exchange with a bound on everything, over the standard library: no redirect is followed, no proxy is asked, and the
certificate is always verified."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

CHUNK = 65536
# The longest single wait, in seconds: Windows delivers Ctrl-C only between waits.
LONGEST_WAIT = 1.0


@dataclass(frozen=True)
class Limits:
    """What one exchange may take, in seconds and bytes."""

    connect: float = 10.0
    first_byte: float = 30.0
    between_bytes: float = 10.0
    max_body: int = 8 << 20


@dataclass(frozen=True)
class Response:
    """A response, read whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class TransportError(Exception):
    """No complete response; ``kind`` is one of the words that the module knows."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def context(ca: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """The TLS settings: Python's own defaults. With ``ca``, a PEM file or the PEM text itself, exactly these CAs are trusted."""
    if ca is None:
        return ssl.create_default_context()
    if isinstance(ca, str) and "-----BEGIN" in ca:
        return ssl.create_default_context(cadata=ca)
    return ssl.create_default_context(cafile=os.fspath(ca))


class Exchange:
    """One request and its response. Another thread may cancel it."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Ends the exchange: its connection is shut down."""
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                try:
                    # Not SSLSocket's own: that one also takes the TLS state from under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                except OSError:
                    pass  # It is closed already.

    def send(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, limits: Limits
    ) -> Response:
        """Sends the request and reads the response.

        Raises TransportError if no complete response comes within the limits."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.sock = self._connect(parts, limits)
        try:
            return _exchange(connection, method, parts, headers, body, limits)
        finally:
            connection.close()
            connection.sock = None
            with self._lock:
                if self._socket is not None:
                    self._socket.close()
                self._socket = None

    def send_within(
        self, seconds: float, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, limits: Limits
    ) -> Response:
        """As `send`, and cancelled after so many seconds, whatever it waits for then.

        The timeout of a socket counts from each byte that arrives, and the look-up of a name has none. So the exchange runs in a thread
        of its own, which this one does not wait for any longer than that."""
        ends = time.monotonic() + seconds
        done = threading.Event()
        results: list[Response] = []
        failures: list[Exception] = []

        def work() -> None:
            try:
                results.append(self.send(method, url, headers, body, limits))
            except Exception as e:  # Whatever it is, the caller must see it.
                failures.append(e)
            finally:
                done.set()

        # A daemon: a program that ends does not wait for the look-up of a name.
        threading.Thread(target=work, name="idhook-http", daemon=True).start()
        try:
            while not done.wait(max(0.0, min(ends - time.monotonic(), LONGEST_WAIT))):
                if time.monotonic() >= ends:
                    with self._lock:
                        is_connected = self._socket is not None
                    if not is_connected:
                        raise TransportError("connect-timeout", f"no connection within {seconds:g} s")
                    raise TransportError("timeout", f"no complete response within {seconds:g} s")
        finally:
            # After the time, and after Ctrl-C. An exchange that is over stays as it is; one that is not connected yet ends once it is.
            self.cancel()
        if failures:
            raise failures.pop()
        return results.pop()

    def _connect(self, parts: urllib.parse.SplitResult, limits: Limits) -> socket.socket:
        ends = time.monotonic() + limits.connect
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        try:
            plain = socket.create_connection((host, parts.port or (443 if is_tls else 80)), timeout=limits.connect)
        except socket.gaierror as e:
            raise TransportError("dns", f"{host}: {e.strerror or e}") from None
        except TimeoutError:
            raise TransportError("connect-timeout", f"no connection within {limits.connect:g} s") from None
        except OSError as e:
            raise TransportError("refused", str(e)) from None
        self._hold(plain)
        if not is_tls:
            return plain
        try:
            # Not yet the handshake: the new socket takes the connection from the old one, so `cancel` must know it before that.
            secure = self._tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        except (OSError, ValueError) as e:
            plain.close()
            raise TransportError("interrupted", f"before the TLS handshake: {e}") from None
        self._hold(secure)
        try:
            secure.settimeout(max(ends - time.monotonic(), 0.001))
            secure.do_handshake()
        except TimeoutError:
            secure.close()
            raise TransportError("connect-timeout", f"no TLS connection within {limits.connect:g} s") from None
        except ssl.SSLError as e:
            secure.close()
            raise TransportError("tls", str(e)) from None
        except (OSError, ValueError) as e:
            secure.close()
            raise TransportError("interrupted", f"in the TLS handshake: {e}") from None
        return secure

    def _hold(self, sock: socket.socket) -> None:
        """From here on `cancel` reaches the connection."""
        with self._lock:
            self._socket = sock
            if not self._cancelled:
                return
        sock.close()
        raise TransportError("interrupted", "cancelled")


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    parts: urllib.parse.SplitResult,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    limits: Limits,
) -> Response:
    waiting = f"no response within {limits.first_byte:g} s"
    sock = connection.sock
    assert sock is not None
    try:
        sock.settimeout(limits.first_byte)
        target = parts.path or "/"
        connection.putrequest(
            method, f"{target}?{parts.query}" if parts.query else target, skip_host=True, skip_accept_encoding=True
        )
        connection.putheader("Host", parts.netloc)
        for name, value in headers:
            if name.lower() not in ("host", "content-length"):
                connection.putheader(name, value.encode("latin-1"))
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        waiting = f"no further byte of the response within {limits.between_bytes:g} s"
        sock.settimeout(limits.between_bytes)
        content = _read(response, limits.max_body)
        return Response(response.status, response.getheaders(), content)
    except TimeoutError:
        raise TransportError("timeout", waiting) from None
    except http.client.RemoteDisconnected as e:
        raise TransportError("interrupted", str(e)) from None
    except http.client.IncompleteRead:
        raise TransportError("interrupted", "the response was cut off") from None
    except http.client.HTTPException as e:
        raise TransportError("protocol", f"{type(e).__name__}: {e}") from None
    except OSError as e:
        raise TransportError("interrupted", str(e)) from None


def _read(response: http.client.HTTPResponse, max_body: int) -> bytes:
    """The body. Its length is counted here: `read1` does not miss what was cut off."""
    expected = response.length
    content = bytearray()
    while expected is None or len(content) < expected:
        piece = response.read1(CHUNK if expected is None else min(CHUNK, expected - len(content)))
        if not piece:
            break
        content += piece
        if len(content) > max_body:
            raise TransportError("body-too-large", f"over {max_body} bytes")
    if expected is not None and len(content) < expected:
        raise TransportError("interrupted", "the response was cut off")
    return bytes(content)
