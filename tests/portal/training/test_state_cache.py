"""What trainings cached goes with its dataset, its tenant and its tree, and with nothing else."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.catalog.models import TreeVersion
from portal.common.scope import operator_scope
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete
from portal.domains.services import tenant_forget
from portal.tenants.actors import OPERATOR
from portal.training.models import JobState
from portal.training.state_cache import states_forget, states_sweep
from tests.fakes.portal import Cast, digest, make_dataset, make_general, make_job, make_task
from wire.ids import DatasetId, TenantId
from wire.training import COMPUTED_STATES

pytestmark = pytest.mark.database


def cached(root: Path, dataset: Dataset, tree: str = COMPUTED_STATES) -> Path:
    path = root / str(dataset.tenant_id) / str(dataset.pk) / tree.removeprefix("sha256:") / "key.sum"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"states")
    return path


def test_there_may_be_no_folder_yet(cast: Cast, tmp_path: Path) -> None:
    states_sweep(tmp_path / "none")


def test_states_of_a_deleted_dataset_go_and_no_others(cast: Cast, tmp_path: Path) -> None:
    gone, stays, foreign = (
        make_dataset(cast.acme.tenant),
        make_dataset(cast.acme.tenant),
        make_dataset(cast.globex.tenant),
    )
    paths = {dataset.pk: cached(tmp_path, dataset) for dataset in (gone, stays, foreign)}
    lock = tmp_path / "lock"
    lock.touch()
    states_sweep(tmp_path)
    assert all(path.exists() for path in paths.values())
    with operator_scope():
        dataset_delete(dataset=gone, acting=OPERATOR)
    states_sweep(tmp_path)
    assert not paths[gone.pk].parent.parent.exists()
    assert paths[stays.pk].exists() and paths[foreign.pk].exists() and lock.exists()


def test_states_of_a_deleted_tenant_go_and_no_others(cast: Cast, tmp_path: Path) -> None:
    gone, stays = (
        cached(tmp_path, make_dataset(cast.acme.tenant)),
        cached(tmp_path, make_dataset(cast.globex.tenant)),
    )
    tenant_forget(tenant=cast.acme.tenant, confirm=cast.acme.tenant.slug, acting=OPERATOR)
    states_sweep(tmp_path)
    assert not gone.exists() and stays.exists()


def test_states_under_another_tenants_name_are_nobodys(cast: Cast, tmp_path: Path) -> None:
    dataset = make_dataset(cast.acme.tenant)
    strayed = tmp_path / str(cast.globex.tenant.pk) / str(dataset.pk) / COMPUTED_STATES / "key.sum"
    strayed.parent.mkdir(parents=True)
    strayed.touch()
    states_sweep(tmp_path)
    assert not strayed.exists()


def test_states_of_a_tree_go_with_it_and_computed_ones_stay(cast: Cast, tmp_path: Path) -> None:
    dataset, tree = make_dataset(cast.acme.tenant), make_general()
    looked_up, computed = cached(tmp_path, dataset, tree.digest), cached(tmp_path, dataset)
    unknown = cached(tmp_path, dataset, digest("f"))
    states_sweep(tmp_path)
    assert looked_up.exists() and computed.exists() and not unknown.exists()
    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=tree.pk).update(retired_at=timezone.now())
    states_sweep(tmp_path)
    assert not looked_up.exists() and computed.exists()


def test_the_tree_of_a_training_that_runs_is_not_known_yet(cast: Cast, tmp_path: Path) -> None:
    dataset = make_dataset(cast.acme.tenant)
    make_job(make_task(cast.acme.tenant), dataset, state=JobState.QUEUED)
    path = cached(tmp_path, dataset, digest("f"))
    states_sweep(tmp_path)
    assert path.exists()


def test_what_a_stale_training_cached_is_forgotten(cast: Cast, tmp_path: Path) -> None:
    mine, other = make_dataset(cast.acme.tenant), make_dataset(cast.acme.tenant)
    gone, stays = cached(tmp_path, mine, digest("f")), cached(tmp_path, other)
    states_forget(tmp_path, TenantId(str(mine.tenant_id)), DatasetId(str(mine.pk)))
    assert not gone.exists() and stays.exists()
    states_forget(tmp_path, TenantId(str(mine.tenant_id)), DatasetId(str(uuid4())))
