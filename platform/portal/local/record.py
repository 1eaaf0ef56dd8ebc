"""var/run/processes.json: what runs; read by status, down and the next start."""

import dataclasses
import json
import os
import signal
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from portal.local.folders import replace_file
from portal.local.identity import ProcessIdentity, is_alive, send_signal
from portal.local.waiting import wait_until

RECORD_FILE = "processes.json"
"""Its name in var/run."""


class ProcessState(StrEnum):
    """STARTING -> READY; after an unexpected end WAITING (for its turn to be started again) -> STARTING."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One supervised process."""

    name: str
    pid: int
    started: str  # as ProcessIdentity
    state: str
    since: float  # seconds since the epoch
    port: int | None
    num_restarts: int

    @property
    def identity(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class Record:
    """The supervisor and its processes."""

    supervisor_pid: int
    supervisor_started: str
    url: str
    processes: tuple[ProcessRow, ...]

    @property
    def supervisor(self) -> ProcessIdentity:
        return ProcessIdentity(self.supervisor_pid, self.supervisor_started)


def write_record(file: Path, record: Record) -> None:
    """Replace ``file`` in one step."""
    replace_file(file, json.dumps(dataclasses.asdict(record), indent=1))


def read_record(file: Path) -> Record | None:
    """None when there is none, or none that can be read."""
    try:
        plain = json.loads(file.read_text())
        rows = tuple(ProcessRow(**row) for row in plain.pop("processes"))
        return Record(**plain, processes=rows)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def end_leftovers(record: Record, *, deadline_s: float = 15.0) -> list[str]:
    """End what a killed supervisor left behind, last started first; the names of what was still alive."""
    left = [row for row in reversed(record.processes) if is_alive(row.identity)]
    for row in left:
        send_signal(row.identity, signal.SIGINT if row.name == "postgres" else signal.SIGTERM)
    wait_until(lambda: not any(is_alive(row.identity) for row in left), deadline_s=deadline_s)
    for row in left:
        _kill_group(row.identity)
    return [row.name for row in left]


def _kill_group(identity: ProcessIdentity) -> None:
    if is_alive(identity) and os.getpgid(identity.pid) == identity.pid:
        os.killpg(identity.pid, signal.SIGKILL)
