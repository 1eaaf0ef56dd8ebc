"""What a training would take and give, before it is started: a probe on a few hundred rows, in seconds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from hmi.artifacts.store import Store
from hmi.base.compute_type import ComputeType
from hmi.build.adapter_trainer import VALIDATIONS_PER_EPOCH
from hmi.build.batching import BatchPlan
from hmi.build.data import LabelledRow, label_indices
from hmi.build.data_insight import final_states, final_token_states
from hmi.build.dataset_parts import SplitRows, read_split
from hmi.build.evaluation import PlotPath
from hmi.build.expected_plot import expected_plot_bytes
from hmi.build.expected_range import expected_range
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.chosen import training_kind
from hmi.build.learn_domain import open_above
from hmi.build.linear_head import Features
from hmi.build.metrics import Indices
from hmi.build.planned_memory import planned_bytes
from hmi.build.planned_work import PartTokens, Stage, WorkOf, planned_work, usual_work
from hmi.build.report import majority_accuracy
from hmi.build.settled_recipe import settled
from hmi.build.split import split_rows
from hmi.build.states import BATCH_TOKENS, StateSet, document_ranges, output_bounds, select
from hmi.build.training.adapter_training import ADAPTER_DTYPE, new_adapter
from hmi.build.training.recipe_checks import check_fits, check_recipe
from hmi.kinds.answers import answers_of
from hmi.model.backbone import Backbone
from hmi.model.compute_type import compute_dtype
from hmi.model.training_layers import TrainingLayers, step_cores
from hmi.plot.ngram import Documents
from hmi.plot.tree import PlotTree
from wire.artifacts import BackboneFields
from wire.tasks import validation_metric
from wire.training import AccuracyRange, EstimateResult, Phase, Recipe, TrainJob

MAX_PROBE_ROWS = 600
MAX_PROBE_STEPS = 8


def estimate_training(
    job: TrainJob, *, store: Store, progress: JobProgress, limit_s: float | None = None
) -> EstimateResult:
    """Split as the training would, probe some of its rows, and reckon; ``limit_s``: as of run_training().
    Publishes nothing. Raises HmiError."""
    began = time.monotonic()
    check_recipe(job.recipe)
    kind = training_kind(job.kind, job.labels)
    progress.enter(Phase.STARTING, "opening the backbone")
    folder = store.localize(job.backbone_uri, job.backbone_digest)
    backbone = Backbone.open(folder, digest=job.backbone_digest, with_lower=False)
    check_fits(job.recipe, backbone)
    above = open_above(store, job, backbone)
    opening_s = time.monotonic() - began
    progress.enter(Phase.SPLITTING, "splitting the rows")
    with store.open_file(job.rows_uri) as lines:
        split = read_split(lines, job, above, split_rows, kind)
    rows = _sample([*split.train, *split.validation], job.recipe.seed)
    encoded = backbone.tokenizer.encode(
        [row.input for row in rows], job.recipe.max_tokens, with_words=answers_of(job.kind).reads_tokens
    )
    probed = _probe(backbone, above.parent, encoded.documents, job, progress)
    bounds = output_bounds(encoded.documents.lengths, reads_tokens=answers_of(job.kind).reads_tokens)
    expected = _Expected(
        majority=_majority(job, split) if kind.has_one_label else None,
        figure=expected_range(
            kind.probe(probed.features, bounds, kind.targets(rows, encoded)),
            [row.whole_text for row in rows],
            kind=job.kind,
            num_train_rows=len(split.train),
            num_test_rows=len(split.test),
            seed=job.recipe.seed,
        ),
        plot_bytes=expected_plot_bytes(
            store, job, backbone, above, [text for row in split.train for text in row.counted_texts]
        ),
    )
    reckoned = _reckoned(job, split, backbone.fields, probed, expected, opening_s)
    return replace(reckoned, limit_s=limit_s)


@dataclass(frozen=True, slots=True)
class _Probed:
    """Some rows, pooled by the frozen model, and how long that took."""

    features: Features  # [rows, hidden], or [tokens, hidden] where the head reads tokens
    num_rows: int
    num_tokens: int
    unit_s: float  # of one upper layer over one token
    work: WorkOf  # in such units


@dataclass(frozen=True, slots=True)
class _Expected:
    """What can be said of the version beside its time and its own size."""

    majority: float | None  # None: of kinds without one label a row
    figure: AccuracyRange | None
    plot_bytes: int


def _sample(rows: Sequence[LabelledRow], seed: int) -> list[LabelledRow]:
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[place] for place in order[:MAX_PROBE_ROWS].tolist()]


def _probe(
    backbone: Backbone, tree: PlotTree, documents: Documents, job: TrainJob, progress: JobProgress
) -> _Probed:
    """On the nodes above alone: the domain's own node is only made by the training, and can but help."""
    num_rows = documents.num_documents
    progress.enter(Phase.LOOKING_UP, f"looking {num_rows} rows up", num_steps=num_rows)
    states = _looked_up(PlotPath(backbone, tree), documents, backbone.fields, progress.advance)
    progress.enter(Phase.EVALUATING, f"probing {num_rows} rows", num_steps=num_rows)
    if answers_of(job.kind).reads_tokens:
        features = final_token_states(backbone, states)
    else:
        features = final_states(backbone, states, progress.advance)
    # The first time the processor's library prepares each shape, which a training does once for many steps.
    began = time.monotonic()
    final_states(backbone, states, progress.advance)
    num_upper = backbone.fields.num_layers - backbone.fields.num_lower
    unit_s = (time.monotonic() - began) / (documents.num_tokens * num_upper)
    dtype = compute_dtype(ComputeType.AUTO, "cpu")
    with step_cores(dtype):
        step = _step_s(backbone, states, job.recipe, dtype) / (num_upper * unit_s)
    return _Probed(
        features=features,
        num_rows=num_rows,
        num_tokens=documents.num_tokens,
        unit_s=unit_s,
        work=replace(usual_work(dtype), step=step),
    )


