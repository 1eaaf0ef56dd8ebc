"""Who goes first: by age, and by worth against a naive oracle."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.memory.eviction import MAX_USES, EvictionPolicy, LeastRecentlyUsed, LeastWorth
from hmi.memory.residency import Residency
from hmi.memory.room import SlotRoom
from hmi.memory.slots import Slot, SlotPool


def test_age_alone_gives_up_what_was_not_used_for_longest() -> None:
    policy = LeastRecentlyUsed[str]()
    for key in "abca":
        policy.touch(key, 1)
    assert list(policy.candidates()) == ["b", "c", "a"]


def test_worth_keeps_what_is_used_more_and_of_equals_the_smaller() -> None:
    policy = LeastWorth[str](load_bytes=1000)
    for key, num_bytes in (("large", 500), ("small", 100), ("often", 500), ("often", 500), ("often", 500)):
        policy.touch(key, num_bytes)
    assert list(policy.candidates()) == ["large", "often", "small"]


def test_of_equal_worth_the_one_used_longest_ago_goes_first() -> None:
    policy = LeastWorth[str](load_bytes=1000)
    for key in "abcacb":
        policy.touch(key, 100)
    assert list(policy.candidates()) == ["a", "c", "b"]


def test_what_was_forgotten_and_comes_again_begins_anew() -> None:
    policy = LeastWorth[str](load_bytes=1000)
    for key in "aab":
        policy.touch(key, 100)
    policy.forget("a")
    policy.touch("a", 100)
    assert list(policy.candidates()) == ["b", "a"]


@pytest.mark.parametrize("policy", [LeastRecentlyUsed[str](), LeastWorth[str](load_bytes=1000)])
def test_what_was_forgotten_while_it_was_held_is_held_no_more(policy: EvictionPolicy[str]) -> None:
    policy.touch("a", 100)
    policy.hold("a")
    policy.forget("a")
    policy.touch("a", 100)
    assert list(policy.candidates()) == ["a"]


def test_worth_is_in_order_when_what_was_forgotten_has_been_cleared_away() -> None:
    policy = LeastWorth[int](load_bytes=1000)
    sizes = {key: 1 + key * 7919 % 1009 for key in range(400)}  # no two alike, in no order
    sizes[-1] = 10**9  # worth least throughout: were what is forgotten the least, the others would age
    for key in sorted(sizes):
        policy.touch(key, sizes[key])
        if key % 8 and key > 0:
            policy.forget(key)
    left = [key for key in sizes if key % 8 == 0 or key < 0]
    assert list(policy.candidates()) == sorted(left, key=sizes.__getitem__, reverse=True)


def test_what_was_popular_once_goes_in_the_end() -> None:
    """However popular: a version that served for days and was replaced kept its slot for as long again."""
    policy = LeastWorth[str](load_bytes=1000)
    for _ in range(100_000):
        policy.touch("past", 100)
    for number in range(200):
        policy.touch(f"new {number}", 100)
        victim = next(policy.candidates())
        policy.forget(victim)
        if victim == "past":
            return
    raise AssertionError("it stayed for ever")


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=120), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_worth_orders_as_the_definition_does(steps: list[tuple[int, bool]], load_bytes: int) -> None:
    policy = LeastWorth[int](load_bytes=load_bytes)
    age, worth, uses = 0.0, dict[int, float](), dict[int, int]()
    for key, is_use in steps:
        num_bytes = 10 * (key + 1)
        if is_use:
            policy.touch(key, num_bytes)
            uses[key] = min(uses.get(key, 0) + 1, MAX_USES)
            worth[key] = age + uses[key] * (load_bytes + num_bytes) / num_bytes
        elif key in worth:
            policy.forget(key)
            gone = worth.pop(key)
            uses.pop(key)
            if all(gone <= other for other in worth.values()):
                age = max(age, gone)
        order = list(policy.candidates())
        assert sorted(order) == sorted(worth)
        assert [worth[key] for key in order] == sorted(worth.values())


def test_worth_hits_more_often_than_age_when_few_are_popular() -> None:
    chance = random.Random(1)
    asked = [int(chance.paretovariate(0.7)) % 500 for _ in range(6000)]
    hits = []
    for policy in (LeastRecentlyUsed[int](), LeastWorth[int](load_bytes=1000)):
        residency: Residency[int, Slot, int] = Residency(SlotRoom(SlotPool(20)), policy)
        num_hits = 0
        for key in asked:
            if residency.touch(key):
                num_hits += 1
            else:
                residency.begin_load(key, 100)
                residency.finish_load(key, key)
        residency.check_integrity()
        hits.append(num_hits)
    assert hits[1] > 1.03 * hits[0]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["touch", "hold", "let go"])), max_size=200))
@settings(max_examples=60, deadline=None)
def test_what_is_held_is_no_candidate_until_it_is_let_go(steps: list[tuple[int, str]]) -> None:
    for policy in (LeastWorth[int](load_bytes=10), LeastRecentlyUsed[int]()):
        known, held = set[int](), set[int]()
        for key, step in steps:
            if step == "touch":
                policy.touch(key, 1)
                known.add(key)
            elif step == "hold" and key in known - held:
                policy.hold(key)
                held.add(key)
            elif step == "let go" and key in held:
                policy.let_go(key)
                held.remove(key)
            assert sorted(policy.candidates()) == sorted(known - held)


def test_what_was_used_while_it_was_held_is_worth_more_afterwards() -> None:
    policy = LeastWorth[str](load_bytes=10)
    for key in "ab":
        policy.touch(key, 1)
    policy.hold("a")
    policy.touch("a", 1)
    policy.let_go("a")
    assert list(policy.candidates()) == ["b", "a"]
