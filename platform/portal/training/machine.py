"""Which machine this is, told from all others whatever they are called."""

import socket
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's, another one each time that the machine is started."""
PROCESSES = Path("/proc/self/ns/pid")
"""Those that see one another; a container has its own."""


def machine() -> str:
    """One name for all processes that have this machine's memory, or this container's, in common, and end
    when it does. Host names are not that: two may be equal, and one may change under a process that goes on.

    Without ``:``. Where the system has no such thing, it is the host name.
    """
    try:
        return f"{BOOT_ID.read_text('ascii').strip()}.{PROCESSES.stat().st_ino}"
    except OSError:
        return socket.gethostname()
