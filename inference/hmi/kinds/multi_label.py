"""Any number of labels a text: a sigmoid for each label, and a threshold from which a text has it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmi.kinds.labels import check_labels
from wire.artifacts import AdapterFields
from wire.inference import LabelsAnswer


class MultiLabelAnswers:
    """See KindAnswers."""

    reads_tokens = False
    has_pairs = False

    def num_outputs(self, labels: Sequence[str]) -> int:
        check_labels(labels, least=2)
        return len(labels)

    def answer(
        self,
        outputs: npt.NDArray[np.float32],
        fields: AdapterFields,
        words: npt.NDArray[np.int32] | None,
    ) -> LabelsAnswer:
        scores = sigmoid(outputs)[0].tolist()
        has = zip(fields.labels, scores, fields.thresholds, strict=True)
        return LabelsAnswer(
            labels=[label for label, score, threshold in has if score >= threshold],
            scores=dict(zip(fields.labels, scores, strict=True)),
        )


def sigmoid(outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of each number; without overflow."""
    shares: npt.NDArray[np.float32] = 0.5 * (1 + np.tanh(0.5 * outputs))
    return shares
