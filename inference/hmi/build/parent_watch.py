"""Ends this process when the one that started it is gone: nobody would hear what it still does."""

import os
import threading
from collections.abc import Callable
from typing import BinaryIO

ORPHANED_STATUS = 3


def watch_stdin(stdin: BinaryIO, *, on_end: Callable[[], None] | None = None) -> threading.Thread:
    """Read ``stdin`` in a daemon thread; when it ends, call ``on_end`` (default: leave at once, status 3).

    The parent holds the other end of the pipe; the kernel closes it however the parent dies. Leaving at once
    is safe because everything on disk is written to a temporary name first.
    """

    def watch() -> None:
        # Not stdin.read: a daemon thread that holds the buffer's lock makes the interpreter abort at its
        # exit.
        while os.read(stdin.fileno(), 4096):
            pass
        (on_end or _leave)()

    thread = threading.Thread(target=watch, name="parent-watch", daemon=True)
    thread.start()
    return thread


def _leave() -> None:
    os._exit(ORPHANED_STATUS)
