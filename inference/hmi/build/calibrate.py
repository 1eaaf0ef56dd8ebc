"""A whole calibration, from a checkpoint and text to a file of upper layers; what is done stands in a work
folder, so a run that was killed goes on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmi.artifacts.store import Store, open_store
from hmi.base.errors import InvalidInput
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import BackboneSource, weights_sha256
from hmi.build.calibration import CalibrationRecipe, Calibrator
from hmi.build.calibration_file import CalibrationRecord, write_calibration
from hmi.build.evaluation import PlotPath
from hmi.build.operator_text import TextsReadAnew
from hmi.build.plot_builder import build_root, count_texts, publish_segment, text_dataset_id
from hmi.build.windows import Windowing, cut_texts
from hmi.model.backbone import Backbone, open_original_upper
from hmi.model.estimators import ReportProgress
from hmi.model.tokenizer import Tokenizer
from hmi.plot.ngram import Documents
from hmi.plot.segment import open_segment, text_hash
from hmi.plot.tree import PlotTree, open_tree
from wire.artifacts import BundleRef
from wire.codec import to_plain
from wire.ids import BundleUri, Digest

WINDOWING = Windowing(window_tokens=128, max_windows=4)
MIN_WINDOW_TOKENS = 12
NUM_HELD_OUT = 300
BATCH_TEXTS = 2_000
SEED = 1

ReadTexts = Callable[[], Iterator[str]]
"""Begins to read the texts anew."""


@dataclass(frozen=True, slots=True)
class CalibrationInputs:
    """What is calibrated, and on what. Of the texts, ``counted_share`` is learnt into trees; the rest
    calibrates."""

    source: BackboneSource
    num_lower: int | None
    texts: ReadTexts
    text_sha256: str
    recipe: CalibrationRecipe
    counted_share: float = 0.12
    sparse_share: float = (
        0.02  # of the texts: the sparser of two trees, so that poor coverage is known as well
    )
    characters: tuple[int, int] | None = None  # of the text of that hash, which alone ``texts`` gives


def calibrate(
    inputs: CalibrationInputs, *, work: Path, out: Path, report: ReportProgress
) -> CalibrationRecord:
    """Calibrate into the file ``out``. Raises InvalidInput when there is too little text."""
    work.mkdir(parents=True, exist_ok=True)
    store = open_store(f"file://{(work / 'store').absolute()}", None)
    backbone, folder = _backbone(inputs, store, work, report)
    trees = [
        _tree(inputs, store, backbone, name, share, report)
        for name, share in (("sparse", inputs.sparse_share), ("full", inputs.counted_share))
    ]
    needed = inputs.recipe.num_steps * inputs.recipe.batch_tokens
    windows = _windows(inputs, backbone.tokenizer, needed, report)
    if windows.num_documents <= 2 * NUM_HELD_OUT:
        raise InvalidInput(
            f"a calibration needs more text than {windows.num_documents} windows", param="text"
        )
    held_out, learnt = _cut(windows, NUM_HELD_OUT)
    student = open_original_upper(folder, backbone.fields)
    calibrator = Calibrator(
        backbone,
        student,
        [PlotPath(backbone, tree) for tree, _ in trees],
        learnt,
        held_out,
        inputs.recipe,
        checkpoint=work / "calibration.checkpoint",
        report=report,
    )
    calibrator.run()
    before, after = calibrator.measured[0].closeness, calibrator.measured[-1].closeness
    record = CalibrationRecord(
        source=inputs.source.name,
        source_sha256=weights_sha256(inputs.source),
        num_lower=backbone.fields.num_lower,
        text_sha256=inputs.text_sha256,
        num_counted_tokens=trees[-1][1],
        num_tokens=calibrator.num_tokens,
        recipe=to_plain(inputs.recipe),
        state_error=(before.state_error, after.state_error),
        pooled_distance=(before.pooled_distance, after.pooled_distance),
        characters=inputs.characters,
    )
    write_calibration(out, student.tensors(), record)
    return record


def _backbone(
    inputs: CalibrationInputs, store: Store, work: Path, report: ReportProgress
) -> tuple[Backbone, Path]:
    uri = BundleUri("backbone")
    digest = store.digest(uri)
    if digest is None:
        folder = work / "backbone"
        folder.mkdir(exist_ok=True)
        sample = list(_counted(inputs, inputs.sparse_share))
        digest = build_backbone(
            inputs.source, folder, num_lower=inputs.num_lower, texts=sample, seed=SEED, report=report
        )
        store.publish(folder, uri)
    folder = store.localize(uri, digest)
    return Backbone.open(folder, digest=digest), folder


def _tree(
    inputs: CalibrationInputs,
    store: Store,
    backbone: Backbone,
    name: str,
    share: float,
    report: ReportProgress,
) -> tuple[PlotTree, int]:
    """A tree of the root alone, from a share of the texts; and how many tokens it counted."""
    segment_uri, tree_uri = BundleUri(f"{name}.segment"), BundleUri(f"{name}.tree")
    digest = store.digest(segment_uri)
    if digest is None:
        segment, _ = count_texts(
            backbone,
            TextsReadAnew(lambda: _counted(inputs, share)),
            dataset_id=text_dataset_id(name),
            above=np.zeros(0, np.uint64),
            windowing=WINDOWING,
            report=report,
        )
        digest = publish_segment(store, segment, segment_uri).digest
    segment = open_segment(store.localize(segment_uri, digest), digest, backbone=backbone.digest)
    tree_digest = store.digest(tree_uri)
    if tree_digest is None:
        built = build_root(
            store, backbone, [(BundleRef(segment_uri, digest), segment)], tree_uri=tree_uri, report=report
        )
        tree_digest = built.tree.digest
    tree = open_tree(store, tree_uri, Digest(tree_digest), backbone=backbone.digest)
    return tree, segment.fields.num_tokens


def _counted(inputs: CalibrationInputs, share: float) -> Iterator[str]:
    return (text for text in inputs.texts() if _place(text) < share)


def _place(text: str) -> float:
    """Where a text stands between 0 and 1, by its hash: the same text always in the same part."""
    return text_hash(text) / 2.0**64


def _windows(
    inputs: CalibrationInputs, tokenizer: Tokenizer, num_tokens: int, report: ReportProgress
) -> Documents:
    """Windows of texts that no tree counted, in the texts' order, no more than are needed."""
    parts: list[Documents] = []
    found = 0
    for texts in _batches(text for text in inputs.texts() if _place(text) >= inputs.counted_share):
        cut = cut_texts(tokenizer, texts, WINDOWING).windows
        parts.append(cut)
        found += cut.num_tokens
        report("cutting windows", min(found, num_tokens), num_tokens)
        if found >= num_tokens:
            break
    windows = [
        part.token_ids[part.offsets[i] : part.offsets[i + 1]]
        for part in parts
        for i in range(part.num_documents)
        if part.offsets[i + 1] - part.offsets[i] >= MIN_WINDOW_TOKENS
    ]
    return Documents.pack(windows)


def _batches(texts: Iterator[str]) -> Iterator[Sequence[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH_TEXTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _cut(windows: Documents, num_first: int) -> tuple[Documents, Documents]:
    """The first windows, and the others."""
    at = int(windows.offsets[num_first])
    first = Documents(windows.token_ids[:at], windows.offsets[: num_first + 1])
    return first, Documents(windows.token_ids[at:], windows.offsets[num_first:] - at)
