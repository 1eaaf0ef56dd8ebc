"""Decides what runs next: fair between tenants by served tokens, within the limits of one batch."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hmi.engine.batch import Batch, BatchPart
from hmi.engine.batch_limits import BatchFill, BatchLimits
from hmi.engine.recent_tenants import RecentTenants
from hmi.engine.request import EngineRequest, HplmRef
from hmi.engine.thrash_guard import ThrashGuard
from hmi.engine.waiting import TenantQueues
from wire.ids import TenantId

MAX_SET_ASIDE = 256
"""Tenants looked at and left for the next batch, before a batch goes without looking further. (With thousands
of tenants a batch had a fifth fewer rows at 64, and no more at 1,024.)"""


class Temperature(Enum):
    """How near a model is."""

    HOT = "hot"  # on the device
    COLD = "cold"  # in the host tier: must be promoted first
    GONE = "gone"  # evicted since its request became ready: must be loaded again


@dataclass(frozen=True, slots=True)
class Selection:
    """What the scheduler took out of the queues: a batch, and requests whose model is gone."""

    batch: Batch
    displaced: tuple[EngineRequest, ...]


class Scheduler:
    """Chooses document by document, always from the tenant that was served least. Engine thread only.

    A request with a cold model may be left behind for ones that are hot, so that promotions do not fill whole
    batches, but only ``max_passed_over`` times. How many may join a batch is the thrash guard's to say.
    """

    def __init__(self, limits: BatchLimits, *, max_passed_over: int) -> None:
        self._limits = limits
        self._max_passed_over = max_passed_over
        self._queues = TenantQueues()
        self._guard = ThrashGuard(limits.max_cold_adapters)
        self._recent = RecentTenants()

    @property
    def has_work(self) -> bool:
        return self._queues.num_active_tenants > 0

    @property
    def has_full_batch(self) -> bool:
        """Whether what waits would fill a batch, of each tenant no more than its share of one."""
        limits = self._limits
        if self._queues.num_documents < limits.max_rows and self._queues.num_tokens < limits.max_tokens:
            return False
        rows = tokens = 0.0
        for tenant_id, waiting in self._queues.waiting():
            asked = limits.part(waiting.num_documents, waiting.num_tokens)
            share = self._recent.share(tenant_id, waiting.weight, asked=asked)
            rows += min(waiting.num_documents, share * limits.max_rows)
            tokens += min(waiting.num_tokens, share * limits.max_tokens)
            if rows >= limits.max_rows or tokens >= limits.max_tokens:
                return True
        return False

    @property
    def num_active_tenants(self) -> int:
        return self._queues.num_active_tenants

    @property
    def num_remembered_tenants(self) -> int:
        return self._queues.num_remembered_tenants

    def add(self, request: EngineRequest) -> None:
        """``request`` may run as soon as its turn comes; also one that has run and now has a next step."""
        self._queues.add(request)

    def next_batch(self, temperature: Callable[[HplmRef], Temperature]) -> Selection:
        """The next batch (empty when nothing waits). Documents that are in it are no longer in the queues."""
        fill = BatchFill(self._limits, max_cold=self._guard.max_cold)
        selection = _Building(fill, self._recent, self._max_passed_over, self._queues, temperature)
        self._queues.forget_if_idle()
        while not selection.is_done and (tenant_id := self._queues.take_least_served()) is not None:
            selection.take_one_document(tenant_id)
        finished = selection.finish()
        self._recent.add_batch(selection.weights)
        self._queues.raise_floor(selection.weights)
        return finished

    def take_back(self, part: BatchPart) -> None:
        """``part`` of the last batch did not run: its tenant gets back what it was charged."""
        self._queues.put_back_documents(part.request, part.first)
        self._queues.charge(part.request, -part.num_tokens)

    def charge(self, request: EngineRequest, num_tokens: float) -> None:
        """What ``request`` ran cost so many tokens more than it has: its tenant is served later for it."""
        self._queues.charge(request, num_tokens)

    def observe_step(self, *, placing_s: float, step_s: float) -> None:
        """The last batch took ``step_s``, of which ``placing_s`` went into bringing its adapters."""
        self._guard.observe(placing_s=placing_s, step_s=step_s)

    def check_integrity(self) -> None:
        self._queues.check_integrity()


class _Building:
    """One batch under construction."""

    def __init__(
        self,
        fill: BatchFill,
        recent: RecentTenants,
        max_passed_over: int,
        queues: TenantQueues,
        temperature: Callable[[HplmRef], Temperature],
    ) -> None:
        self._fill = fill
        self._recent = recent
        self.weights: dict[TenantId, float] = {}  # of the tenants in the batch
        self._max_passed_over = max_passed_over
        self._queues = queues
        self._temperature = temperature
        self._first_document: dict[EngineRequest, int] = {}
        self._set_aside: list[TenantId] = []
        self._displaced: list[EngineRequest] = []

    @property
    def is_done(self) -> bool:
        return self._fill.is_full or len(self._set_aside) >= MAX_SET_ASIDE

    def take_one_document(self, tenant_id: TenantId) -> None:
        """Move one document of the tenant's oldest request into the batch, or set the tenant aside."""
        request = self._queues.head(tenant_id)
        if request is None:
            self._queues.put_back(tenant_id)
            return
        temperature = self._temperature(request.hplm)
        if temperature is Temperature.GONE:
            self._displaced.append(request)
            self._queues.pop_head(tenant_id)
            self._queues.put_back(tenant_id)
        elif self._has_room_for(request, is_cold=temperature is Temperature.COLD):
            self._take(request, is_cold=temperature is Temperature.COLD)
            self._queues.put_back(tenant_id)
        else:
            self._set_aside.append(tenant_id)

    def finish(self) -> Selection:
        for tenant_id in self._set_aside:
            self._queues.put_back(tenant_id)
        parts = (
            BatchPart(request, first, request.next_document)
            for request, first in self._first_document.items()
        )
        return Selection(Batch(tuple(parts)), tuple(self._displaced))

    def _has_room_for(self, request: EngineRequest, *, is_cold: bool) -> bool:
        tenant_id, num_tokens = request.tenant_id, request.next_tokens
        if not self._fill.fits(num_tokens):
            return False
        if self._fill.has_begun(tenant_id):
            waiting = self._queues.waiting_of(tenant_id)
            asked = self._fill.part_with(tenant_id, waiting.num_documents, waiting.num_tokens)
            share = self._recent.share(tenant_id, request.weight, asked=asked)
            if not self._fill.is_within(share, tenant_id, num_tokens):
                return False
        is_overdue = request.num_passed_over >= self._max_passed_over
        is_admitted = self._fill.admits(request.hplm.adapter, is_cold=is_cold, is_overdue=is_overdue)
        request.num_passed_over += is_cold and not is_admitted
        return is_admitted

    def _take(self, request: EngineRequest, *, is_cold: bool) -> None:
        num_tokens = request.next_tokens
        self._fill.spend(request.tenant_id, request.hplm.adapter, num_tokens, is_cold=is_cold)
        self._first_document.setdefault(request, request.next_document)
        self._queues.take_document(request)
        self._queues.charge(request, num_tokens)
        self.weights.setdefault(request.tenant_id, request.weight)
        if request.is_all_scheduled:
            self._queues.pop_head(request.tenant_id)
