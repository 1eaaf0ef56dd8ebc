"""One label a text, or a pair of texts: a softmax over the labels."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmi.kinds.labels import check_labels
from wire.artifacts import AdapterFields
from wire.inference import LabelAnswer


class SingleLabelAnswers:
    """See KindAnswers."""

    reads_tokens = False

    def __init__(self, *, has_pairs: bool = False) -> None:
        self.has_pairs = has_pairs

    def num_outputs(self, labels: Sequence[str]) -> int:
        check_labels(labels, least=2)
        return len(labels)

    def answer(
        self,
        outputs: npt.NDArray[np.float32],
        fields: AdapterFields,
        words: npt.NDArray[np.int32] | None,
    ) -> LabelAnswer:
        scores = dict(zip(fields.labels, softmax(outputs)[0].tolist(), strict=True))
        label = max(scores, key=scores.__getitem__)
        return LabelAnswer(label=label, score=scores[label], scores=scores)


def softmax(outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probabilities of each row."""
    shares: npt.NDArray[np.float32] = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares
