"""Among whom the device was divided of late."""

from collections import Counter, deque
from collections.abc import Mapping

from wire.ids import TenantId

NUM_BATCHES = 32
"""So many batches back counts as of late."""
MIN_SHARE = 1 / 8
"""Of a batch, for one tenant: batches of less would not be worth the fixed cost of a step."""


class RecentTenants:
    """The tenants of the last batches, with their weights."""

    def __init__(self) -> None:
        self._batches: deque[Mapping[TenantId, float]] = deque()
        self._num_batches_of: Counter[TenantId] = Counter()
        self._weight = 0.0

    def share(self, tenant_id: TenantId, weight: float) -> float:
        """The part of a batch that a tenant may have, by weight among those of late; all when alone."""
        others = self._weight - (weight if tenant_id in self._num_batches_of else 0.0)
        return max(weight / (weight + max(others, 0.0)), MIN_SHARE)

    def add_batch(self, weights: Mapping[TenantId, float]) -> None:
        """These tenants were in a batch."""
        self._batches.append(weights)
        for tenant_id, weight in weights.items():
            self._num_batches_of[tenant_id] += 1
            if self._num_batches_of[tenant_id] == 1:
                self._weight += weight
        if len(self._batches) > NUM_BATCHES:
            for tenant_id, weight in self._batches.popleft().items():
                self._num_batches_of[tenant_id] -= 1
                if self._num_batches_of[tenant_id] == 0:
                    del self._num_batches_of[tenant_id]
                    self._weight -= weight
