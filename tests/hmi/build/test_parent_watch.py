"""A process ends itself when the pipe from its parent closes."""

import os
import subprocess
import sys
import threading

from hmi.build.parent_watch import ORPHANED_STATUS, watch_stdin

PROGRAM = """
import sys, threading
from hmi.build.parent_watch import watch_stdin
watch_stdin(sys.stdin.buffer)
print("ready", flush=True)
threading.Event().wait(60)
"""


def test_it_calls_back_when_the_pipe_ends_and_not_before() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    with os.fdopen(reading, "rb") as stdin:
        thread = watch_stdin(stdin, on_end=ended.set)
        os.write(writing, b"ignored")
        assert not ended.is_set()
        os.close(writing)
        assert ended.wait(60)
        thread.join(60)


def test_the_process_leaves_with_its_own_status() -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        process.stdin.close()
        assert process.wait(60) == ORPHANED_STATUS
