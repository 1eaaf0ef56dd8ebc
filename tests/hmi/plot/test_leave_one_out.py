"""Leaving a document out gives what a tree gives that was built anew without it."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot import reference
from hmi.plot.fixed_point import ONE
from hmi.plot.leave_one_out import CountedTexts, LeaveOneOutLookup, NodeEvidence
from hmi.plot.lookup import LookupResult, PlotArena
from hmi.plot.ngram import Answer, Documents
from hmi.plot.node_budget import NodeBudget
from tests.hmi.plot.worlds import (
    HIDDEN,
    World,
    counted,
    evidence_of,
    pack,
    random_text,
    reference_path,
    segment_of,
    tables_of,
    worlds,
)


def looked_up_uncounted(
    lookup: LeaveOneOutLookup, documents: Documents
) -> tuple[LookupResult, npt.NDArray[np.float32]]:
    """Answers and rows of documents that no segment holds."""
    hashes = np.arange(documents.num_documents, dtype=np.uint64) + np.uint64(1000)
    none = CountedTexts(
        Documents.pack([]), np.zeros(documents.num_documents + 1, np.int64), np.zeros((0, HIDDEN), np.float32)
    )
    out = np.empty((documents.num_tokens, HIDDEN), np.float32)
    return lookup.lookup(documents, hashes, none, out), out


@given(world=worlds())
@settings(deadline=None, max_examples=80)
def test_every_document_is_left_out_as_if_the_tree_had_been_built_without_it(world: World) -> None:
    tables = tables_of(world)
    lookup = LeaveOneOutLookup(evidence_of(world, tables), world.isolated)
    texts = list(world.texts)
    documents, _ = pack([reference.Text(text.windows[:1], text.states[:1]) for text in texts])
    out = np.full((documents.num_tokens, HIDDEN), np.nan, np.float32)

    hashes = np.arange(len(texts), dtype=np.uint64)
    result = lookup.lookup(documents, hashes, counted(texts), out)

    for text in range(len(texts)):
        path = reference_path(world, tables, without=text)
        window = texts[text].windows[0]
        for i, token in enumerate(range(documents.offsets[text], documents.offsets[text + 1])):
            answer, position, row = reference.climb(reference.grams(window, i), path)
            assert (Answer(result.rung[token]), result.node[token]) == (answer, position)
            np.testing.assert_allclose(out[token], row, atol=60 / ONE)  # counts here are below 100


@given(world=worlds())
@settings(deadline=None, max_examples=20)
def test_a_document_that_was_never_counted_is_looked_up_plainly(world: World) -> None:
    tables = tables_of(world)
    lookup = LeaveOneOutLookup(evidence_of(world, tables), world.isolated)
    documents, _ = pack(list(world.texts))
    result, out = looked_up_uncounted(lookup, documents)
    path = reference_path(world, tables)
    windows = [window for text in world.texts for window in text.windows]
    expected = [reference.climb(reference.grams(w, i), path) for w in windows for i in range(len(w))]
    assert [Answer(rung) for rung in result.rung] == [answer for answer, _, _ in expected]
    np.testing.assert_allclose(out, [row for _, _, row in expected], atol=60 / ONE)


def small_world() -> World:
    random = np.random.default_rng(3)
    texts = tuple(random_text(random, [6, 6]) for _ in range(4))
    return World(texts, (((0, 1), (1, 2)),), random.normal(size=(5, HIDDEN)).astype(np.float32))


def test_only_the_windows_that_a_segment_counted_are_left_out_of_it() -> None:
    world = small_world()
    first_only = World(
        tuple(reference.Text(text.windows[:1], text.states[:1]) for text in world.texts),
        world.nodes,
        world.isolated,
    )
    tables = tables_of(first_only)
    segments = tuple(
        segment_of(first_only, texts, str(i), max_windows=1) for i, texts in enumerate(world.nodes[0])
    )
    lookup = LeaveOneOutLookup([NodeEvidence(segments, tables[0])], world.isolated)
    documents, _ = pack([first_only.texts[1]])
    out = np.empty((documents.num_tokens, HIDDEN), np.float32)
    lookup.lookup(
        documents, np.array([1], np.uint64), counted([world.texts[1]]), out
    )  # both windows are given
    path = reference_path(first_only, tables, without=1)
    expected = [reference.climb(reference.grams(world.texts[1].windows[0], i), path)[2] for i in range(6)]
    np.testing.assert_allclose(out, expected, atol=60 / ONE)


def test_it_says_how_many_windows_of_each_text_it_needs() -> None:
    world = small_world()
    lookup = LeaveOneOutLookup(evidence_of(world, tables_of(world)), world.isolated)
    assert lookup.max_windows(np.array([0, 3, 1], np.uint64)).tolist() == [2, 0, 2]


def test_it_refuses_a_counted_text_without_its_windows() -> None:
    world = small_world()
    lookup = LeaveOneOutLookup(evidence_of(world, tables_of(world)), world.isolated)
    documents, _ = pack([world.texts[0]])
    none = CountedTexts(Documents.pack([]), np.zeros(3, np.int64), np.zeros((0, HIDDEN), np.float32))
    out = np.empty((documents.num_tokens, HIDDEN), np.float32)
    with pytest.raises(InvalidInput, match="cannot be left out"):
        lookup.lookup(documents, np.array([0, 9], np.uint64), none, out)


def test_it_refuses_rows_of_another_width_and_an_empty_path() -> None:
    world = small_world()
    evidence = evidence_of(world, tables_of(world))
    with pytest.raises(BundleMismatch, match="different backbones"):
        LeaveOneOutLookup(evidence, np.zeros((5, HIDDEN + 1), np.float32))
    with pytest.raises(InvalidInput, match="at least the root"):
        LeaveOneOutLookup([], world.isolated)


@given(world=worlds(max_nodes=2), share=st.floats(0, 1))
@settings(deadline=None, max_examples=30)
def test_what_a_budget_dropped_is_not_found_either(world: World, share: float) -> None:
    tables = tables_of(world)
    last = len(tables) - 1
    whole = tables[last].num_bytes
    tables = tables_of(world, budgets={last: NodeBudget(max(round(share * whole), 400))})
    lookup = LeaveOneOutLookup(evidence_of(world, tables), world.isolated)
    documents, _ = pack(list(world.texts))
    result, out = looked_up_uncounted(lookup, documents)
    arena = PlotArena(sum(PlotArena.bytes_of(table) for table in tables), HIDDEN)
    path = np.array([arena.add(table) for table in tables], np.int32)
    plain = np.empty_like(out)
    looked_up = arena.lookup(documents, np.tile(path, (documents.num_documents, 1)), plain)
    np.testing.assert_array_equal(result.rung, looked_up.rung)
    np.testing.assert_array_equal(result.node, looked_up.node)
    np.testing.assert_allclose(out, plain, atol=0.25)  # the table's 8 bits, several times over
