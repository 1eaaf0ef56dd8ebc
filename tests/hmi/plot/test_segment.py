"""A segment holds exactly what the dictionary counting finds, whatever the batches."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.plot import reference
from hmi.plot.causal import CausalScheme
from hmi.plot.counting import Work
from hmi.plot.fixed_point import ONE, rounded_mean, to_fixed
from hmi.plot.ngram import CentredScheme, Documents, Rung
from hmi.plot.segment import (
    Segment,
    build_segment,
    open_segment,
    text_hash,
    text_hashes,
    write_segment,
)
from tests.hmi.plot.worlds import BACKBONE, HIDDEN, MIN_COUNT, World, pack, random_text, segment_of, worlds
from wire.ids import DatasetId, Digest


def all_texts(world: World) -> tuple[int, ...]:
    return tuple(range(len(world.texts)))


@given(world=worlds())
@settings(deadline=None, max_examples=40)
def test_it_counts_and_averages_as_the_dictionary_does(world: World) -> None:
    segment = segment_of(world, all_texts(world), "d")
    expected = reference.count_dataset(list(world.texts), MIN_COUNT)
    names: dict[int, reference.Gram] = {}
    for text in world.texts:
        for window in text.windows:
            keys = CentredScheme.keys(Documents.pack([np.array(window, np.int32)]))
            for place in range(len(window)):
                for rung, gram in reference.grams(window, place).items():
                    names[int(keys[rung, place])] = gram
    assert {names[int(key)] for key in segment.keys} == set(expected)
    for row, key in enumerate(segment.keys):
        seen = expected[names[int(key)]]
        assert segment.counts[row] == seen.count
        np.testing.assert_allclose(segment.means[row] / ONE, seen.total / seen.count, atol=0.5001 / ONE)
    assert segment.fields.num_tokens == sum(len(w) for text in world.texts for w in text.windows)
    assert segment.documents.tolist() == list(all_texts(world))


@given(world=worlds())
@settings(deadline=None, max_examples=20)
def test_one_batch_gives_the_same_as_many(world: World) -> None:
    documents, states = pack(list(world.texts))
    whole = build_segment(
        [documents],
        lambda _: states,
        backbone=BACKBONE,
        dataset_id=DatasetId("d"),
        hidden=HIDDEN,
        document_hashes=np.array(all_texts(world), np.uint64),
        max_windows=2,
    )
    assert_equal(whole, segment_of(world, all_texts(world), "d"))


def assert_equal(first: Segment, second: Segment) -> None:
    assert first.fields == second.fields
    for name in ("keys", "counts", "squares", "means", "documents"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def build(batches: list[Documents], states: np.ndarray, hashes: list[int]) -> Segment:
    return build_segment(
        batches,
        lambda _: states,
        backbone=BACKBONE,
        dataset_id=DatasetId("d"),
        hidden=states.shape[1],
        document_hashes=np.array(hashes, np.uint64),
    )


def test_an_n_gram_that_is_seen_very_often_is_added_up_exactly() -> None:
    num_tokens = 200_000  # more than 32 bits hold of the largest state
    documents = Documents.pack([np.zeros(num_tokens, np.int32)])
    segment = build([documents], np.full((num_tokens, 1), 31.5, np.float32), [1])
    assert segment.counts.max() == num_tokens
    assert np.all(segment.means == round(31.5 * ONE))
    assert segment.squares.max() == num_tokens * round(31.5 * ONE) ** 2


def test_no_text_makes_an_empty_segment() -> None:
    segment = build([], np.zeros((0, 2), np.float32), [])
    assert len(segment.keys) == 0
    assert segment.means.shape == (0, 2)


@pytest.mark.parametrize("value", [32.5, -33.0, np.nan, np.inf])
def test_a_state_that_cannot_be_held_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be tabulated"):
        build([Documents.pack([np.zeros(1, np.int32)])], np.array([[value]], np.float32), [1])


def test_a_text_given_twice_and_states_of_the_wrong_shape_are_refused() -> None:
    documents = Documents.pack([np.zeros(2, np.int32)])
    with pytest.raises(InvalidInput, match="counts each text once"):
        build([documents], np.zeros((2, 2), np.float32), [7, 7])
    with pytest.raises(InvalidInput, match="states are"):
        build([documents], np.zeros((3, 2), np.float32), [7])


def test_batches_that_can_be_walked_only_once_are_refused() -> None:
    documents = Documents.pack([np.zeros(2, np.int32)])
    with pytest.raises(InvalidInput, match="changed between two passes: 2 tokens, then 0"):
        build_segment(
            iter([documents]),
            lambda d: np.zeros((d.num_tokens, 1), np.float32),
            backbone=BACKBONE,
            dataset_id=DatasetId("d"),
            hidden=1,
            document_hashes=np.array([1], np.uint64),
        )


def test_a_mean_is_rounded_to_the_nearest_in_whole_numbers() -> None:
    sums = np.array([[5], [-5], [6], [-6], [7], [-7]])
    counts = np.array([4, 4, 4, 4, 4, 4])
    assert rounded_mean(sums, counts).ravel().tolist() == [1, -1, 2, -1, 2, -2]
    assert to_fixed(np.array([0.75 / ONE, -0.75 / ONE], np.float32)).tolist() == [1, -1]


@given(
    st.integers(-32767, 32767), st.one_of(st.integers(1, 100), st.integers(1, 2**32 - 1)), st.integers(-2, 2)
)
def test_a_mean_beside_a_half_is_rounded_as_whole_numbers_are(mean: int, count: int, beside: int) -> None:
    total = min(max(mean * count - count // 2 + beside, -32767 * count), 32767 * count)
    found = rounded_mean(np.array([[total]]), np.array([count]))
    assert found.item() == (2 * total + count) // (2 * count)


def small_segment() -> Segment:
    documents = Documents.pack([np.array([1, 2, 1, 2, 3], np.int32)])
    return build([documents], np.arange(10, dtype=np.float32).reshape(5, 2), [5])


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    segment = small_segment()
    digest = write_segment(segment, tmp_path / "s")
    assert_equal(open_segment(tmp_path / "s", digest, backbone=BACKBONE), segment)


def test_equal_segments_have_equal_digests(tmp_path: Path) -> None:
    assert write_segment(small_segment(), tmp_path / "a") == write_segment(small_segment(), tmp_path / "b")


def test_a_segment_of_another_backbone_or_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    digest = write_segment(small_segment(), tmp_path / "s")
    with pytest.raises(BundleMismatch, match="belongs to backbone"):
        open_segment(tmp_path / "s", digest, backbone=Digest("sha256:" + "c" * 64))
    older = replace(small_segment(), fields=replace(small_segment().fields, text_form=1))
    older_digest = write_segment(older, tmp_path / "older")
    with pytest.raises(BundleMismatch, match="build the trees again"):
        open_segment(tmp_path / "older", older_digest)
    means = tmp_path / "s" / "means.npy"
    content = bytearray(means.read_bytes())
    content[-1] ^= 1
    means.write_bytes(content)
    with pytest.raises(BundleBroken, match="has changed"):
        open_segment(tmp_path / "s", digest)


def test_a_text_is_recognised_whatever_its_case_and_white_space_became() -> None:
    assert text_hash("two  words\r\n") == text_hash("two words")
    assert text_hash("TWO Words") == text_hash("two words")
    assert text_hash("two words") != text_hash("two word")
    assert text_hashes(["a", "b"]).tolist() == [text_hash("a"), text_hash("b")]


def test_it_knows_which_texts_it_holds() -> None:
    assert small_segment().holds(np.array([4, 5], np.uint64)).tolist() == [False, True]


@given(
    world=worlds(), max_bytes=st.sampled_from([1, 200, 1 << 20]), keep_tokens=st.sampled_from([1 << 16, None])
)
@settings(deadline=None, max_examples=60)
def test_by_way_of_the_disk_it_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, world: World, max_bytes: int, keep_tokens: int | None
) -> None:
    work = Work(tmp_path_factory.mktemp("work"), max_bytes, keep_tokens)
    assert_equal(
        segment_of(world, all_texts(world), "d", work=work), segment_of(world, all_texts(world), "d")
    )


@given(
    texts=st.lists(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=6), max_size=6),
    scheme=st.sampled_from([CentredScheme(), CausalScheme(3)]),
    is_on_disk=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_occurrences_that_touch_a_span_are_counted_by_themselves(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[list[tuple[int, bool]]],
    scheme: "CentredScheme | CausalScheme",
    is_on_disk: bool,
) -> None:
    """The oracle counts the texts once more with every token that is in a span made another one."""
    ids, changed = (
        Documents.pack([np.array([token + 10 * (is_changed and in_span) for token, in_span in text], np.int32)
                        for text in texts])
        for is_changed in (False, True)
    )  # fmt: skip
    marked = replace(ids, in_span=np.array([in_span for text in texts for _, in_span in text], np.bool_))
    work = Work(tmp_path_factory.mktemp("work"), max_bytes=256) if is_on_disk else None
    found = scheme.count([marked], 1, work)
    without = scheme.count([changed], 1)
    at = scheme.among(found.keys, without.keys)
    outside = np.where(at >= 0, without.counts[at] if len(without.counts) else 0, 0)
    in_span = np.zeros(len(found.counts)) if found.in_span is None else found.in_span
    assert (found.counts - in_span).tolist() == outside.tolist()
    assert found.counts.tolist() == scheme.count([ids], 1).counts.tolist()
    work = Work(tmp_path_factory.mktemp("again"), max_bytes=256) if is_on_disk else None
    standing = scheme.count([marked], 1, work, lambda keys, outside, least: outside >= least)
    rows = scheme.among(standing.keys, found.keys)
    assert rows.tolist() == np.flatnonzero(outside).tolist()
    assert standing.counts.tolist() == found.counts[rows].tolist()


def test_a_segment_knows_what_occurs_outside_of_spans_and_keeps_it(tmp_path: Path) -> None:
    ids = np.array([0, 1, 2, 0, 1, 2, 0, 1, 4], np.int32)
    in_span = np.array([False, False, True, False, False, True, False, False, True])
    documents = Documents(ids, np.array([0, 3, 6, 9], np.int64), in_span)
    segment = build_segment(
        [documents],
        lambda documents: np.zeros((documents.num_tokens, HIDDEN), np.float32),
        backbone=BACKBONE,
        dataset_id=DatasetId("d"),
        hidden=HIDDEN,
        document_hashes=np.arange(3, dtype=np.uint64),
    )
    digest = write_segment(segment, tmp_path / "segment")
    opened = open_segment(tmp_path / "segment", digest)
    assert opened.in_span is not None
    outside = opened.keys[opened.is_outside()]
    keys = CentredScheme.keys(documents)
    assert np.isin(keys[Rung.TRIGRAM, 0], outside)  # BOUNDARY 0 1
    assert np.isin(keys[Rung.TRIGRAM, 1], opened.keys)
    assert not np.isin(keys[Rung.TRIGRAM, 1], outside)  # 0 1 2
    assert np.isin(keys[Rung.UNIGRAM, :2], outside).all()
    assert not np.isin(keys[Rung.UNIGRAM, [2, 8]], outside).any()


def test_a_segment_without_spans_is_as_it_always_was(tmp_path: Path) -> None:
    segment = small_segment()
    assert segment.in_span is None
    write_segment(segment, tmp_path / "segment")
    assert not (tmp_path / "segment" / "in_span.npy").exists()
    assert segment.is_outside().all()


def test_states_that_are_at_hand_are_asked_for_again_and_not_kept_twice(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    world = World((random_text(random, [6, 6]),), (((0,),),), np.zeros((5, HIDDEN), np.float32))
    told: list[int] = []
    few = segment_of(
        world,
        (0,),
        "d",
        work=Work(tmp_path, 8 * HIDDEN * 3, None),
        on_progress=lambda done, _: told.append(done),
    )
    assert_equal(few, segment_of(world, (0,), "d"))
    assert len(told) == -(-len(few.keys) // 3)  # walks, of a batch each
    assert told == sorted(told)
    assert told[-1] == few.fields.num_tokens
    assert not (tmp_path / "states").exists()


def test_a_segments_files_are_numpys_own(tmp_path: Path) -> None:
    world = World(
        (random_text(np.random.default_rng(1), [6, 6]),), (((0,),),), np.zeros((5, HIDDEN), np.float32)
    )
    segment = segment_of(world, (0,), "one")
    write_segment(segment, tmp_path / "segment")
    for name in ("keys", "counts", "squares", "means", "documents"):
        np.save(tmp_path / "expected.npy", getattr(segment, name))
        assert (tmp_path / "segment" / f"{name}.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()
