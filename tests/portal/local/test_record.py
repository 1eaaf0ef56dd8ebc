import os
import sys
from pathlib import Path

from portal.local.identity import is_alive
from portal.local.process import ChildProcess, ProcessSpec
from portal.local.record import ProcessRow, Record, end_leftovers, read_record, write_record


def _row(name: str, pid: int, started: str) -> ProcessRow:
    return ProcessRow(name, pid, started, "ready", since=1.0, port=8401, num_restarts=2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = Record(1, "100", "http://127.0.0.1:8400", (_row("portal", 2, "200"), _row("service", 3, "300")))
    write_record(tmp_path / "processes.json", record)
    assert read_record(tmp_path / "processes.json") == record


def test_a_broken_or_missing_file_is_no_record(tmp_path: Path) -> None:
    assert read_record(tmp_path / "absent.json") is None
    for text in ("", "{", "[]", '{"processes": [{"name": "portal"}]}'):
        (tmp_path / "broken.json").write_text(text)
        assert read_record(tmp_path / "broken.json") is None


def test_what_a_killed_supervisor_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    child = ChildProcess(ProcessSpec("portal", command, tmp_path / "log", dict(os.environ), tmp_path))
    child.start()
    identity = child.identity
    assert identity is not None
    later = _row("service", os.getpid(), "a process that had our pid before")
    ended = end_leftovers(Record(1, "1", "", (_row("portal", identity.pid, identity.started), later)))
    assert ended == ["portal"]
    assert not is_alive(identity)
    child.kill()
