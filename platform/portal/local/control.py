"""./hmi down, status and logs: what can be done about an installation from another terminal."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from portal.local.environment import Environments, build_environments
from portal.local.errors import InstallationError
from portal.local.folders import ROOT, Folders
from portal.local.identity import is_alive, send_signal
from portal.local.lock import LOCK_FILE, is_locked
from portal.local.options import shown
from portal.local.ports import Ports
from portal.local.record import (
    RECORD_FILE,
    ProcessRow,
    ProcessState,
    Record,
    end_leftovers,
    read_record,
)
from portal.local.secrets import load_secrets
from portal.local.steps import python
from portal.local.waiting import wait_until

DOWN_DEADLINE_S = 150.0
NUM_LINES = 40


def down(folders: Folders) -> str:
    """Stop the installation and return when nothing of it is left."""
    record_file = folders.run / RECORD_FILE
    record = read_record(record_file)
    if record is None or not is_alive(record.supervisor):
        ended = end_leftovers(record) if record is not None else []
        record_file.unlink(missing_ok=True)
        if ended:
            return f"HMI's supervisor was gone; ended what it had left: {', '.join(ended)}."
        return "HMI is not running."
    send_signal(record.supervisor, signal.SIGTERM)
    lock_file = folders.run / LOCK_FILE
    if not wait_until(lambda: not is_locked(lock_file), deadline_s=DOWN_DEADLINE_S):
        raise InstallationError(f"pid {record.supervisor_pid} has not ended after {DOWN_DEADLINE_S:.0f} s")
    return "HMI is stopped."


def running(folders: Folders) -> Record | None:
    """What runs now, each process with its real state; None when no supervisor does."""
    record = read_record(folders.run / RECORD_FILE)
    if record is None or not is_alive(record.supervisor):
        return None
    rows = (dataclasses.replace(row, state=_state(row)) for row in record.processes)
    return dataclasses.replace(record, processes=tuple(rows))


def manage(folders: Folders, arguments: Sequence[str]) -> int:
    """Run a command of manage.py on the running installation, with the portal's settings and its role. Files
    that it names are found from where we were called."""
    record = running(folders)
    if record is None:
        raise InstallationError(
            f"HMI is not running with {shown(folders.var)}: start it with ./hmi up. "
            "HMI_VAR, or --var before the command's name, names another folder"
        )
    environment = environments_of(folders, record).portal
    done = subprocess.run(python(str(ROOT / "manage.py"), *arguments), env=environment, check=False)
    return done.returncode


def environments_of(folders: Folders, record: Record) -> Environments:
    """What the programs of the installation that runs were given, as far as our own environment has it."""
    url = urlsplit(record.url)
    assert url.port is not None and url.hostname is not None, "public_url writes both"
    return build_environments(
        folders=folders,
        ports=Ports(url.port),
        host=url.hostname,
        secrets=load_secrets(folders.secrets),
        inherited=os.environ,
    )


def logs(folders: Folders, name: str | None, *, follow: bool) -> None:
    """Write the last lines of one log, or of all, to stdout; with ``follow``, go on until interrupted."""
    files = sorted(folders.logs.glob("*.log"))
    if not files:
        raise InstallationError(f"there are no logs in {shown(folders.logs)} yet: ./hmi up writes them")
    if name is not None:
        named = [file for file in files if file.stem == name]
        if not named:
            known = ", ".join(file.stem for file in files)
            raise InstallationError(f"there is no log {name!r} in {shown(folders.logs)}; there are: {known}")
        files = named
    prefix_width = max((len(file.stem) for file in files), default=0) if name is None else 0
    positions = {file: _write_from(file, _start_of_tail(file), prefix_width) for file in files}
    while follow:
        time.sleep(0.3)
        for file in files:
            if file.stat().st_size < positions[file]:
                positions[file] = 0  # rotated
            positions[file] = _write_from(file, positions[file], prefix_width)


def table(record: Record) -> str:
    """One line a process, for people."""
    lines = [("process", "pid", "state", "since", "port", "restarts")]
    lines.append(("supervisor", str(record.supervisor_pid), "running", "", "", ""))
    for row in record.processes:
        since = _duration(time.time() - row.since)
        port = "" if row.port is None else str(row.port)
        lines.append((row.name, str(row.pid), row.state, since, port, str(row.num_restarts)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown_lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    ]
    return "\n".join([f"HMI at {record.url}", *(line.rstrip() for line in shown_lines)])


def _state(row: ProcessRow) -> str:
    """As recorded, unless the process has ended since."""
    expected = row.state in (ProcessState.STARTING, ProcessState.READY)
    return "ended" if expected and not is_alive(row.identity) else row.state


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _start_of_tail(file: Path) -> int:
    with file.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - 200 * NUM_LINES))
        kept = b"".join(log.read().splitlines(keepends=True)[-NUM_LINES:])
    return size - len(kept)


def _write_from(file: Path, position: int, prefix_width: int) -> int:
    with file.open("rb") as log:
        log.seek(position)
        content = log.read()
    for line in content.decode(errors="replace").splitlines():
        sys.stdout.write(f"{file.stem.ljust(prefix_width)} | {line}\n" if prefix_width else f"{line}\n")
    sys.stdout.flush()
    return position + len(content)
