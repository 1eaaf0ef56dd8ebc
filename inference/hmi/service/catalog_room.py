"""What is known of tenants counts in the host tier: the catalog's rows, and what is kept beside them."""

from hmi.base.errors import BudgetExceeded
from hmi.memory.budget import Budget
from hmi.service.snapshot import CatalogRows

CATALOG = "catalog"
"""The kind of content."""
KEY_BYTES, TASK_BYTES, TRIAL_BYTES, LIMIT_BYTES = 600, 1800, 1700, 520
"""A row of each view, with its places in the snapshot."""
KEPT_KEY_BYTES = 1200
"""Beside a key: what its latest requests left it (Limits), and a grant (Access)."""
KEPT_TASK_BYTES = 900
"""Beside a task: a grant."""
KEPT_TENANT_BYTES = 500
"""Beside a tenant's limit: what was counted of it (Limits)."""
KEPT_VERSION_BYTES = 1200
"""Beside what serves or is on trial: where its packed copy is on disk (PackedCopies), and what is wrong with
it and its tree where they are broken (Loader). Of others neither is kept."""
NUM_SNAPSHOTS = 2
"""The one that serves, and the one that is read meanwhile."""


def catalog_bytes(rows: CatalogRows) -> int:
    """At most, for as long as ``rows`` are the newest. (Tests compare it with what Python allocates.)"""
    keys, tasks, trials, limits = len(rows.keys), len(rows.tasks), len(rows.trials), len(rows.limits)
    snapshot = KEY_BYTES * keys + TASK_BYTES * tasks + TRIAL_BYTES * trials + LIMIT_BYTES * limits
    kept = KEPT_KEY_BYTES * keys + KEPT_TASK_BYTES * tasks + KEPT_TENANT_BYTES * limits
    return NUM_SNAPSHOTS * snapshot + kept + KEPT_VERSION_BYTES * (tasks + trials)


class CatalogRoom:
    """The catalog's part of the host tier. Event loop only."""

    def __init__(self, host: Budget, *, max_bytes: int) -> None:
        self._host = host
        self._max_bytes = max_bytes
        self._held = host.reserve(CATALOG, 0)

    def hold(self, rows: CatalogRows) -> None:
        """``rows`` take the place of those before. Raises BudgetExceeded, and then changes nothing."""
        num_bytes = catalog_bytes(rows)
        if num_bytes > self._max_bytes:
            raise BudgetExceeded(
                f"{CATALOG} needs {num_bytes:_} bytes of its {self._max_bytes:_} of the host budget",
                needed_bytes=num_bytes,
                free_bytes=self._max_bytes,
            )
        self._held = self._host.resize(self._held, num_bytes)
