"""Training processes are real children here: small scripts that behave well, badly, or not at all."""

import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.training.process import BrokenProtocol, Ended, TrainEvent, TrainingProcess
from wire.codec import to_json
from wire.training import Phase, Progress, TrainFailure

PROGRESS = Progress(
    phase=Phase.TRAINING,
    step=1,
    num_steps=2,
    loss=0.5,
    validation_accuracy=None,
    eta_s=3.0,
    message="one of two",
)
PATIENCE_S = 60.0


class Starter:
    """Starts scripts as training processes and ends what a test leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[TrainingProcess] = []

    def __call__(self, script: str, *, environment: dict[str, str] | None = None) -> TrainingProcess:
        path = self.folder / "child.py"
        path.write_text(textwrap.dedent(script))
        process = TrainingProcess(
            [sys.executable, "-I", str(path)],
            environment=environment or {"PATH": "/usr/bin:/bin"},
            folder=self.folder,
        )
        self.started.append(process)
        return process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    for process in starter.started:
        process.close()


def next_event(process: TrainingProcess) -> TrainEvent | Ended:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        event = process.next_event(timeout_s=0.2)
        if event is not None:
            return event
    raise AssertionError("the process said nothing")


def is_alive(process_id: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def wait_until_gone(process_id: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while is_alive(process_id):
        assert time.monotonic() < deadline, f"process {process_id} still runs"


def test_it_gives_events_in_order_and_then_the_exit_code(start: Starter) -> None:
    failure = TrainFailure(code="training_failed", message="cannot")
    process = start(f"""
        import sys
        print({to_json(PROGRESS)!r})
        print({to_json(failure)!r})
        sys.exit(3)
    """)
    assert [next_event(process), next_event(process), next_event(process)] == [PROGRESS, failure, Ended(3)]
    assert next_event(process) == Ended(3)


def test_it_says_which_signal_killed_the_process(start: Starter) -> None:
    process = start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert next_event(process) == Ended(-signal.SIGKILL)


def test_no_event_in_time_is_none(start: Starter) -> None:
    process = start("import sys; sys.stdin.read()")
    assert process.next_event(timeout_s=0.05) is None


@pytest.mark.parametrize(
    "line",
    [
        "a library talks on standard output",
        "[1, 2]",
        '{"event": "news"}',
        '{"event": ["progress"]}',
        '{"event": "progress", "step": 1}',
        to_json(PROGRESS)[:-1] + ',"extra":1}',
    ],
)
def test_it_refuses_a_line_that_is_not_an_agreed_event(start: Starter, line: str) -> None:
    process = start(f"print({line!r})")
    with pytest.raises(BrokenProtocol):
        next_event(process)


def test_it_refuses_an_endless_line_instead_of_holding_it(start: Starter) -> None:
    process = start("""
        import sys
        block = "x" * (1 << 20)
        while True:
            sys.stdout.write(block)
    """)
    with pytest.raises(BrokenProtocol, match="longer than"):
        next_event(process)
    process.close()


def test_it_gets_the_given_environment_and_nothing_else(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMI_DATABASE_URL", "postgresql://secret")
    process = start(
        f"""
        import json, os
        progress = json.loads({to_json(PROGRESS)!r})
        progress["message"] = ",".join(sorted(name for name in os.environ if name != "LC_CTYPE"))
        print(json.dumps(progress))
        """,
        environment={"PATH": "/usr/bin", "HMI_STORE_URL": "file:///tmp"},
    )
    event = next_event(process)
    assert isinstance(event, Progress)
    assert event.message == "HMI_STORE_URL,PATH"


def test_the_tail_of_standard_error_is_kept(start: Starter) -> None:
    process = start("""
        import sys
        sys.stderr.write("a" * 1_000_000 + "the reason")
        sys.exit(1)
    """)
    assert next_event(process) == Ended(1)
    assert process.stderr_tail.endswith("the reason")
    assert len(process.stderr_tail) <= 16 << 10


GRANDCHILD = f"""
    import json, os, subprocess, sys
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress = json.loads({to_json(PROGRESS)!r})
    progress["message"] = str(other.pid)
    print(json.dumps(progress), flush=True)
"""


def test_closing_ends_the_children_of_the_process_too(start: Starter) -> None:
    process = start(GRANDCHILD + "    sys.stdin.read()\n")
    event = next_event(process)
    assert isinstance(event, Progress)
    process.close()
    wait_until_gone(int(event.message))
    wait_until_gone(process.process_id)


def test_children_that_outlive_the_process_do_not_hold_up_its_end(start: Starter) -> None:
    process = start(GRANDCHILD)
    event = next_event(process)
    assert isinstance(event, Progress)
    assert next_event(process) == Ended(0)
    wait_until_gone(int(event.message))


def test_closing_kills_a_process_that_ignores_the_request_to_end(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.training.process.TERMINATE_GRACE_S", 0.2)
    process = start(f"""
        import signal, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print({to_json(PROGRESS)!r}, flush=True)
        while True:
            sys.stdin.read()
    """)
    next_event(process)
    process.close()
    assert next_event(process) == Ended(-signal.SIGKILL)


def test_a_process_that_prints_faster_than_it_is_read_is_ended_all_the_same(start: Starter) -> None:
    process = start(f"""
        while True:
            print({to_json(PROGRESS)!r})
    """)
    next_event(process)
    process.close()
    assert not is_alive(process.process_id)


def test_its_standard_input_ends_when_the_parent_is_killed(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import os, sys\nprint(os.getpid(), file=open('pid.new', 'w'), flush=True)\n"
        "os.rename('pid.new', 'pid')\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import sys
                sys.path[:0] = {[path for path in sys.path if path]!r}
                from pathlib import Path
                from portal.training.process import TrainingProcess
                command = [sys.executable, "-I", {str(child)!r}]
                process = TrainingProcess(command, environment={{}}, folder=Path({str(tmp_path)!r}))
                sys.stdin.read()
            """),
        ],
        stdin=subprocess.PIPE,
    )
    pid_file = tmp_path / "pid"
    deadline = time.monotonic() + PATIENCE_S
    while not pid_file.exists():
        assert time.monotonic() < deadline
    child_id = int(pid_file.read_text())
    parent.kill()
    parent.communicate()
    wait_until_gone(child_id)
