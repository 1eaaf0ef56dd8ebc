"""Merging is adding: in any order, and the other way round."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.fixed_point import rounded_mean
from hmi.plot.merge import MergedStatistics, contains, merge_segments, taken_apart
from hmi.plot.segment import Segment
from tests.hmi.plot.worlds import HIDDEN, World, random_text, segments_of, worlds
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


def test_a_sum_is_taken_apart_into_one_of_its_segments_and_the_others() -> None:
    random = np.random.default_rng(5)
    texts = tuple(random_text(random, [6, 6]) for _ in range(6))
    world = World(texts, (((0, 1, 2), (3, 4, 5)),), np.zeros((5, HIDDEN), np.float32))
    own, other = segments_of(world)[0]
    merged = merge_segments([own, other])
    whole = dataclasses.replace(
        own,
        fields=dataclasses.replace(own.fields, dataset_id=DatasetId("sum")),
        keys=merged.keys,
        counts=merged.counts.astype(np.uint32),
        squares=merged.squares,
        means=rounded_mean(all_sums(merged), merged.counts),
        documents=np.union1d(own.documents, other.documents),
    )
    assert contains(whole, own) and not contains(own, own) and not contains(other, own)
    others, mine = taken_apart(whole, own)
    np.testing.assert_array_equal(mine.keys, own.keys)
    np.testing.assert_array_equal(mine.means, own.means)
    is_there = np.isin(whole.keys, other.keys)
    np.testing.assert_array_equal(others.counts[is_there], other.counts)
    assert not others.counts[~is_there].any()
    np.testing.assert_array_equal(others.squares[is_there], other.squares)
    bound = whole.counts[is_there][:, None] / other.counts[:, None]
    assert (np.abs(others.means[is_there].astype(int) - other.means) <= bound + 1).all()
    np.testing.assert_array_equal(others.documents, other.documents)
