"""Imports of adapters, from the REST API to the version, with a program that answers at once."""

import io
import sys
import tarfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.catalog.models import AdapterVersion, Domain, Task, TreeVersion
from portal.common.queue import JobName
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete
from portal.domains.reconcile import leftovers_delete
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Role
from portal.training import import_services, runner
from portal.training.import_work import ImportWork
from portal.training.leases import job_claim_next
from portal.training.models import AdapterImport, JobState
from portal.training.process import TrainingProcess
from portal.training.runner import RunnerConfig, run_next_job
from portal.webhooks.models import EventType, WebhookEvent
from tests.fakes.portal import Cast, make_dataset, make_general, make_import, make_version
from tests.fakes.training import TRAINER
from wire.imports import ImportResult
from wire.tasks import TaskKind

pytestmark = pytest.mark.database
ARCHIVE = b"PK\x03\x04 and what else there is, which the job looks at"
CONDEMNED = {"condemned_at": timezone.now()}


@pytest.fixture
def store(tmp_path: Path, settings: Any) -> ObjectStore:
    """The installation's, in a folder."""
    settings.ENV = settings.ENV.model_copy(update={"store_url": (tmp_path / "store").as_uri()})
    return ObjectStore(settings.ENV.store_url)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[JobName, dict[str, str]]]:
    """Messages to workers."""
    messages: list[tuple[JobName, dict[str, str]]] = []
    monkeypatch.setattr(
        import_services, "enqueue_on_commit", lambda name, **ids: messages.append((name, ids))
    )
    return messages


def bring(client: Client, path: str, content: bytes | None = None, **fields: Any) -> Any:
    file = SimpleUploadedFile("mine.zip", ARCHIVE if content is None else content)
    return client.post(f"{path}/tasks/news/imports", {"file": file, **fields})


def error_of(answer: Any) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def run(folder: Path, behaviour: str = "import") -> AdapterImport:
    command = (sys.executable, "-I", str(TRAINER), "--behaviour", behaviour, "--log", str(folder / "log"))
    config = RunnerConfig(
        command=command,
        environment={"PATH": "/usr/bin:/bin", "HMI_STORE_URL": "file:///nowhere"},
        work_root=folder / "imports",
        lease_s=30.0,
        max_attempts=2,
        timeout_s=60.0,
    )
    run_next_job(ImportWork(ObjectStore((folder / "store").as_uri())), config)
    with operator_scope():
        return AdapterImport.objects.unscoped().get()


def version_of(done: AdapterImport) -> AdapterVersion:
    assert done.version is not None
    with operator_scope():
        return AdapterVersion.objects.unscoped().select_related("tree_version", "task").get(pk=done.version)


def test_an_adapter_is_brought_and_its_archive_kept_for_the_job(
    cast: Cast,
    task: Task,
    dataset: Dataset,
    store: ObjectStore,
    sent: list[tuple[JobName, dict[str, str]]],
) -> None:
    client = cast.acme.client(Role.DEVELOPER)
    answer = bring(client, cast.acme.path, dataset=str(dataset.pk), min_agreement="0.8")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["state"], made["passed"], made["version"]) == ("queued", None, None)
    assert (made["task"], made["dataset"], made["min_agreement"]) == ("news", str(dataset.pk), 0.8)
    assert (made["file_name"], made["num_bytes"]) == ("mine.zip", len(ARCHIVE))
    assert sent == [(JobName.IMPORT_RUN, {"id": made["id"]})]
    viewer = cast.acme.client(Role.VIEWER)
    assert viewer.get(f"{cast.acme.path}/imports/{made['id']}").json() == made
    assert viewer.get(f"{cast.acme.path}/tasks/news/imports").json()["results"] == [made]
    with operator_scope():
        row = AdapterImport.objects.unscoped().get()
        assert AuditEntry.objects.unscoped().filter(action="import.create").count() == 1
    with store.open(row.archive_uri) as file:
        assert file.read() == ARCHIVE


@pytest.mark.parametrize("form", ["w", "w:gz"])
def test_tar_archives_are_taken_too(
    cast: Cast, task: Task, store: ObjectStore, form: Any, sent: list[tuple[JobName, dict[str, str]]]
) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=form) as file:
        file.addfile(tarfile.TarInfo("adapter_config.json"))
    assert bring(cast.acme.client(), cast.acme.path, content.getvalue()).status_code == 201


@pytest.mark.parametrize("content", [b"", b"rubbish", b"text,label\n" * 100])
def test_what_is_no_archive_is_refused(cast: Cast, task: Task, store: ObjectStore, content: bytes) -> None:
    answer = bring(cast.acme.client(), cast.acme.path, content)
    assert error_of(answer) == (400, "invalid_field", "file")
    assert store.names(f"tenants/{cast.acme.tenant.pk}/imports") == []


def test_an_archive_that_is_too_large_is_refused(
    cast: Cast, task: Task, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_services, "MAX_ARCHIVE_BYTES", 10)
    assert error_of(bring(cast.acme.client(), cast.acme.path)) == (413, "body_too_large", "file")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "many"])
