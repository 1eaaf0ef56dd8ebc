"""Small random worlds of texts, with the tree built from them twice: by the product and by the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from hmi.plot import reference
from hmi.plot.counting import Work
from hmi.plot.estimate import build_table
from hmi.plot.fixed_point import ONE
from hmi.plot.leave_one_out import CountedTexts, NodeEvidence
from hmi.plot.merge import merge_segments
from hmi.plot.ngram import WILDCARD, Answer, Documents, Rung
from hmi.plot.node_budget import NodeBudget
from hmi.plot.segment import Progress, Segment, build_segment
from hmi.plot.table import PlotTable
from wire.ids import DatasetId, Digest

HIDDEN, VOCAB, MIN_COUNT = 3, 5, 2
MEAN_ROUNDING = 0.5 / ONE + 1e-4
"""Of the means of segments; and of 32-bit numbers on the way."""
BACKBONE = Digest("sha256:" + "b" * 64)


@dataclass(frozen=True)
class World:
    """nodes[i][j] is the j-th dataset of the i-th node of a path, root first: numbers of texts."""

    texts: tuple[reference.Text, ...]
    nodes: tuple[tuple[tuple[int, ...], ...], ...]
    isolated: npt.NDArray[np.float32]


@st.composite
def worlds(draw: st.DrawFn, max_nodes: int = 3) -> World:
    """Texts over a tiny vocabulary, so that n-grams repeat; each in one node, perhaps in two datasets."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    lengths = draw(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=2), min_size=1, max_size=8))
    texts = tuple(random_text(random, windows) for windows in lengths)
    num_nodes = draw(st.integers(1, max_nodes))
    nodes: list[list[tuple[int, ...]]] = [[] for _ in range(num_nodes)]
    home = [draw(st.integers(-1, num_nodes - 1)) for _ in texts]  # -1: counted nowhere
    for node in range(num_nodes):
        here = [text for text in range(len(texts)) if home[text] == node]
        for _ in range(draw(st.integers(0, 2))):
            nodes[node].append(tuple(text for text in here if draw(st.booleans())))
    isolated = (random.integers(-3000, 3000, (VOCAB, HIDDEN)) / ONE).astype(np.float32)
    return World(texts, tuple(tuple(datasets) for datasets in nodes), isolated)


def world_of_long_texts(num_nodes: int) -> World:
    """With about a hundred n-grams in each of one or two nodes, so that there is something to prune."""
    random = np.random.default_rng(1)
    texts = tuple(random_text(random, [30, 30]) for _ in range(6))
    isolated = random.normal(size=(VOCAB, HIDDEN)).astype(np.float32)
    return World(texts, (((0, 1), (2,)), ((3, 4), (5,)))[:num_nodes], isolated)


def random_text(random: np.random.Generator, lengths: list[int]) -> reference.Text:
    windows = tuple(tuple(int(t) for t in random.integers(0, VOCAB, length)) for length in lengths)
    # Whole multiples of the fixed point, so that only means are rounded.
    states = tuple(random.integers(-4000, 4000, (length, HIDDEN)) / ONE for length in lengths)
    return reference.Text(windows, states)


def pack(texts: list[reference.Text]) -> tuple[Documents, npt.NDArray[np.float32]]:
    """All windows one behind the other, with their states."""
    documents = Documents.pack([np.array(w, np.int32) for text in texts for w in text.windows])
    states = [np.zeros((0, HIDDEN)), *(s for text in texts for s in text.states)]
    return documents, np.concatenate(states).astype(np.float32)


def counted(texts: list[reference.Text]) -> CountedTexts:
    documents, states = pack(texts)
    offsets = np.concatenate(([0], np.cumsum([len(text.windows) for text in texts], dtype=np.int64)))
    return CountedTexts(documents, offsets.astype(np.int64), states)


def segment_of(
    world: World,
    texts: tuple[int, ...],
    name: str,
    max_windows: int = 2,
    work: Work | None = None,
    on_progress: Progress | None = None,
) -> Segment:
    """One dataset's segment; text number i has hash i."""
    batches, of_batch = [], {}
    for text in texts:  # a batch for every text: batching must not matter
        documents, states = pack([world.texts[text]])
        batches.append(documents)
        of_batch[id(documents)] = states
    return build_segment(
        batches,
        lambda documents: of_batch[id(documents)],
        backbone=BACKBONE,
        dataset_id=DatasetId(name),
        hidden=HIDDEN,
        document_hashes=np.array(texts, np.uint64),
        min_count=MIN_COUNT,
        max_windows=max_windows,
        work=work,
        on_progress=on_progress,
    )


