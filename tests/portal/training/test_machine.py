"""What tells one machine from another."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.training import machine as machine_file
from portal.training.machine import machine


def test_all_processes_of_a_machine_have_one_name_for_it() -> None:
    told = "from portal.training.machine import machine; print(machine())"
    other = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == machine()
    assert ":" not in machine()


def test_machines_of_one_name_are_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What another machine has of its own is its boot."""
    here, boot = machine(), tmp_path / "boot_id"
    boot.write_text("c0ffee00-0000-4000-8000-000000000000\n")
    monkeypatch.setattr(machine_file, "BOOT_ID", boot)
    assert machine() != here
    assert machine().startswith("c0ffee00-0000-4000-8000-000000000000.")


def test_where_the_system_has_no_such_thing_it_is_the_host_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine_file, "BOOT_ID", tmp_path / "absent")
    assert machine() == socket.gethostname()
