"""The names of background jobs, and how one is queued: after the commit, so that the worker finds the row."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog
from celery import current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.exceptions import OperationalError

CONNECT_DEADLINE_S = 2
_log = structlog.get_logger("portal.queue")


class JobName(StrEnum):
    """Every background job; the Celery task of the same name is in the app's jobs.py."""

    TRAINING_RUN = "training.run"
    TRAINING_REAP = "training.reap"
    ESTIMATE_RUN = "training.estimate"
    IMPORT_RUN = "training.import"
    DATASET_FILES_DELETE = "datasets.files_delete"
    DATASETS_SWEEP = "datasets.sweep"
    DATASET_EXAMINE = "datasets.examine"
    DATASETS_TIDY = "datasets.tidy"
    DOMAIN_RUN = "domains.run"
    DOMAINS_RECONCILE = "domains.reconcile"
    STORE_SWEEP = "domains.store_sweep"
    TRIALS_JUDGE = "serving.trials_judge"
    DRIFT_WATCH = "serving.drift_watch"
    WEBHOOKS_DELIVER = "webhooks.deliver"
    WEBHOOKS_PRUNE = "webhooks.prune"
    QUOTAS_WATCH = "usage.quotas_watch"
    USAGE_PRUNE = "usage.prune"


TRAINING_QUEUE = "training"
"""A queue and a worker of its own: a training takes minutes, and the reaper must not wait for it."""
ESTIMATE_QUEUE = "estimates"
"""Likewise: a person waits for an estimate, or for an adapter's import, and it must wait for no training."""
HOUSEKEEPING_QUEUE = "housekeeping"
QUEUES = {
    JobName.TRAINING_RUN.value: {"queue": TRAINING_QUEUE},
    JobName.DOMAIN_RUN.value: {"queue": TRAINING_QUEUE},
    JobName.ESTIMATE_RUN.value: {"queue": ESTIMATE_QUEUE},
    JobName.IMPORT_RUN.value: {"queue": ESTIMATE_QUEUE},
}
"""Where each job goes that does not go to housekeeping, as Celery's task_routes."""


class BrokerUnreachable(Exception):
    """The broker does not answer."""


def enqueue_on_commit(name: JobName, **ids: str) -> None:
    """Queue ``name`` with ``ids`` when the current transaction commits.

    A broker that is away does not fail the request: what is to be done stands in the database, where the
    reaper finds it.
    """
    transaction.on_commit(lambda: _send(name, ids))


@contextmanager
def broker_connection() -> Iterator[Connection]:
    """A fresh connection to the broker: a pool's may be older than the broker. Raises BrokerUnreachable."""
    with current_app.connection_for_write(connect_timeout=CONNECT_DEADLINE_S) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_DEADLINE_S)
            yield connection
        except (*connection.recoverable_connection_errors, OperationalError) as exc:
            raise BrokerUnreachable(type(exc).__name__) from exc


def _send(name: JobName, ids: dict[str, str]) -> None:
    try:
        with broker_connection() as connection:
            current_app.send_task(name.value, kwargs=ids, connection=connection)
    except BrokerUnreachable as exc:
        _log.warning("queue.unreachable", job=name.value, error=str(exc), **ids)