def segments_of(world: World) -> list[list[Segment]]:
    return [
        [segment_of(world, texts, f"{node}-{i}") for i, texts in enumerate(datasets)]
        for node, datasets in enumerate(world.nodes)
    ]


def tables_of(world: World, budgets: Mapping[int, NodeBudget] | None = None) -> list[PlotTable]:
    """Root first; ``budgets`` by position."""
    tables: list[PlotTable] = []
    for position, segments in enumerate(segments_of(world)):
        tables.append(
            build_table(
                merge_segments(segments),
                backbone=BACKBONE,
                hidden=HIDDEN,
                parents=tables,
                isolated=None if tables else world.isolated,
                budget=(budgets or {}).get(position),
            )
        )
    return tables


def evidence_of(world: World, tables: list[PlotTable]) -> list[NodeEvidence]:
    return [
        NodeEvidence(tuple(segments), table)
        for segments, table in zip(segments_of(world), tables, strict=True)
    ]


def reference_path(
    world: World, tables: list[PlotTable], without: int | None = None
) -> list[dict[reference.Gram, reference.Vector]]:
    """The rows of every node, with the tables' shrinkage, as if the text ``without`` had never been there."""
    path: list[dict[reference.Gram, reference.Vector]] = []
    for datasets, table in zip(world.nodes, tables, strict=True):
        counts = [
            reference.count_dataset([world.texts[t] for t in texts if t != without], MIN_COUNT)
            for texts in datasets
        ]
        tau = {rung: table.fields.tau[rung.name.lower()] for rung in Rung}
        isolated = None if path else [row.astype(np.float64) for row in world.isolated]
        path.append(reference.node_rows(reference.merge_datasets(counts), tau, path, isolated))
    return path


def roundings(
    world: World, tables: list[PlotTable], path: list[dict[reference.Gram, reference.Vector]]
) -> list[dict[reference.Gram, reference.Vector]]:
    """By how much each of ``path``'s rows may be off in the tables: half a step of its 8 bits, what its prior
    is off by its weight, and what segments round."""
    bounds: list[dict[reference.Gram, reference.Vector]] = []
    for table, rows in zip(tables, path, strict=True):
        here: dict[reference.Gram, reference.Vector] = {}
        for rung in reversed(Rung):
            for gram in (gram for gram in rows if reference.grams_rung(gram) is rung):
                at = int(table.find(np.array([key_of(gram)], np.uint64))[0])
                tau, count = table.fields.tau[rung.name.lower()], int(table.counts[at])
                prior = _prior_rounding(gram, rung, here, bounds)
                here[gram] = half_step(table, at) + tau / (count + tau) * prior + MEAN_ROUNDING
        bounds.append(here)
    return bounds


def half_step(table: PlotTable, row: int) -> reference.Vector:
    """By how much 8 bits may be off in each dimension of the row."""
    steps: reference.Vector = table.row_scales[row] * table.dimension_scales.astype(np.float64)
    return steps / 2


def answer_rounding(
    answer: Answer, grams: Mapping[Rung, reference.Gram], bounds: list[dict[reference.Gram, reference.Vector]]
) -> reference.Vector:
    """By how much what climb() gave may be off."""
    both = [Rung.LEFT, Rung.RIGHT, Rung.UNIGRAM]
    rungs = both if answer is Answer.BOTH_BIGRAMS else [Rung(answer)]
    off: reference.Vector = np.sum([_nearest_rounding(grams[rung], bounds) for rung in rungs], axis=0)
    return off


def key_of(gram: reference.Gram) -> int:
    a, b, c = gram
    return (reference.grams_rung(gram) + 1) << 60 | a << 40 | b << 20 | c


def _prior_rounding(
    gram: reference.Gram,
    rung: Rung,
    here: Mapping[reference.Gram, reference.Vector],
    above: list[dict[reference.Gram, reference.Vector]],
) -> reference.Vector:
    a, b, c = gram
    if any(gram in bounds for bounds in above):
        return _nearest_rounding(gram, above)
    if rung is Rung.UNIGRAM:
        return np.zeros(HIDDEN)  # the isolated row
    unigram = here[WILDCARD, b, WILDCARD]
    if rung is Rung.TRIGRAM:
        left, right = here[a, b, WILDCARD], here[WILDCARD, b, c]
        return left + right + unigram
    return unigram


def _nearest_rounding(
    gram: reference.Gram, bounds: list[dict[reference.Gram, reference.Vector]]
) -> reference.Vector:
    return next(one[gram] for one in reversed(bounds) if gram in one)
