"""Asks a trained model for its answers to the training rows, for another one to imitate (task
distillation)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.build.adapter_trainer import Teacher
from hmi.build.evaluation import TaskModel
from hmi.build.states import StateSet, document_ranges, kept_states
from hmi.plot.ngram import Documents

POOL_TOKENS = 65_536


def ask_teacher(
    path: Path,
    model: TaskModel,
    documents: Documents,
    states: StateSet,
    *,
    on_documents: Callable[[int], None],
) -> Teacher:
    """``states``: lower-layer states of ``documents``, as the model was trained on. Final states are kept in
    the file ``path``, so that a run that was killed finds them."""

    def answer(start: int, end: int) -> npt.NDArray[np.float32]:
        batch = states.batch(np.arange(start, end))
        final: npt.NDArray[np.float32] = model.final(batch.states, batch.offsets).numpy()
        return final

    kept = kept_states(path, documents, answer, hidden=states.states.shape[1], on_documents=on_documents)
    logits = []
    for start, end in document_ranges(documents.lengths, POOL_TOKENS):
        batch = kept.batch(np.arange(start, end))
        logits.append(model.logits(batch.states, batch.offsets).numpy())
    return Teacher(kept, np.concatenate(logits), reads_tokens=model.reads_tokens)
