"""A way to a real server on which nothing arrives any more when a test says so: as of a frozen machine."""

import contextlib
import select
import socket
import sys
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

POLL_S = 0.02
TCP_ESTABLISHED = 1  # of Linux


class StallingProxy:
    """Passes TCP connections on to ``port`` of this machine, from ``self.port``.

    While it is stalled, it takes connections and what is sent, and passes nothing on, in either direction.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._lock = threading.Lock()
        self._open: dict[socket.socket, socket.socket] = {}
        self._is_closed = False
        self.num_held_bytes = 0  # taken while it was stalled
        self.most_open = 0  # connections at once, since it was stalled
        threading.Thread(target=self._accept, daemon=True).start()

    @classmethod
    def to(cls, url: str) -> Self:
        """In front of the server that ``url`` names."""
        port = urlsplit(url).port
        assert port is not None
        return cls(port)

    def leads(self, url: str) -> str:
        """``url``, through this proxy."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def stall(self) -> None:
        with self._lock:
            self.most_open, self.num_held_bytes = self._num_open(), 0
        self._goes_on.clear()

    def go_on(self) -> None:
        self._goes_on.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        self._listening.close()
        self._goes_on.set()
        with self._lock:
            for caller, server in self._open.items():
                _shut(caller)
                _shut(server)

    def _num_open(self) -> int:
        return sum(not _has_hung_up(caller) for caller in self._open)

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(("127.0.0.1", self._target)) as server:
            with self._lock:
                self._open[caller] = server
                self.most_open = max(self.most_open, self._num_open())
            back = threading.Thread(target=self._pass_on, args=(server, caller), daemon=True)
            back.start()
            self._pass_on(caller, server)
            with self._lock:
                del self._open[caller]
            back.join()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        """Until either end hangs up, which the other one is told even when it is stalled."""
        held = b""
        try:
            while True:
                if held and self._goes_on.is_set():
                    target.sendall(held)
                    held = b""
                if select.select([source], [], [], POLL_S)[0]:
                    content = source.recv(65536)
                    if not content:
                        break
                    held += content
                    with self._lock:
                        self.num_held_bytes += 0 if self._goes_on.is_set() else len(content)
        except (OSError, ValueError):
            pass  # the other end has gone
        _shut(source)
        _shut(target)


def _has_hung_up(caller: socket.socket) -> bool:
    """Known here before the thread that serves it has seen it."""
    if sys.platform != "linux":
        return False
    state = caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != TCP_ESTABLISHED


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has gone already
        end.shutdown(socket.SHUT_RDWR)
