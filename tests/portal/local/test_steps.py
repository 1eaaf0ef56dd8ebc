import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from portal.local.console import Console
from portal.local.errors import InstallationError
from portal.local.steps import CancelledError, Stamps, StepRunner, digest, files_digest

PROGRESS = 'print(\'{"event": "progress", "message": "half", "step": 1, "num_steps": 2}\', flush=True)'


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def steps(shown: io.StringIO, stop: threading.Event, tmp_path: Path) -> StepRunner:
    return StepRunner(Console(shown), stop, tmp_path)


def _run(steps: StepRunner, code: str) -> dict[str, object]:
    return steps.run("some step", [sys.executable, "-c", code], {})


def test_the_last_json_object_is_the_result(steps: StepRunner) -> None:
    assert _run(steps, f'{PROGRESS}; print(\'{{"digest": "d"}}\')') == {"digest": "d"}


def test_progress_is_shown_with_the_time(steps: StepRunner, shown: io.StringIO) -> None:
    _run(steps, PROGRESS)
    assert "some step" in shown.getvalue()
    assert "50% half" in shown.getvalue()


def test_a_step_without_json_has_no_result_and_its_output_is_in_its_log(
    steps: StepRunner, tmp_path: Path
) -> None:
    assert _run(steps, "print('Applying migrations')") == {}
    assert (tmp_path / "some-step.log").read_text() == "Applying migrations\n"


def test_a_failure_shows_the_end_of_the_log(steps: StepRunner) -> None:
    with pytest.raises(InstallationError, match=r"some step: exit status 3.*\n.*no such table"):
        _run(steps, "import sys; print('no such table', file=sys.stderr); sys.exit(3)")


def test_a_cancelled_step_ends_its_process(steps: StepRunner, stop: threading.Event, tmp_path: Path) -> None:
    stop.set()
    with pytest.raises(CancelledError):
        _run(steps, "import time; time.sleep(60)")


LASTING = """
import os, sys
with open(sys.argv[1], "w") as alive:
    alive.write("here")
    alive.flush()
    os.read(int(sys.argv[2]), 1)
"""
"""Writes to a pipe that has a name, and keeps it open until it is ended."""


def test_nothing_of_a_step_goes_on_without_us(tmp_path: Path) -> None:
    """Not what its command started, either: the pipe has a writer as long as that lives."""
    alive, ours = tmp_path / "alive", tmp_path / "ours.py"
    os.mkfifo(alive)
    last = [sys.executable, "-c", LASTING, str(alive)]
    started = f"import os, subprocess; r, w = os.pipe(); subprocess.run([*{last!r}, str(r)], pass_fds=[r])"
    ours.write_text(
        "import pathlib, sys, threading\n"
        "from portal.local.console import Console\n"
        "from portal.local.steps import StepRunner\n"
        f"steps = StepRunner(Console(), threading.Event(), pathlib.Path({str(tmp_path)!r}))\n"
        f"steps.run('some step', [sys.executable, '-c', {started!r}], {{}})\n"
    )
    us = subprocess.Popen([sys.executable, str(ours)], stdout=subprocess.DEVNULL)
    with us, alive.open() as reader:  # waits for the writer
        assert reader.read(4) == "here"
        us.kill()
        assert reader.read() == ""  # waits for its end


def test_a_step_that_was_killed_is_told_as_such(steps: StepRunner) -> None:
    with pytest.raises(InstallationError, match="some step: killed by SIGKILL"):
        _run(steps, "import os; os.kill(os.getpid(), 9)")


def test_a_program_that_is_not_there_is_named(steps: StepRunner) -> None:
    with pytest.raises(InstallationError, match="/no/such cannot be run: No such file"):
        steps.run("some step", ["/no/such"], {})


def test_a_stamp_holds_for_the_same_inputs_only(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "stamps.json")
    assert not stamps.is_done("migrate", "a")
    stamps.mark("migrate", "a")
    again = Stamps(tmp_path / "stamps.json")
    assert again.is_done("migrate", "a")
    assert not again.is_done("migrate", "b")
    assert not again.is_done("register", "a")


def test_a_broken_stamp_file_means_that_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "stamps.json").write_text('{"migrate": "a"')
    stamps = Stamps(tmp_path / "stamps.json")
    assert not stamps.is_done("migrate", "a")
    stamps.mark("migrate", "a")
    assert stamps.is_done("migrate", "a")


def test_digests_tell_where_one_part_ends() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_renamed_file_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    before = files_digest(tmp_path, [tmp_path / "a"])
    (tmp_path / "a").rename(tmp_path / "b")
    assert files_digest(tmp_path, [tmp_path / "b"]) != before
