"""Spans found by linear heads on the frozen model's state of each token."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hmi.build.frozen_probe import RowSums
from hmi.build.kinds.class_weights import class_weights
from hmi.build.kinds.learning import Targets
from hmi.build.kinds.span_targets import IGNORED, read_targets
from hmi.build.linear_head import Features, fit_linear_head
from hmi.build.metrics import Indices, f1_of
from hmi.build.states import rows_between

MAX_FITTED_TOKENS = 40_000
"""Fitting a head on more would take longer than the training."""


@dataclass(frozen=True, slots=True)
class SpanProbe:
    """See FrozenProbe."""

    num_outputs: int  # tags
    features: Features  # [tokens, hidden]
    offsets: npt.NDArray[np.int64]  # [rows + 1]
    targets: Targets
    least_quality: ClassVar[float] = 0.0

    @property
    def max_rows(self) -> int:
        lengths = np.diff(self.offsets)
        return int(MAX_FITTED_TOKENS / max(float(lengths.mean()), 1.0)) if len(lengths) else 0

    @property
    def is_judged(self) -> npt.NDArray[np.bool_]:
        return np.ones(len(self.targets), np.bool_)

    def row_sums(self, train: Indices, judged: Indices) -> RowSums:
        """Spans that are right, found and true."""
        of_words = read_targets(self.targets[train])
        features, tags = self.features[rows_between(self.offsets, train)], self._tags(train)
        is_word = tags != IGNORED
        weights = class_weights(tags[is_word], self.num_outputs)
        weights = torch.ones(self.num_outputs) if weights is None else weights

        def loss(outputs: Tensor, targets: Tensor) -> Tensor:
            return functional.cross_entropy(outputs, targets, weight=weights)

        head = fit_linear_head(features[is_word], tags[is_word], self.num_outputs, loss=loss)
        outputs = head.outputs(self.features[rows_between(self.offsets, judged)]) - weights.log().numpy()
        truth = read_targets(self.targets[judged])
        return truth.row_counts(truth.said(outputs, of_words.adjacent_cost)).astype(np.float64)

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        """F1 of the spans, in words."""
        return f1_of(*sums.tolist())

    def _tags(self, rows: Indices) -> Indices:
        """[tokens] of these rows."""
        lengths = np.diff(self.offsets)[rows]
        is_token = np.arange(self.targets.shape[1]) < lengths[:, None]
        tags: Indices = self.targets[rows][is_token][:, 0].astype(np.int64)
        return tags
