"""The commands of ./hmi: options of another program reach it, unknown ones are refused."""

import pytest

from portal.local.main import main


def test_simulate_passes_its_options_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--tenants", "5", "--rate", "5", "--seconds", "1", "--zipf", "1"]) == 0
    assert '"tenants": 5' in capfd.readouterr().out.splitlines()[-1]


def test_other_commands_refuse_what_they_do_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--tenants", "5"])
    assert "--tenants" in capsys.readouterr().err
