"""Computes one mixed batch: rows from PLOT or, where it knows too little, from lower layers; upper layers
with each row's own adapter, each row's own head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hmi.engine.batch import Batch
from hmi.engine.placement import PlacedHplm
from hmi.engine.request import DocumentAnswer, HplmRef
from hmi.model.adapter_bank import BankCall
from hmi.model.attention_rows import AttentionRows
from hmi.model.device_copies import DeviceCopies, Event, SameMemory
from hmi.model.heads import HeadCall, HeadRows
from hmi.model.hplm_bank import HplmBank
from hmi.model.packing import token_types_of
from hmi.model.residuals import RowResiduals
from hmi.model.serving_layers import ExactStates, LookedUp, ServingLayers, ServingLower
from hmi.model.token_chunks import MIN_WIDTH
from hmi.model.unit_table import NO_SLOT
from hmi.plot.lookup import LookupResult, PlotArena
from hmi.plot.ngram import Documents
from wire.inference import Coverage


@dataclass(frozen=True, slots=True)
class ExactPath:
    """The documents of a batch that are under their floor, packed by themselves."""

    documents: Documents
    token_types: npt.NDArray[np.int64] | None
    tokens: Tensor  # int64 [documents.num_tokens], on the device: where each stands in the batch

    @classmethod
    def of(
        cls,
        documents: Documents,
        token_types: npt.NDArray[np.int64] | None,
        is_exact: npt.NDArray[np.bool_],
        device: torch.device,
    ) -> "ExactPath":
        """Of ``documents`` with their ``token_types``, those for which ``is_exact`` [num_documents] holds."""
        lengths = documents.lengths
        tokens = np.flatnonzero(np.repeat(is_exact, lengths))
        offsets = np.concatenate(([0], np.cumsum(lengths[is_exact])))
        types = None if token_types is None else token_types[tokens]
        packed = Documents(documents.token_ids[tokens], offsets)
        return cls(packed, types, torch.from_numpy(tokens).to(device))


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A batch with its lower-layer states looked up; documents of one slot are neighbours."""

    looked_up: LookedUp
    offsets: npt.NDArray[np.int64]  # [num_documents + 1]
    attention: AttentionRows
    adapters: BankCall | None
    head_rows: HeadRows
    bounds: npt.NDArray[np.int64]  # [num_documents + 1] of each document's among those rows
    heads: HeadCall
    num_outputs: Sequence[int]  # of each document's head
    lookup: LookupResult  # of all tokens
    depths: Sequence[int]  # nodes in each document's path
    coverage: npt.NDArray[np.float64]  # [num_documents, 4]: trigram, bigram, unigram, exact
    exact: ExactPath | None  # None: nothing is computed exactly
    back: npt.NDArray[np.int64]  # row of each document of the batch, in the batch's order
    copied: Event | None  # a mark() after all that the forward reads of the device


