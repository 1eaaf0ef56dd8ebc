"""A start that is called off, from its first moments on."""

import os
import subprocess

import pytest

from portal.local.control import down
from portal.local.folders import ROOT, Folders
from portal.local.lock import LOCK_FILE
from portal.local.record import RECORD_FILE
from portal.local.steps import python
from portal.local.waiting import wait_until
from tests.fakes.ports import free_ports

pytestmark = pytest.mark.slow


def test_what_still_makes_its_database_is_stopped_and_not_said_to_be_down(folders: Folders) -> None:
    options = ("--var", str(folders.var), "--port", str(free_ports(5)), "--no-demo")
    command = python("-P", "-m", "portal.local.main", "up", *options)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as up:
        # What initdb works in, or, where nobody looked for so long, what it has made.
        assert wait_until(lambda: any(folders.postgres.glob("*")), deadline_s=60)
        assert down(folders) == "HMI is stopped."
        said = up.communicate(timeout=60)[0]
    assert up.returncode == 0, said
    assert not (folders.run / RECORD_FILE).exists()


def test_what_runs_ends_with_its_terminal(folders: Folders) -> None:
    options = ("--var", str(folders.var), "--port", str(free_ports(5)), "--no-demo")
    command = python("-P", "-m", "portal.local.main", "up", *options)
    ours, theirs = os.openpty()
    in_a_window = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(python("-c", in_a_window, *command), cwd=ROOT, stdin=theirs) as up:
        os.close(theirs)
        try:
            assert wait_until(lambda: any(folders.postgres.glob("*")), deadline_s=60)
            os.close(ours)
            up.wait(60)
        finally:
            up.kill()
    assert not (folders.run / RECORD_FILE).exists()
    assert not (folders.run / LOCK_FILE).exists()
