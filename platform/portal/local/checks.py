"""./hmi check: the static gate."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.local.console import Console
from portal.local.errors import InstallationError
from portal.local.folders import ROOT
from portal.local.frontend_build import FRONTEND, npm_packages
from portal.local.node import find_node
from portal.local.steps import python

SCHEMA = FRONTEND / "openapi.json"
SCHEMA_COMMAND = ("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one check; ``output`` is shown when it failed."""

    passed: bool
    output: str


def check(console: Console) -> int:
    """Run every check and show what failed; 1 when one did."""
    failed = prepare_checks(console) | run_checks(console)
    show_failed(failed, console)
    return 1 if failed else 0


def prepare_checks(console: Console) -> dict[str, str]:
    """Install what the checks need and ./hmi up too, so not beside it; the output of what failed, by name."""
    return _run_each(_preparations(), console)


def run_checks(console: Console) -> dict[str, str]:
    """Run every check, also after one has failed; the output of those that did, by name."""
    return _run_each(_checks(), console)


def _run_each(steps: Mapping[str, Callable[[], Outcome]], console: Console) -> dict[str, str]:
    failed = {}
    for name, run in steps.items():
        with console.step(name) as tell:
            outcome = run()
            tell("" if outcome.passed else "FAILED")
        if not outcome.passed:
            failed[name] = outcome.output
    return failed


def show_failed(failed: Mapping[str, str], console: Console) -> None:
    """What the checks that failed have printed, and their names as the last line."""
    for name, output in failed.items():
        console.say(f"\n{name}:\n{output}")
    console.say(f"failed checks: {', '.join(failed)}" if failed else "all checks passed")


def _preparations() -> dict[str, Callable[[], Outcome]]:
    return {"dashboard: packages": _npm_packages}


def _checks() -> dict[str, Callable[[], Outcome]]:
    lint_imports = str(Path(sys.executable).with_name("lint-imports"))
    return {
        "format": lambda: _run(python("-m", "ruff", "format", "--check", ".", "hmi")),
        "lint": lambda: _run(python("-m", "ruff", "check", ".", "hmi")),
        "types": lambda: _run(python("-m", "mypy")),
        "directions of import": lambda: _run((lint_imports,)),
        "dead code": lambda: _run(python("-m", "vulture")),
        "migrations match the models": lambda: _manage("makemigrations", "--check", "--dry-run"),
        "API schema": _schema_is_current,
        "dashboard: client of the API": lambda: _npm("check-generated"),
        "dashboard: lint": lambda: _npm("lint"),
        "dashboard: types": lambda: _npm("typecheck"),
        "dashboard: tests": lambda: _npm("test"),
    }


def _run(command: tuple[str, ...], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Outcome:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(done.returncode == 0, done.stdout)


def _manage(*arguments: str) -> Outcome:
    """Of manage.py, with settings that reach no server."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HMI_")}
    return _run(python("manage.py", *arguments), env=plain | {"HMI_SECRET_KEY": "only for checking"})


def _schema_is_current() -> Outcome:
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "openapi.json")
        outcome = _manage(*SCHEMA_COMMAND, str(made))
        if not outcome.passed:
            return outcome
        if json.loads(made.read_text()) == json.loads(SCHEMA.read_text()):
            return Outcome(True, "")
    again = f"python manage.py {' '.join(SCHEMA_COMMAND)} frontend/openapi.json"
    return Outcome(False, f"frontend/openapi.json is out of date: {again}; then npm run generate in frontend")


def _npm_packages() -> Outcome:
    try:
        install = npm_packages()
    except InstallationError as exc:
        return Outcome(False, str(exc))
    if install is None:
        return Outcome(True, "")
    outcome = _run(install.command, env=install.env, cwd=FRONTEND)
    if outcome.passed:
        install.mark_done()
    return outcome


def _npm(script: str) -> Outcome:
    try:
        node = find_node()
    except InstallationError as exc:
        return Outcome(False, str(exc))
    return _run((str(node.npm), "run", "--silent", script), env=node.environment(os.environ), cwd=FRONTEND)
