"""The plane that answers: tokenizer, loaders and engine of one backbone."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog

from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.engine.engine import Engine
from hmi.engine.placement import HplmPlacement, TreePath
from hmi.engine.request import EngineRequest, HplmRef
from hmi.memory.budget import Budget, Reservation
from hmi.memory.loader import Loader
from hmi.memory.residency import Lease
from hmi.model.hplm_bank import PackedHplm
from hmi.model.tokenizer import EncodedTexts, Text, Tokenizer
from hmi.plot.table import PlotTable
from hmi.plot.tree import nodes_of
from hmi.service.encoding import JointEncoding
from hmi.service.plane import KnownFields
from hmi.service.residency_report import place_report, tier_report
from wire.artifacts import AdapterFields, BundleRef
from wire.residency import ResidencyReport

log = structlog.get_logger(__name__)

DRAIN_S = 5.0
"""How long what is still open may take when the service closes: callers have been waited for before."""


class LivePlane:
    """See Plane. Owns the engine, and the threads that tokenise."""

    def __init__(
        self,
        *,
        backbone: BundleRef,
        has_lower_layers: bool,
        tokenizer: Tokenizer,
        max_tokens: int,
        engine: Engine[Any],
        placement: HplmPlacement[PackedHplm, PlotTable],
        adapters: Loader[BundleRef, PackedHplm],
        store: Store,
        packed: PackedCopies,
        trees: Loader[BundleRef, TreePath],
        tables: Loader[BundleRef, PlotTable],
        budgets: tuple[Budget, ...],
        tokenizer_threads: int,
        max_known_bytes: int,
    ) -> None:
        self.backbone = backbone
        self.has_lower_layers = has_lower_layers
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self.engine = engine
        self.placement = placement
        self.adapters = adapters
        self._store = store
        self._packed = packed
        self._trees = trees
        self._tables = tables
        self._budgets = budgets
        self._known = KnownFields(max_known_bytes)
        self._served: frozenset[HplmRef] = frozenset()  # the follower's
        self._follower = ThreadPoolExecutor(1, thread_name_prefix="follow")
        self._threads = ThreadPoolExecutor(tokenizer_threads, thread_name_prefix="tokenize")
        self._encoding = JointEncoding(tokenizer, self._threads)

    def start(self) -> None:
        self.engine.start()

    @property
    def is_running(self) -> bool:
        return self.engine.is_running

    async def describe(self, hplm: HplmRef) -> AdapterFields:
        fields = self._known.get(hplm.adapter)
        if fields is None:
            arriving = self.adapters.acquire(hplm.adapter)
            try:
                lease = await asyncio.wrap_future(arriving)
            except asyncio.CancelledError:
                arriving.cancel()
                arriving.add_done_callback(_let_go)  # it may have come before the loop saw that
                raise
            with lease:
                fields = lease.value.fields
            self._known.put(hplm.adapter, fields)
        return fields

    def known(self, hplm: HplmRef) -> AdapterFields | None:
        return self._known.get(hplm.adapter)

    async def encode(self, texts: list[Text], max_tokens: int, *, with_words: bool) -> EncodedTexts:
        most = min(max_tokens, self._max_tokens)
        return await self._encoding.encode(texts, most, with_words=with_words)

    async def spans(self, texts: list[str]) -> list[Sequence[tuple[int, int]]]:
        def of_all() -> list[Sequence[tuple[int, int]]]:
            return [self._tokenizer.spans(text) for text in texts]

        return await asyncio.get_running_loop().run_in_executor(self._threads, of_all)

    def submit(self, request: EngineRequest, *, beside: EngineRequest | None = None) -> None:
        self.engine.submit(request, beside=beside)

    def follow(self, served: frozenset[HplmRef]) -> None:
        self._follower.submit(self.follow_now, served).add_done_callback(_tell_failure)

    def follow_now(self, served: frozenset[HplmRef]) -> None:
        """As follow(), and done when this returns. Of thousands of tenants it takes tens of milliseconds, for
        which no prediction should wait."""
        # A version that was just deployed is in the host tier before its first request, unless thousands
        # were: then those that are asked for go first. The one it replaces goes on serving the requests that
        # began with it and leaves by age.
        for hplm in served - self._served:
            if self._served:
                self.adapters.prefetch_idle(hplm.adapter)
        self._served = served
        self.adapters.retain({hplm.adapter for hplm in served})
        self._packed.retain({hplm.adapter.digest for hplm in served})
        self._trees.retain({hplm.tree for hplm in served})
        self._tables.retain(())
        refs = (ref for hplm in served for ref in (hplm.adapter, hplm.tree, hplm.leaf) if ref is not None)
        self._store.retain_copies({ref.digest for ref in refs}, nodes_of)

    def tier_bytes(self) -> Mapping[tuple[str, str], int]:
        return {
            (budget.tier.value, kind): num_bytes
            for budget in self._budgets
            for kind, num_bytes in budget.used_by_kind().items()
        }

    def residency(self) -> ResidencyReport:
        return ResidencyReport(
            tiers={budget.tier.value: tier_report(budget) for budget in self._budgets},
            adapters=place_report(
                device=self.placement.device_adapters(),
                host=self.adapters.resident_bytes(),
                named={hplm.adapter for hplm in self._served},
                quarantined=self.adapters.quarantined(),
            ),
            plot_nodes=place_report(
                device=self.placement.device_nodes(),
                host=self._tables.resident_bytes(),
                named=(),
                quarantined=self._tables.quarantined(),
            ),
        )

    def gauges(self) -> Mapping[str, float]:
        return {
            "hmi_open_requests": self.engine.num_open_requests,
            "hmi_device_slots": self.placement.num_slots,
            "hmi_device_adapters": self.placement.num_adapters,
            "hmi_device_adapter_evictions": self.placement.num_evictions,
            "hmi_device_plot_nodes": self.placement.num_nodes,
            "hmi_adapters_quarantined": self.adapters.num_quarantined,
        }

    def close(self) -> None:
        self._follower.shutdown(wait=True, cancel_futures=True)
        self.engine.close(drain_s=DRAIN_S)
        self._threads.shutdown(wait=True, cancel_futures=True)


def _let_go(arrived: "Future[Lease[BundleRef, Reservation, PackedHplm]]") -> None:
    if not arrived.cancelled() and arrived.exception() is None:
        arrived.result().release()


def _tell_failure(done: "Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.error("catalog_not_followed", exc_info=error)
