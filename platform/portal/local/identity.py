"""Tells one process from a later one that was given the same pid."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid and when that process started (the kernel's own text: compared, never interpreted)."""

    pid: int
    started: str


def identify(pid: int) -> ProcessIdentity | None:
    """The process that has ``pid`` now; None when there is none, or only a zombie of it."""
    if Path("/proc/self/stat").exists():
        return _identify_by_proc(pid)
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    started = listed.stdout.strip()
    return ProcessIdentity(pid, started) if started else None


def is_alive(identity: ProcessIdentity) -> bool:
    """True while that very process runs."""
    return identify(identity.pid) == identity


def send_signal(identity: ProcessIdentity, number: int) -> None:
    """Signal that very process; nothing happens when it has ended."""
    if is_alive(identity):
        try:
            os.kill(identity.pid, number)
        except ProcessLookupError:
            return


def _identify_by_proc(pid: int) -> ProcessIdentity | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the program's name, may hold spaces and parentheses: count from the last one.
    fields = stat[stat.rindex(")") + 2 :].split()
    state, start_ticks = fields[0], fields[19]
    return None if state in "ZX" else ProcessIdentity(pid, f"{start_ticks} after {_boot()}")


def _boot() -> str:
    """Names the start of the machine that ticks count from: what it starts has much the same pids and ticks
    each time."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "boot"
