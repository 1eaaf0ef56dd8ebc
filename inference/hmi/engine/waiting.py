"""Requests that are ready to run: one queue per tenant, and which tenants have any."""

import bisect
import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from hmi.engine.request import EngineRequest
from wire.ids import TenantId


@dataclass(slots=True)
class Waiting:
    """What waits of one tenant; of a request that has ended, until it is dropped."""

    weight: float
    num_documents: int = 0
    num_tokens: int = 0


class TenantQueues:
    """First submitted, first out within a tenant; between tenants by virtual counter, the least served first.

    The counter of a tenant is what it was served, in tokens over its weight. A tenant that comes back after
    having been idle is lifted to the least counter that counts now, so that idling saves nothing up.
    Only tenants with waiting requests are in the heap: idle ones cost nothing but, for a while, one number.
    """

    def __init__(self) -> None:
        self._queues: dict[TenantId, deque[EngineRequest]] = {}
        self._waiting: dict[TenantId, Waiting] = {}  # has the keys of _queues
        self._counters: dict[TenantId, float] = {}
        self._turns: dict[TenantId, int] = {}  # has the keys of _queues, but those taken out
        self._heap: list[tuple[float, int, TenantId]] = []  # by counter and turn; see _is_current
        self._idle: list[tuple[float, TenantId]] = []
        self._floor = 0.0  # the least counter of an active tenant, when the last batch was made
        self._num_activations = 0
        self.num_documents = 0  # that wait; those of a request that has ended count until it is dropped
        self.num_tokens = 0

    @property
    def num_active_tenants(self) -> int:
        return len(self._queues)

    @property
    def num_remembered_tenants(self) -> int:
        """Tenants with a counter of their own, active or not yet fallen behind."""
        return len(self._counters)

    def counter(self, tenant_id: TenantId) -> float:
        """What ``tenant_id`` was served so far; an idle tenant that has fallen behind counts as the floor."""
        return max(self._counters.get(tenant_id, 0.0), self._floor)

    def add(self, request: EngineRequest) -> None:
        """By time of submission: one that had to wait for its model goes before later ones of its tenant."""
        queue = self._queues.get(request.tenant_id)
        if queue is None:
            self._queues[request.tenant_id] = deque([request])
            self._waiting[request.tenant_id] = Waiting(request.weight)
            self._counters[request.tenant_id] = self.counter(request.tenant_id)
            self.put_back(request.tenant_id)
        elif not queue or queue[-1].submitted <= request.submitted:
            queue.append(request)
        else:
            queue.insert(bisect.bisect(queue, request.submitted, key=_submitted), request)
        self._count(request, 1)

    def raise_floor(self, served: Iterable[TenantId]) -> None:
        """A batch is made, with ``served`` in it: newcomers start at the least counter of those and of all
        who wait; idle tenants that are below it are forgotten.

        Those in the batch count as well: else one that comes back for its next step would be a newcomer.
        """
        counters = [self._counters[tenant_id] for tenant_id in served]
        self._drop_outdated()
        counters += [self._heap[0][0]] if self._heap else []
        self._floor = max(self._floor, min(counters, default=0.0))
        while self._idle and self._idle[0][0] <= self._floor:
            _, tenant_id = heapq.heappop(self._idle)
            if tenant_id not in self._queues and self._counters.get(tenant_id, 0.0) <= self._floor:
                self._counters.pop(tenant_id, None)

    def forget_if_idle(self) -> None:
        """When nobody waits, capacity was left over: nothing is owed to anybody, and all begin anew."""
        if not self._queues:
            self._counters.clear()
            self._heap.clear()
            self._idle.clear()
            self._floor = 0.0

    def take_least_served(self) -> TenantId | None:
        """The active tenant with the least counter, out of the heap until put_back; None: there is none."""
        self._drop_outdated()
        if not self._heap:
            return None
        _, _, tenant_id = heapq.heappop(self._heap)
        del self._turns[tenant_id]
        return tenant_id

    def head(self, tenant_id: TenantId) -> EngineRequest | None:
        """The oldest request of a tenant that still wants an answer; the others are dropped on the way."""
        queue = self._queues[tenant_id]
        while queue and queue[0].state.is_final:
            self._count(queue.popleft(), -1)
        return queue[0] if queue else None

    def pop_head(self, tenant_id: TenantId) -> None:
        self._count(self._queues[tenant_id].popleft(), -1)

    def take_document(self, request: EngineRequest) -> None:
        """What comes next of a waiting request is in a batch now."""
        self._count(request, -1)
        request.take_next()
        self._count(request, 1)

    def put_back_documents(self, request: EngineRequest, first: int) -> None:
        """The documents of ``request`` from ``first`` on are in no batch after all. It waits still, unless
        all of it was taken: then it is for the caller to add it again."""
        is_waiting = not request.is_all_scheduled
        if is_waiting:
            self._count(request, -1)
        request.next_document = first
        if is_waiting:
            self._count(request, 1)

    def charge(self, request: EngineRequest, num_tokens: float) -> None:
        """``num_tokens`` of ``request`` were served, or, if negative, were not after all."""
        # A tenant that has been forgotten since is given nothing back: it begins at the floor anyway.
        tenant_id = request.tenant_id
        if tenant_id not in self._counters:
            return
        self._counters[tenant_id] += num_tokens / request.weight
        if tenant_id in self._turns:
            self._push(tenant_id)
        elif tenant_id not in self._queues:
            heapq.heappush(self._idle, (self._counters[tenant_id], tenant_id))

    def put_back(self, tenant_id: TenantId) -> None:
        """Into the heap again, with its counter of now; a tenant with an empty queue becomes idle."""
        if self._queues.get(tenant_id):
            self._num_activations += 1
            self._turns[tenant_id] = self._num_activations
            self._push(tenant_id)
        else:
            self._queues.pop(tenant_id, None)
            self._waiting.pop(tenant_id, None)
            heapq.heappush(self._idle, (self._counters[tenant_id], tenant_id))

    def waiting(self) -> Iterable[tuple[TenantId, Waiting]]:
        """Every active tenant with what waits of it."""
        return self._waiting.items()

    def waiting_of(self, tenant_id: TenantId) -> Waiting:
        """Of one active tenant."""
        return self._waiting[tenant_id]

    def check_integrity(self) -> None:
        """Raise AssertionError unless each active tenant is in the heap once, with a queue and a counter."""
        assert self._turns.keys() == self._queues.keys(), "an active tenant has no turn"
        in_heap = {entry[2] for entry in self._heap if self._is_current(entry)}
        assert in_heap == self._queues.keys(), "heap and queues differ"
        assert all(self._queues.values()), "an empty queue is active"
        assert all(tenant_id in self._counters for tenant_id in self._queues), (
            "an active tenant has no counter"
        )
        assert self._waiting.keys() == self._queues.keys(), "what waits is counted of others than wait"
        for tenant_id, waiting in self._waiting.items():
            queue = self._queues[tenant_id]
            assert waiting.num_documents == sum(r.num_documents - r.next_document for r in queue)
            assert waiting.num_tokens == sum(_tokens_left(request) for request in queue)
        assert self.num_documents == sum(waiting.num_documents for waiting in self._waiting.values())
        assert self.num_tokens == sum(waiting.num_tokens for waiting in self._waiting.values())

    def _push(self, tenant_id: TenantId) -> None:
        heapq.heappush(self._heap, (self._counters[tenant_id], self._turns[tenant_id], tenant_id))

    def _is_current(self, entry: tuple[float, int, TenantId]) -> bool:
        """One that was charged while it waited has its earlier entries until they are the least."""
        counter, turn, tenant_id = entry
        return turn == self._turns.get(tenant_id) and counter == self._counters[tenant_id]

    def _drop_outdated(self) -> None:
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)

    def _count(self, request: EngineRequest, sign: int) -> None:
        num_documents = sign * (request.num_documents - request.next_document)
        num_tokens = sign * _tokens_left(request)
        waiting = self._waiting[request.tenant_id]
        waiting.num_documents += num_documents
        waiting.num_tokens += num_tokens
        self.num_documents += num_documents
        self.num_tokens += num_tokens


def _tokens_left(request: EngineRequest) -> int:
    return request.tokens_between(request.next_document, request.num_documents)


def _submitted(request: EngineRequest) -> float:
    return request.submitted
