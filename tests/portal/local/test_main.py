"""The commands of ./hmi: options of another program reach it, unknown ones are refused."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from portal.local import main as commands
from portal.local.commands import parse
from portal.local.console import Console
from portal.local.folders import ROOT, Folders
from portal.local.main import main
from portal.local.options import UpOptions
from portal.local.steps import python


def test_simulate_passes_its_options_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--tenants", "5", "--rate", "5", "--seconds", "1", "--zipf", "1"]) == 0
    assert '"tenants": 5' in capfd.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_commands_of_the_data_plane_are_reached_from_where_one_is(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wire.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "rows.csv").write_text("text,label\n")
    options = {"train": ["--domain", "news", "--out", "out"], "evaluate": ["--bundle", "out"]}
    status = main([command, "--data", "rows.csv", *options.get(command, ["--bundle", "out"])])
    said = capfd.readouterr().err
    assert (status, said.startswith(f"hmi {command}: ")) == (2, True), said
    assert ("rows.csv has no rows" in said) == (command == "train"), said


@pytest.mark.parametrize(
    ("environment", "words", "expected"), [("", [], ""), ("2", [], "2"), ("2", ["--num-lower", "3"], "3")]
)
def test_up_is_told_how_many_layers_are_looked_up(
    monkeypatch: pytest.MonkeyPatch, environment: str, words: list[str], expected: str
) -> None:
    started: list[UpOptions] = []
    monkeypatch.setenv("HMI_NUM_LOWER", environment)
    monkeypatch.setattr(commands, "up", lambda options, console: started.append(options))
    assert main(["up", *words]) == 0
    assert [options.num_lower for options in started] == [expected]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["unit"],
        ["tests/wire", "tests/wire/test_codec.py::test_it"],
        ["-k", "a/b"],
        ["-x", "--ignore=a/b"],
    ],
)
def test_what_pytest_understands_is_passed_on(words: list[str]) -> None:
    assert parse(["test", *words]).arguments == words


def test_other_commands_refuse_what_they_do_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--tenants", "5"])
    assert "--tenants" in capsys.readouterr().err


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[UpOptions] = []
    for name in ("HMI_VAR", "HMI_PORT", "HMI_HOST"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(commands, "up", lambda options, console: started.append(options))
    assert main(["up"]) == 0
    assert [(options.folders.var, options.ports.first, options.host) for options in started] == [
        (ROOT / "var", 8400, "127.0.0.1")
    ]


def test_settings_of_other_servers_do_not_reach_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    others = ("PGSSLMODE", "PGHOST", "CELERY_BROKER_URL", "BROKER_URL", "WEB_CONCURRENCY")
    for name in (*others, "HMI_MAIL_FROM", "https_proxy"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setattr(commands, "up", lambda options, console: seen.append(dict(os.environ)))
    assert main(["up"]) == 0
    assert {"HMI_MAIL_FROM", "https_proxy"} <= seen[0].keys()
    assert not {*others} & seen[0].keys()


def test_a_disk_that_is_full_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def up(options: UpOptions, console: Console) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(options.folders.run / "lock"))

    monkeypatch.setattr(commands, "up", up)
    assert main(["up", "--var", "/srv/hmi"]) == 1
    assert capsys.readouterr().out == "hmi: /srv/hmi/run/lock: No space left on device\n"


def test_logs_end_quietly_where_nobody_reads_on(folders: Folders) -> None:
    folders.logs.mkdir(parents=True)
    (folders.logs / "service.log").write_text("a line\n" * 20_000)
    command = python("-P", "-m", "portal.local.main", "logs", "service", "--var", str(folders.var))
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
