"""./hmi test and bench, the tests and the measurements; and the commands of the data plane's own."""

import subprocess
import tempfile
from collections.abc import Sequence

from portal.local.checks import prepare_checks, run_checks, show_failed
from portal.local.console import Console
from portal.local.folders import ROOT
from portal.local.steps import python

UNIT = "not slow and not gpu and not stress and not database and not e2e"
WITH_AN_INSTALLATION = "e2e"
"""These wait for servers most of the time: every other test and the checks run beside them."""
SEE_ABOVE = "pytest has said above what failed"


def test(arguments: Sequence[str], console: Console) -> int:
    """The checks and every test, or pytest with ``arguments`` after the checks; 'unit' means the quick tests
    alone.

    What the checks that failed have printed comes last, where one looks for it."""
    if arguments[:1] == ["unit"]:
        return _run("-m", "pytest", "-m", UNIT, *arguments[1:])
    failed = prepare_checks(console)
    if arguments:
        failed |= run_checks(console)
        tested = _run("-m", "pytest", *arguments)
        if tested:
            failed["tests"] = SEE_ABOVE
    else:
        failed |= _check_and_test(console)
    show_failed(failed, console)
    return 1 if failed else 0


def _check_and_test(console: Console) -> dict[str, str]:
    """The checks and every test, on two cores: what those that failed have printed, by name."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        beside = subprocess.Popen(
            python("-m", "pytest", "-m", WITH_AN_INSTALLATION),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            failed = run_checks(console)
            tested = _run("-m", "pytest", "-m", f"not ({WITH_AN_INSTALLATION})")
        finally:  # Ctrl-C reaches it too, and it stops its servers
            with console.step("tests with an installation"):
                tested_beside = beside.wait()
        output.seek(0)
        console.say(output.read())
    statuses = {"tests": tested, "tests with an installation": tested_beside}
    return failed | {name: SEE_ABOVE for name, status in statuses.items() if status}


def bench(name: str, arguments: Sequence[str]) -> int:
    """Run benchmarks/NAME.py, which is there, with ``arguments``; its last line of output is one JSON
    object."""
    return _run("-m", f"benchmarks.{name}", *arguments)


def data_plane(command: str, arguments: Sequence[str]) -> int:
    """A command of the data plane's, where the caller is: its files may be named from there."""
    run = python("-P", "-m", "hmi.cli", command, *arguments)  # -P: what lies there is no module of ours
    return subprocess.run(run, check=False).returncode


def _run(*arguments: str) -> int:
    return subprocess.run(python(*arguments), cwd=ROOT, check=False).returncode
