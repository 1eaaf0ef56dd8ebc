"""A server of the embedded installation by itself: in place of the supervisor, a test starts and kills it."""

from typing import Protocol

from portal.local.process import ChildProcess, ProcessSpec, tail
from portal.local.waiting import wait_until

READY_S = 120


class Server(Protocol):
    """As PostgresServer and BrokerServer are."""

    def prepare(self) -> None: ...

    def spec(self) -> ProcessSpec: ...

    def is_ready(self) -> bool: ...


class Running:
    """``server`` as a child process."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        self._server.prepare()
        self._child = ChildProcess(self._server.spec())
        self._child.start()
        wait_until(lambda: self._server.is_ready() or self._child.exit_code() is not None, deadline_s=READY_S)
        assert self._server.is_ready(), tail(self._child.spec.log_file, 15)

    def stop(self) -> None:
        """As the supervisor ends it."""
        self._child.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._child.kill()
