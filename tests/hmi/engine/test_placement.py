"""Placement step by step, over the tiers of test_placement_steps: what is held, copied, pinned, given up."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from hmi.base.errors import BudgetExceeded, BundleBroken, NotReady
from hmi.engine.placement import HeadShape
from hmi.engine.request import HplmRef
from hmi.engine.scheduler import Temperature
from tests.hmi.engine.test_placement_steps import NODE_BYTES, NUM_SLOTS, WAIT_S, FakeAdapter, World, ref
from wire.artifacts import BundleRef

ROOT = ref("n", 0)


def hplm_of(world: World, number: int, nodes: Sequence[int]) -> HplmRef:
    """A model of the adapter and the tree of that number, whose nodes are these."""
    world.disk.paths[ref("t", number)] = list(nodes)
    return HplmRef(ref("a", number), ref("t", number))


def advance_until(world: World, is_so: Callable[[], bool], *hplms: HplmRef) -> bool:
    """As the engine does, without it; whether all of them can be placed."""
    end = time.monotonic() + WAIT_S
    while True:
        are_near = [world.placement.advance(hplm) for hplm in hplms]
        if is_so():
            return all(are_near)
        assert time.monotonic() < end, "it never came"
        world.inbox.wait(0.001)
        world.inbox.run_all()
        world.check()


def bring_near(world: World, *hplms: HplmRef) -> None:
    advance_until(
        world, lambda: all(world.placement.temperature(h) is not Temperature.GONE for h in hplms), *hplms
    )


def run_next_call(world: World) -> None:
    world.inbox.wait(WAIT_S)
    world.inbox.run_all()


def place(world: World, hplm: HplmRef) -> None:
    bring_near(world, hplm)
    with world.placement.lease([hplm], is_alone=True) as leases:
        assert hplm in leases.placed


def evict_all(world: World) -> None:
    while world.placement._nodes.evict_one():
        pass


def test_what_a_batch_needs_is_not_given_up_for_another_model_of_it() -> None:
    """The slots are full, and so is the arena; what was used longest ago is in the batch."""
    world = World(max_copied_bytes=1000)
    hplms = [hplm_of(world, 6 + 3 * n, [0, 101 + 4 * n]) for n in range(NUM_SLOTS + 1)]
    for node in range(NUM_SLOTS + 1):
        world.disk.more_bytes[ref("n", 101 + 4 * node)] = 30  # 90 bytes each, and the root 40
    *placed, last = hplms
    for hplm in placed:
        place(world, hplm)
    bring_near(world, last)
    with world.placement.lease([last, placed[0]], is_alone=True) as leases:
        assert set(leases.placed) == {last, placed[0]}
    world.engine.close(drain_s=0)


@pytest.mark.parametrize("is_hot", [False, True])
def test_models_without_room_beside_each_other_run_one_after_the_other(is_hot: bool) -> None:
    """Also where the first takes the room of what the second has on the device."""
    world = World(max_copied_bytes=1000, tables_bytes=1000)
    first, second = hplm_of(world, 1, [0, 101]), hplm_of(world, 2, [0, 105])
    world.disk.more_bytes |= {ref("n", 101): 300, ref("n", 105): 300}
    if is_hot:
        place(world, second)
    bring_near(world, first, second)
    with world.placement.lease([first, second], is_alone=True) as leases:
        assert (set(leases.placed), leases.postponed, leases.failed) == ({first}, {second}, {})
        beside = world.placement.lease([second], is_alone=False)
        assert (beside.placed, beside.postponed, beside.failed) == ({}, {second}, {})
    place(world, second)
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_a_path_that_the_device_cannot_hold_at_once_fails_for_now() -> None:
    world = World(max_copied_bytes=1000, tables_bytes=1000)
    hplm = hplm_of(world, 1, [0, 101, 105])
    world.disk.more_bytes |= {ref("n", 101): 300, ref("n", 105): 300}
    request = world.submit(1, 1, 1, 1)
    world.run_until(request.future.done)
    error = request.future.exception()
    assert isinstance(error, BudgetExceeded) and error.retryable, "another tree may have other nodes"
    assert "a1" in error.message
    assert hplm.adapter not in world.loaders["adapter"].quarantined()
    assert not world.leased()
    world.engine.close(drain_s=0)


@pytest.mark.parametrize("missing", [ref("t", 1), ref("n", 101), ref("a", 1)])
def test_while_a_part_is_on_its_way_the_engine_is_idle_and_the_adapter_is_loaded(missing: BundleRef) -> None:
    world = World(max_copied_bytes=1000)
    hplm = hplm_of(world, 1, [0, 101])
    world.disk.slow[missing] = threading.Event()
    request = world.submit(1, 1, 1, 1)
    kinds = {"t": "tree", "n": "table", "a": "adapter"}
    is_in_host = world.loaders[kinds[missing.digest[0]]].resident_bytes
    adapters = world.loaders["adapter"]
    world.run_until(lambda: missing in is_in_host() and hplm.adapter in adapters.resident_bytes())
    world.engine.step()
    assert not world.engine.step() and not request.future.done()
    world.disk.slow[missing].set()
    world.run_until(request.future.done)
    assert request.future.result().documents[0].outputs[0].tolist() == [1.0, 0.0, 101.0]
    world.engine.close(drain_s=0)


def test_what_was_copied_ahead_of_its_batch_is_held_until_that_has_run() -> None:
    """Whatever else its model is open for."""
    world = World(max_copied_bytes=1000)
    hplm = hplm_of(world, 1, [0, 101, 201])
    world.disk.slow[ref("n", 201)] = threading.Event()
    assert not advance_until(world, lambda: ref("n", 101) in world.placement.device_nodes(), hplm)
    assert ref("n", 101) in world.leased()
    world.disk.slow[ref("n", 201)].set()
    bring_near(world, hplm)
    with world.placement.lease([hplm], is_alone=True):
        assert set(world.leased()) == {hplm.adapter, *(ref("n", node) for node in (0, 101, 201))}
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_a_model_is_hot_on_the_device_cold_in_host_memory_and_gone_elsewhere() -> None:
    world = World(max_copied_bytes=1000)
    hplm = hplm_of(world, 1, [0, 101])
    assert world.placement.temperature(hplm) is Temperature.GONE
    bring_near(world, hplm)
    assert world.placement.temperature(hplm) is Temperature.COLD
    place(world, hplm)
    assert world.placement.temperature(hplm) is Temperature.HOT
    evict_all(world)
    assert world.placement.temperature(hplm) is Temperature.GONE
    assert world.placement.advance(hplm), "its node is in host memory"
    assert world.placement.temperature(hplm) is Temperature.COLD
    place(world, hplm)
    world.placement._slots.evict(hplm.adapter)
    assert world.placement.temperature(hplm) is Temperature.GONE
    world.engine.close(drain_s=0)


def test_a_model_whose_large_node_is_being_copied_is_gone_for_so_long() -> None:
    world = World(max_copied_bytes=50)
    hplm, node = hplm_of(world, 1, [0, 101]), ref("n", 101)
    place(world, hplm)
    evict_all(world)
    world.nodes.may_fill.clear()
    assert not advance_until(world, lambda: world.placement._num_copies == 1, hplm)
    assert world.placement.temperature(hplm) is Temperature.GONE
    world.nodes.may_fill.set()
    advance_until(world, lambda: world.placement._nodes.has(node), hplm)
    assert world.placement.temperature(hplm) is Temperature.HOT
    assert world.placement._num_copies == 0
    world.engine.close(drain_s=0)


@pytest.mark.parametrize("is_placed", [False, True])
def test_a_broken_adapter_leaves_every_tier_and_fails_until_the_catalog_drops_it(is_placed: bool) -> None:
    world = World(max_copied_bytes=1000)
    hplm = hplm_of(world, 1, [0])
    (place if is_placed else bring_near)(world, hplm)
    world.placement.quarantine(hplm, BundleBroken("not finite"))
    assert hplm.adapter not in world.placement.device_adapters()
    assert hplm.adapter not in world.loaders["adapter"].resident_bytes()
    request = world.submit(1, 1, 1, 1)
    world.run_until(request.future.done)
    error = request.future.exception()
    assert isinstance(error, BundleBroken) and "not finite" in error.message
    world.loaders["adapter"].retain([])
    place(world, hplm)
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_an_adapter_is_loaded_while_a_node_of_a_tree_that_is_known_is_on_its_way() -> None:
    world = World(max_copied_bytes=1000)
    place(world, hplm_of(world, 1, [0, 101]))
    evict_all(world)
    assert world.loaders["table"]._residency.evict(ref("n", 101))
    world.disk.slow[ref("n", 101)] = threading.Event()
    world.submit(1, 2, 1, 1)
    world.run_until(lambda: world.loaders["adapter"]._residency.has(ref("a", 2)))
    assert ref("a", 2) not in world.leased()
    world.disk.slow[ref("n", 101)].set()
    world.engine.close(drain_s=0)


def test_what_is_on_the_device_is_held_in_host_memory_for_nobody() -> None:
    world = World(max_copied_bytes=1000)
    first, second = hplm_of(world, 1, [0, 101]), hplm_of(world, 2, [0, 101])
    third = HplmRef(first.adapter, second.tree)
    bring_near(world, first, second, third)
    with world.placement.lease([first], is_alone=True) as leases:
        assert leases.placed[first].head == HeadShape(FakeAdapter.num_outputs, FakeAdapter.reads_tokens)
        held = world.placement._held.items()
        assert [key for key, each in held if not each.is_on_device] == [second.adapter]
    place(world, second)
    place(world, third)
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_what_has_been_loaded_and_has_not_arrived_is_held_once() -> None:
    world = World(max_copied_bytes=1000)
    hplms = [hplm_of(world, number, [0]) for number in (1, 2)]
    for hplm in hplms:
        place(world, hplm)
    assert world.placement._nodes.evict(ROOT) and world.loaders["table"]._residency.evict(ROOT)
    assert not world.placement.advance(hplms[0])
    world.inbox.wait(WAIT_S)
    assert not world.placement.advance(hplms[1])
    for hplm in hplms:
        place(world, hplm)
    assert not world.leased()
    world.engine.close(drain_s=0)


@pytest.mark.parametrize("max_copied_bytes", [1000, 50], ids=["node arrives", "node is copied"])
def test_an_adapter_that_failed_is_told_of_though_a_node_came_after_it(max_copied_bytes: int) -> None:
    world = World(max_copied_bytes=max_copied_bytes)
    node, adapter = ref("n", 101), ref("a", 2)
    place(world, hplm_of(world, 1, [0, 101]))
    hplm = HplmRef(adapter, ref("t", 1))
    world.disk.slow |= {node: threading.Event(), adapter: threading.Event()}
    world.disk.errors[adapter] = BundleBroken("truncated")
    assert not world.placement.advance(hplm)
    evict_all(world)
    if max_copied_bytes == 1000:
        assert world.loaders["table"]._residency.evict(node)
    world.nodes.may_fill.clear()
    assert not world.placement.advance(hplm)
    world.disk.slow[adapter].set()
    run_next_call(world)
    world.disk.slow[node].set()
    world.nodes.may_fill.set()
    run_next_call(world)
    error = world.placement.take_moved()[hplm]
    assert isinstance(error, BundleBroken)
    world.engine.close(drain_s=0)


def test_for_a_batch_without_room_only_what_is_kept_on_the_device_for_later_is_given_up() -> None:
    world = World(max_copied_bytes=1000)
    waiting, foremost = hplm_of(world, 1, [0, 109]), hplm_of(world, 2, [0, 101, 201])
    large = hplm_of(world, 4, [0, 105])
    world.disk.more_bytes[ref("n", 105)] = NODE_BYTES - 40 - 60
    world.disk.slow |= {waiting.adapter: threading.Event(), ref("n", 201): threading.Event()}
    held = world.placement._held
    advance_until(world, lambda: ref("n", 109) in held, waiting)
    advance_until(world, lambda: world.placement._nodes.has(ref("n", 101)), foremost)
    bring_near(world, large)
    with world.placement.lease([large], is_alone=True) as leases:
        assert large in leases.placed
        assert ref("n", 109) in held and ref("n", 101) not in held
    for gate in world.disk.slow.values():
        gate.set()
    world.engine.close(drain_s=0)


def test_an_adapter_that_is_on_the_device_is_not_loaded_again() -> None:
    world = World(max_copied_bytes=1000)
    place(world, hplm_of(world, 1, [0]))
    adapters = world.loaders["adapter"]
    assert adapters._residency.evict(ref("a", 1))
    world.disk.paths[ref("t", 2)] = [0, 101]
    world.disk.slow[ref("n", 101)] = threading.Event()
    request = world.submit(1, 1, 2, 1)
    world.run_until(lambda: ref("n", 101) in world.loaders["table"].resident_bytes())
    world.disk.slow[ref("n", 101)].set()
    world.run_until(request.future.done)
    assert not adapters.resident_bytes()
    world.engine.close(drain_s=0)


@pytest.mark.parametrize(
    ("path", "max_copied_bytes"),
    [([0], 1000), ([0, 1], 1000), ([0, 1], 30)],
    ids=["with its batch", "ahead of it", "on the thread for large ones"],
)
def test_a_root_is_kept_on_the_device_however_it_came_there_and_nothing_else_is(
    path: list[int], max_copied_bytes: int
) -> None:
    world = World(max_copied_bytes=max_copied_bytes)
    hplm_of(world, 1, path)
    world.disk.slow[ref("n", 1)] = threading.Event()
    request = world.submit(1, 1, 1, 1)
    world.run_until(lambda: request.future.done() if path == [0] else world.placement._nodes.has(ROOT))
    world.disk.slow[ref("n", 1)].set()
    world.run_until(request.future.done)
    assert set(world.placement.device_nodes()) == {ref("n", node) for node in path}
    evict_all(world)
    assert set(world.placement.device_nodes()) == {ROOT}
    world.engine.close(drain_s=0)


@pytest.mark.parametrize(("max_copied_bytes", "num_on_thread"), [(40, 0), (39, 1)])
def test_a_node_of_more_than_so_many_bytes_is_copied_on_the_thread_for_large_ones(
    max_copied_bytes: int, num_on_thread: int
) -> None:
    world = World(max_copied_bytes=max_copied_bytes)
    hplm = hplm_of(world, 1, [0, 101])
    world.disk.slow[ref("n", 101)] = threading.Event()
    advance_until(world, lambda: world.placement._nodes.has(ROOT), hplm)
    assert world.nodes.num_filled == num_on_thread
    world.disk.slow[ref("n", 101)].set()
    world.engine.close(drain_s=0)


HOW_IT_IS_COPIED = pytest.mark.parametrize(
    ("path", "max_copied_bytes"),
    [([0, 105], 1000), ([0, 105, 201], 1000), ([0, 105], 50)],
    ids=["with its batch", "ahead of it", "on the thread for large ones"],
)


@HOW_IT_IS_COPIED
def test_a_node_without_a_place_in_one_piece_takes_that_of_others(
    path: list[int], max_copied_bytes: int
) -> None:
    world = World(max_copied_bytes=max_copied_bytes)
    place(world, hplm_of(world, 1, [0, 101]))
    hplm, leaf = hplm_of(world, 2, path), ref("n", 201)
    world.disk.slow[leaf] = threading.Event()
    world.nodes.num_in_pieces = 1
    if leaf.digest == f"n{path[-1]}":
        advance_until(world, lambda: world.placement._nodes.has(ref("n", 105)), hplm)
        world.disk.slow[leaf].set()
    place(world, hplm)
    assert set(world.placement.device_nodes()) == {ref("n", node) for node in path}
    world.engine.close(drain_s=0)


@HOW_IT_IS_COPIED
def test_a_node_that_finds_no_place_is_tried_again(path: list[int], max_copied_bytes: int) -> None:
    world = World(max_copied_bytes=max_copied_bytes)
    place(world, hplm_of(world, 1, [0]))
    hplm = hplm_of(world, 2, path)
    world.nodes.num_in_pieces = 100
    bring_near(world, hplm)
    leases = world.placement.lease([hplm], is_alone=True)
    assert not leases.placed and isinstance(leases.failed[hplm], BudgetExceeded)
    assert set(world.placement.device_nodes()) == {ROOT}
    world.nodes.num_in_pieces = 0
    place(world, hplm)
    world.engine.close(drain_s=0)


def test_of_the_models_that_lack_a_node_one_holds_what_comes_before_it() -> None:
    world = World(max_copied_bytes=1000)
    leaves = [ref("n", 201), ref("n", 205)]
    hplms = [hplm_of(world, 1, [0, 101, 201]), hplm_of(world, 2, [0, 105, 205])]
    world.disk.paths[ref("t", 4)] = [0]
    world.disk.slow |= {leaf: threading.Event() for leaf in leaves}
    requests = [world.submit(1, 1, 1, 1)]
    tables = world.loaders["table"].resident_bytes
    world.run_until(lambda: leaves[0] in tables())
    other = world.submit(3, 4, 4, 1)
    world.run_until(other.future.done)
    requests.append(world.submit(2, 2, 2, 1))
    world.run_until(lambda: leaves[1] in tables())
    assert set(world.leased()) == {ROOT, ref("n", 101)}
    assert ref("n", 101) in world.placement.device_nodes(), "nor need that be in the host tier"
    requests[0].future.cancel()
    world.run_until(lambda: not world.leased())
    world.disk.slow[leaves[1]].set()
    world.run_until(requests[1].future.done)
    assert requests[1].future.result().documents[0].outputs[0].tolist() == [2.0, 0.0, 105.0, 205.0]
    world.disk.slow[leaves[0]].set()
    world.engine.close(drain_s=0)
    assert not world.placement._held_for.keys() & set(hplms)


@pytest.mark.parametrize("is_gone", [False, True])
def test_another_holds_it_when_that_one_has_its_nodes_or_is_gone(is_gone: bool) -> None:
    world = World(max_copied_bytes=1000)
    world.disk.slow |= {key: threading.Event() for key in (ref("a", 1), ref("n", 101), ref("n", 205))}
    hplm_of(world, 1, [0, 101]), hplm_of(world, 2, [0, 105, 205])
    first = world.submit(1, 1, 1, 1)
    tables = world.loaders["table"].resident_bytes
    world.run_until(lambda: ref("n", 101) in tables())
    if is_gone:
        first.future.cancel()
        world.run_until(lambda: world.engine.num_open_requests == 0)
    else:
        world.disk.slow[ref("n", 101)].set()
        world.run_until(lambda: ref("n", 101) in world.placement._held)
    second = world.submit(2, 2, 2, 1)
    world.run_until(lambda: ref("n", 205) in tables())
    assert ref("n", 105) in world.leased()
    for gate in world.disk.slow.values():
        gate.set()
    world.run_until(lambda: first.future.done() and second.future.done())
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_the_trees_used_longest_ago_are_forgotten() -> None:
    world = World(max_copied_bytes=1000, max_known_trees=2)
    first, second, third = (hplm_of(world, number, [0]) for number in (1, 2, 4))
    for hplm in (first, second, first, third):
        place(world, hplm)
    assert list(world.placement._paths) == [first.tree, third.tree]
    again = world.submit(1, 2, 2, 1)  # its adapter is on the device
    world.run_until(again.future.done)
    assert again.future.result().documents[0].outputs[0].tolist() == [2.0, 0.0]
    world.engine.close(drain_s=0)


def test_what_is_closed_loads_and_copies_no_more_and_holds_nothing() -> None:
    world = World(max_copied_bytes=30)
    bring_near(world, hplm_of(world, 1, [0, 101]))
    assert world.leased()
    for _ in range(2):
        world.engine.close(drain_s=0)
        assert not world.leased()
        world.placement.check_integrity()
    found: list[object] = []
    for loader in world.loaders.values():
        loader.fetch(ref("n", 3), found.append)
    assert [type(each) for each in found] == [NotReady] * 3
    assert not any(thread.is_alive() for thread in world.placement._copying._threads)
