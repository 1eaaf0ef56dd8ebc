"""The Celery application of the portal and its worker (`celery -A portal.config.celery worker`)."""

import ctypes
import os
import signal
import sys

from celery import Celery
from celery.signals import beat_embedded_init, worker_init

from portal.common.release import known_migrations

PR_SET_PDEATHSIG = 1

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")

app = Celery("hmi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery has no types for it
def know_our_release(**_celerys: object) -> None:
    """While the disk has what this worker runs; its pool's processes begin later, and have it from here."""
    known_migrations()


@beat_embedded_init.connect  # type: ignore[untyped-decorator]  # Celery has no types for it
def end_with_the_worker(**_celerys: object) -> None:
    """A worker's -B is a process of its own, which would go on when that one is killed. On Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