def _step_s(backbone: Backbone, states: StateSet, recipe: Recipe, dtype: torch.dtype) -> float:
    """Seconds of training steps, a token: short texts, few rows and other adapters cost more than their
    tokens tell. The longest rows are stepped on, too: what that takes of memory, the process has taken from
    then on (planned_memory)."""
    adapter = new_adapter(recipe, backbone.fields)
    layers = TrainingLayers(backbone.upper.in_dtype(dtype), adapter)
    optimiser = torch.optim.AdamW([tensor for _, tensor in adapter.named_parameters()], fused=True)

    def step(rows: Indices) -> int:
        batch = states.batch(rows)
        optimiser.zero_grad()
        layers(batch.states, batch.offsets).square().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return len(batch.states)

    batches = BatchPlan(states.lengths, recipe.batch_rows, recipe.seed).epoch(0)[:MAX_PROBE_STEPS]
    longest = np.argsort(states.lengths, kind="stable")[-recipe.batch_rows :]
    for rows in (longest, *batches):  # in the first steps shapes are prepared
        step(rows)
    began = time.monotonic()
    num_tokens = sum(map(step, batches))
    return (time.monotonic() - began) / num_tokens


def _looked_up(
    path: PlotPath, documents: Documents, fields: BackboneFields, on_documents: Callable[[int], None]
) -> StateSet:
    states = np.empty((documents.num_tokens, fields.hidden), np.float16)
    for start, end in document_ranges(documents.lengths, BATCH_TOKENS):
        found = path(select(documents, range(start, end))).states.numpy()
        states[documents.offsets[start] : documents.offsets[end]] = found
        on_documents(end)
    return StateSet(states, documents.offsets)


def _reckoned(
    job: TrainJob,
    split: SplitRows,
    fields: BackboneFields,
    probed: _Probed,
    expected: _Expected,
    opening_s: float,
) -> EstimateResult:
    recipe = settled(job.recipe, num_rows=len(split.train))
    parts = (split.train, split.validation, split.test)
    row_tokens = probed.num_tokens / probed.num_rows
    tokens = PartTokens(*(row_tokens * len(part) for part in parts))

    def seconds(of: Recipe, share: float = 1.0) -> float:
        work = planned_work(tokens, len(split.train), fields, of, probed.work)
        work[Stage.TRAINING] *= share
        whole = opening_s + probed.unit_s * sum(work.values())
        return round(whole if of.max_minutes is None else min(whole, 60 * of.max_minutes), 3)

    steps_per_epoch = -(-len(split.train) // recipe.batch_rows)
    least_epochs = max((1 + recipe.patience) / VALIDATIONS_PER_EPOCH, recipe.min_steps / steps_per_epoch)
    return EstimateResult(
        num_rows=sum(len(part) for part in parts),
        num_train_rows=len(split.train),
        num_steps=recipe.epochs * steps_per_epoch,
        seconds=seconds(recipe),
        seconds_least=seconds(recipe, min(1.0, least_epochs / recipe.epochs)),
        adapter_bytes=_adapter_bytes(recipe, fields, answers_of(job.kind).num_outputs(job.labels)),
        majority_accuracy=expected.majority,
        accuracy=expected.figure,
        memory_bytes=planned_bytes(
            fields, tokens.train + tokens.validation + tokens.test, max_build_bytes=job.max_memory_bytes
        ),
        metric=validation_metric(job.kind),
        plot_bytes=expected.plot_bytes,
    )


def _adapter_bytes(recipe: Recipe, fields: BackboneFields, num_outputs: int) -> int:
    adapter = new_adapter(recipe, fields)
    head_bytes = num_outputs * (fields.hidden + 1) * np.dtype(np.float32).itemsize
    return adapter.to_host(ADAPTER_DTYPE).num_bytes + head_bytes


def _majority(job: TrainJob, split: SplitRows) -> float:
    train, test = (np.array(label_indices(part, job.labels), np.int64) for part in (split.train, split.test))
    return majority_accuracy(train, test)
