"""What the frozen model says of a dataset itself: labels that look wrong, and what more rows would bring."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from hmi.base.compute_type import ComputeType
from hmi.build.batching import in_batches
from hmi.build.dataset_parts import Parts
from hmi.build.evaluation import BATCH_ROWS, TaskModel
from hmi.build.kinds.labels_suspects import LabelsErrors
from hmi.build.kinds.learning import Outputs
from hmi.build.kinds.score_suspects import ScoreErrors
from hmi.build.kinds.span_suspects import SpanErrors
from hmi.build.label_errors import LabelErrors
from hmi.build.learning_curve import LabelledFeatures, LearningCurve, learning_curve
from hmi.build.linear_head import Features
from hmi.build.row_judge import RowJudge, out_of_fold
from hmi.build.states import StateSet, output_bounds, rows_between
from hmi.model.backbone import Backbone
from hmi.model.compute_type import compute_dtype
from hmi.model.heads import mean_pool

AnyErrors = LabelErrors | LabelsErrors | ScoreErrors | SpanErrors
"""Of a dataset, by its kind."""


@dataclass(frozen=True, slots=True)
class DataInsight:
    """Judged by linear heads on states that no adapter has touched; spans by the trained model."""

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
    judge: RowJudge,
    *,
    seed: int,
    on_documents: Callable[[int], None],
) -> DataInsight:
    """Judge all rows; ``on_documents`` hears how many have gone through the upper layers."""
    split = (parts.train, parts.validation, parts.test)
    found: list[LabelledFeatures] = []
    for part, part_states in zip(split, (states.train, states.validation, states.test), strict=True):
        num_before = sum(len(features.truth) for features in found)
        features = final_states(backbone, part_states, _counted_from(num_before, on_documents))
        found.append(LabelledFeatures(features, part.targets))
    train, _, test = found
    targets = np.concatenate([part.truth for part in found])
    judged = out_of_fold(
        judge,
        np.concatenate([part.features for part in found]),
        targets,
        [text for part in split for text in part.texts],
        seed=seed,
    )
    return DataInsight(
        label_errors=judge.errors(judged, targets, [row.row for part in split for row in part.rows]),
        learning_curve=learning_curve(train, test, judge, seed=seed),
    )


@torch.inference_mode()
def final_states(backbone: Backbone, states: StateSet, on_documents: Callable[[int], None]) -> Features:
    """Pooled output of the upper layers without an adapter, [num_documents, hidden]."""
    dtype = compute_dtype(ComputeType.AUTO, "cpu")
    upper = backbone.upper.in_dtype(dtype)
    num_documents, num_done = len(states.lengths), 0
    pooled = np.empty((num_documents, backbone.fields.hidden), np.float32)
    for rows in in_batches(np.arange(num_documents), states.lengths, BATCH_ROWS):
        batch = states.batch(rows)
        given = batch.evened()
        final = upper(given.states.to(dtype), given.offsets, None)[: len(batch.states)]
        pooled[rows] = mean_pool(final.float(), batch.offsets).numpy()
        num_done += len(rows)
        on_documents(num_done)
    return pooled


def outputs_of(model: TaskModel, states: StateSet) -> Outputs:
    """What a trained model gives, in the order of the documents."""
    lengths = states.lengths
    bounds = output_bounds(lengths, reads_tokens=model.reads_tokens)
    outputs = np.empty((int(bounds[-1]), model.num_outputs), np.float32)
    for rows in in_batches(np.arange(len(lengths)), lengths, BATCH_ROWS):
        batch = states.batch(rows)
        outputs[rows_between(bounds, rows)] = model.outputs(batch.states, batch.offsets)
    return outputs


def _counted_from(num_before: int, on_documents: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: on_documents(num_before + done)
