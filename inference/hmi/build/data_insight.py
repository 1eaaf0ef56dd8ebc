"""What the frozen model says of a dataset itself: labels that look wrong, and what more rows would bring."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hmi.base.compute_type import ComputeType
from hmi.build.batching import in_batches
from hmi.build.dataset_parts import Parts
from hmi.build.evaluation import BATCH_ROWS, TaskModel
from hmi.build.frozen_probe import places_after
from hmi.build.kinds.labels_suspects import LabelsErrors
from hmi.build.kinds.learning import Outputs, TrainingKind
from hmi.build.kinds.score_suspects import ScoreErrors
from hmi.build.kinds.span_probe import MAX_FITTED_TOKENS
from hmi.build.kinds.span_suspects import SpanErrors
from hmi.build.kinds.span_targets import joined_targets
from hmi.build.label_errors import LabelErrors
from hmi.build.learning_curve import LearningCurve, learning_curve
from hmi.build.linear_head import Features
from hmi.build.metrics import Indices
from hmi.build.row_judge import RowJudge, out_of_fold
from hmi.build.states import DocumentStates, SomeStates, StateSet, output_bounds, rows_between
from hmi.model.backbone import Backbone
from hmi.model.compute_type import compute_dtype
from hmi.model.heads import mean_pool

AnyErrors = LabelErrors | LabelsErrors | ScoreErrors | SpanErrors
"""Of a dataset, by its kind."""


@dataclass(frozen=True, slots=True)
class DataInsight:
    """Judged by linear heads on states that no adapter has touched; errors in spans by the trained model."""

    label_errors: AnyErrors
    learning_curve: LearningCurve | None


@dataclass(frozen=True, slots=True)
class PartStates:
    """Lower-layer states of a split's parts: training rows looked up without their own text."""

    train: StateSet
    validation: StateSet
    test: StateSet


def look_into_data(
    backbone: Backbone,
    parts: Parts,
    states: PartStates,
    kind: TrainingKind,
    judge: RowJudge,
    *,
    seed: int,
    on_documents: Callable[[int], None],
) -> DataInsight:
    """Judge all rows; ``on_documents`` hears how many have gone through the upper layers."""
    split = (parts.train, parts.validation, parts.test)
    found: list[Features] = []
    for part_states in (states.train, states.validation, states.test):
        num_before = sum(len(features) for features in found)
        found.append(final_states(backbone, part_states, _counted_from(num_before, on_documents)))
    features, targets = np.concatenate(found), np.concatenate([part.targets for part in split])
    judged = out_of_fold(judge, features, targets, [text for part in split for text in part.texts], seed=seed)
    train, _, test = places_after([len(part.rows) for part in split])
    probe = kind.probe(features, np.arange(len(features) + 1), targets)
    return DataInsight(
        label_errors=judge.errors(judged, targets, [row.row for part in split for row in part.rows]),
        learning_curve=learning_curve(probe, train, test, seed=seed),
    )


def token_learning_curve(
    backbone: Backbone, parts: Parts, states: PartStates, kind: TrainingKind, *, seed: int
) -> LearningCurve | None:
    """Of a kind whose head reads tokens: on as many rows, drawn at random, as their states find room."""
    random = np.random.default_rng(seed)
    some = [
        SomeStates(part, _rows_within(part.lengths, MAX_FITTED_TOKENS, random))
        for part in (states.train, states.test)
    ]
    features = np.concatenate([final_token_states(backbone, part) for part in some])
    lengths = np.concatenate([part.lengths for part in some])
    targets = joined_targets(
        [part.targets[chosen.documents] for part, chosen in zip((parts.train, parts.test), some, strict=True)]
    )
    train, test = places_after([len(part.documents) for part in some])
    probe = kind.probe(features, np.concatenate(([0], np.cumsum(lengths))), targets)
    return learning_curve(probe, train, test, seed=seed)


@torch.inference_mode()
def final_states(backbone: Backbone, states: DocumentStates, on_documents: Callable[[int], None]) -> Features:
    """Pooled output of the upper layers without an adapter, [num_documents, hidden]."""
    pooled = np.empty((len(states.lengths), backbone.fields.hidden), np.float32)
    num_done = 0
    for rows, final, offsets in _final_batches(backbone, states):
        pooled[rows] = mean_pool(final, offsets).numpy()
        num_done += len(rows)
        on_documents(num_done)
    return pooled


@torch.inference_mode()
def final_token_states(backbone: Backbone, states: DocumentStates) -> Features:
    """Likewise of each token, [num_tokens, hidden], in the documents' order."""
    bounds = output_bounds(states.lengths, reads_tokens=True)
    found = np.empty((int(bounds[-1]), backbone.fields.hidden), np.float32)
    for rows, final, _ in _final_batches(backbone, states):
        found[rows_between(bounds, rows)] = final.numpy()
    return found


def _final_batches(
    backbone: Backbone, states: DocumentStates
) -> Iterator[tuple[Indices, torch.Tensor, npt.NDArray[np.int64]]]:
    """Documents of like length, their final states [num_tokens, hidden] float32, and their offsets."""
    dtype = compute_dtype(ComputeType.AUTO, "cpu")
    upper = backbone.upper.in_dtype(dtype)
    for rows in in_batches(np.arange(len(states.lengths)), states.lengths, BATCH_ROWS):
        batch = states.batch(rows)
        given = batch.evened()
        final = upper(given.states.to(dtype), given.offsets, None)[: len(batch.states)]
        yield rows, final.float(), batch.offsets


def outputs_of(model: TaskModel, states: StateSet) -> Outputs:
    """What a trained model gives, in the order of the documents."""
    lengths = states.lengths
    bounds = output_bounds(lengths, reads_tokens=model.reads_tokens)
    outputs = np.empty((int(bounds[-1]), model.num_outputs), np.float32)
    for rows in in_batches(np.arange(len(lengths)), lengths, BATCH_ROWS):
        batch = states.batch(rows)
        outputs[rows_between(bounds, rows)] = model.outputs(batch.states, batch.offsets)
    return outputs


def _rows_within(
    lengths: npt.NDArray[np.int64], max_tokens: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Some documents, drawn at random, of no more tokens together; in their order."""
    order = random.permutation(len(lengths))
    return np.sort(order[np.cumsum(lengths[order]) <= max_tokens])


def _counted_from(num_before: int, on_documents: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: on_documents(num_before + done)
