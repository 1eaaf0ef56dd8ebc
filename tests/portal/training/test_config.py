"""How the worker's settings reach the processes of jobs."""

import pytest
from django.conf import settings

from portal.training.config import estimate_config, import_config, limit_s, runner_config


@pytest.mark.parametrize(("timeout_s", "told_s"), [(14400.0, 13800.0), (100.0, 90.0)])
def test_a_training_is_told_to_end_before_it_would_be_stopped(
    monkeypatch: pytest.MonkeyPatch, timeout_s: float, told_s: float
) -> None:
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update={"training_timeout_s": timeout_s}))
    assert limit_s() == told_s < runner_config().timeout_s == timeout_s
    for config in (runner_config(), estimate_config()):
        place = config.command.index("--limit-s")
        assert float(config.command[place + 1]) == told_s
    assert "--limit-s" not in import_config().command
