import io
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.local.console import Console
from portal.local.demo import Demo
from portal.local.folders import Folders
from portal.local.steps import CancelledError
from tests.fakes.rest_api import PASSWORD, TENANT, FakeRestApi, serving


class NoPatience(threading.Event):
    """Never set, and never waits: tests do not sleep."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


class Bench:
    """A demo, the API it talks to, and what it said."""

    def __init__(self, var: Path) -> None:
        self.api = FakeRestApi()
        self.folders = Folders(var)
        self.folders.make()
        (self.folders.cache / "demo").mkdir()
        (self.folders.cache / "demo" / "bbc.csv").write_text("text,label\n")
        self.out = io.StringIO()
        self.url = ""

    def run(self, *, password: str = PASSWORD, stop: threading.Event | None = None) -> list[str]:
        """Run it once; the changes it asked for."""
        self.api.calls.clear()
        Demo(self.url, password, self.folders, Console(self.out), stop or NoPatience()).run()
        return [call for call in self.api.calls if "/_allauth/" not in call]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with serving(bench.api) as bench.url:
        yield bench


def test_it_makes_everything_once_in_order(bench: Bench) -> None:
    assert bench.run() == [
        "POST /api/v1/tenants",
        f"POST {TENANT}/keys",
        f"POST {TENANT}/keys",
        f"POST {TENANT}/domains",
        f"POST {TENANT}/tasks",
        f"POST {TENANT}/datasets",
        f"POST {TENANT}/tasks/bbc-news/trainings",
        f"POST {TENANT}/tasks/bbc-news/deployments",
    ]
    assert bench.api.tasks["bbc-news"]["deployment"] == {"version": 1}


def test_it_leaves_no_session_of_the_operators_open(bench: Bench) -> None:
    bench.run()
    assert "POST /_allauth/browser/v1/auth/login" in bench.api.calls
    assert not bench.api.is_signed_in


def test_a_second_run_finds_everything_there(bench: Bench) -> None:
    bench.run()
    assert bench.run() == []


def test_it_says_how_to_call_the_task_with_the_key_that_it_kept(bench: Bench) -> None:
    bench.run()
    line = next(line for line in bench.out.getvalue().splitlines() if line.startswith("curl"))
    assert f"{bench.url}/v1/tasks/bbc-news/predict" in line
    named = re.search(r"\$\(cat (\S+)\)", line)
    assert named is not None
    key = Path(named[1])
    assert key.read_text().startswith("hmi_demo_api")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_goes_on_with_a_training_that_was_under_way(bench: Bench) -> None:
    bench.run()
    bench.api.tasks["bbc-news"]["deployment"] = None
    bench.api.lists["versions"].clear()
    bench.api.lists["trainings"][-1]["state"] = "running"
    assert bench.run() == [f"POST {TENANT}/tasks/bbc-news/deployments"]


def test_it_uses_a_dataset_that_was_uploaded_before(bench: Bench) -> None:
    bench.run()
    bench.api.tasks["bbc-news"]["deployment"] = None
    bench.api.lists["versions"].clear()
    assert f"POST {TENANT}/datasets" not in bench.run()


def test_it_looks_through_every_page(bench: Bench) -> None:
    bench.run()
    bench.api.page_rows = 1
    assert bench.run() == []


def test_a_key_whose_file_is_lost_is_replaced(bench: Bench) -> None:
    bench.run()
    (bench.folders.secrets / "demo_api_key").unlink()
    assert bench.run() == [f"DELETE {TENANT}/keys/1", f"POST {TENANT}/keys"]
    assert (bench.folders.secrets / "demo_api_key").exists()


def test_stopping_leaves_the_training_to_the_next_start(bench: Bench) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        bench.run(stop=stop)
    assert bench.api.calls[-1] == f"POST {TENANT}/tasks/bbc-news/trainings"
    assert bench.run() == [f"POST {TENANT}/tasks/bbc-news/deployments"]


def test_a_failed_training_is_told_and_does_not_raise(bench: Bench) -> None:
    bench.api.training_states = ["failed"]
    bench.run()
    assert "its training failed" in bench.out.getvalue()


def test_a_wrong_password_is_told_and_does_not_raise(bench: Bench) -> None:
    assert bench.run(password="wrong") == []
    assert "The demo could not be made" in bench.out.getvalue()


def test_a_portal_that_is_away_is_told_and_does_not_raise(bench: Bench) -> None:
    bench.url = "http://127.0.0.1:9"
    bench.run()
    assert "does not answer" in bench.out.getvalue()
