"""What comes round needs nothing that may be lacking for a while."""

from pathlib import Path

import pytest
from celery.beat import Service
from django.conf import settings

from portal.config.celery import app


def test_what_comes_round_needs_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    service = Service(app, scheduler_cls=app.conf.beat_scheduler)  # as a worker with -B does
    scheduler = service.get_scheduler()
    service.sync()
    assert set(settings.CELERY_BEAT_SCHEDULE) <= set(scheduler.schedule)
    assert not list(tmp_path.iterdir())
    assert not list(settings.ENV.work_dir.glob("celerybeat*"))


def test_an_installation_that_never_runs_for_an_hour_leaves_nothing_undone() -> None:
    """The schedule begins anew at each start."""
    assert max(one["schedule"] for one in settings.CELERY_BEAT_SCHEDULE.values()) <= 600
