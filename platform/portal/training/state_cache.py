"""Deletes what trainings have cached of datasets, tenants and trees that are gone.

The trainings' own part is hmi.build.state_cache: <root>/<tenant>/<dataset>/<tree's digest or "computed">/...
"""

import shutil
from pathlib import Path
from uuid import UUID

from portal.catalog.models import TreeVersion
from portal.common.scope import operator_scope
from portal.datasets.models import Dataset
from portal.training.models import UNFINISHED, TrainingJob
from wire.ids import DatasetId, TenantId
from wire.training import COMPUTED_STATES


def states_forget(root: Path, tenant_id: TenantId, dataset_id: DatasetId) -> None:
    """Delete all that is cached of a dataset."""
    shutil.rmtree(root / str(UUID(tenant_id)) / str(UUID(dataset_id)), ignore_errors=True)


def states_sweep(root: Path) -> None:
    """Delete what is cached of datasets that are gone, and looked up in trees that serve no more.

    A running training's tree is in the catalog only when it ends: its dataset's are left until then.
    """
    folders = [path for path in root.glob("*/*") if path.is_dir()]
    if not folders:
        return
    with operator_scope():
        standing = Dataset.objects.unscoped().filter(deleted_at=None)
        datasets = {f"{tenant}/{dataset}" for tenant, dataset in standing.values_list("tenant_id", "pk")}
        unfinished = TrainingJob.objects.unscoped().filter(state__in=UNFINISHED)
        busy = {str(dataset) for dataset in unfinished.values_list("dataset_id", flat=True)}
        trees = set(TreeVersion.objects.unscoped().filter(retired_at=None).values_list("digest", flat=True))
    for folder in folders:
        if f"{folder.parent.name}/{folder.name}" not in datasets:
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name not in busy:
            _sweep_trees(folder, trees)


def _sweep_trees(folder: Path, trees: set[str]) -> None:
    for path in folder.iterdir():
        if path.name != COMPUTED_STATES and f"sha256:{path.name}" not in trees:
            shutil.rmtree(path, ignore_errors=True)
