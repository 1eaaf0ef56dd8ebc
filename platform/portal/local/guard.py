"""Runs a command, and ends it with all that it started once the program that asked for it is gone.

Started by path with ``python -I -S``, in a session of its own and with a pipe as standard input, which closes
with whoever started it, however that one ends. Arguments: the command.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import types


def main(command: list[str]) -> int:
    assert os.getpgrp() == os.getpid(), "it ends its process group, which must be its own"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave_it_to_the_command)
    threading.Thread(target=_end_with_caller, daemon=True).start()
    try:
        code = subprocess.call(command, stdin=subprocess.DEVNULL)
    except OSError as exc:
        raise SystemExit(f"{command[0]} cannot be run: {exc.strerror}") from exc
    if code < 0:
        _end_by(-code)
    return code


def _leave_it_to_the_command(_number: int, _frame: types.FrameType | None) -> None:
    """The whole group gets such a signal; we end when the command has."""


def _end_with_caller() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes: it returns when the pipe is closed
    os.killpg(0, signal.SIGKILL)


def _end_by(number: int) -> None:
    """As the command did, for whoever asks how it ended."""
    with contextlib.suppress(OSError):  # SIGKILL has no handler to be taken away
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
