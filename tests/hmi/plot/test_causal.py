"""The causal scheme does, in chains of keys, what dictionaries of suffixes do."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot import reference
from hmi.plot.causal import MAX_VOCAB_SIZE, CausalScheme
from hmi.plot.counting import Work
from hmi.plot.estimate import build_table
from hmi.plot.fixed_point import ONE
from hmi.plot.leave_one_out import LeaveOneOutLookup, NodeEvidence
from hmi.plot.lookup import PlotArena
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import Documents
from hmi.plot.node_budget import NodeBudget
from hmi.plot.reference import Suffix
from hmi.plot.segment import Segment, build_segment, open_segment, write_segment
from hmi.plot.table import PlotTable, load_table, save_table
from tests.hmi.plot.worlds import (
    BACKBONE,
    HIDDEN,
    MEAN_ROUNDING,
    MIN_COUNT,
    VOCAB,
    World,
    half_step,
    pack,
    world_of_long_texts,
    worlds,
)
from tests.hmi.plot.worlds import counted as counted_texts
from wire.ids import DatasetId

orders = st.integers(1, 4)
tokens = st.integers(0, 2) | st.integers(0, MAX_VOCAB_SIZE - 1)
texts = st.lists(st.lists(tokens, max_size=7), max_size=6)


def batches_of(texts: list[list[int]]) -> list[Documents]:
    return [
        Documents.pack([np.array(text, np.int32) for text in texts[i : i + 2]])
        for i in range(0, len(texts), 2)
    ]


def named(keys: np.ndarray) -> list[Suffix]:
    """The suffixes of a set, by walking each key's chain."""
    names: list[Suffix] = []
    for key in map(int, keys):
        length, shorter, code = key >> 56, key >> 24 & 0xFFFFFFFF, key & 0xFFFFFF
        names.append((code,) if length == 1 else (code, *names[shorter]))
        assert len(names[-1]) == length
    return names


def counted(texts: list[list[int]], order: int, min_count: int) -> Counter[Suffix]:
    found = Counter(
        suffix for text in texts for i in range(len(text)) for suffix in reference.suffixes(text, i, order)
    )
    return Counter({s: n for s, n in found.items() if len(s) == 1 or n >= min_count})


@given(texts=texts, order=orders, min_count=st.integers(1, 3), is_on_disk=st.booleans())
@settings(deadline=None, max_examples=60)
def test_the_set_is_that_of_a_dictionary_and_closed_under_shortening(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[list[int]],
    order: int,
    min_count: int,
    is_on_disk: bool,
) -> None:
    work = Work(tmp_path_factory.mktemp("work"), max_bytes=256) if is_on_disk else None
    found = CausalScheme(order).count(batches_of(texts), min_count, work)
    keys, counts, num_tokens = found.keys, found.counts, found.num_tokens
    expected = counted(texts, order, min_count)
    assert num_tokens == sum(map(len, texts))
    assert np.all(keys[1:] > keys[:-1])
    assert np.all(keys > 0)
    assert dict(zip(named(keys), counts.tolist(), strict=True)) == expected
    assert all(len(suffix) == 1 or suffix[1:] in expected for suffix in expected)


@given(known=texts, others=texts, order=orders)
@settings(deadline=None, max_examples=60)
def test_a_tokens_rows_are_those_of_its_suffixes(
    known: list[list[int]], others: list[list[int]], order: int
) -> None:
    scheme = CausalScheme(order)
    keys = scheme.count(batches_of(known), 2).keys
    place = {suffix: row for row, suffix in enumerate(named(keys))}
    documents = Documents.pack([np.array(text, np.int32) for text in known + others])
    rows = scheme.rows(documents, keys)
    wanted = [reference.suffixes(text, i, order) for text in known + others for i in range(len(text))]
    for token, of_token in enumerate(wanted):
        expected = [place.get(suffix, -1) for suffix in of_token] + [-1] * (order - len(of_token))
        assert rows[::-1, token].tolist() == expected


