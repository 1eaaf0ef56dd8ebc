"""Rows mix evidence and prior by a weight that is fitted to the data."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.estimate import LARGEST_TAU, UNFITTED_TAU, build_table
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import Documents, unigram_keys
from hmi.plot.segment import Segment, build_segment
from hmi.plot.table import PlotTable
from tests.hmi.plot.worlds import VOCAB, World, tables_of, worlds
from wire.ids import DatasetId, Digest

BACKBONE = Digest("sha256:" + "b" * 64)
Rows = npt.NDArray[np.float32]


def segment_of(token_ids: npt.NDArray[np.int32], states: Rows, name: str = "d") -> Segment:
    """Every token its own document, so that only the unigram repeats freely."""
    documents = Documents(token_ids, np.arange(len(token_ids) + 1))
    return build_segment(
        [documents],
        lambda _: states,
        backbone=BACKBONE,
        dataset_id=DatasetId(name),
        hidden=states.shape[1],
        document_hashes=np.arange(len(token_ids), dtype=np.uint64),
    )


def table_of(segments: list[Segment], isolated: Rows) -> PlotTable:
    return build_table(
        merge_segments(segments), backbone=BACKBONE, hidden=isolated.shape[1], parents=(), isolated=isolated
    )


@pytest.mark.parametrize(("within", "between"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.25)])
def test_the_weight_of_the_prior_is_the_noise_over_the_spread(within: float, between: float) -> None:
    random = np.random.default_rng(1)
    vocab, hidden = 400, 8
    isolated = random.normal(size=(vocab, hidden)).astype(np.float32)
    truth = isolated + random.normal(scale=between**0.5, size=(vocab, hidden))
    token_ids = np.repeat(np.arange(vocab, dtype=np.int32), random.integers(1, 12, vocab))
    states = truth[token_ids] + random.normal(scale=within**0.5, size=(len(token_ids), hidden))
    table = table_of([segment_of(token_ids, states.astype(np.float32))], isolated)
    assert table.fields.tau["unigram"] == pytest.approx(within / between, rel=0.15)


def test_a_prior_that_is_right_already_outweighs_all_evidence() -> None:
    random = np.random.default_rng(2)
    isolated = random.normal(size=(50, 4)).astype(np.float32)
    token_ids = np.repeat(np.arange(50, dtype=np.int32), 4)
    noise = random.normal(size=(50, 4, 4))
    noise -= noise.mean(axis=1, keepdims=True)  # every mean is the prior
    states = isolated[token_ids] + noise.reshape(200, 4)
    assert (
        table_of([segment_of(token_ids, states.astype(np.float32))], isolated).fields.tau["unigram"]
        == LARGEST_TAU
    )


def test_where_nothing_was_seen_twice_the_prior_weighs_as_much_as_one_occurrence() -> None:
    isolated = np.ones((3, 2), np.float32)
    states = np.full((3, 2), 3, np.float32)
    table = table_of([segment_of(np.arange(3, dtype=np.int32), states)], isolated)
    assert table.fields.tau["unigram"] == UNFITTED_TAU
    rows = table.rows(table.find(unigram_keys(np.arange(3, dtype=np.int32))))
    np.testing.assert_allclose(rows, 2, rtol=0.01)


def test_a_row_lies_where_the_means_have_next_to_nothing_and_loses_nothing_for_it() -> None:
    """Its prior has outweighed its mean: with steps made by the means alone, one dimension took all bits."""
    isolated = np.array([[-0.628, -1.727, -0.135]], np.float32)
    root = table_of([], isolated)
    states = np.array([[-0.6, 0.009, -0.571]], np.float32)
    segment = segment_of(np.zeros(1, np.int32), states)
    node = build_table(merge_segments([segment]), backbone=BACKBONE, hidden=3, parents=[root], isolated=None)
    np.testing.assert_allclose(node.rows(np.array([0])), [[-0.614, -0.859, -0.353]], atol=0.005)


@given(world=worlds())
@settings(deadline=None, max_examples=60)
def test_no_dimension_takes_the_8_bits_of_the_others(world: World) -> None:
    """A row lies within thrice (left + right - unigram) the largest of what rows are mixed from, of which a
    dimension's scale is the root mean square."""
    tables = tables_of(world)
    for number, table in enumerate(tables):
        keys = table.keys
        above = [parent.find(keys) >= 0 for parent in tables[:number]]
        num_priors = int(np.any(above, axis=0).sum()) if above else VOCAB
        num_mixed = max(int((table.counts > 0).sum()) + num_priors, 1)
        assert np.all(127 * table.row_scales <= 3 * num_mixed**0.5 * (1 + 1e-6) + 0.01)


