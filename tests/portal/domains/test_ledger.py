"""After a restore from backup the ledger deletes again what was deleted since."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models

from portal.catalog.models import AdapterVersion, Segment, Task, TreeVersion
from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_files_delete, deleted_datasets
from portal.domains.models import Contribution, DeletionRecord, DomainJob, GateConsent
from portal.domains.services import contribution_grant, contribution_revoke, gate_consent_set, tenant_forget
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import JobState, TrainingJob
from tests.fakes.portal import Cast, make_general, make_job, make_task
from tests.portal.domains.world import Worker, delete, learn, put, shared_domain, store, trees, verified

pytestmark = pytest.mark.database

BACKED_UP: Sequence[type[models.Model]] = (
    *(Dataset, Segment, TreeVersion, AdapterVersion, Contribution, DomainJob, DeletionRecord, GateConsent),
)
Backup = Mapping[type[models.Model], Sequence[Mapping[str, Any]]]


def rows_of(model: type[models.Model]) -> Any:
    return model._default_manager.unscoped()  # type: ignore[attr-defined]  # all are TenantManagers


def back_up() -> Backup:
    """The rows that deletions touch."""
    with operator_scope():
        return {model: list(rows_of(model).values()) for model in BACKED_UP}


def restore(backup: Backup) -> None:
    """As they were."""
    with operator_scope():
        for model in reversed(BACKED_UP):
            rows_of(model).all().delete()
        for model, rows in backup.items():
            rows_of(model).bulk_create([model(**row) for row in rows])


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    make_general()
    return Worker(tmp_path)


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("deletions", *arguments, stdout=out)
    return out.getvalue()


def rounds(worker: Worker) -> None:
    for dataset in deleted_datasets():
        dataset_files_delete(dataset_id=dataset, store=store())
    for _ in range(4):
        worker.round()


def test_what_was_deleted_after_the_backup_is_deleted_again(
    cast: Cast, worker: Worker, tmp_path: Path
) -> None:
    task = make_task(cast.acme.tenant)
    first, second = learn(task, 1), learn(task, 2)
    assert first.dataset is not None
    backup = back_up()
    delete(first.dataset)
    rounds(worker)
    copy = tmp_path / "ledger.jsonl"
    assert said("export", str(copy)) == "1 lines\n"
    assert "news" in copy.read_text() and not (tmp_path / "ledger.jsonl.partial").exists()
    restore(backup)
    with operator_scope():
        assert Dataset.objects.unscoped().filter(deleted_at=None).count() == 2, "it is back"
    answer = said("replay", str(copy))
    assert f"dataset {first.dataset.pk}: deleted again" in answer
    rounds(worker)
    live = [tree for tree in trees(task.domain) if tree.destroyed_at is None]
    assert [one["dataset"] for one in live[-1].segments] == [str(second.dataset_id)]
    assert all(str(first.dataset.pk) not in str(tree.segments) for tree in live)
    with operator_scope():
        assert not Dataset.objects.unscoped().filter(pk=first.dataset.pk).exists()
        lines = DeletionRecord.objects.unscoped().filter(subject_id=first.dataset.pk)
        assert lines.count() == 2, "the line that was taken over, and that of the second deletion"
        assert all(line.forgotten_at is not None for line in lines)
    assert said("replay", str(copy)).startswith("0 lines were not in the database\n0 deleted again")


def test_consents_and_tenants_go_again_too(cast: Cast, worker: Worker, tmp_path: Path) -> None:
    press = shared_domain()
    version = learn(make_task(cast.acme.tenant), 1)
    assert version.dataset is not None
    with tenant_scope(cast.acme.tenant.pk):
        consent = contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    verified(cast.globex.tenant)
    backup = back_up()
    with tenant_scope(cast.acme.tenant.pk):
        contribution_revoke(tenant=cast.acme.tenant, contribution_id=consent.pk, acting=OPERATOR)
    with operator_scope():
        globex = Tenant.objects.get(pk=cast.globex.tenant.pk)
        kept = Tenant(**Tenant.objects.filter(pk=globex.pk).values().get())
    tenant_forget(tenant=globex, confirm="globex", acting=OPERATOR)
    copy = tmp_path / "ledger.jsonl"
    said("export", str(copy))
    restore(backup)
    with operator_scope():
        kept.save(force_insert=True)
    answer = said("replay", str(copy))
    assert answer.endswith("2 deleted again, of 2 lines\n"), answer
    with operator_scope():
        assert not Tenant.objects.filter(slug="globex").exists()
        assert Contribution.objects.unscoped().get().revoked_at is not None


def test_what_the_database_never_heard_of_goes_from_a_store_that_has_it_again(
    cast: Cast, worker: Worker, tmp_path: Path
) -> None:
    """Made after the backup of the database and before that of the store, and deleted since."""
    backup = back_up()
    dataset = learn(make_task(cast.acme.tenant), 1).dataset
    assert dataset is not None
    tenant_forget(tenant=cast.globex.tenant, confirm="globex", acting=OPERATOR)
    delete(dataset)
    with operator_scope():
        DeletionRecord.objects.unscoped().update(deleted_at="2020-01-01T00:00:00Z")
    rounds(worker)
    copy = tmp_path / "ledger.jsonl"
    said("export", str(copy))
    restore(backup)
    folders = f"tenants/{cast.globex.tenant.pk}", f"tenants/{cast.acme.tenant.pk}/datasets/{dataset.pk}"
    for folder in folders:
        put(f"{folder}/rows.jsonl")
    assert said("replay", str(copy)).endswith("0 deleted again, of 2 lines\n")
    rounds(worker)
    assert [store().names(folder) for folder in folders] == [[], []]
    with operator_scope():
        records = DeletionRecord.objects.unscoped()
        assert all(record.forgotten_at is not None for record in records)


def test_a_gate_consent_that_was_ended_does_not_come_back_and_one_given_since_stays(
    cast: Cast, tmp_path: Path
) -> None:
    ended, given_again = make_task(cast.acme.tenant), make_task(cast.acme.tenant, slug="sport")
    for task in (ended, given_again):
        gate_set(task, is_given=True)
    backup = back_up()
    for task in (ended, given_again):
        gate_set(task, is_given=False)
    copy = tmp_path / "ledger.jsonl"
    assert said("export", str(copy)) == "2 lines\n"
    restore(backup)
    gate_set(given_again, is_given=False)  # restored, ended once more, and given
    gate_set(given_again, is_given=True)
    assert said("replay", str(copy)).endswith("1 deleted again, of 3 lines\n")
    with operator_scope():
        assert [consent.task_id for consent in GateConsent.objects.unscoped()] == [given_again.pk]
        records = DeletionRecord.objects.unscoped()
        assert all(record.forgotten_at is not None for record in records), "there is nothing to forget"
    assert list(cast.acme.client().get(f"{cast.acme.path}/deletions").json()["results"]) == []
    assert said("replay", str(copy)).startswith("0 lines were not in the database\n0 deleted again")


def gate_set(task: Task, *, is_given: bool) -> None:
    with tenant_scope(task.tenant_id):
        gate_consent_set(task=task, is_given=is_given, acting=OPERATOR)


def test_a_training_on_it_is_cancelled_and_the_operator_told_to_come_back(
    cast: Cast, worker: Worker, tmp_path: Path
) -> None:
    task = make_task(cast.acme.tenant)
    version = learn(task, 1)
    assert version.dataset is not None
    backup = back_up()
    delete(version.dataset)
    copy = tmp_path / "ledger.jsonl"
    said("export", str(copy))
    restore(backup)
    job = make_job(task, version.dataset, state=JobState.RUNNING)
    with pytest.raises(CommandError, match="replay once more"):
        said("replay", str(copy))
    with operator_scope():
        jobs = TrainingJob.objects.unscoped().filter(pk=job.pk)
        assert jobs.get().cancel_requested
        jobs.update(state=JobState.CANCELLED)
    assert "deleted again" in said("replay")


@pytest.mark.parametrize("line", ["{", "[]", '{"subject": "dataset"}', '{"subject": "dog", "id": null}', "7"])
def test_a_broken_copy_is_refused_whole(cast: Cast, worker: Worker, tmp_path: Path, line: str) -> None:
    version = learn(make_task(cast.acme.tenant), 1)
    assert version.dataset is not None
    backup = back_up()
    delete(version.dataset)
    copy = tmp_path / "ledger.jsonl"
    said("export", str(copy))
    restore(backup)
    copy.write_text(copy.read_text() + line + "\n")
    with pytest.raises(CommandError, match="line 2"):
        said("replay", str(copy))
    with operator_scope():
        assert not DeletionRecord.objects.unscoped().exists()
    with pytest.raises(CommandError, match=r"none: No such file or directory$"):
        said("replay", str(tmp_path / "none"))
