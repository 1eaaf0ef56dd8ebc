"""Sends one signed POST: to the address that was checked, without redirects, within a deadline."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from portal.webhooks.addresses import AddressRefused, checked_url, resolved

CONNECT_S = 5.0
DEADLINE_S = 10.0
USER_AGENT = "HMI-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. ``error`` is empty when it was taken."""

    status: int | None
    error: str
    duration_ms: int


class Sender:
    """Sends by HTTP(S); safe to share between threads."""

    def __init__(self, *, is_private_allowed: bool, deadline_s: float = DEADLINE_S) -> None:
        self._is_private_allowed = is_private_allowed
        self._deadline_s = deadline_s
        self._tls = ssl.create_default_context()

    def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises for what the address does. The receiver's answer is not read beyond its status."""
        started = time.monotonic()
        status, error = None, ""
        try:
            status = self._status(url, headers, body, started + self._deadline_s)
            if self._is_late(started):  # cut off within the headers, which then look whole
                error = "no answer in time"
            elif not 200 <= status < 300:
                is_redirect = 300 <= status < 400
                error = "redirects are not followed" if is_redirect else f"answered {status}"
        except AddressRefused as exc:
            error = str(exc)
        except TimeoutError:
            error = "no answer in time"
        except ssl.SSLError as exc:
            error = f"TLS: {exc.reason or type(exc).__name__}"
        except (OSError, http.client.HTTPException) as exc:
            error = (
                "no answer in time" if self._is_late(started) else f"cannot be reached ({type(exc).__name__})"
            )
        return Answer(status, error[:200], round(1000 * (time.monotonic() - started)))

    def _is_late(self, started: float) -> bool:
        return time.monotonic() - started >= self._deadline_s

    def _status(self, url: str, headers: Mapping[str, str], body: bytes, deadline: float) -> int:
        parts = checked_url(url, is_private_allowed=self._is_private_allowed)
        is_tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_tls else 80)
        address = resolved(
            host, port, is_private_allowed=self._is_private_allowed, within_s=deadline - time.monotonic()
        )
        connection = Pinned(host, port, address=address, tls=self._tls if is_tls else None, deadline=deadline)
        with _cut_after(connection, deadline - time.monotonic()):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, dict(headers) | {"User-Agent": USER_AGENT})
            return connection.getresponse().status


class Pinned(http.client.HTTPConnection):
    """Connects to an address that was looked up and checked before, whatever the name leads to by now."""

    def __init__(
        self, host: str, port: int, *, address: str, tls: ssl.SSLContext | None, deadline: float
    ) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self._address, self._tls, self._deadline = address, tls, deadline
        if tls is not None:
            self.default_port = 443

    def connect(self) -> None:
        """See http.client."""
        timeout_s = min(CONNECT_S, self._left_s())
        self.sock = socket.create_connection((self._address, self.port), timeout_s)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        self._left_s()

    def _left_s(self) -> float:
        """Raises TimeoutError when there is none: what was to be cut then may not have been there yet."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


@contextmanager
def _cut_after(connection: Pinned, seconds: float) -> Iterator[None]:
    """A receiver that sends a byte now and then meets no time-out of the socket: the connection is cut."""

    def cut() -> None:
        with suppress(OSError, AttributeError):  # not connected yet, or gone
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()
