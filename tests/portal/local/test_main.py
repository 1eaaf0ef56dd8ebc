"""The commands of ./hmi: options of another program reach it, unknown ones are refused."""

import pytest

from portal.local import main as commands
from portal.local.main import main
from portal.local.options import UpOptions


def test_simulate_passes_its_options_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--tenants", "5", "--rate", "5", "--seconds", "1", "--zipf", "1"]) == 0
    assert '"tenants": 5' in capfd.readouterr().out.splitlines()[-1]


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
