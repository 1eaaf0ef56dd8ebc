"""PostgreSQL of the embedded installation: finds the binaries, makes the cluster, runs the server."""

import logging
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from portal.local.errors import InstallationError
from portal.local.postgres_programs import ROOT_PLACE, postgres_programs
from portal.local.process import ProcessSpec
from portal.local.users import User, can_enter, give, unprivileged_user
from portal.local.waiting import wait_until

SUPERUSER = "postgres"
MAX_SOCKET_PATH_BYTES = 100  # the kernel's limit is 107, of which ".s.PGSQL.12345" is taken off below

logger = logging.getLogger(__name__)


class PostgresServer:
    """A PostgreSQL server on 127.0.0.1 (and a socket), password required, with its data in ``data_dir``.

    ``data_dir`` is made on the first start, in one step: a half-made one is never taken for a cluster. As
    root, the server runs as an existing unprivileged user; when that user cannot reach ``data_dir``, it is
    made a link to a folder under /var/lib/hmi. ``settings`` are server parameters ({"fsync": "off"}). Not
    thread-safe.
    """

    name = "postgres"

    def __init__(
        self,
        data_dir: Path,
        port: int,
        superuser_password: str,
        *,
        socket_dir: Path | None = None,
        log_file: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.socket_dir = socket_dir.absolute() if socket_dir else None
        self.log_file = log_file or self.data_dir.with_name(self.data_dir.name + ".log")
        self._password = superuser_password
        self._settings = dict(settings or {})
        self._user = unprivileged_user()

    def is_ready(self) -> bool:
        """True when the superuser can log in."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, *, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """Connection URL over TCP; without ``password``, the superuser's."""
        secret = quote(self._password if password is None else password, safe="")
        return f"postgresql://{quote(user, safe='')}:{secret}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Make what spec() needs: reachable folders, the cluster, the socket's folder."""
        if self._user is not None:
            self._make_reachable(self._user)
        if not (self.data_dir / "PG_VERSION").exists():
            self._make_cluster()
        give(self.data_dir.resolve(), self._user)
        self._end_leftover()
        if self.socket_dir is not None:
            self.socket_dir.mkdir(parents=True, exist_ok=True)
            give(self.socket_dir, self._user)

    def spec(self) -> ProcessSpec:
        """The server as a child process; SIGINT is its fast shutdown."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._socket_folders(),
            "log_line_prefix": "%m [%p] %u@%d ",
            # Statements, and what an error says of a row, have texts and names of tenants in them.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            **self._settings,
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return ProcessSpec(
            name=self.name,
            command=(
                str(postgres_programs(self._user) / "postgres"),
                "-D",
                str(self.data_dir.resolve()),
                *options,
            ),
            log_file=self.log_file,
            env=_clean_environment(),
            cwd=Path("/"),
            user=self._user,
            port=self.port,
            outlives_others=True,
            stop_signal=signal.SIGINT,
            stop_deadline_s=15.0,
        )

    def _socket_folders(self) -> str:
        """As PostgreSQL lists folders, which commas would part; "": there is none that can be used."""
        if self.socket_dir is None or len(os.fsencode(self.socket_dir)) + 15 > MAX_SOCKET_PATH_BYTES:
            return ""
        if self._user is not None and not can_enter(self._user, self.socket_dir):
            return ""
        return '"' + str(self.socket_dir).replace('"', '""') + '"'

    def _make_reachable(self, user: User) -> None:
        parent = self.data_dir.parent
        parent.mkdir(parents=True, exist_ok=True)
        if self.data_dir.is_symlink() or can_enter(user, parent):
            return
        if self.data_dir.exists():
            raise InstallationError(
                f"PostgreSQL runs as user {user.name}, who cannot pass through the folders above "
                f"{self.data_dir}. Open them (chmod o+x), or choose another folder with --var."
            )
        place = ROOT_PLACE / secrets.token_hex(8)
        place.mkdir(parents=True, exist_ok=True)
        os.chown(place, user.uid, user.gid)
        self.data_dir.symlink_to(place / "data")
        logger.warning("The user %s cannot reach %s: the database is kept in %s.", user.name, parent, place)

    def _make_cluster(self) -> None:
        data_dir = self.data_dir.resolve()
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        if data_dir.exists() and any(data_dir.iterdir()):
            raise InstallationError(f"{data_dir} is neither empty nor a PostgreSQL cluster: move it away.")
        with tempfile.TemporaryDirectory(dir=data_dir.parent, prefix=".initdb-") as scratch:
            password_file = Path(scratch, "password")
            password_file.touch(mode=0o600)
            password_file.write_text(self._password)
            give(Path(scratch), self._user)
            cluster = Path(scratch, "cluster")
            command = [
                postgres_programs(self._user) / "initdb",
                "-D",
                cluster,
                "-U",
                SUPERUSER,
                f"--pwfile={password_file}",
            ]
            options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
            done = self._run([*map(str, command), *options, "--builtin-locale=C.UTF-8", "--no-instructions"])
            if done.returncode != 0:
                raise InstallationError(
                    f"PostgreSQL could not make its cluster in {data_dir}:\n{done.stderr.strip()}"
                )
            if data_dir.exists():
                data_dir.rmdir()
            cluster.rename(data_dir)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_clean_environment(),
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
            start_new_session=True,  # Ctrl-C is for us alone, who end once it is done
        )

    def _end_leftover(self) -> None:
        """After kill -9 the pid file names a pid that may be anybody's by now: PostgreSQL would refuse."""
        pid_file = self.data_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if _runs_cluster(pid, self.data_dir.resolve()):
            os.kill(pid, signal.SIGINT)
            if not wait_until(lambda: not pid_file.exists(), deadline_s=15.0):
                raise InstallationError(
                    f"another PostgreSQL (pid {pid}) uses {self.data_dir} and does not end"
                )
        else:
            pid_file.unlink(missing_ok=True)


def _clean_environment() -> dict[str, str]:
    """PostgreSQL reads PG* and the locale from the environment: it gets neither."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _runs_cluster(pid: int, data_dir: Path) -> bool:
    command = _command(pid)
    return b"postgres" in command and os.fsencode(data_dir) in command


def _command(pid: int) -> bytes:
    """Of a process, with its arguments; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        # Not Linux, whose ps writes "?" for what is no ASCII, where the locale is not that of the path.
        return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False).stdout
