"""How the worker's settings reach the processes of jobs."""

from pathlib import Path

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


def test_jobs_have_a_folder_for_copies_of_a_remote_stores_bundles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update={"work_dir": tmp_path}))
    given = str(tmp_path / "given")
    for name, found in ((None, str(tmp_path / "bundles")), ("", str(tmp_path / "bundles")), (given, given)):
        if name is None:
            monkeypatch.delenv("HMI_CACHE_DIR", raising=False)
        else:
            monkeypatch.setenv("HMI_CACHE_DIR", name)
        for config in (runner_config(), estimate_config(), import_config()):
            assert config.environment["HMI_CACHE_DIR"] == found
