"""Predictions without a service: the same look-up, upper layers and head as the engine's, one task at a
time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hmi.build.states import select
from hmi.model.adapter_bank import AdapterBank
from hmi.model.adapters.host import HostAdapter
from hmi.model.backbone import Backbone
from hmi.model.heads import HeadBank, HostHead, PackedHead, read_by_head
from hmi.model.serving_layers import ServingLayers
from hmi.plot.lookup import PlotArena
from hmi.plot.ngram import Documents
from hmi.plot.table import PlotTable
from hmi.plot.tree import PlotTree
from wire.inference import Coverage

BATCH_ROWS = 32


@dataclass(frozen=True, slots=True)
class LowerStates:
    """What stands for the lower layers' output of some documents."""

    states: Tensor  # [num_tokens, hidden] float32, position residuals included
    coverage: npt.NDArray[np.float64]  # [num_documents, 4]: shares of trigram, bigram, unigram, exact


class LowerPath(Protocol):
    """One way to the lower layers' output."""

    def __call__(self, documents: Documents) -> LowerStates: ...


class PlotPath:
    """Looks every token up in one tree, and in a private leaf below it, as serving does. One thread."""

    def __init__(self, backbone: Backbone, tree: PlotTree, leaf: PlotTable | None = None) -> None:
        self._backbone = backbone
        tables = tree.tables if leaf is None else (*tree.tables, leaf)
        capacity = sum(PlotArena.bytes_of(table) for table in tables)
        self._arena = PlotArena(capacity, backbone.fields.hidden)
        self._path = np.array([self._arena.add(table) for table in tables], np.int32)

    def __call__(self, documents: Documents) -> LowerStates:
        rows = np.empty((documents.num_tokens, self._arena.hidden), np.float32)
        paths = np.tile(self._path, (documents.num_documents, 1))
        result = self._arena.lookup(documents, paths, rows)
        shares = result.coverage(documents.offsets)
        return LowerStates(
            states=torch.from_numpy(rows) + self._backbone.residuals_of(documents),
            coverage=np.hstack([shares, np.zeros((len(shares), 1))]),
        )


class ExactPath:
    """Computes the lower layers, the products of their matrices in ``dtype``."""

    def __init__(self, backbone: Backbone, *, dtype: torch.dtype = torch.float32) -> None:
        self._backbone = backbone
        self._dtype = dtype

    def __call__(self, documents: Documents) -> LowerStates:
        exact = np.tile(np.array([0.0, 0.0, 0.0, 1.0]), (documents.num_documents, 1))
        return LowerStates(self._backbone.lower_states(documents, dtype=self._dtype), exact)


class AnswersStates(Protocol):
    """A task's model from the lower layers' output on."""

    def outputs(self, states: Tensor, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]: ...


class TaskModel:
    """Upper layers, adapter and head of one task, in banks of one slot, as they serve. One thread.

    ``dtype``: of upper layers and adapter, as compute_type.compute_dtype(); heads are float32.
    """

    def __init__(
        self,
        backbone: Backbone,
        adapter: HostAdapter | None,
        head: HostHead,
        *,
        reads_tokens: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.reads_tokens = reads_tokens
        self._upper = ServingLayers(backbone.upper, dtype=dtype)
        self.num_outputs = head.num_labels
        max_rank = 1 if adapter is None else adapter.config.rank
        self._adapters = AdapterBank(backbone.fields, num_slots=1, max_rank=max_rank, dtype=dtype)
        self._heads = HeadBank(backbone.fields, num_slots=1, max_labels=self.num_outputs)
        self._adapters.write(0, None if adapter is None else self._adapters.pack(adapter))
        self._heads.write(0, PackedHead.of(head))

    @torch.inference_mode()
    def outputs(self, states: Tensor, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """[num_documents, outputs], or [num_tokens, outputs], from lower-layer ``states`` [num_tokens,
        hidden]."""
        slots = np.zeros(len(offsets) - 1, np.int64)
        attention = self._upper.attention(offsets)
        final = self._upper.forward(states, attention, self._adapters.call(slots, offsets))
        read = read_by_head(final, offsets, reads_tokens=self.reads_tokens)
        logits = self._heads.logits(read, np.zeros(len(read), np.int64))
        found: npt.NDArray[np.float32] = logits[:, : self.num_outputs].numpy()
        return found


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers for some documents, in their order."""

    outputs: npt.NDArray[np.float32]  # [num_documents, outputs], or [num_tokens, outputs]
    coverage: Coverage  # of all tokens together
    row_coverage: npt.NDArray[np.float64]  # [num_documents, 4] as LowerStates.coverage
    retrieve_s: float
    compute_s: float
    batch_rows: int


def predict(
    path: LowerPath, model: AnswersStates, documents: Documents, *, on_documents: Callable[[int], None]
) -> Predictions:
    """Answer all ``documents`` in batches of BATCH_ROWS; ``on_documents`` hears how many are done."""
    (predictions,) = predict_each(path, [model], documents, on_documents=on_documents)
    return predictions


def predict_each(
    path: LowerPath,
    models: Sequence[AnswersStates],
    documents: Documents,
    *,
    on_documents: Callable[[int], None],
) -> list[Predictions]:
    """As predict(), of several models that read the same states."""
    answers: list[list[npt.NDArray[np.float32]]] = [[] for _ in models]
    covered: list[npt.NDArray[np.float64]] = []
    retrieve_s, compute_s = 0.0, [0.0] * len(models)
    for start in range(0, documents.num_documents, BATCH_ROWS):
        end = min(start + BATCH_ROWS, documents.num_documents)
        batch = select(documents, range(start, end))
        began = time.perf_counter()
        lower = path(batch)
        retrieve_s += time.perf_counter() - began
        for number, model in enumerate(models):
            began = time.perf_counter()
            answers[number].append(model.outputs(lower.states, batch.offsets))
            compute_s[number] += time.perf_counter() - began
        covered.append(lower.coverage)
        on_documents(end)
    row_coverage = np.concatenate(covered)
    shares = (documents.lengths @ row_coverage / max(documents.num_tokens, 1)).tolist()
    return [
        Predictions(np.concatenate(parts), Coverage(*shares), row_coverage, retrieve_s, seconds, BATCH_ROWS)
        for parts, seconds in zip(answers, compute_s, strict=True)
    ]