@given(several=st.lists(texts, max_size=3), order=orders, data=st.data())
@settings(deadline=None, max_examples=60)
def test_sets_are_put_together_compared_and_pruned_as_sets_of_suffixes(
    several: list[list[list[int]]], order: int, data: st.DataObject
) -> None:
    scheme = CausalScheme(order)
    sets = [scheme.count(batches_of(texts), 2).keys for texts in several]
    together = scheme.union(sets)
    names = named(together)
    assert set(names) == {suffix for keys in sets for suffix in named(keys)}
    for keys in sets:
        assert [names[row] for row in scheme.among(keys, together)] == named(keys)
        back = scheme.among(together, keys)
        place = {suffix: row for row, suffix in enumerate(named(keys))}
        assert back.tolist() == [place.get(suffix, -1) for suffix in names]
    kept: list[int] = []
    for row, suffix in enumerate(names):  # any set that is closed under shortening
        if (len(suffix) == 1 or names.index(suffix[1:]) in kept) and data.draw(st.booleans()):
            kept.append(row)
    pruned = scheme.pruned(together, np.array(kept, np.int64))
    assert named(pruned) == [names[row] for row in kept]
    for rung in range(order):
        here = scheme.rung_rows(together, rung)
        assert all(len(suffix) == order - rung for suffix in names[here])
        for part in scheme.parts(together, here, rung):
            assert (part.sign, part.rung) == (1, rung + 1)
            assert [names[row] for row in part.rows] == [suffix[1:] for suffix in names[here]]


def segment_of(
    world: World, texts: tuple[int, ...], name: str, order: int, work: Work | None = None
) -> Segment:
    documents, states = pack([world.texts[text] for text in texts])
    return build_segment(
        [documents],
        lambda _: states,
        backbone=BACKBONE,
        dataset_id=DatasetId(name),
        hidden=HIDDEN,
        document_hashes=np.array(texts, np.uint64),
        min_count=MIN_COUNT,
        max_windows=2,
        work=work,
        scheme=CausalScheme(order),
    )


def segments_of(world: World, order: int) -> list[tuple[Segment, ...]]:
    return [
        tuple(segment_of(world, texts, f"{node}-{i}", order) for i, texts in enumerate(datasets))
        for node, datasets in enumerate(world.nodes)
    ]


def tables_of(world: World, order: int, budgets: "dict[int, NodeBudget] | None" = None) -> list[PlotTable]:
    tables: list[PlotTable] = []
    for node, datasets in enumerate(world.nodes):
        segments = [segment_of(world, texts, f"{node}-{i}", order) for i, texts in enumerate(datasets)]
        tables.append(
            build_table(
                merge_segments(segments, CausalScheme(order)),
                backbone=BACKBONE,
                hidden=HIDDEN,
                parents=tables,
                isolated=None if tables else world.isolated,
                budget=(budgets or {}).get(node),
                scheme=CausalScheme(order),
            )
        )
    return tables


def reference_path(
    world: World, tables: list[PlotTable], order: int, without: int | None = None
) -> list[dict[Suffix, reference.Vector]]:
    path: list[dict[Suffix, reference.Vector]] = []
    for datasets, table in zip(world.nodes, tables, strict=True):
        merged: dict[Suffix, reference.Evidence] = {}
        for texts in datasets:
            for suffix, more in reference.count_suffixes(
                [world.texts[t] for t in texts if t != without], order, MIN_COUNT
            ).items():
                before = merged.get(suffix, reference.Evidence(0, np.zeros_like(more.total)))
                merged[suffix] = reference.Evidence(before.count + more.count, before.total + more.total)
        tau = {length: table.fields.tau[f"suffix_{length}"] for length in range(1, order + 1)}
        isolated = None if path else [row.astype(np.float64) for row in world.isolated]
        path.append(reference.suffix_rows(merged, tau, path, isolated))
    return path


def roundings(
    tables: list[PlotTable], path: list[dict[Suffix, reference.Vector]]
) -> list[dict[Suffix, reference.Vector]]:
    """As worlds.roundings."""
    bounds: list[dict[Suffix, reference.Vector]] = []
    for table, rows in zip(tables, path, strict=True):
        place = {suffix: row for row, suffix in enumerate(named(table.keys))}
        here: dict[Suffix, reference.Vector] = {}
        for suffix in sorted(rows, key=len):
            tau, count = table.fields.tau[f"suffix_{len(suffix)}"], int(table.counts[place[suffix]])
            above = next((one[suffix] for one in reversed(bounds) if suffix in one), None)
            prior = above if above is not None else here.get(suffix[1:], np.zeros(HIDDEN))
            here[suffix] = half_step(table, place[suffix]) + tau / (count + tau) * prior + MEAN_ROUNDING
        bounds.append(here)
    return bounds


