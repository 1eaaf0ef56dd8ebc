"""Trees are built from text with a real, tiny backbone; training look-ups leave their own text out."""

from pathlib import Path

import numpy as np
import pytest

from hmi.artifacts.store import FolderStore
from hmi.build import plot_builder
from hmi.build.plot_builder import PublishedTree
from hmi.build.window_states import WindowStates
from hmi.build.windows import ChosenTexts, Windowing
from hmi.model.backbone import Backbone
from hmi.model.estimators import isolated_rows
from hmi.plot.ngram import Answer
from hmi.plot.segment import Segment
from hmi.plot.tree import PlotTree, counted_documents, open_leave_one_out, open_tree
from wire.artifacts import BundleRef
from wire.ids import BundleUri, DatasetId

GENERAL = ["the film is good", "the film is bad", "the team wins the match", "a great song and a great star"]
SPORT = [
    "the team wins the match",
    "the goal and the match is good",
    "the goal and the loss is bad",
    "the team win",
]
WINDOWING = Windowing(window_tokens=8, max_windows=2)


def unheard(message: str, step: int, num_steps: int) -> None:
    pass


def count(backbone: Backbone, texts: list[str], above: np.ndarray, name: str) -> tuple[Segment, ChosenTexts]:
    return plot_builder.count_texts(
        backbone, texts, dataset_id=DatasetId(name), above=above, windowing=WINDOWING, report=unheard
    )


def root(backbone: Backbone, store: FolderStore, texts: list[str]) -> PublishedTree:
    segment, _ = count(backbone, texts, np.zeros(0, np.uint64), "general")
    published = plot_builder.publish_segment_beside(store, segment, BundleUri("trees/general"))
    segments = [(BundleRef(published.uri, published.digest), segment)]
    return plot_builder.build_root(
        store, backbone, segments, tree_uri=BundleUri("trees/general"), report=unheard
    )


def domain(backbone: Backbone, store: FolderStore) -> PlotTree:
    above = opened(store, backbone, root(backbone, store, GENERAL))
    segment, chosen = count(backbone, SPORT, counted_documents(store, above), "sport")
    assert chosen.num_above == 1
    published = plot_builder.publish_segment(store, segment, BundleUri("segments/sport"))
    built = plot_builder.build_domain(
        store,
        above,
        [(BundleRef(published.uri, published.digest), segment)],
        name="sport",
        tree_uri=BundleUri("trees/sport"),
    )
    return opened(store, backbone, built)


def opened(store: FolderStore, backbone: Backbone, built: PublishedTree) -> PlotTree:
    return open_tree(store, built.tree.uri, built.tree.digest, backbone=backbone.digest)


def test_the_root_has_a_row_for_every_vocabulary_id(tmp_path: Path, backbone: Backbone) -> None:
    built = root(backbone, FolderStore(tmp_path), [])
    assert built.table.fields.num_rows == {
        "trigram": 0,
        "left": 0,
        "right": 0,
        "unigram": backbone.fields.vocab_size,
    }
    assert built.node.name == "general"


def test_a_domain_node_lies_under_its_parents_and_counts_only_texts_of_its_own(
    tmp_path: Path, backbone: Backbone
) -> None:
    store = FolderStore(tmp_path)
    tree = domain(backbone, store)
    assert [node.name for node in tree.fields.nodes] == ["general", "sport"]
    assert len(counted_documents(store, tree)) == len(set(GENERAL + SPORT))
    assert plot_builder.windowing_of(store, tree) == WINDOWING


def test_building_again_gives_the_same_tree(tmp_path: Path, backbone: Backbone) -> None:
    first = root(backbone, FolderStore(tmp_path / "a"), GENERAL)
    second = root(backbone, FolderStore(tmp_path / "b"), GENERAL)
    assert first.tree == second.tree


def test_training_rows_are_those_of_a_tree_that_never_saw_the_text(
    tmp_path: Path, backbone: Backbone
) -> None:
    store = FolderStore(tmp_path / "with")
    lookup = open_leave_one_out(store, opened(store, backbone, root(backbone, store, GENERAL)))
    found = plot_builder.look_up_leaving_out(backbone, lookup, [GENERAL[0]], max_tokens=8)

    other = FolderStore(tmp_path / "without")
    without = opened(other, backbone, root(backbone, other, GENERAL[1:]))
    never = open_leave_one_out(other, without)
    expected = plot_builder.look_up_leaving_out(backbone, never, [GENERAL[0]], max_tokens=8)
    np.testing.assert_array_equal(found.answers.rung, expected.answers.rung)
    assert (found.answers.rung == Answer.UNIGRAM).any()
    assert found.rows.shape == (found.encoded.documents.num_tokens, backbone.fields.hidden)


def test_a_long_training_text_is_left_out_with_all_its_counted_windows(
    tmp_path: Path, backbone: Backbone
) -> None:
    store = FolderStore(tmp_path)
    text = "a great song and a great song and a great song and a great song"
    lookup = open_leave_one_out(store, opened(store, backbone, root(backbone, store, [text])))
    found = plot_builder.look_up_leaving_out(backbone, lookup, [text, "not counted"], max_tokens=8)
    own = slice(0, found.encoded.documents.offsets[1])
    # Nothing else was ever counted.
    assert np.all(found.answers.rung[own] == Answer.UNIGRAM)
    isolated = isolated_rows(backbone, report=unheard)[found.encoded.documents.token_ids[own]]
    np.testing.assert_allclose(found.rows[own], isolated, atol=0.01)
    assert np.any(found.answers.rung != Answer.UNIGRAM)  # the other text meets its frame


def test_windows_that_were_counted_are_left_out_without_computing_them_again(
    tmp_path: Path, backbone: Backbone
) -> None:
    store, windows = FolderStore(tmp_path / "store"), WindowStates(backbone, tmp_path / "windows")
    texts = [*GENERAL, "a great song and a great song and a great song and a great song"]
    segment, _ = plot_builder.count_texts(
        backbone,
        texts,
        dataset_id=DatasetId("general"),
        above=np.zeros(0, np.uint64),
        windowing=WINDOWING,
        report=unheard,
        states=windows,
    )
    num_bytes = (tmp_path / "windows").stat().st_size
    counted, _ = count(backbone, texts, np.zeros(0, np.uint64), "general")
    for name in ("keys", "counts", "squares", "means", "documents"):
        np.testing.assert_array_equal(getattr(segment, name), getattr(counted, name))

    lookup = open_leave_one_out(store, opened(store, backbone, root(backbone, store, texts)))
    kept, computed = (
        plot_builder.look_up_leaving_out(
            backbone, lookup, [*texts, "not counted"], max_tokens=8, states=states
        )
        for states in (windows, None)
    )
    np.testing.assert_array_equal(kept.rows, computed.rows)
    np.testing.assert_array_equal(kept.answers.rung, computed.answers.rung)
    # The text that was not counted stands for no text, whose window is a frame alone.
    frame = 2 * 2 * backbone.fields.hidden
    assert (tmp_path / "windows").stat().st_size == num_bytes + frame


def test_coverage_is_measured_on_texts_that_were_held_out(tmp_path: Path, backbone: Backbone) -> None:
    texts = [f"the team wins the match {i}" for i in range(200)]
    _, chosen = count(backbone, texts, np.zeros(0, np.uint64), "d")
    coverage = plot_builder.held_out_coverage(backbone, texts, chosen.hashes, above=(), windowing=WINDOWING)
    assert 0 < coverage.num_texts < 60
    assert coverage.trigram > 0.5
    assert coverage.trigram + coverage.bigram + coverage.unigram == pytest.approx(1)
