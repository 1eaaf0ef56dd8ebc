"""Updates at once, and a scheduler killed at every step of forgetting: nothing collides, nothing is stuck."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from portal.common.errors import Conflict
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete, dataset_files_delete, deleted_datasets
from portal.domains.models import DeletionRecord, DomainJob
from portal.domains.services import domain_update_request
from portal.tenants.actors import OPERATOR
from tests.fakes.portal import Cast, make_general, make_task, make_tenant
from tests.portal.domains.world import Worker, deployed, leafed, learn, store, trees

pytestmark = pytest.mark.database


class Killed(BaseException):
    """As kill -9: nothing in the code catches it."""


class DyingStore(ObjectStore):
    """Dies at its ``dies_at``-th change, before it is made or after it."""

    def __init__(self, *, dies_at: int, is_made: bool) -> None:
        super().__init__(settings.ENV.store_url)
        self._left = dies_at
        self._is_made = is_made

    def delete(self, uri: str) -> None:
        self._change(lambda: ObjectStore.delete(self, uri))

    def _change(self, change: Callable[[], None]) -> None:
        self._left -= 1
        if self._left >= 0:
            change()
            return
        if self._is_made:
            change()
        raise Killed


@pytest.mark.parametrize("is_made", [False, True])
def test_a_scheduler_killed_at_any_change_of_the_store_forgets_in_the_end(
    cast: Cast, tmp_path: Path, is_made: bool
) -> None:
    make_general()
    worker = Worker(tmp_path)
    num_deaths = 0
    while True:
        task = make_task(cast.acme.tenant, f"task-{num_deaths}")
        first, second = learn(task, 1), learn(task, 2)
        deployed(second)
        leaf = leafed(first)
        assert first.dataset is not None
        with tenant_scope(task.tenant_id):
            dataset_delete(dataset=first.dataset, acting=OPERATOR)
        dataset_id = first.dataset.pk
        used: ObjectStore = DyingStore(dies_at=num_deaths, is_made=is_made)
        has_died = False
        for _ in range(6):
            try:
                for dataset in deleted_datasets():
                    dataset_files_delete(dataset_id=dataset, store=used)
                worker.round(used)
            except Killed:
                used, has_died = store(), True
        with operator_scope():
            assert not Dataset.objects.unscoped().filter(pk=dataset_id).exists()
            record = DeletionRecord.objects.unscoped().get(subject_id=dataset_id)
        assert record.forgotten_at is not None, f"stuck after the death at change {num_deaths}"
        assert not store().exists(leaf.uri)
        *gone, newest = trees(task.domain)
        assert all(tree.destroyed_at is not None and not store().exists(tree.uri) for tree in gone)
        assert newest.destroyed_at is None
        if not has_died:
            break
        num_deaths += 1
    assert num_deaths >= 5, "files, segment, leaf, and two trees"


@pytest.mark.django_db(transaction=True)
def test_of_updates_that_come_at_once_one_is_made() -> None:
    make_general()
    task = make_task(make_tenant("acme"))
    learn(task, 1)
    together = threading.Barrier(3)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            with tenant_scope(task.tenant_id):
                together.wait(60)
                domain_update_request(domain=task.domain, acting=OPERATOR)
            outcomes.append("made")
        except Conflict:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["made", "refused", "refused"]
    with operator_scope():
        assert DomainJob.objects.unscoped().filter(domain=task.domain, does="update").count() == 1