def test_an_agreement_that_is_no_share_is_refused(
    cast: Cast, task: Task, store: ObjectStore, value: str
) -> None:
    answer = bring(cast.acme.client(), cast.acme.path, min_agreement=value)
    assert error_of(answer) == (400, "invalid_field", "min_agreement")


def test_a_dataset_of_others_or_of_another_kind_is_refused(
    cast: Cast, task: Task, dataset: Dataset, store: ObjectStore
) -> None:
    client = cast.acme.client()
    theirs = make_dataset(cast.globex.tenant)
    for wrong in (theirs.pk, uuid4()):
        assert error_of(bring(client, cast.acme.path, dataset=str(wrong)))[1:] == ("invalid_field", "dataset")
    with operator_scope():
        Dataset.objects.unscoped().filter(pk=dataset.pk).update(kind=TaskKind.SCORE.value)
    assert error_of(bring(client, cast.acme.path, dataset=str(dataset.pk)))[2] == "dataset"


def test_one_import_of_a_task_at_a_time(
    cast: Cast, task: Task, store: ObjectStore, sent: list[tuple[JobName, dict[str, str]]]
) -> None:
    client = cast.acme.client()
    first = bring(client, cast.acme.path).json()["id"]
    assert error_of(bring(client, cast.acme.path))[:2] == (409, "conflict")
    assert len(store.names(f"tenants/{cast.acme.tenant.pk}/imports")) == 1
    assert client.delete(f"{cast.acme.path}/tasks/news").status_code == 409
    ended = client.post(f"{cast.acme.path}/imports/{first}/cancel")
    assert (ended.json()["state"], ended.json()["finished_at"] is not None) == ("cancelled", True)
    assert error_of(client.post(f"{cast.acme.path}/imports/{first}/cancel"))[:2] == (409, "conflict")
    assert bring(client, cast.acme.path).status_code == 201


def test_a_running_import_is_asked_to_end(cast: Cast, task: Task) -> None:
    running = make_import(task, state=JobState.RUNNING)
    answer = cast.acme.client().post(f"{cast.acme.path}/imports/{running.pk}/cancel")
    assert answer.json()["state"] == "running"
    with operator_scope():
        assert AdapterImport.objects.unscoped().get().cancel_requested


def test_what_has_passed_is_a_version_that_can_be_deployed(
    cast: Cast, task: Task, dataset: Dataset, tmp_path: Path
) -> None:
    made = make_import(task, dataset=dataset, needs_dataset=True)
    done = run(tmp_path)
    assert (done.state, done.passed, done.error) == (JobState.SUCCEEDED, True, None)
    version = version_of(done)
    assert (version.number, version.state, version.import_id) == (1, "published", made.pk)
    assert (version.training_job_id, version.dataset_id) == (None, dataset.pk)
    assert version.tree_version.digest == make_general().digest
    client = cast.acme.client()
    shown = client.get(f"{cast.acme.path}/tasks/news/versions/1").json()
    assert (shown["training"], shown["adapter_import"]) == (None, str(made.pk))
    told = client.get(f"{cast.acme.path}/imports/{made.pk}").json()
    assert (told["version"], told["phase"], told["step"], told["num_steps"]) == (1, "comparing", 30, 120)
    assert deploy(client, cast.acme.path).status_code == 201
    with operator_scope():
        event = WebhookEvent.objects.unscoped().filter(type=EventType.VERSION_PUBLISHED)
        assert [one.data["import"] for one in event] in ([], [str(made.pk)])


def test_what_has_not_passed_is_a_draft_that_cannot_be_deployed_nor_tried(
    cast: Cast, task: Task, tmp_path: Path
) -> None:
    make_import(task)
    done = run(tmp_path, "import-unlike")
    assert (done.state, done.passed) == (JobState.SUCCEEDED, False)
    assert version_of(done).state == "draft"
    make_version(task, number=2)
    client = cast.acme.client()
    refused = deploy(client, cast.acme.path)
    assert error_of(refused)[:2] == (409, "conflict")
    assert "parity test" in refused.json()["error"]["message"]
    assert deploy(client, cast.acme.path, number=2).status_code == 201
    trial = client.post(
        f"{cast.acme.path}/tasks/news/trials",
        {"version": 1, "kind": "shadow"},
        content_type="application/json",
    )
    assert error_of(trial)[:2] == (409, "conflict")
    assert "parity test" in trial.json()["error"]["message"]


def test_a_first_import_gives_the_task_its_labels(cast: Cast, task: Task, tmp_path: Path) -> None:
    with operator_scope():
        Task.objects.unscoped().update(labels=[])
    make_import(task)
    assert version_of(run(tmp_path)).task.labels == ["sport", "tech"]


def test_a_refusal_is_told_and_nothing_registered(cast: Cast, task: Task, tmp_path: Path) -> None:
    make_import(task)
    done = run(tmp_path, "refuse")
    assert (done.state, done.version) == (JobState.FAILED, None)
    assert done.error is not None
    with operator_scope():
        assert not AdapterVersion.objects.unscoped().exists()


