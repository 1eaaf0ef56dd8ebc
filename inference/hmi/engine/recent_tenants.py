"""Among whom the device was divided of late."""

from collections import Counter, deque
from collections.abc import Collection, Mapping

from wire.ids import TenantId

NUM_BATCHES = 32
"""So many batches back counts as of late."""
MIN_SHARE = 1 / 8
"""Of a batch, for one tenant: the least that one with a long queue gets of every batch, and, among many
others, all. What it adds to a step the others wait for; what it leaves out costs throughput (measured with
one that floods beside 24 at 0.6 of the capacity: p99 of the others 1.29 times that without it at an eighth,
1.12 at a sixteenth, where 100 tenants by Zipf 1.0 got 0.7 of the throughput of one instead of 0.9)."""
SHORT_QUEUE = 1 / 4
"""Of a batch: a queue up to this is taken whole. Else the busiest of those who ask for less than they might
have would wait for several batches (simulated as above: 2.2 at an eighth)."""


class RecentTenants:
    """The tenants of the last batches, each with its weight in the newest of them."""

    def __init__(self) -> None:
        self._batches: deque[Collection[TenantId]] = deque()
        self._num_batches_of: Counter[TenantId] = Counter()
        self._weights: dict[TenantId, float] = {}
        self._weight = 0.0  # of all together

    def share(self, tenant_id: TenantId, weight: float, *, asked: float) -> float:
        """The part of a batch that a tenant may have which would take ``asked`` of one (more than 1: of
        several): by weight among those of late, all when alone, and a short queue whole."""
        others = self._weight - self._weights.get(tenant_id, 0.0)
        least = SHORT_QUEUE if asked <= SHORT_QUEUE else MIN_SHARE
        return max(weight / (weight + max(others, 0.0)), least)

    def add_batch(self, weights: Mapping[TenantId, float]) -> None:
        """These tenants were in a batch."""
        self._batches.append(weights.keys())
        for tenant_id, weight in weights.items():
            self._num_batches_of[tenant_id] += 1
            self._weight += weight - self._weights.get(tenant_id, 0.0)
            self._weights[tenant_id] = weight
        if len(self._batches) > NUM_BATCHES:
            for tenant_id in self._batches.popleft():
                self._num_batches_of[tenant_id] -= 1
                if self._num_batches_of[tenant_id] == 0:
                    del self._num_batches_of[tenant_id]
                    self._weight -= self._weights.pop(tenant_id)