@given(world=worlds(), order=orders)
@settings(deadline=None, max_examples=60)
def test_a_batch_gives_what_the_ladder_of_suffixes_gives(world: World, order: int) -> None:
    tables = tables_of(world, order)
    arena = PlotArena(sum(map(PlotArena.bytes_of, tables)), HIDDEN, CausalScheme(order))
    nodes = [arena.add(table) for table in tables]
    documents, _ = pack(list(world.texts))
    out = np.full((documents.num_tokens, HIDDEN), np.nan, np.float32)
    result = arena.lookup(documents, np.tile(np.array(nodes, np.int32), (documents.num_documents, 1)), out)

    path = reference_path(world, tables, order)
    windows = [window for text in world.texts for window in text.windows]
    wanted = [reference.suffixes(w, i, order) for w in windows for i in range(len(w))]
    expected = [reference.climb_suffixes(suffixes, path) for suffixes in wanted]
    assert (order - result.rung).tolist() == [length for length, _, _ in expected]
    assert result.node.tolist() == [position for _, position, _ in expected]
    bounds = roundings(tables, path)
    for row, suffixes, (length, position, exact) in zip(out, wanted, expected, strict=True):
        assert np.all(np.abs(row - exact) <= bounds[position][suffixes[length - 1]])
    shares = result.coverage(np.array([0, documents.num_tokens]))
    lengths = np.array([length for length, _, _ in expected])
    np.testing.assert_allclose(shares[0], [np.mean(lengths == order - rung) for rung in range(order)])


@given(world=worlds(), order=orders)
@settings(deadline=None, max_examples=60)
def test_every_document_is_left_out_as_if_the_tree_had_been_built_without_it(
    world: World, order: int
) -> None:
    tables, texts = tables_of(world, order), list(world.texts)
    evidence = zip(segments_of(world, order), tables, strict=True)
    lookup = LeaveOneOutLookup([NodeEvidence(*one) for one in evidence], world.isolated)
    documents, _ = pack([reference.Text(text.windows[:1], text.states[:1]) for text in texts])
    out = np.full((documents.num_tokens, HIDDEN), np.nan, np.float32)
    result = lookup.lookup(documents, np.arange(len(texts), dtype=np.uint64), counted_texts(texts), out)
    for text in range(len(texts)):
        path = reference_path(world, tables, order, without=text)
        window = texts[text].windows[0]
        for i, token in enumerate(range(documents.offsets[text], documents.offsets[text + 1])):
            wanted = reference.suffixes(window, i, order)
            length, position, row = reference.climb_suffixes(wanted, path)
            assert (order - result.rung[token], result.node[token]) == (length, position)
            np.testing.assert_allclose(out[token], row, atol=60 / ONE)  # counts here are below 100
    assert result.coverage(documents.offsets).shape == (len(texts), order)


def test_nodes_of_two_schemes_are_no_path_to_leave_out_of() -> None:
    text = reference.Text(((0, 1, 0, 1),), (np.zeros((4, HIDDEN)),))
    world = World((text,), (((0,),),), np.ones((VOCAB, HIDDEN), np.float32))
    (two,), (three,) = tables_of(world, 2), tables_of(world, 3)
    with pytest.raises(BundleMismatch, match=r"causal-2.*causal-3"):
        LeaveOneOutLookup([NodeEvidence((), two), NodeEvidence((), three)], world.isolated)


@pytest.mark.parametrize("num_nodes", [1, 2])
@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_pruning_changes_no_row_that_stays(num_nodes: int, order: int, share: float) -> None:
    world = world_of_long_texts(num_nodes)
    whole = tables_of(world, order)
    last = num_nodes - 1
    budget = NodeBudget(round(share * whole[last].num_bytes))
    pruned = tables_of(world, order, {last: budget})[last]
    of_whole = CausalScheme(order).among(pruned.keys, whole[last].keys)
    assert np.all(of_whole >= 0)
    np.testing.assert_array_equal(pruned.rows(np.arange(pruned.num_rows)), whole[last].rows(of_whole))
    assert 0 < pruned.num_rows < whole[last].num_rows and pruned.num_bytes <= budget.max_bytes