def test_nothing_comes_of_what_was_cancelled_before_its_process_had_ended(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_import(task)

    class CancelledAtItsEnd(TrainingProcess):
        def next_event(self, *, timeout_s: float) -> Any:
            event = super().next_event(timeout_s=timeout_s)
            if isinstance(event, ImportResult):
                with tenant_scope(task.tenant_id):
                    import_services.import_cancel(job=made, acting=OPERATOR)
            return event

    monkeypatch.setattr(runner, "TrainingProcess", CancelledAtItsEnd)
    ended = run(tmp_path)
    assert (ended.state, ended.version, ended.passed) == (JobState.CANCELLED, None, None)
    with operator_scope():
        assert not AdapterVersion.objects.unscoped().exists()


def test_it_keeps_no_dataset_from_being_deleted_and_then_fails(
    cast: Cast, task: Task, dataset: Dataset, tmp_path: Path
) -> None:
    make_import(task, dataset=dataset, needs_dataset=True)
    with tenant_scope(cast.acme.tenant.pk):
        dataset_delete(dataset=dataset, acting=OPERATOR)
    done = run(tmp_path)
    assert done.state == JobState.FAILED
    assert done.error is not None
    assert done.error["code"] == "not_found"


def test_it_is_compared_on_the_domains_own_tree_where_there_is_one(cast: Cast, task: Task) -> None:
    own = make_version(task).tree_version
    make_import(task)
    lease = job_claim_next(AdapterImport, lease_s=30.0)
    assert lease is not None
    work = ImportWork(ObjectStore("file:///nowhere"))
    job = work.make_job(lease)
    assert (job.tree_uri, job.tree_digest) == (own.uri, own.digest)
    assert (job.labels, job.kind, job.rows_uri) == (("sport", "tech"), TaskKind.SINGLE_LABEL, None)
    with operator_scope():
        assert AdapterImport.objects.unscoped().get().tree_id == own.pk
    for changes, is_stale in (({}, False), ({"retired_at": own.created_at}, False), (CONDEMNED, True)):
        with operator_scope():
            TreeVersion.objects.unscoped().filter(pk=own.pk).update(**changes)
        assert work.is_stale(lease, job) is is_stale, changes


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_what_was_compared_on_a_replaced_tree_is_registered_and_on_a_forgotten_one_not(
    cast: Cast, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_forgotten: bool
) -> None:
    own = make_version(task).tree_version
    made = make_import(task)
    published = tmp_path / "store" / f"tenants/{cast.acme.tenant.pk}/versions/{made.pk}"
    published.mkdir(parents=True)
    check = ImportWork.check

    def replacing(self: ImportWork, *given: Any) -> None:
        check(self, *given)
        changes = {"retired_at": own.created_at} | (CONDEMNED if is_forgotten else {})
        with operator_scope():
            TreeVersion.objects.unscoped().filter(pk=own.pk).update(**changes)

    monkeypatch.setattr(ImportWork, "check", replacing)
    stale = run(tmp_path)
    if not is_forgotten:
        assert (stale.state, version_of(stale).tree_version_id) == (JobState.SUCCEEDED, own.pk)
        return
    assert (stale.state, stale.attempt, stale.version, stale.passed) == (JobState.QUEUED, 0, None, None)
    assert not published.exists()
    done = run(tmp_path)
    assert (done.state, version_of(done).tree_version_id) == (JobState.SUCCEEDED, make_general().pk)


def test_an_estimate_does_not_answer_for_an_import(cast: Cast, task: Task, tmp_path: Path) -> None:
    make_import(task)
    assert run(tmp_path, "estimate").state == JobState.QUEUED  # as a crash: it is tried again


def test_archives_go_when_their_import_has_ended(cast: Cast, task: Task, store: ObjectStore) -> None:
    folder = f"tenants/{cast.acme.tenant.pk}/imports"
    old, now = int(time.time()) - 7200, int(time.time())
    needed = make_import(task, archive_uri=f"{folder}/{old}-{uuid4()}")
    ended = f"{old}-{UUID(int=1)}"
    fresh = f"{now}-{UUID(int=2)}"  # its row may be about to be written
    for name in (needed.archive_uri.rpartition("/")[2], ended, fresh):
        with store.write(f"{folder}/{name}") as file:
            file.write(b"x")
    leftovers_delete(store)
    assert set(store.names(folder)) == {needed.archive_uri.rpartition("/")[2], fresh}


def test_a_version_has_one_origin(cast: Cast, task: Task) -> None:
    from django.db import IntegrityError

    version = make_version(task)
    with pytest.raises(IntegrityError), operator_scope():
        AdapterVersion.objects.unscoped().filter(pk=version.pk).update(import_id=uuid4())


def test_another_tenant_sees_nothing_even_past_the_selectors(cast: Cast, task: Task) -> None:
    """Row-level security, the second wall."""
    make_import(task)
    with tenant_scope(cast.globex.tenant.pk):
        assert not AdapterImport.objects.unscoped().exists()
        assert not Domain.objects.unscoped().filter(tenant=cast.acme.tenant).exists()


def deploy(client: Client, path: str, number: int = 1) -> Any:
    return client.post(f"{path}/tasks/news/deployments", {"version": number}, content_type="application/json")
