"""The names of background jobs, and how one is queued: after the commit, so that the worker finds the row."""

from enum import StrEnum

import structlog
from celery import current_app
from django.db import transaction

_log = structlog.get_logger("portal.queue")


class JobName(StrEnum):
    """Every background job; the Celery task of the same name is in the app's jobs.py."""

    TRAINING_RUN = "training.run"
    TRAINING_REAP = "training.reap"
    DATASET_FILES_DELETE = "datasets.files_delete"
    DATASETS_SWEEP = "datasets.sweep"


def enqueue_on_commit(name: JobName, **ids: str) -> None:
    """Queue ``name`` with ``ids`` when the current transaction commits.

    A broker that is away does not fail the request: what is to be done stands in the database, where the
    reaper finds it.
    """
    transaction.on_commit(lambda: _send(name, ids))


def _send(name: JobName, ids: dict[str, str]) -> None:
    try:
        current_app.send_task(name.value, kwargs=ids)
    except current_app.connection_for_write().recoverable_connection_errors as exc:
        _log.warning("queue.unreachable", job=name.value, error=type(exc).__name__, **ids)
