"""What is said of checks that failed."""

import io
import sys

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
    monkeypatch.setattr(checks, "_preparations", lambda: {"packages": lambda: Outcome(True, "")})


def _given_tests(
    monkeypatch: pytest.MonkeyPatch, console: Console, *, with_servers: int, others: int
) -> None:
    """Runs of pytest that only say what they were asked for, and end with these statuses."""

    def python(*arguments: str) -> tuple[str, ...]:
        code = f"import sys; print(*sys.argv[3:], 'ran'); sys.exit({with_servers})"
        return (sys.executable, "-c", code, *arguments)

    def run(*arguments: str) -> int:
        console.say(f"{' '.join(arguments[2:])} ran")
        return others

    monkeypatch.setattr(develop, "python", python)
    monkeypatch.setattr(develop, "_run", run)


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
    assert develop.test(["tests/portal"], console) == 1
    lines = said.getvalue().splitlines()
    assert lines.index("2 passed") < lines.index("not an int")
    assert lines[-1] == "failed checks: types"


def test_without_arguments_every_test_is_in_one_of_two_runs(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, only=Outcome(True, ""))
    _given_tests(monkeypatch, console, with_servers=0, others=0)
    assert develop.test([], console) == 0
    ran = [line for line in said.getvalue().splitlines() if line.endswith(" ran")]
    assert ran == [f"-m not ({develop.WITH_AN_INSTALLATION}) ran", f"-m {develop.WITH_AN_INSTALLATION} ran"]


@pytest.mark.parametrize(
    ("with_servers", "others", "named"), [(1, 0, "tests with an installation"), (0, 1, "tests")]
)
def test_a_failed_test_of_either_run_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch,
    console: Console,
    said: io.StringIO,
    with_servers: int,
    others: int,
    named: str,
) -> None:
    _given(monkeypatch, only=Outcome(True, ""))
    _given_tests(monkeypatch, console, with_servers=with_servers, others=others)
    assert develop.test([], console) == 1
    assert said.getvalue().splitlines()[-1] == f"failed checks: {named}"


def test_a_failed_test_of_those_that_were_asked_for_is_told_as_failed(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, only=Outcome(True, ""))
    monkeypatch.setattr(develop, "_run", lambda *_: 2)
    assert develop.test(["tests/portal"], console) == 1
    assert said.getvalue().splitlines()[-1] == "failed checks: tests"


def test_what_could_not_be_installed_for_the_checks_is_said_too(
    monkeypatch: pytest.MonkeyPatch, console: Console, said: io.StringIO
) -> None:
    _given(monkeypatch, only=Outcome(True, ""))
    monkeypatch.setattr(checks, "_preparations", lambda: {"packages": lambda: Outcome(False, "no network")})
    assert checks.check(console) == 1
    assert "no network" in said.getvalue().splitlines()
    assert said.getvalue().splitlines()[-1] == "failed checks: packages"