class ModelRunner:
    """retrieve() on the engine thread. compute() may run beside it, on one other: of what the placement
    writes it reads only what the batch's leases hold.

    A document takes the exact path when the share of its tokens that trigrams and bigrams answer is under its
    request's floor, and there are lower layers.
    """

    def __init__(
        self,
        *,
        residuals: RowResiduals,
        lower: ServingLower | None,
        exact_token_cost: float,
        plot: PlotArena,
        upper: ServingLayers,
        bank: HplmBank,
        last_id: int,
        copies: DeviceCopies | None = None,
    ) -> None:
        """``copies``: the bank's; None: of a processor."""
        self._last_id = last_id  # [SEP]
        self._residuals = residuals
        self._lower = lower
        self._exact_token_cost = exact_token_cost
        self._plot = plot
        self._upper = upper
        self._bank = bank
        self._copies = copies or SameMemory()

    def warm_up(self, max_tokens: int) -> None:
        """Compile the look-up now (seconds, the first time on a machine) and not under the first request; and
        prepare the forward for batches up to ``max_tokens``."""
        self._upper.warm_up(max_tokens, self._bank.adapters)
        for _ in range(2):  # the library makes one call of the first, and a quicker one of the second
            self._outputs(self._idle())
        nothing = Documents(np.zeros(0, np.int32), np.zeros(1, np.int64))
        self._plot.lookup(nothing, np.zeros((0, 1), np.int32), np.zeros((0, self._plot.hidden), np.float32))
        self._copies.begin()

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Retrieved:
        """Look all tokens up, each document along its own path of nodes, in one call."""
        with self._copies.copying():
            return self._looked_up(batch, placed)

    @torch.inference_mode()
    def compute(self, retrieved: Retrieved) -> Sequence[DocumentAnswer]:
        """What each document's own head gives."""
        with self._copies.forward(retrieved.copied):
            outputs = self._outputs(retrieved)
        offsets, bounds = retrieved.offsets, retrieved.bounds
        return [
            DocumentAnswer(
                outputs=outputs[bounds[row] : bounds[row + 1], : retrieved.num_outputs[row]],
                coverage=Coverage(*retrieved.coverage[row].tolist()),
                rungs=retrieved.lookup.rung[offsets[row] : offsets[row + 1]].tobytes(),
                nodes=retrieved.lookup.node[offsets[row] : offsets[row + 1]].tobytes(),
                depth=retrieved.depths[row],
                token_cost=self._exact_token_cost if retrieved.coverage[row, 3] else 1.0,
            )
            for row in retrieved.back
        ]

    def _idle(self) -> Retrieved:
        """A token of nobody, through every step."""
        offsets, device = np.array([0, 1]), self._residuals.device
        head_rows, bounds = HeadRows.of(offsets, [False], device)
        nothing = np.zeros(1, np.uint8)
        return Retrieved(
            looked_up=LookedUp(torch.zeros(1, self._plot.hidden), self._residuals.places(offsets)),
            offsets=offsets,
            attention=self._upper.attention(offsets),
            adapters=self._bank.adapters.idle_call(1, MIN_WIDTH),
            head_rows=head_rows,
            bounds=bounds,
            heads=self._bank.heads.call(np.array([NO_SLOT])),
            num_outputs=[0],
            lookup=LookupResult(nothing, nothing),
            depths=[0],
            coverage=np.zeros((1, 4)),
            exact=None,
            back=np.zeros(1, np.int64),
            copied=None,
        )

    def _looked_up(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Retrieved:
        order = _Order(batch, placed)
        documents = Documents.pack([order.document(row) for row in range(len(order))])
        depths = [len(hplm.path) for hplm in order.placed]
        paths = np.full((len(order), max(depths)), -1, np.int32)
        for row, hplm in enumerate(order.placed):
            paths[row, : len(hplm.path)] = hplm.path
        rows = self._copies.host_rows(documents.num_tokens, self._plot.hidden)
        result = self._plot.lookup(documents, paths, rows.numpy())
        is_exact = result.covered_share(documents.offsets) < order.floors
        if self._lower is None:
            is_exact[:] = False
        coverage = np.zeros((len(order), 4))
        coverage[:, :3] = result.coverage(documents.offsets)
        coverage[is_exact] = (0, 0, 0, 1)
        token_types = token_types_of(documents, self._last_id)
        device = self._residuals.device
        exact = ExactPath.of(documents, token_types, is_exact, device) if is_exact.any() else None
        slots = np.array([hplm.slot for hplm in order.placed], np.int64)
        head_rows, bounds = HeadRows.of(
            documents.offsets, [hplm.head.reads_tokens for hplm in order.placed], device
        )
        return Retrieved(
            looked_up=LookedUp(rows, self._residuals.places(documents.offsets, token_types)),
            offsets=documents.offsets,
            attention=self._upper.attention(documents.offsets),
            adapters=self._bank.adapters.call(slots, documents.offsets),
            head_rows=head_rows,
            bounds=bounds,
            heads=self._bank.heads.call(np.repeat(slots, np.diff(bounds))),
            num_outputs=[hplm.head.num_outputs for hplm in order.placed],
            lookup=result,
            depths=depths,
            coverage=coverage,
            exact=exact,
            back=order.back,
            copied=self._copies.mark(),  # after all above, and after the promotions of this batch
        )

    def _outputs(self, retrieved: Retrieved) -> npt.NDArray[np.float32]:
        """Of each row that heads read, [rows, outputs of the widest head]."""
        exact, path = None, retrieved.exact
        if path is not None:
            assert self._lower is not None, "without lower layers nothing is exact"
            exact = ExactStates(path.tokens, self._lower(path.documents, path.token_types))
        outputs: npt.NDArray[np.float32] = self._upper.answers(
            retrieved.looked_up,
            self._residuals,
            exact,
            retrieved.attention,
            retrieved.adapters,
            retrieved.head_rows,
            retrieved.heads,
        ).numpy()
        return outputs


class _Order:
    """The documents of a batch as the adapters take them: neighbours share a slot, long ones come first."""

    def __init__(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> None:
        documents = [
            (part.request, document, placed[part.request.hplm])
            for part in batch.parts
            for document in range(part.first, part.last)
        ]
        longest: dict[int, int] = {}
        for request, index, hplm in documents:
            longest[hplm.slot] = max(longest.get(hplm.slot, 0), request.tokens_of(index))
        slots = [hplm.slot for _, _, hplm in documents]
        chosen = sorted(range(len(documents)), key=lambda index: (-longest[slots[index]], slots[index]))
        self._documents = [documents[index] for index in chosen]
        self.placed = [hplm for _, _, hplm in self._documents]
        self.floors = np.array([request.coverage_floor for request, _, _ in self._documents])
        self.back = np.argsort(np.array(chosen, np.int64), kind="stable")

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, row: int) -> npt.NDArray[np.int32]:
        request, index, _ = self._documents[row]
        documents = request.documents
        return documents.token_ids[documents.offsets[index] : documents.offsets[index + 1]]
