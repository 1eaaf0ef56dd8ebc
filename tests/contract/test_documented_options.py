"""What docs/ lists is what there is: the addresses of the REST API, and the options of the command line."""

import argparse
import re
from collections.abc import Iterator

import pytest

from hmi.cli import evaluate, export, import_adapter, predict, simulate, train
from tests.conftest import ROOT
from tests.portal.api.operations import operations

API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
TENANT = "/api/v1/tenants/{tenant}/"
METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
OF_JOBS = ("with --job", "answers of a version in the store")
"""Groups of options that the platform's worker gives."""


def test_every_address_of_the_rest_api_is_documented_and_no_other() -> None:
    before, _, rest = API.partition("## Accounts")
    addresses = set(_addresses(before)) | set(_addresses(rest.partition("\n## ")[2]))
    assert addresses == {(operation.method.upper(), _unnamed(operation.path)) for operation in operations()}


@pytest.mark.parametrize(
    "module", [train, evaluate, predict, export, import_adapter], ids=lambda m: m.__name__
)
def test_every_option_is_documented(module: object) -> None:
    options = {
        option
        for group in _parser(module)._action_groups
        if group.title not in OF_JOBS
        for action in group._group_actions
        for option in action.option_strings[-1:]
    }
    assert not {option for option in options - {"--help", "--job"} if f"{option}`" not in _words()}


def test_the_simulators_options_are_documented_with_their_defaults() -> None:
    documented = dict(re.findall(r"^\| `(--[\w-]+)` \| ([^|]*) \|", COMMAND_LINE, re.MULTILINE))
    options = {
        action.option_strings[-1]: action.default
        for action in _parser(simulate)._actions
        if action.dest != "help"
    }
    assert documented.keys() == options.keys()
    for option, default in options.items():
        if option != "--forwards":  # the machine's
            assert documented[option].strip().replace(",", "") == _shown(default), option


def _addresses(text: str) -> Iterator[tuple[str, str]]:
    """(method, address) of the tables whose rows begin with either."""
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        path = re.search(r" (/[^\s`?]*)", row)
        if METHOD.match(row.strip("`")) and path is not None:
            methods = METHOD.findall(row)
            yield from ((method, _unnamed("/api/v1" + path[1])) for method in methods)
            for other in re.findall(r"`\.\.\.(/\w+)`", row):
                yield methods[0], _unnamed("/api/v1" + path[1].rpartition("/")[0] + other)
    for row, methods in re.findall(r"^\| (`[a-z].*?) \| ([A-Z, ]+) \|", text, re.MULTILINE):
        for path in re.findall(r"`([^`]+)`", row):
            yield from ((method, _unnamed(TENANT + path)) for method in METHOD.findall(methods))


def _unnamed(path: str) -> str:
    """Names of parameters do not count."""
    return re.sub(r"\{\w+\}", "{}", path)


def _words() -> str:
    """The page, each option with what it takes after it as if it stood alone."""
    return re.sub(r"(--[\w-]+)[^`|\w-]", r"\1`", COMMAND_LINE)


def _parser(module: object) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    module.add_parser(commands)  # type: ignore[attr-defined]  # each has one
    [command] = commands.choices.values()
    return command


def _shown(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, list):
        return " ".join(map(_shown, default))
    return f"{default:g}" if isinstance(default, float) else str(default)
