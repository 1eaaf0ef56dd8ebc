"""What the catalog said at one moment, indexed for the questions a request asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hmi.engine.request import HplmRef
from wire.artifacts import BundleRef
from wire.catalog import KeyRow, LimitRow, TaskRow, TrialRow
from wire.ids import TaskId, TenantId


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The views of ``serving_v1``, read in one transaction."""

    keys: Sequence[KeyRow]
    tasks: Sequence[TaskRow]
    trials: Sequence[TrialRow]
    limits: Sequence[LimitRow]
    backbone: BundleRef | None


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """Immutable; replaced as a whole by the next one."""

    keys: Mapping[bytes, KeyRow]  # by key_sha256
    tasks: Mapping[TenantId, Mapping[str, TaskRow]]  # tenant -> slug -> task
    trials: Mapping[TaskId, TrialRow]
    limits: Mapping[TenantId, LimitRow]
    backbone: BundleRef | None
    served: frozenset[HplmRef]  # every model that some task serves or tries now
    read_at: float  # Clock.monotonic when the reading began

    @classmethod
    def of(cls, rows: CatalogRows, read_at: float) -> "CatalogSnapshot":
        tasks: dict[TenantId, dict[str, TaskRow]] = {}
        for task in rows.tasks:
            tasks.setdefault(task.tenant_id, {})[task.slug] = task
        return cls(
            keys={bytes(key.key_sha256): key for key in rows.keys},
            tasks=tasks,
            trials={trial.task_id: trial for trial in rows.trials},
            limits={limit.tenant_id: limit for limit in rows.limits},
            backbone=rows.backbone,
            served=_served(rows),
            read_at=read_at,
        )

    @property
    def num_rows(self) -> int:
        """Keys and tasks."""
        return len(self.keys) + sum(map(len, self.tasks.values()))

    def num_floors(self) -> int:
        """Tasks with a coverage floor: they need the exact path."""
        return sum(
            task.coverage_floor is not None for tasks in self.tasks.values() for task in tasks.values()
        )


def _served(rows: CatalogRows) -> frozenset[HplmRef]:
    hplms = [hplm_of(task) for task in rows.tasks]
    return frozenset(
        [hplm for hplm in hplms if hplm is not None] + [hplm_on_trial(one) for one in rows.trials]
    )


def hplm_of(task: TaskRow) -> HplmRef | None:
    """The model that ``task`` serves; None when nothing is deployed."""
    if (
        task.bundle_uri is None
        or task.bundle_digest is None
        or task.tree_uri is None
        or task.tree_digest is None
    ):
        return None
    return HplmRef(
        BundleRef(task.bundle_uri, task.bundle_digest),
        BundleRef(task.tree_uri, task.tree_digest),
        _leaf_of(task),
    )


def hplm_on_trial(trial: TrialRow) -> HplmRef:
    """The model that is tried beside the one that serves."""
    return HplmRef(
        BundleRef(trial.bundle_uri, trial.bundle_digest),
        BundleRef(trial.tree_uri, trial.tree_digest),
        _leaf_of(trial),
    )


def _leaf_of(row: TaskRow | TrialRow) -> BundleRef | None:
    if row.leaf_uri is None or row.leaf_digest is None:
        return None
    return BundleRef(row.leaf_uri, row.leaf_digest)