@given(world=worlds(max_nodes=1), order=orders)
@settings(deadline=None, max_examples=20)
def test_leaving_a_segment_out_is_never_having_had_it_and_the_order_does_not_matter(
    world: World, order: int
) -> None:
    scheme = CausalScheme(order)
    segments = [segment_of(world, (text,), str(text), order) for text in range(len(world.texts))]
    first, second = merge_segments(segments, scheme), merge_segments(segments[::-1], scheme)
    np.testing.assert_array_equal(first.keys, second.keys)
    everything = slice(0, len(first.keys))
    np.testing.assert_array_equal(first.sums(everything, HIDDEN), second.sums(everything, HIDDEN))
    without = merge_segments(segments[1:], scheme)
    rows = scheme.among(without.keys, first.keys)
    own = scheme.among(first.keys, segments[0].keys)
    for name in ("counts", "squares"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        left = getattr(first, name) - np.where(own >= 0, getattr(segments[0], name)[own], 0)
        np.testing.assert_array_equal(left[rows], getattr(without, name))
    alone = merge_segments(segments[:1], scheme)
    np.testing.assert_array_equal(alone.squares, segments[0].squares)


@given(world=worlds(max_nodes=1))
@settings(deadline=None, max_examples=10)
def test_a_segment_and_a_table_are_read_back_and_the_disk_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, world: World
) -> None:
    folder = tmp_path_factory.mktemp("causal")
    texts = tuple(range(len(world.texts)))
    segment = segment_of(world, texts, "a", 3)
    (folder / "work").mkdir()
    spilled = segment_of(world, texts, "a", 3, Work(folder / "work", max_bytes=256, keep_tokens=5))
    digest = write_segment(segment, folder / "segment")
    assert write_segment(spilled, folder / "spilled") == digest
    opened = open_segment(folder / "segment", digest, backbone=BACKBONE)
    assert opened.fields.scheme == "causal-3"
    table = tables_of(replace(world, nodes=((texts,),)), 3)[0]
    save_table(table, folder / "t.plot")
    loaded = load_table(folder / "t.plot", backbone=BACKBONE)
    np.testing.assert_array_equal(loaded.keys, table.keys)
    assert loaded.fields.num_rows == {
        f"suffix_{length}": sum(len(name) == length for name in named(loaded.keys)) for length in (3, 2, 1)
    }


def test_what_belongs_to_another_scheme_is_refused(tmp_path: Path) -> None:
    text = reference.Text(((0, 1, 0, 1),), (np.zeros((4, HIDDEN)),))
    world = World((text,), (((0,),),), np.ones((VOCAB, HIDDEN), np.float32))
    segment, (root,) = segment_of(world, (0,), "a", 2), tables_of(world, 2)
    with pytest.raises(BundleMismatch, match="scheme centred"):
        merge_segments([segment])
    with pytest.raises(BundleMismatch, match="scheme causal-3"):
        merge_segments([segment], CausalScheme(3))
    nothing = merge_segments([])
    with pytest.raises(BundleMismatch, match="table above"):
        build_table(nothing, backbone=BACKBONE, hidden=HIDDEN, parents=(root,), isolated=None)
    with pytest.raises(BundleMismatch, match="n-grams of causal-2, the arena of centred"):
        PlotArena(1 << 16, HIDDEN).add(root)
    with pytest.raises(InvalidInput, match="1 to 8 tokens"):
        CausalScheme(9)
    with pytest.raises(InvalidInput, match="token ids must be between"):
        CausalScheme(2).rows(Documents.pack([np.array([-1], np.int32)]), segment.keys)


def test_states_are_summed_where_the_suffix_ends() -> None:
    states = np.arange(5 * HIDDEN).reshape(5, HIDDEN) / ONE
    text = reference.Text(((1, 2, 1, 2, 2),), (states,))
    segment = segment_of(World((text,), (), np.zeros((VOCAB, HIDDEN), np.float32)), (0,), "a", 2)
    mean = {name: segment.means[row] for row, name in enumerate(named(segment.keys))}
    assert set(mean) == {(3,), (4,), (3, 4)}  # codes: token id and 2
    np.testing.assert_array_equal(mean[3, 4], (states[1] + states[3]) / 2 * ONE)