def test_a_token_in_no_text_keeps_its_isolated_row() -> None:
    isolated = np.array([[1, -2], [3, 4], [-0.5, 8]], np.float32)
    table = table_of([], isolated)
    rows = table.rows(table.find(unigram_keys(np.arange(3, dtype=np.int32))))
    np.testing.assert_allclose(rows, isolated, atol=0.04)
    assert table.fields.num_rows == {"trigram": 0, "left": 0, "right": 0, "unigram": 3}
    assert table.fields.num_tokens == 0


def test_a_trigram_that_is_its_bigrams_only_use_does_not_pass_for_its_own_prior() -> None:
    """Where every bigram is always in one trigram, nothing can be learnt about the trigrams' spread."""
    random = np.random.default_rng(3)
    hidden, phrase = 4, np.arange(5, dtype=np.int32)
    documents = Documents(np.tile(phrase, 6), np.arange(0, 31, 5))
    states = random.normal(size=(30, hidden)).astype(np.float32)
    segment = build_segment(
        [documents],
        lambda _: states,
        backbone=BACKBONE,
        dataset_id=DatasetId("d"),
        hidden=hidden,
        document_hashes=np.arange(6, dtype=np.uint64),
    )
    assert table_of([segment], np.zeros((5, hidden), np.float32)).fields.tau["trigram"] == UNFITTED_TAU


def test_the_same_segments_make_the_same_table_in_any_order() -> None:
    random = np.random.default_rng(4)
    isolated = random.normal(size=(6, 3)).astype(np.float32)
    segments = [
        segment_of(
            random.integers(0, 6, 40).astype(np.int32), random.normal(size=(40, 3)).astype(np.float32), name
        )
        for name in "abc"
    ]
    first, second = table_of(segments, isolated), table_of(segments[::-1], isolated)
    assert first.fields == second.fields
    np.testing.assert_array_equal(first.codes, second.codes)
    np.testing.assert_array_equal(first.slot_keys, second.slot_keys)


def test_roots_and_other_nodes_are_not_confused() -> None:
    isolated = np.ones((3, 2), np.float32)
    root = table_of([], isolated)
    merged = merge_segments([])
    with pytest.raises(InvalidInput, match="a root takes isolated rows"):
        build_table(merged, backbone=BACKBONE, hidden=2, parents=(), isolated=None)
    with pytest.raises(InvalidInput, match="a root takes isolated rows"):
        build_table(merged, backbone=BACKBONE, hidden=2, parents=[root], isolated=isolated)
    with pytest.raises(BundleMismatch, match="another backbone"):
        build_table(merged, backbone=Digest("sha256:" + "c" * 64), hidden=2, parents=[root], isolated=None)


def test_tokens_beyond_the_vocabulary_are_refused() -> None:
    segment = segment_of(np.array([3], np.int32), np.ones((1, 2), np.float32))
    with pytest.raises(InvalidInput, match="beyond the vocabulary of 3"):
        table_of([segment], np.ones((3, 2), np.float32))
    root = table_of([], np.ones((3, 2), np.float32))
    with pytest.raises(InvalidInput, match="another vocabulary"):
        build_table(merge_segments([segment]), backbone=BACKBONE, hidden=2, parents=[root], isolated=None)
