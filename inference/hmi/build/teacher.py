"""Asks a trained model for its answers to the training rows, for another one to imitate (task
distillation)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hmi.build.adapter_trainer import INFERENCE_ROWS, AdaptedLayers
from hmi.build.batching import in_batches
from hmi.build.distillation import Teacher
from hmi.build.states import StateSet, document_ranges, kept_states, rows_between
from hmi.model.heads import HostHead, read_by_head
from hmi.plot.ngram import Documents

POOL_TOKENS = 65_536


@torch.inference_mode()
def ask_teacher(
    path: Path,
    layers: AdaptedLayers,
    head: HostHead,
    documents: Documents,
    states: StateSet,
    *,
    reads_tokens: bool,
    on_documents: Callable[[int], None],
) -> Teacher:
    """``states``: lower-layer states of ``documents``, as the model was trained on. Final states are kept in
    the file ``path``, so that a run that was killed finds them."""

    def answer(start: int, end: int) -> npt.NDArray[np.float32]:
        bounds = documents.offsets - documents.offsets[start]
        final = np.empty((int(bounds[end]), hidden), np.float32)
        for rows in in_batches(np.arange(start, end), documents.lengths, INFERENCE_ROWS):
            batch = states.batch(rows)
            final[rows_between(bounds, rows)] = layers(batch.states, batch.offsets).numpy()
        return final

    hidden = states.states.shape[1]
    kept = kept_states(path, documents, answer, hidden=hidden, on_documents=on_documents)
    logits = []
    for start, end in document_ranges(documents.lengths, POOL_TOKENS):
        batch = kept.batch(np.arange(start, end))
        read = read_by_head(batch.states, batch.offsets, reads_tokens=reads_tokens)
        logits.append(functional.linear(read, head.weight.float(), head.bias.float()).numpy())
    return Teacher(kept, np.concatenate(logits), reads_tokens=reads_tokens)
