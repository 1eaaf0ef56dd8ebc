import os
import time
from pathlib import Path

import pytest

from portal.local.control import down, logs, manage, running, table
from portal.local.errors import InstallationError
from portal.local.folders import Folders
from portal.local.identity import identify
from portal.local.record import RECORD_FILE, ProcessRow, Record, write_record


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path / "var")
    folders.make()
    return folders


def _record(folders: Folders, *rows: ProcessRow) -> None:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    write_record(
        folders.run / RECORD_FILE, Record(ourselves.pid, ourselves.started, "http://127.0.0.1:8400", rows)
    )


def _row(name: str, pid: int, started: str) -> ProcessRow:
    return ProcessRow(name, pid, started, "ready", since=time.time() - 3725, port=8402, num_restarts=3)


def test_nothing_runs_in_a_fresh_folder(folders: Folders) -> None:
    assert running(folders) is None
    assert down(folders) == "HMI is not running."


def test_a_command_of_manage_py_needs_a_running_installation(folders: Folders) -> None:
    with pytest.raises(InstallationError, match=rf"not running with {folders.var}: .*--var"):
        manage(folders, ["domains", "list"])


def test_a_command_of_manage_py_gets_the_installations_settings(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    _record(folders)
    assert manage(folders, ["diffsettings", "--all"]) == 0
    said = capfd.readouterr().out
    assert str(folders.store) in said and "hmi_portal" in said
    assert manage(folders, ["no_such_command"]) != 0


def test_files_that_a_command_names_are_found_from_where_it_was_called(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _record(folders)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "platform.py").write_text("raise SystemExit('a file here was taken for a module')")
    (tmp_path / "copy.jsonl").write_text("no line of a ledger\n")
    assert manage(folders, ["deletions", "replay", "copy.jsonl"]) != 0
    assert "copy.jsonl: line 1 is no line of a ledger" in capfd.readouterr().err


def test_the_record_of_a_supervisor_that_is_gone_does_not_count(folders: Folders) -> None:
    write_record(folders.run / RECORD_FILE, Record(2**22 + 1, "1", "http://127.0.0.1:8400", ()))
    assert running(folders) is None
    assert down(folders) == "HMI is not running."
    assert not (folders.run / RECORD_FILE).exists()


def test_the_table_tells_pid_state_time_port_and_restarts(folders: Folders) -> None:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    _record(folders, _row("service", ourselves.pid, ourselves.started))
    record = running(folders)
    assert record is not None
    assert table(record).splitlines()[-1].split() == [
        "service", str(ourselves.pid), "ready", "1", "h", "2", "min", "8402", "3"
    ]  # fmt: skip


def test_a_process_that_has_ended_is_not_called_ready(folders: Folders) -> None:
    _record(folders, _row("service", 2**22 + 1, "1"))
    record = running(folders)
    assert record is not None
    assert [row.state for row in record.processes] == ["ended"]


def test_one_log_is_shown_as_it_is(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    (folders.logs / "portal.log").write_text("".join(f"line {number}\n" for number in range(100)))
    logs(folders, "portal", follow=False)
    shown = capsys.readouterr().out.splitlines()
    assert (len(shown), shown[0], shown[-1]) == (40, "line 60", "line 99")


def test_several_logs_say_which_line_is_whose(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    (folders.logs / "portal.log").write_text("from the portal\n")
    (folders.logs / "worker.log").write_text("from the worker\n")
    logs(folders, None, follow=False)
    assert capsys.readouterr().out == "portal | from the portal\nworker | from the worker\n"


@pytest.mark.parametrize("follow", [False, True])
def test_before_the_first_start_there_are_no_logs_to_wait_for(folders: Folders, follow: bool) -> None:
    """It said nothing, or waited for ever."""
    with pytest.raises(InstallationError, match=r"no logs in .* yet: \./hmi up writes them"):
        logs(folders, None, follow=follow)


def test_a_log_that_is_not_there_is_refused_with_those_that_are(folders: Folders) -> None:
    (folders.logs / "portal.log").touch()
    with pytest.raises(InstallationError, match=r"no log 'protal'.*there are: portal"):
        logs(folders, "protal", follow=False)
