"""Merging is adding: in any order, and the other way round."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.causal import CausalScheme
from hmi.plot.fixed_point import rounded_mean
from hmi.plot.mapped import BLOCK_BYTES
from hmi.plot.merge import MergedStatistics, contains, merge_segments, taken_apart
from hmi.plot.segment import Segment
from tests.hmi.plot.worlds import HIDDEN, World, segment_of, segments_of, worlds
from wire.ids import DatasetId, Digest


def all_segments(world: World) -> list[Segment]:
    return [segment for node in segments_of(world) for segment in node]


def all_sums(merged: MergedStatistics) -> np.ndarray:
    return merged.sums(slice(0, len(merged.keys)), HIDDEN)


@given(world=worlds(), data=st.data())
@settings(deadline=None, max_examples=30)
def test_the_order_of_the_segments_does_not_matter(world: World, data: st.DataObject) -> None:
    segments = all_segments(world)
    first = merge_segments(segments)
    second = merge_segments(data.draw(st.permutations(segments)))
    np.testing.assert_array_equal(first.keys, second.keys)
    np.testing.assert_array_equal(first.counts, second.counts)
    np.testing.assert_array_equal(first.squares, second.squares)
    np.testing.assert_array_equal(all_sums(first), all_sums(second))


@given(world=worlds())
@settings(deadline=None, max_examples=30)
def test_sums_counts_and_squares_are_those_of_the_segments(world: World) -> None:
    segments = all_segments(world)
    merged = merge_segments(segments)
    expected: dict[int, tuple[int, int, list[int]]] = {}
    for segment in segments:
        for row, key in enumerate(segment.keys):
            count, squares, total = expected.get(int(key), (0, 0, [0] * HIDDEN))
            more = [int(segment.counts[row]) * int(value) for value in segment.means[row]]
            expected[int(key)] = (
                count + int(segment.counts[row]),
                squares + int(segment.squares[row]),
                [a + b for a, b in zip(total, more, strict=True)],
            )
    assert merged.keys.tolist() == sorted(expected)
    assert merged.counts.tolist() == [expected[int(key)][0] for key in merged.keys]
    assert merged.squares.tolist() == [expected[int(key)][1] for key in merged.keys]
    assert all_sums(merged).tolist() == [expected[int(key)][2] for key in merged.keys]


@given(world=worlds())
@settings(deadline=None, max_examples=20)
def test_any_range_of_rows_has_the_same_sums(world: World) -> None:
    merged = merge_segments(all_segments(world))
    whole = all_sums(merged)
    for start in range(0, len(merged.keys) + 1, 3):
        np.testing.assert_array_equal(merged.sums(slice(start, start + 4), HIDDEN), whole[start : start + 4])


def test_no_segments_merge_to_nothing() -> None:
    merged = merge_segments([])
    assert len(merged.keys) == merged.num_tokens == 0
    assert all_sums(merged).shape == (0, HIDDEN)


def test_a_dataset_twice_and_segments_of_several_backbones_are_refused() -> None:
    random = np.random.default_rng(1)
    world = World((), (((), ()),), random.normal(size=(5, HIDDEN)).astype(np.float32))
    first, second = all_segments(world)
    with pytest.raises(InvalidInput, match="same dataset"):
        merge_segments([first, first])
    foreign = dataclasses.replace(
        second, fields=dataclasses.replace(second.fields, backbone=Digest("sha256:" + "c" * 64))
    )
    with pytest.raises(BundleMismatch, match="several backbones"):
        merge_segments([first, foreign])
    with pytest.raises(BundleMismatch, match="scheme causal-3"):
        merge_segments([first, second], CausalScheme(3))


WIDE = 450  # so that the means of some thousand rows are more than one block of a file


def large_segment(name: str, keys: npt.NDArray[np.uint64], documents: list[int]) -> Segment:
    """With these keys, each in a few occurrences, and means of any size."""
    random = np.random.default_rng(len(keys))
    world = World((), ((),), np.zeros((5, HIDDEN), np.float32))
    return dataclasses.replace(
        segment_of(world, (), name),
        keys=keys,
        counts=random.integers(1, 50, len(keys)).astype(np.uint32),
        squares=random.integers(0, 10**9, len(keys)),
        means=random.integers(-30_000, 30_000, (len(keys), WIDE), np.int16),
        documents=np.array(documents, np.uint64),
    )


def sum_of(segments: list[Segment], keys: npt.NDArray[np.uint64]) -> Segment:
    """As a shared node has it, of those n-grams that may be shared: ``keys``."""
    merged = merge_segments(segments)
    rows = np.searchsorted(merged.keys, keys)
    return dataclasses.replace(
        segments[0],
        fields=dataclasses.replace(segments[0].fields, dataset_id=DatasetId("sum")),
        keys=keys,
        counts=merged.counts[rows].astype(np.uint32),
        squares=merged.squares[rows],
        means=rounded_mean(merged.sums(rows, WIDE), merged.counts[rows]),
        documents=np.sort(np.concatenate([segment.documents for segment in segments])),
        in_span=np.ones(len(keys), np.uint32),
    )


def test_a_sum_is_taken_apart_into_one_of_its_segments_and_the_others() -> None:
    """Some n-grams are of one of them alone, some of both; and of its own some are not shared."""
    all_keys = np.sort(np.random.default_rng(3).integers(1, 2**63, 12_000).astype(np.uint64))
    own = dataclasses.replace(large_segment("own", all_keys[:9000], [3, 7]), in_span=np.ones(9000, np.uint32))
    other = large_segment("other", all_keys[3000:], [5, 7])
    is_shared = np.arange(12_000) % 5 != 1
    whole = sum_of([own, other], all_keys[is_shared])
    assert whole.means.nbytes > BLOCK_BYTES
    before = whole.squares.copy(), whole.means.copy()
    others, mine = taken_apart(whole, own)
    np.testing.assert_array_equal(whole.squares, before[0])
    np.testing.assert_array_equal(whole.means, before[1])

    given = is_shared[:9000]
    for name in ("keys", "counts", "squares", "means"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(own, name)[given])
    assert mine.in_span is None and others.in_span is None, "nothing is decided by them"
    np.testing.assert_array_equal(others.keys, whole.keys)
    is_there = np.isin(whole.keys, other.keys)
    there = np.isin(other.keys, whole.keys)
    for name in ("counts", "squares", "means"):
        assert not getattr(others, name)[~is_there].any()
    np.testing.assert_array_equal(others.counts[is_there], other.counts[there])
    np.testing.assert_array_equal(others.squares[is_there], other.squares[there])
    assert others.counts.dtype == own.counts.dtype and others.means.dtype == own.means.dtype
    bound = whole.counts[is_there][:, None] / other.counts[there][:, None]
    off = np.abs(others.means[is_there].astype(int) - other.means[there])
    assert (off <= bound + 1).all()
    assert others.documents.tolist() == [5, 7]


def test_a_sum_contains_what_it_has_all_documents_of_and_not_itself() -> None:
    keys = np.array([3, 5], np.uint64)
    own, other = large_segment("own", keys, [3, 7]), large_segment("other", keys, [5])
    whole = sum_of([own, other], keys)
    assert contains(whole, own) and contains(whole, other)
    assert not contains(whole, whole) and not contains(own, own) and not contains(other, own)
    assert not contains(whole, large_segment("partly", keys, [3, 4]))
    assert not contains(whole, large_segment("of no text", keys, []))
