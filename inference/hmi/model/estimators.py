"""The two estimators of PLOT rows: what the lower layers give for a token alone, and for a token in its
context."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from hmi.model.backbone import Backbone
from hmi.plot.ngram import Documents

Rows = NDArray[np.float32]

BATCH_DOCUMENTS = 2048


class ReportProgress(Protocol):
    """Called by long work as often as it likes."""

    def __call__(self, message: str, step: int, num_steps: int) -> None: ...


def contextual_states(
    backbone: Backbone, documents: Documents, *, dtype: torch.dtype = torch.float32
) -> Rows:
    """Exact lower-layer states in their full context, less the residuals of their positions: [num_tokens,
    hidden]; the products of matrices in ``dtype``.

    Their means over a text's occurrences are contextual rows. Needs the lower layers.
    """
    states = backbone.lower_states(documents, dtype=dtype) - backbone.residuals_of(documents)
    rows: Rows = states.cpu().numpy()
    return rows


def isolated_rows(backbone: Backbone, *, report: ReportProgress) -> Rows:
    """A row for every vocabulary id, [vocab_size, hidden]: the state of b in ``[CLS] b [SEP]``, less its
    residual.

    [CLS] and [SEP] stand in every document, so theirs are the means of their states where they belong.
    """
    vocab_size = backbone.fields.vocab_size
    first, last = backbone.tokenizer.first_id, backbone.tokenizer.last_id
    rows = np.empty((vocab_size, backbone.fields.hidden), np.float32)
    frame_sums = np.zeros((2, backbone.fields.hidden), np.float64)
    for start in range(0, vocab_size, BATCH_DOCUMENTS):
        report("computing isolated rows", start, vocab_size)
        ids = np.arange(start, min(start + BATCH_DOCUMENTS, vocab_size), dtype=np.int32)
        frame = np.full_like(ids, first), np.full_like(ids, last)
        token_ids = np.stack((frame[0], ids, frame[1]), axis=1).ravel()
        documents = Documents(token_ids, np.arange(0, len(token_ids) + 1, 3, dtype=np.int64))
        states = contextual_states(backbone, documents).reshape(len(ids), 3, -1)
        rows[ids] = states[:, 1]
        frame_sums += states[:, [0, 2]].sum(0, dtype=np.float64)
    report("computing isolated rows", vocab_size, vocab_size)
    rows[[first, last]] = frame_sums / vocab_size
    return rows
