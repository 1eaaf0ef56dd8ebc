"""Looking a batch up gives what the dictionary ladder gives, whatever lies in the arena."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from hmi.base.errors import BudgetExceeded, BundleMismatch, InvalidInput
from hmi.plot import reference
from hmi.plot.causal import CausalScheme
from hmi.plot.lookup import PlotArena
from hmi.plot.ngram import Answer, Documents
from hmi.plot.table import PlotTable
from tests.hmi.plot.worlds import (
    HIDDEN,
    VOCAB,
    World,
    answer_rounding,
    pack,
    random_text,
    reference_path,
    roundings,
    tables_of,
    worlds,
)


def arena_with(tables: list[PlotTable]) -> PlotArena:
    return PlotArena(sum(PlotArena.bytes_of(table) for table in tables), HIDDEN)


@given(world=worlds())
@settings(deadline=None, max_examples=60)
def test_a_batch_gives_what_the_dictionary_ladder_gives(world: World) -> None:
    tables = tables_of(world)
    arena = arena_with(tables)
    nodes = [arena.add(table) for table in tables]
    documents, _ = pack(list(world.texts))
    paths = np.tile(np.array(nodes, np.int32), (documents.num_documents, 1))
    out = np.full((documents.num_tokens, HIDDEN), np.nan, np.float32)

    result = arena.lookup(documents, paths, out)

    path = reference_path(world, tables)
    windows = [window for text in world.texts for window in text.windows]
    wanted = [reference.grams(w, i) for w in windows for i in range(len(w))]
    expected = [reference.climb(grams, path) for grams in wanted]
    assert [Answer(rung) for rung in result.rung] == [answer for answer, _, _ in expected]
    assert result.node.tolist() == [position for _, position, _ in expected]
    bounds = roundings(world, tables, path)
    for row, grams, (answer, _, exact) in zip(out, wanted, expected, strict=True):
        assert np.all(np.abs(row - exact) <= answer_rounding(answer, grams, bounds))


@given(world=worlds(max_nodes=2), other=worlds(max_nodes=2))
@settings(deadline=None, max_examples=25)
def test_a_mixed_batch_gives_each_document_what_it_gets_alone(world: World, other: World) -> None:
    tables, other_tables = tables_of(world), tables_of(other)
    arena = arena_with(tables + other_tables)
    own = [arena.add(table) for table in tables]
    foreign = [arena.add(table) for table in other_tables]
    documents, _ = pack(list(world.texts))
    paths = np.full((documents.num_documents, 2), -1, np.int32)
    for document in range(documents.num_documents):
        nodes = own if document % 2 == 0 else foreign
        paths[document, : len(nodes)] = nodes
    mixed = np.empty((documents.num_tokens, HIDDEN), np.float32)
    result = arena.lookup(documents, paths, mixed)

    for document in range(documents.num_documents):
        here = slice(documents.offsets[document], documents.offsets[document + 1])
        alone = arena_with(tables + other_tables)
        nodes = [alone.add(table) for table in (tables if document % 2 == 0 else other_tables)]
        single = Documents.pack([documents.token_ids[here]])
        out = np.empty((single.num_tokens, HIDDEN), np.float32)
        answer = alone.lookup(single, np.array([nodes], np.int32), out)
        np.testing.assert_array_equal(out, mixed[here])
        np.testing.assert_array_equal(answer.rung, result.rung[here])


def root(seed: int = 1) -> PlotTable:
    random = np.random.default_rng(seed)
    texts = tuple(random_text(random, [6]) for _ in range(4))
    isolated = random.normal(size=(VOCAB, HIDDEN)).astype(np.float32)
    return tables_of(World(texts, (((0, 1, 2, 3),),), isolated))[0]


def test_coverage_is_the_share_of_each_documents_tokens() -> None:
    random = np.random.default_rng(1)
    texts = tuple(random_text(random, [4]) for _ in range(12))
    table = tables_of(World(texts, ((tuple(range(12)),),), np.ones((VOCAB, HIDDEN), np.float32)))[0]
    arena = arena_with([table])
    node = arena.add(table)
    tokens = random.integers(0, VOCAB, 300).astype(np.int32)
    documents = Documents(tokens, np.array([0, 200, 200, 203, 300], np.int64))
    out = np.empty((300, HIDDEN), np.float32)
    result = arena.lookup(documents, np.full((4, 1), node, np.int32), out)
    assert {Answer(rung) for rung in result.rung} == set(Answer), "each is there"
    shares = {Answer.TRIGRAM: 0, Answer.LEFT: 1, Answer.RIGHT: 1, Answer.BOTH_BIGRAMS: 1, Answer.UNIGRAM: 2}
    kinds = np.array([shares[Answer(rung)] for rung in result.rung])
    expected = [
        [np.mean(kinds[first:last] == kind) if last > first else 0 for kind in range(3)]
        for first, last in pairwise(documents.offsets)
    ]
    np.testing.assert_allclose(result.coverage(documents.offsets), expected)
    np.testing.assert_allclose(
        result.covered_share(documents.offsets), [trigram + bigram for trigram, bigram, _ in expected]
    )


def test_the_arena_refuses_what_does_not_fit_and_names_the_numbers() -> None:
    table = root()
    arena = arena_with([table])
    arena.add(table)
    with pytest.raises(BudgetExceeded, match=str(PlotArena.bytes_of(table))) as caught:
        arena.add(table)
    assert caught.value.free_bytes == 0
    assert arena.used_bytes == arena.capacity_bytes


def test_a_removed_nodes_bytes_are_used_again_and_its_neighbours_stay() -> None:
    first, second, third = root(1), root(2), root(3)
    arena = PlotArena(max(map(PlotArena.bytes_of, (first, second, third))) * 2, HIDDEN)
    gone = arena.add(first)
    kept = arena.add(second)
    documents = Documents.pack([np.arange(VOCAB, dtype=np.int32)])
    before, after = np.empty((2, VOCAB, HIDDEN), np.float32)
    arena.lookup(documents, np.array([[kept]], np.int32), before)
    arena.remove(gone)
    arena.check_integrity()
    arena.add(third)
    arena.check_integrity()
    arena.lookup(documents, np.array([[kept]], np.int32), after)
    np.testing.assert_array_equal(before, after)


def test_a_place_that_is_taken_again_by_a_smaller_node_is_not_given_away() -> None:
    random = np.random.default_rng(1)
    texts = tuple(random_text(random, [30]) for _ in range(4))
    isolated = np.ones((VOCAB, HIDDEN), np.float32)
    large, small = tables_of(World(texts, (((0, 1, 2, 3),),), isolated))[0], root()
    arena = arena_with([large, large])
    gone, kept = arena.add(large), arena.add(large)
    arena.remove(gone)
    assert arena.add(small) == gone != kept
    with pytest.raises(BudgetExceeded):
        arena.add(large)
    arena.check_integrity()
    arena.add(small)
    arena.check_integrity()


def test_the_rows_come_from_the_arena_and_not_from_the_table_that_was_added() -> None:
    table = root()
    arena = arena_with([table])
    node = arena.add(table)
    documents = Documents.pack([np.arange(VOCAB, dtype=np.int32)])
    before, after = np.empty((2, VOCAB, HIDDEN), np.float32)
    arena.lookup(documents, np.array([[node]], np.int32), before)
    table.codes[:] = 99
    table.slot_keys[:] = 7
    arena.lookup(documents, np.array([[node]], np.int32), after)
    np.testing.assert_array_equal(before, after)


def test_a_node_that_is_added_in_steps_can_be_named_when_all_of_it_is_there() -> None:
    table = root()
    arena, whole = arena_with([table, table]), arena_with([table])
    node, other = arena.begin(table), arena.add(table)
    assert node != other
    documents = Documents.pack([np.arange(VOCAB, dtype=np.int32)])
    expected, got = np.empty((2, VOCAB, HIDDEN), np.float32)
    whole.lookup(documents, np.array([[whole.add(table)]], np.int32), expected)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="not in the arena"):
            arena.lookup(documents, np.array([[node]], np.int32), got)
        arena.fill(node, table)
    arena.finish(node, table)
    arena.check_integrity()
    arena.lookup(documents, np.array([[node]], np.int32), got)
    np.testing.assert_array_equal(got, expected)
    arena.remove(other)
    arena.remove(arena.begin(table))  # given up before it was filled
    arena.check_integrity()


def test_it_refuses_nodes_that_are_not_there() -> None:
    arena = arena_with([root()])
    documents = Documents.pack([np.zeros(1, np.int32)])
    out = np.empty((1, HIDDEN), np.float32)
    with pytest.raises(InvalidInput, match="not in the arena"):
        arena.lookup(documents, np.zeros((1, 1), np.int32), out)
    with pytest.raises(InvalidInput, match="no node 0"):
        arena.remove(0)


def test_it_refuses_a_token_that_no_node_of_the_path_has() -> None:
    table = root()
    arena = arena_with([table])
    node = arena.add(table)
    documents = Documents.pack([np.array([VOCAB], np.int32)])
    out = np.empty((1, HIDDEN), np.float32)
    with pytest.raises(InvalidInput, match=f"token id {VOCAB}"):
        arena.lookup(documents, np.array([[node]], np.int32), out)
    documents = Documents.pack([np.array([0, VOCAB, 0], np.int32)])
    with pytest.raises(InvalidInput, match=f"token id {VOCAB}"):
        arena.lookup(documents, np.array([[node]], np.int32), np.empty((3, HIDDEN), np.float32))
    with pytest.raises(InvalidInput, match="token id 0"):
        arena.lookup(Documents.pack([np.zeros(1, np.int32)]), np.array([[-1]], np.int32), out)


@pytest.mark.parametrize(
    ("paths", "out", "said"),
    [
        (np.zeros((2, 1), np.int32), np.empty((1, HIDDEN), np.float32), "paths must be"),
        (np.zeros((1, 1), np.int64), np.empty((1, HIDDEN), np.float32), "paths must be"),
        (np.zeros(1, np.int32), np.empty((1, HIDDEN), np.float32), "paths must be"),
        (np.zeros((1, 1), np.int32), np.empty((1, HIDDEN + 1), np.float32), "out must be"),
        (np.zeros((1, 1), np.int32), np.empty((1, HIDDEN), np.float64), "out must be"),
    ],
)
def test_it_refuses_paths_and_outputs_of_the_wrong_shape_or_type(
    paths: npt.NDArray[np.int32], out: npt.NDArray[np.float32], said: str
) -> None:
    table = root()
    arena = arena_with([table])
    assert arena.add(table) == 0
    with pytest.raises(InvalidInput, match=said):
        arena.lookup(Documents.pack([np.zeros(1, np.int32)]), paths, out)


def test_it_refuses_tables_of_another_width_or_scheme() -> None:
    with pytest.raises(BundleMismatch, match="rows of 3, the arena of 4"):
        PlotArena(1 << 20, HIDDEN + 1).add(root())
    with pytest.raises(BundleMismatch, match="n-grams of centred, the arena of causal-3"):
        PlotArena(1 << 20, HIDDEN, CausalScheme(3)).add(root())
