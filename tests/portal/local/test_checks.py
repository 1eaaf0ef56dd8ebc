"""What is said of checks that failed."""

import io

import pytest

from portal.local import checks, develop
from portal.local.checks import Outcome
from portal.local.console import Console


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(said: io.StringIO) -> Console:
    return Console(said)


def _given(monkeypatch: pytest.MonkeyPatch, **outcomes: Outcome) -> None:
    monkeypatch.setattr(
        checks, "_checks", lambda: {name: lambda it=outcome: it for name, outcome in outcomes.items()}
    )


def test_a_failed_check_is_shown_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, first=Outcome(False, "line 3 is wrong"), second=Outcome(True, "fine"))
    assert checks.check(console) == 1
    lines = said.getvalue().splitlines()
    assert "line 3 is wrong" in lines
    assert "fine" not in said.getvalue()
    assert any(line.strip().startswith("second") for line in lines)
    assert lines[-1] == "failed checks: first"


def test_that_all_passed_is_said(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, only=Outcome(True, ""))
    assert checks.check(console) == 0
    assert said.getvalue().splitlines()[-1] == "all checks passed"


def test_after_the_tests_a_failed_check_is_what_one_reads_last(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, types=Outcome(False, "not an int"))

    def tests(*arguments: str) -> int:
        console.say("2 passed")
        return 0

    monkeypatch.setattr(develop, "_run", tests)
    assert develop.test([], console) == 1
    lines = said.getvalue().splitlines()
    assert lines.index("2 passed") < lines.index("not an int")
    assert lines[-1] == "failed checks: types"
