"""The command line: which command runs, and how errors end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmi.base.errors import HmiError, StoreUnavailable
from hmi.cli.main import COMMANDS, EXIT_BAD_INPUT, EXIT_FAILURE, EXIT_NOBODY_READS, is_bad_input, main
from wire.errors import ErrorCode


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert command in capsys.readouterr().out


def test_an_unknown_command_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["trian"])
    assert ended.value.code == EXIT_BAD_INPUT
    assert "trian" in capsys.readouterr().err


def test_an_error_is_one_readable_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HMI_STORE_URL", raising=False)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"row": 1, "text": "x"}\n')
    status = main(["evaluate", "--bundle-uri", "a", "--tree-uri", "b", "--rows", str(rows)])
    assert status == EXIT_BAD_INPUT
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "HMI_STORE_URL" in lines[0]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([], "--bundle"),
        (["--data", "x.csv"], "--bundle"),
        (["--bundle", "x"], "--data"),
        (["--rows", "x"], "--bundle-uri"),
    ],
)
def test_evaluate_names_what_is_missing_of_the_use_that_was_begun(
    capsys: pytest.CaptureFixture[str], given: list[str], missing: str
) -> None:
    assert main(["evaluate", *given]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err == f"hmi evaluate: {missing} is missing\n"


def test_it_ends_quietly_when_nobody_reads_on() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "hmi.cli", "simulate", "--seconds", "1", "--tenants", "5", "--rate", "5"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (EXIT_NOBODY_READS, "")


def test_what_may_succeed_later_is_no_bad_input() -> None:
    assert not is_bad_input(StoreUnavailable("away"))
    assert is_bad_input(HmiError(ErrorCode.NOT_FOUND, "no such bundle"))
    assert EXIT_FAILURE == 1
