"""What is known of tenants counts in the host tier: the catalog's rows, and what is kept beside them."""

from hmi.memory.budget import Budget, Reservation
from hmi.memory.room import ByteRoom
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
NUM_SNAPSHOTS = 2
"""The one that serves, and the one that is read meanwhile."""


def catalog_bytes(rows: CatalogRows) -> int:
    """At most, for as long as ``rows`` are the newest. (Tests compare it with what Python allocates.)"""
    keys, tasks, trials, limits = len(rows.keys), len(rows.tasks), len(rows.trials), len(rows.limits)
    snapshot = KEY_BYTES * keys + TASK_BYTES * tasks + TRIAL_BYTES * trials + LIMIT_BYTES * limits
    kept = KEPT_KEY_BYTES * keys + KEPT_TASK_BYTES * tasks + KEPT_TENANT_BYTES * limits
    return NUM_SNAPSHOTS * snapshot + kept


class CatalogRoom:
    """The catalog's part of the host tier. Event loop only."""

    def __init__(self, host: Budget, *, max_bytes: int) -> None:
        self._room = ByteRoom(host, kind=CATALOG, max_bytes=max_bytes)
        self._held: Reservation | None = None

    def hold(self, rows: CatalogRows) -> None:
        """``rows`` take the place of those before. Raises BudgetExceeded, and then changes nothing."""
        before, self._held = self._held, None
        if before is not None:
            self._room.give_back(before)
        try:
            self._held = self._room.take(catalog_bytes(rows))
        except Exception:
            if before is not None:
                self._held = self._room.take(before.num_bytes)
            raise
