"""What is known of tenants takes no more of the host tier than is reserved: by what Python allocates."""

import asyncio
import gc
import hashlib
import tracemalloc
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hmi.artifacts.packed_copies import PackedCopies
from hmi.base.errors import BudgetExceeded, BundleBroken
from hmi.engine.placement import KNOWN_TREE_BYTES, TreePath
from hmi.memory.budget import Budget
from hmi.memory.eviction import LeastRecentlyUsed
from hmi.memory.loader import Loader
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom
from hmi.memory.tier import MemoryTier
from hmi.service import catalog_source
from hmi.service.access import Access
from hmi.service.catalog_reader import CatalogReader, CatalogReaderConfig
from hmi.service.catalog_room import CATALOG, KEPT_VERSION_BYTES, CatalogRoom, catalog_bytes
from hmi.service.limits import Limits
from hmi.service.plane import KnownFields, known_bytes
from hmi.service.snapshot import CatalogRows, CatalogSnapshot
from tests.fakes.catalog import FakeCatalog
from tests.fakes.clock import FakeClock
from wire.artifacts import AdapterFields, BundleRef
from wire.ids import BundleUri, Digest, EventId, KeyId, TaskId, TenantId, VersionId
from wire.usage import UsageEvent

NUM_TENANTS = 1_500
EVENT = UsageEvent(
    id=EventId("event"),
    tenant_id=TenantId("tenant"),
    task_id=TaskId("task"),
    key_id=KeyId("key"),
    version_id=VersionId("version"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    num_texts=1,
    num_tokens=12,
    num_truncated=0,
)
NOTHING = CatalogRows([], [], [], [], None)


def rows_of(num_tenants: int) -> CatalogRows:
    """As the database sends them: each with a key, a deployed task with a leaf, a trial and a limit."""
    keys, tasks, trials, limits = [], [], [], []
    for number in range(num_tenants):
        tenant, task = uuid.uuid4(), uuid.uuid4()
        sha256 = hashlib.sha256(secret(number).encode()).digest()
        now = datetime.now(UTC)
        keys.append(catalog_source._key((sha256, uuid.uuid4(), tenant, ["predict"], task, None)))
        places = [text for kind in ("adapters", "trees", "leaves") for text in _place(kind)]
        tasks.append(
            catalog_source._task(
                (tenant, task, f"task-{number}", uuid.uuid4(), 1, *places[:4], 0.5, *places[4:])
            )
        )
        trials.append(
            catalog_source._trial((uuid.uuid4(), tenant, task, "canary", 0.5, uuid.uuid4(), 2, *places))
        )
        limits.append(
            catalog_source._limit((tenant, 1.5, 10.5, 1000, 10**6, 10**9, now, 12_345 + number, 10**6))
        )
    return CatalogRows(keys, tasks, trials, limits, None)


def secret(number: int) -> str:
    return f"hmi_secret-{number}"


def _place(kind: str) -> tuple[str, str]:
    digest = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    return f"{kind}/{uuid.uuid4()}/{digest}", f"sha256:{digest}"


def allocated(make: Callable[[], object]) -> int:
    """Bytes that Python holds more while what ``make`` returns is there."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        made = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        del made
        return after - before
    finally:
        tracemalloc.stop()


class Holding(FakeCatalog):
    def __init__(self, rows: CatalogRows) -> None:
        super().__init__()
        self._rows = rows

    async def read(self) -> CatalogRows:
        return self._rows


def served(make_rows: Callable[[], CatalogRows], asks: Sequence[tuple[int, int]]) -> object:
    """Two snapshots, and what is kept beside the newer one when keys have been used for tasks as ``asks``."""
    clock = FakeClock()
    limits = Limits(clock)
    snapshots: list[CatalogSnapshot] = []
    room = CatalogRoom(Budget(MemoryTier.HOST, 2**30), max_bytes=2**30)
    config = CatalogReaderConfig(poll_s=1000, staleness_s=1000)
    reader = CatalogReader(Holding(make_rows()), config, clock=clock, on_snapshot=snapshots.append, room=room)
    access = Access(reader, clock)

    async def use_all() -> None:
        reading = asyncio.create_task(reader.run())
        while not snapshots:
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        snapshots.append(CatalogSnapshot.of(make_rows(), 0.0))  # the next one
        for key, task in asks:
            grant = await access.to_task(f"Bearer {secret(key)}", f"task-{task}")
            limits.admit(grant.key.key_id, grant.limit)
            limits.count(replace(EVENT, tenant_id=grant.task.tenant_id))

    asyncio.run(use_all())
    return snapshots, access, limits


def test_what_is_reserved_for_the_catalog_is_at_least_what_it_takes() -> None:
    own_tasks = [(number, number) for number in range(NUM_TENANTS)]
    make_rows = partial(rows_of, NUM_TENANTS)
    served(make_rows, own_tasks)  # whatever is made once
    rows = make_rows()
    reserved = catalog_bytes(rows) - KEPT_VERSION_BYTES * (len(rows.tasks) + len(rows.trials))
    taken = allocated(partial(served, make_rows, own_tasks))
    assert taken <= reserved <= 2 * taken


def kept_of_versions(snapshot: CatalogSnapshot) -> object:
    """Every adapter has been packed; then it was found to be broken, and so was its tree."""
    room = ByteRoom(Budget(MemoryTier.HOST, 0), kind="none", max_bytes=0)
    loaders: list[Loader[BundleRef, object]] = [
        Loader(NoDisk(), Residency(room, LeastRecentlyUsed()), num_threads=1, room_timeout_s=0, name="none")
        for _ in range(2)
    ]
    with TemporaryDirectory() as folder:
        copies = PackedCopies(Path(folder), "form", max_bytes=2**30)
        for hplm in snapshot.served:
            copies.put(hplm.adapter.digest, b"", loaded_bytes=10**6 + len(loaders))
            for loader, ref in zip(loaders, (hplm.adapter, hplm.tree), strict=True):
                text = f"adapter_model.safetensors in bundle {ref.digest} has 123 bytes instead of 1234567"
                loader.quarantine(ref, BundleBroken(f"{text}; fetch or build it again"))
    return loaders, copies


class NoDisk:
    """Nothing is read."""

    def measure(self, key: BundleRef) -> int:
        raise NotImplementedError

    def read(self, key: BundleRef) -> object:
        raise NotImplementedError


def test_what_is_kept_of_versions_takes_no_more_than_is_reckoned() -> None:
    snapshot = CatalogSnapshot.of(rows_of(250), 0.0)
    kept_of_versions(snapshot)  # whatever is made once
    taken = allocated(partial(kept_of_versions, snapshot))
    assert taken <= 500 * KEPT_VERSION_BYTES <= 2 * taken


def test_a_tenant_of_many_keys_that_are_all_used_for_many_tasks_takes_no_more() -> None:
    num = 300

    def of_one_tenant() -> CatalogRows:
        rows = rows_of(num)
        tenant = rows.keys[0].tenant_id
        return replace(
            rows,
            keys=[replace(key, tenant_id=tenant, task_id=None) for key in rows.keys],
            tasks=[replace(task, tenant_id=tenant) for task in rows.tasks],
        )

    every_task = [(key, task) for key in range(num) for task in range(30)]
    served(of_one_tenant, every_task[:num])  # whatever is made once
    assert allocated(partial(served, of_one_tenant, every_task)) <= catalog_bytes(of_one_tenant())


@pytest.mark.parametrize("view", ["keys", "tasks", "trials", "limits"])
def test_each_view_by_itself(view: str) -> None:
    def snapshots() -> object:
        made = [replace(NOTHING, **{view: getattr(rows_of(NUM_TENANTS), view)}) for _ in range(2)]
        return [CatalogSnapshot.of(rows, 0.0) for rows in made]

    some = replace(NOTHING, **{view: getattr(rows_of(NUM_TENANTS), view)})
    taken = allocated(snapshots)
    assert taken <= catalog_bytes(some) <= 4 * taken


def test_a_catalog_that_does_not_fit_changes_nothing() -> None:
    host = Budget(MemoryTier.HOST, 2**20)
    small, large = rows_of(3), rows_of(100)
    room = CatalogRoom(host, max_bytes=2 * catalog_bytes(small))
    room.hold(small)
    with pytest.raises(BudgetExceeded):
        room.hold(large)
    assert host.used_by_kind() == {CATALOG: catalog_bytes(small)}
    room.hold(NOTHING)
    assert host.used_by_kind() == {CATALOG: 0}


def fields_of(number: int, num_labels: int) -> AdapterFields:
    return AdapterFields(
        method="lora",
        rank=8,
        alpha=16.0 + number,
        target_modules=("query", "value"),
        labels=tuple(f"label {number} {n}" for n in range(num_labels)),
        max_tokens=128,
        backbone=Digest(_place("x")[1]),
        tree=Digest(_place("x")[1]),
        metrics={f"metric {number} {n}": n + 0.5 for n in range(8)},
        label_set_thresholds=tuple(number + n / 50 for n in range(50)),
        thresholds=tuple(number + n / 7 for n in range(num_labels)),
    )


@pytest.mark.parametrize("num_labels", [2, 40, 500])
def test_known_adapters_keep_within_their_bytes(num_labels: int) -> None:
    each = known_bytes(fields_of(0, num_labels))
    max_bytes = 100 * each

    def known(num: int) -> KnownFields:
        made = KnownFields(max_bytes)
        for number in range(num):
            made.put(_ref(number), fields_of(number, num_labels))
            made.put(_ref(number), fields_of(number, num_labels))  # it is counted once
        return made

    few, many = known(50), known(150)
    assert few.num_bytes <= 51 * each
    assert many.num_bytes <= max_bytes
    assert many.get(_ref(0)) is None, "the one used longest ago went first"
    assert many.get(_ref(149)) is not None
    taken = allocated(partial(known, 150))
    assert taken <= max_bytes <= 4 * taken


def test_a_known_tree_takes_less_than_is_reckoned() -> None:
    def paths() -> object:
        return {
            _ref(n): TreePath(tuple(BundleRef(BundleUri(u), Digest(d)) for u, d in map(_place, "abcd")))
            for n in range(500)
        }

    taken = allocated(paths)
    assert taken <= 500 * KNOWN_TREE_BYTES <= 3 * taken


def _ref(number: int) -> BundleRef:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return BundleRef(BundleUri(f"adapters/{digest}"), Digest(f"sha256:{digest}"))
