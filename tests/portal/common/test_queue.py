"""Queueing jobs after the commit, with and without a broker."""

import socket
from collections.abc import Iterator

import pytest
from celery import Celery, current_app
from django.conf import settings
from django.db import transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.common.queue import TRAINING_QUEUE, JobName, enqueue_on_commit

pytestmark = pytest.mark.database


@pytest.fixture
def dead_broker() -> Iterator[None]:
    """A broker's address at which nobody listens."""
    app: Celery = current_app._get_current_object()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        before, app.conf.broker_url = app.conf.broker_url, f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        yield
        app.conf.broker_url = before


def test_a_job_is_queued_when_the_transaction_commits(
    db: None, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with current_app.connection_for_write() as broker, broker.channel() as channel:
        channel.queue_purge(TRAINING_QUEUE) if channel._has_queue(TRAINING_QUEUE) else None
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            enqueue_on_commit(JobName.TRAINING_RUN, id="1")
        message = channel.basic_get(TRAINING_QUEUE, no_ack=True)
    assert message is not None
    assert message.headers["task"] == "training.run"
    assert message.headers["kwargsrepr"] == "{'id': '1'}"


def test_every_job_is_known_to_workers_and_called_for_by_a_service_or_by_the_clock() -> None:
    current_app.loader.import_default_modules()
    assert {name.value for name in JobName} <= set(current_app.tasks)
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {name for name in JobName if name.value not in scheduled} == {
        JobName.TRAINING_RUN,
        JobName.ESTIMATE_RUN,
        JobName.IMPORT_RUN,
        JobName.DOMAIN_RUN,
        JobName.DATASET_EXAMINE,
        JobName.DATASET_FILES_DELETE,
    }


def test_a_broker_that_is_away_fails_no_request(
    db: None,
    dead_broker: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        enqueue_on_commit(JobName.TRAINING_RUN, id="1")
    assert "queue.unreachable" in caplog.text


def test_the_portal_is_not_ready_without_its_broker(db: None, dead_broker: None, client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "unavailable"}
