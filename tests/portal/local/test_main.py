"""The commands of ./hmi: options of another program reach it, unknown ones are refused."""

from pathlib import Path

import pytest

from portal.local import main as commands
from portal.local.main import main
from portal.local.options import UpOptions


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


def test_other_commands_refuse_what_they_do_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--tenants", "5"])
    assert "--tenants" in capsys.readouterr().err
