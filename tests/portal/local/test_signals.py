"""Signals that the system gives to another thread than the one that waits for them."""

import ctypes
import os
import signal
import subprocess
import sys
import time

import pytest

from portal.local.supervisor import POLL_S

PROGRAM = """
import threading
from portal.local.stop_signals import on_stop_signals
from portal.local.supervisor import Supervisor
from portal.local.up import wait_to_be_stopped

stop = threading.Event()
supervisor = Supervisor(on_change=lambda rows: None, on_failure=print)
thread, = (thread for thread in threading.enumerate() if thread.name == "supervisor")
with on_stop_signals(stop.set):
    print(thread.native_id, flush=True)
    wait_to_be_stopped(stop)
supervisor.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are signalled as Linux has it")
def test_what_was_frozen_while_it_was_told_to_stop_stops() -> None:
    child = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        thread = int(child.stdout.readline())
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.tgkill(child.pid, thread, signal.SIGTERM) == 0, os.strerror(ctypes.get_errno())
        time.sleep(2 * POLL_S)  # its wait's end passes
        child.send_signal(signal.SIGCONT)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.communicate()
