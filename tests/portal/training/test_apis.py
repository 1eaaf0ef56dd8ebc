"""Starting, watching and cancelling trainings over the REST API."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.audit.models import AuditEntry
from portal.catalog.models import Task
from portal.common import queue
from portal.common.queue import JobName
from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.models import Dataset
from portal.tenants.models import Role
from portal.training import services
from portal.training.models import JobState, TrainingEstimate, TrainingEvent, TrainingJob
from tests.fakes.portal import (
    Cast,
    client_of,
    client_with,
    make_dataset,
    make_job,
    make_key,
    make_task,
    make_version,
)
from wire.training import Recipe

pytestmark = pytest.mark.database


def start(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"{path}/tasks/news/trainings", json.dumps(body), content_type="application/json")


def estimate(client: Client, path: str, **body: Any) -> Any:
    address = f"{path}/tasks/news/trainings/estimate"
    return client.post(address, json.dumps(body), content_type="application/json")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[JobName, dict[str, str]]]:
    """Messages to workers."""
    messages: list[tuple[JobName, dict[str, str]]] = []
    monkeypatch.setattr(services, "enqueue_on_commit", lambda name, **ids: messages.append((name, ids)))
    return messages


def error_of(response: Any) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    return dict(body["error"])


def test_a_training_is_queued_and_a_worker_called_for(
    cast: Cast,
    task: Task,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[tuple[JobName, dict[str, str]]] = []
    monkeypatch.setattr(queue, "_send", lambda name, ids: sent.append((name, ids)))
    with django_capture_on_commit_callbacks(execute=True):
        response = start(
            cast.acme.client(Role.DEVELOPER), cast.acme.path, dataset=str(dataset.pk), recipe={"epochs": 2}
        )
    assert response.status_code == 201, response.content
    made = response.json()
    assert (made["task"], made["dataset"], made["state"]) == ("news", str(dataset.pk), "queued")
    assert (made["attempt"], made["version"], made["error"], made["eta_s"]) == (0, None, None, None)
    assert made["recipe"] == {**vars_of(Recipe()), "epochs": 2}
    assert sent == [(JobName.TRAINING_RUN, {"id": made["id"]})]
    with operator_scope():
        assert AuditEntry.objects.unscoped().filter(target_id=made["id"], action="training.create").exists()


def vars_of(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__}


def test_the_first_training_gives_the_task_its_labels(cast: Cast, task: Task, dataset: Dataset) -> None:
    with tenant_scope(task.tenant_id):
        Task.objects.for_tenant(task.tenant).update(labels=[])
    start(cast.acme.client(), cast.acme.path, dataset=str(dataset.pk))
    with tenant_scope(task.tenant_id):
        assert Task.objects.for_tenant(task.tenant).get().labels == ["sport", "tech"]


def test_a_manage_key_starts_a_training(cast: Cast, task: Task, dataset: Dataset) -> None:
    client = client_with(make_key(cast.acme.tenant))
    assert start(client, cast.acme.path, dataset=str(dataset.pk)).status_code == 201


def test_one_training_of_a_task_at_a_time(cast: Cast, task: Task, dataset: Dataset) -> None:
    client = cast.acme.client()
    first = start(client, cast.acme.path, dataset=str(dataset.pk))
    second = start(client, cast.acme.path, dataset=str(dataset.pk))
    assert (first.status_code, second.status_code) == (201, 409)
    assert error_of(second)["code"] == "conflict"
    client.post(f"{cast.acme.path}/trainings/{first.json()['id']}/cancel")
    assert start(client, cast.acme.path, dataset=str(dataset.pk)).status_code == 201


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_field", "dataset"),
        ({"dataset": "x"}, "invalid_field", "dataset"),
        ({"dataset": str(uuid4())}, "invalid_field", "dataset"),
        ({"recipe": [1]}, "invalid_field", "recipe"),
        ({"recipe": {"ranks": 8}}, "invalid_field", "recipe.ranks"),
        ({"recipe": {"rank": 64}}, "invalid_field", "recipe.rank"),
        ({"recipe": {"epochs": "3"}}, "invalid_field", "recipe.epochs"),
    ],
)
def test_a_training_that_makes_no_sense_is_refused(
    cast: Cast, task: Task, dataset: Dataset, body: dict[str, Any], code: str, param: str
) -> None:
    given = {"dataset": str(dataset.pk), **body} if "recipe" in body else body
    response = start(cast.acme.client(), cast.acme.path, **given)
    assert response.status_code == 400
    error = error_of(response)
    assert (error["code"], error["param"]) == (code, param)
    with operator_scope():
        assert not TrainingJob.objects.unscoped().exists()


def test_another_tenants_or_a_deleted_dataset_cannot_be_trained_on(cast: Cast, task: Task) -> None:
    theirs = make_dataset(cast.globex.tenant)
    gone = make_dataset(cast.acme.tenant)
    cast.acme.client().delete(f"{cast.acme.path}/datasets/{gone.pk}")
    for dataset in (theirs, gone):
        response = start(cast.acme.client(), cast.acme.path, dataset=str(dataset.pk))
        assert response.status_code == 400
        assert error_of(response)["param"] == "dataset"


def test_before_the_installation_is_prepared_it_says_so(cast: Cast, dataset: Dataset) -> None:
    make_task(cast.acme.tenant)
    response = start(cast.acme.client(), cast.acme.path, dataset=str(dataset.pk))
    assert response.status_code == 503
    assert error_of(response)["code"] == "not_ready"


def test_roles(cast: Cast, task: Task, dataset: Dataset) -> None:
    job = make_job(task, dataset)
    viewer = cast.acme.client(Role.VIEWER)
    assert start(viewer, cast.acme.path, dataset=str(dataset.pk)).status_code == 403
    assert viewer.post(f"{cast.acme.path}/trainings/{job.pk}/cancel").status_code == 403
    assert viewer.get(f"{cast.acme.path}/trainings/{job.pk}").status_code == 200
    assert Client().get(f"{cast.acme.path}/trainings/{job.pk}").status_code == 401


def test_a_training_shows_where_it_is_and_what_came_out(cast: Cast, task: Task, dataset: Dataset) -> None:
    version = make_version(task, number=7, dataset=dataset)
    job = make_job(
        task,
        dataset,
        id=version.training_job_id,
        state=JobState.SUCCEEDED,
        recipe={"epochs": 3},
        phase="training",
        share=1.0,
        step=5,
        num_steps=9,
        loss=0.25,
        validation_accuracy=0.75,
        attempt=2,
        version=version.pk,
    )
    shown = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/trainings/{job.pk}").json()
    assert shown["version"] == 7
    assert [
        shown[name]
        for name in ("phase", "share", "step", "num_steps", "loss", "validation_accuracy", "attempt")
    ] == [
        "training",
        1.0,
        5,
        9,
        0.25,
        0.75,
        2,
    ]
    assert shown["stopped_at"] is None, "reports of older releases do not name a limit"
    listed = cast.acme.client().get(f"{cast.acme.path}/tasks/news/trainings").json()
    assert listed["results"] == [shown]


def test_a_training_names_the_limit_of_time_that_ended_it(cast: Cast, task: Task, dataset: Dataset) -> None:
    limit = {"limit": "installation", "minutes": 230.0}
    shown = []
    for number, stopped_at in enumerate((limit, None), start=1):
        version = make_version(task, number=number, dataset=dataset)
        with tenant_scope(task.tenant_id):
            version.report = {**version.report, "stopped_at": stopped_at}
            version.save()
        job = make_job(task, dataset, id=version.training_job_id, state=JobState.SUCCEEDED)
        shown.append(cast.acme.client().get(f"{cast.acme.path}/trainings/{job.pk}").json()["stopped_at"])
    assert shown == [limit, None]


def test_the_curve_comes_in_order(cast: Cast, task: Task, dataset: Dataset) -> None:
    job = make_job(task, dataset)
    with tenant_scope(task.tenant_id):
        for seq in (2, 1, 3):
            TrainingEvent(
                tenant=task.tenant, job=job, seq=seq, phase="training", step=seq, num_steps=3, loss=1 / seq
            ).save()
    page = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/trainings/{job.pk}/events?page_size=2").json()
    assert [event["seq"] for event in page["results"]] == [1, 2]
    assert page["count"] == 3
    assert page["next"] is not None


def test_a_queued_training_is_cancelled_at_once_and_a_running_one_asked_to_end(
    cast: Cast, task: Task, dataset: Dataset
) -> None:
    queued = make_job(task, dataset)
    running = make_job(make_task(cast.acme.tenant, "other"), dataset, state=JobState.RUNNING)
    client = cast.acme.client(Role.DEVELOPER)
    first = client.post(f"{cast.acme.path}/trainings/{queued.pk}/cancel")
    second = client.post(f"{cast.acme.path}/trainings/{running.pk}/cancel")
    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["state"], first.json()["finished_at"] is not None) == ("cancelled", True)
    assert (second.json()["state"], second.json()["cancel_requested"]) == ("running", True)


def test_a_training_is_paused_and_goes_on(
    cast: Cast, task: Task, dataset: Dataset, sent: list[tuple[JobName, dict[str, str]]]
) -> None:
    queued = make_job(task, dataset)
    running = make_job(
        make_task(cast.acme.tenant, "other"),
        dataset,
        state=JobState.RUNNING,
        lease_owner="worker",
        lease_expires_at=timezone.now(),
        attempt=2,
    )
    client = cast.acme.client(Role.DEVELOPER)
    for job in (queued, running):
        address = f"{cast.acme.path}/trainings/{job.pk}"
        assert client.post(f"{address}/pause").json()["state"] == "paused"
        assert client.post(f"{address}/pause").status_code == 409
        assert sent == []
        assert client.post(f"{address}/resume").json()["state"] == "queued"
        assert client.post(f"{address}/resume").status_code == 409
        assert sent.pop() == (JobName.TRAINING_RUN, {"id": str(job.pk)})
    with operator_scope():
        assert TrainingJob.objects.unscoped().get(pk=running.pk).attempt == 1  # a pause is no failure
        paused = AuditEntry.objects.unscoped().filter(action="training.pause")
        assert {entry.details["task"] for entry in paused} == {"news", "other"}
        assert AuditEntry.objects.unscoped().filter(action="training.resume").count() == 2


def test_a_paused_training_keeps_its_task_and_its_dataset_until_it_is_cancelled(
    cast: Cast, task: Task, dataset: Dataset
) -> None:
    job = make_job(task, dataset, state=JobState.PAUSED)
    client = cast.acme.client()
    assert start(client, cast.acme.path, dataset=str(dataset.pk)).status_code == 409
    assert client.delete(f"{cast.acme.path}/datasets/{dataset.pk}").status_code == 409
    ended = client.post(f"{cast.acme.path}/trainings/{job.pk}/cancel").json()
    assert (ended["state"], ended["finished_at"] is not None) == ("cancelled", True)
    assert client.delete(f"{cast.acme.path}/datasets/{dataset.pk}").status_code == 204


def test_an_estimate_is_asked_for_and_read(
    cast: Cast, task: Task, dataset: Dataset, sent: list[tuple[JobName, dict[str, str]]]
) -> None:
    client = cast.acme.client(Role.DEVELOPER)
    made = estimate(client, cast.acme.path, dataset=str(dataset.pk), recipe={"epochs": 2})
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["result"]) == ("queued", None)
    assert made.json()["recipe"]["epochs"] == 2
    assert sent == [(JobName.ESTIMATE_RUN, {"id": made.json()["id"]})]
    read = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/estimates/{made.json()['id']}")
    assert read.json() == made.json()
    with operator_scope():
        assert not TrainingJob.objects.unscoped().exists()


def test_a_newer_estimate_takes_the_place_of_the_tasks_older_ones(
    cast: Cast, task: Task, dataset: Dataset
) -> None:
    client = cast.acme.client()
    running = estimate(client, cast.acme.path, dataset=str(dataset.pk)).json()["id"]
    with operator_scope():
        TrainingEstimate.objects.unscoped().update(state=JobState.RUNNING)
    queued = estimate(client, cast.acme.path, dataset=str(dataset.pk)).json()["id"]
    newest = estimate(client, cast.acme.path, dataset=str(dataset.pk)).json()["id"]
    with operator_scope():
        found = {str(one.pk): one for one in TrainingEstimate.objects.unscoped()}
    assert (found[running].state, found[running].cancel_requested) == (JobState.RUNNING, True)
    assert found[queued].state == JobState.CANCELLED
    assert (found[newest].state, found[newest].cancel_requested) == (JobState.QUEUED, False)


def test_an_estimate_is_refused_as_the_training_would_be(cast: Cast, task: Task, dataset: Dataset) -> None:
    client = cast.acme.client()
    theirs = make_dataset(cast.globex.tenant)
    assert error_of(estimate(client, cast.acme.path, dataset=str(theirs.pk)))["param"] == "dataset"
    asked = {"dataset": str(dataset.pk), "recipe": {"rank": 64}}
    assert error_of(estimate(client, cast.acme.path, **asked))["param"] == "recipe.rank"


def test_an_ended_training_cannot_be_paused_nor_resumed(cast: Cast, task: Task, dataset: Dataset) -> None:
    for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        job = make_job(task, dataset, state=state)
        for action in ("pause", "resume"):
            response = cast.acme.client().post(f"{cast.acme.path}/trainings/{job.pk}/{action}")
            assert response.status_code == 409
            assert error_of(response)["code"] == "conflict"


def test_a_training_that_is_about_to_be_cancelled_is_not_set_aside_instead(
    cast: Cast, task: Task, dataset: Dataset
) -> None:
    held = {"state": JobState.RUNNING, "lease_owner": "worker", "lease_expires_at": timezone.now()}
    job = make_job(task, dataset, **held, attempt=1)
    client, address = cast.acme.client(), f"{cast.acme.path}/trainings/{job.pk}"
    assert client.post(f"{address}/cancel").json()["cancel_requested"] is True
    response = client.post(f"{address}/pause")
    assert (response.status_code, error_of(response)["code"]) == (409, "conflict")
    assert client.get(address).json()["state"] == "running", "its worker hears of it, and ends it"


def test_an_ended_training_cannot_be_cancelled(cast: Cast, task: Task, dataset: Dataset) -> None:
    for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        job = make_job(task, dataset, state=state)
        response = cast.acme.client().post(f"{cast.acme.path}/trainings/{job.pk}/cancel")
        assert response.status_code == 409
        assert error_of(response)["code"] == "conflict"


def test_a_training_that_failed_by_what_passes_is_tried_again_in_its_place(
    cast: Cast, task: Task, dataset: Dataset, sent: list[tuple[JobName, dict[str, str]]]
) -> None:
    error = {"code": "store_unavailable", "message": "The disk is full.", "retryable": True}
    ended = {"state": JobState.FAILED, "finished_at": timezone.now()}
    job = make_job(task, dataset, **ended, error=error, attempt=5)
    final = make_job(task, dataset, **ended, error={**error, "retryable": False})
    client = cast.acme.client(Role.DEVELOPER)

    def ask(which: TrainingJob, action: str) -> Any:
        return client.post(f"{cast.acme.path}/trainings/{which.pk}/{action}")

    shown = client.get(f"{cast.acme.path}/trainings/{job.pk}").json()
    assert (shown["can_retry"], shown["error"]["message"]) == (True, "The disk is full.")
    assert error_of(ask(final, "retry"))["code"] == "conflict"
    again = ask(job, "retry").json()
    assert (again["state"], again["error"], again["attempt"]) == ("queued", None, 0)
    assert (again["can_retry"], again["finished_at"]) == (False, None)
    assert sent == [(JobName.TRAINING_RUN, {"id": str(job.pk)})]
    assert ask(job, "retry").status_code == 409
    with operator_scope():
        assert AuditEntry.objects.unscoped().filter(action="training.retry").count() == 1


def test_a_task_that_is_trained_anew_meanwhile_is_not_tried_again(
    cast: Cast, task: Task, dataset: Dataset
) -> None:
    error = {"code": "store_unavailable", "message": "The disk is full.", "retryable": True}
    job = make_job(task, dataset, state=JobState.FAILED, finished_at=timezone.now(), error=error)
    make_job(task, dataset)
    response = cast.acme.client().post(f"{cast.acme.path}/trainings/{job.pk}/retry")
    assert response.status_code == 409
    assert "wait for its end" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("get", "/events"), ("post", "/cancel"), ("post", "/retry")],
)
def test_another_tenants_training_is_not_found(
    cast: Cast, task: Task, dataset: Dataset, method: str, path: str
) -> None:
    job = make_job(task, dataset)
    for client, member in (
        (cast.globex.client(), cast.globex),
        (cast.globex.client(), cast.acme),
        (client_of(cast.nobody), cast.acme),
        (client_with(make_key(cast.globex.tenant)), cast.acme),
        (client_with(make_key(cast.globex.tenant)), cast.globex),
    ):
        response = getattr(client, method)(f"{member.path}/trainings/{job.pk}{path}")
        assert response.status_code == 404
        assert error_of(response)["code"] == "not_found"
    with operator_scope():
        assert not TrainingJob.objects.unscoped().get(pk=job.pk).cancel_requested


def test_another_tenants_task_is_not_found(cast: Cast, task: Task, dataset: Dataset) -> None:
    theirs = make_dataset(cast.globex.tenant)
    for path in (cast.globex.path, cast.acme.path):
        client = cast.globex.client()
        assert client.get(f"{path}/tasks/news/trainings").status_code == 404
        assert start(client, path, dataset=str(theirs.pk)).status_code == 404


def test_a_dataset_of_another_kind_is_refused(cast: Cast, task: Task, dataset: Dataset) -> None:
    with tenant_scope(cast.acme.tenant.pk):
        Dataset.objects.for_tenant(cast.acme.tenant).filter(pk=dataset.pk).update(kind="score")
    response = start(cast.acme.client(Role.DEVELOPER), cast.acme.path, dataset=str(dataset.pk))
    assert response.status_code == 400
    assert error_of(response)["param"] == "dataset"
    assert "single_label" in error_of(response)["message"]


def test_a_private_leaf_is_for_tasks_in_shared_domains(cast: Cast, task: Task, dataset: Dataset) -> None:
    recipe = {"leaf_mb": 2}
    refused = start(cast.acme.client(), cast.acme.path, dataset=str(dataset.pk), recipe=recipe)
    assert refused.status_code == 400
    assert error_of(refused)["param"] == "recipe.leaf_mb"
    domain = {"name": "Press", "slug": "press", "domain": "general"}
    client, path, kind = cast.acme.client(), cast.acme.path, "application/json"
    made = client.post(f"{path}/tasks", json.dumps(domain), content_type=kind)
    assert made.status_code == 201, made.content
    asked = json.dumps({"dataset": str(dataset.pk), "recipe": recipe})
    begun = client.post(f"{path}/tasks/press/trainings", asked, content_type=kind)
    assert begun.status_code == 201, begun.content
    assert begun.json()["recipe"]["leaf_mb"] == 2
