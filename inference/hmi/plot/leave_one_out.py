"""Look-ups for training: rows as if the document that is looked up had never been counted anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot import kernels
from hmi.plot.causal import CausalScheme
from hmi.plot.causal_leave_one_out import CausalSource, CountedDocument, leave_out_suffixes
from hmi.plot.fixed_point import ONE, to_fixed
from hmi.plot.lookup import LookupResult
from hmi.plot.ngram import CentredScheme, Documents, rows_among
from hmi.plot.segment import Segment
from hmi.plot.table import PlotTable


@dataclass(frozen=True, slots=True)
class NodeEvidence:
    """One node's segments, and its table: its shrinkage, and which n-grams its budget had room for."""

    segments: tuple[Segment, ...]
    table: PlotTable


@dataclass(frozen=True, slots=True)
class CountedTexts:
    """How texts were counted: every text as one or more windows, with the states that were added up."""

    windows: Documents
    window_offsets: npt.NDArray[np.int64]  # [num_texts + 1]; text t is the windows [t]..[t + 1]
    states: npt.NDArray[np.float32]  # [tokens of all windows, hidden], as given to build_segment


class LeaveOneOutLookup:
    """The ladder of a path of nodes, from their segments instead of their tables.

    Counts are exactly those of a tree built without the document. Values differ from such a tree's rows by
    the roundings alone: the segment's means (1/2048 each) and the table's 8 bits. The shrinkage is taken as
    fitted, and the choice of rows under a budget as made.
    """

    def __init__(self, nodes: Sequence[NodeEvidence], isolated: npt.NDArray[np.float32]) -> None:
        """``nodes`` root first; ``isolated`` [vocab, hidden] as in its bundle (table.open_isolated)."""
        if not nodes:
            raise InvalidInput("a path has at least the root")
        self._sources = [(at, segment) for at, node in enumerate(nodes) for segment in node.segments]
        sizes = {segment.fields.window_tokens for _, segment in self._sources}
        if len(sizes) > 1:
            raise BundleMismatch(f"segments count texts in windows of different sizes: {sorted(sizes)}")
        if any(segment.hidden != isolated.shape[1] for _, segment in self._sources):
            raise BundleMismatch("segments and isolated rows belong to different backbones")
        self.window_tokens: int | None = sizes.pop() if sizes else None
        """Size of the windows in which texts were counted; None where there was no text."""
        self._tables = [node.table for node in nodes]
        scheme = {table.fields.scheme for table in self._tables}
        scheme |= {segment.fields.scheme for _, segment in self._sources}
        if len(scheme) > 1:
            raise BundleMismatch(f"nodes of different schemes stand in one path: {sorted(scheme)}")
        self._causal = CausalScheme.named(scheme.pop())  # None: the centred scheme
        rungs = CentredScheme.rungs if self._causal is None else self._causal.rungs
        tau = [[node.table.fields.tau[rung] for rung in rungs] for node in nodes]
        self._tau = np.array(tau, np.float32)  # [nodes, rungs]
        self._isolated = np.ascontiguousarray(isolated, np.float32)

    def max_windows(self, document_hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """How many windows of each text were counted at most, [n]; 0 for a text that no segment holds."""
        most = np.zeros(len(document_hashes), np.int64)
        for _, segment in self._sources:
            most = np.maximum(most, np.where(segment.holds(document_hashes), segment.fields.max_windows, 0))
        return most

    def lookup(
        self,
        documents: Documents,
        document_hashes: npt.NDArray[np.uint64],
        counted: CountedTexts,
        out: npt.NDArray[np.float32],
    ) -> LookupResult:
        """Write every token's row into ``out`` [num_tokens, hidden], as PlotArena.lookup does.

        ``document_hashes`` [num_documents] are the segment.text_hash of the texts; ``counted`` has the same
        texts, with max_windows windows each (fewer where the text is shorter; none where it was not counted).
        """
        self._check(documents, document_hashes, counted, out)
        fixed = to_fixed(counted.states)
        if self._causal is not None:
            return self._leave_out_suffixes(self._causal, documents, document_hashes, counted, fixed, out)
        return self._leave_out(documents, document_hashes, counted, fixed, out)

    def _leave_out(
        self,
        documents: Documents,
        document_hashes: npt.NDArray[np.uint64],
        counted: CountedTexts,
        fixed: npt.NDArray[np.int32],
        out: npt.NDArray[np.float32],
    ) -> LookupResult:
        keys = CentredScheme.keys(documents)
        distinct, numbered = np.unique(keys, return_inverse=True)
        numbered = numbered.reshape(keys.shape)
        counted_numbered = rows_among(CentredScheme.keys(counted.windows), distinct)
        gathered = self._gather(distinct, document_hashes)
        rung = np.empty(documents.num_tokens, np.uint8)
        position = np.empty(documents.num_tokens, np.uint8)
        window_tokens = counted.windows.offsets[counted.window_offsets]
        for document in range(documents.num_documents):
            here = slice(documents.offsets[document], documents.offsets[document + 1])
            there = slice(window_tokens[document], window_tokens[document + 1])
            lengths = counted.windows.lengths[
                counted.window_offsets[document] : counted.window_offsets[document + 1]
            ]
            kernels.leave_out(
                document,
                np.ascontiguousarray(numbered[:, here]),
                np.ascontiguousarray(counted_numbered[:, there]),
                np.repeat(np.arange(len(lengths)), lengths),
                fixed[there],
                documents.token_ids[here],
                gathered.rows,
                gathered.counts,
                gathered.means,
                gathered.node,
                gathered.windows,
                gathered.minimum,
                gathered.copies,
                self._tau,
                self._isolated,
                1 / ONE,
                out[here],
                rung[here],
                position[here],
            )
        return LookupResult(rung, position)

    def _leave_out_suffixes(
        self,
        scheme: CausalScheme,
        documents: Documents,
        document_hashes: npt.NDArray[np.uint64],
        counted: CountedTexts,
        fixed: npt.NDArray[np.int32],
        out: npt.NDArray[np.float32],
    ) -> LookupResult:
        rung = np.empty(documents.num_tokens, np.uint8)
        position = np.empty(documents.num_tokens, np.uint8)
        kept = [table.keys for table in self._tables]
        holds = [segment.holds(document_hashes) for _, segment in self._sources]
        for document in range(documents.num_documents):
            here = slice(documents.offsets[document], documents.offsets[document + 1])
            windows = slice(counted.window_offsets[document], counted.window_offsets[document + 1])
            bounds = counted.windows.offsets[windows.start : windows.stop + 1]
            there = slice(bounds[0], bounds[-1])
            leave_out_suffixes(
                scheme,
                Documents.pack([documents.token_ids[here]]),
                CountedDocument(
                    Documents(counted.windows.token_ids[there], bounds - bounds[0]),
                    np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)),
                    fixed[there],
                ),
                [
                    CausalSource(node, segment, bool(has[document]))
                    for (node, segment), has in zip(self._sources, holds, strict=True)
                ],
                kept,
                self._tau,
                self._isolated,
                out[here],
                rung[here],
                position[here],
            )
        return LookupResult(rung, position, tuple(range(scheme.order)))

    def _gather(
        self, distinct: npt.NDArray[np.uint64], document_hashes: npt.NDArray[np.uint64]
    ) -> "_Gathered":
        """The part of every segment that this batch can need; the rest stays on the disk."""
        num_sources = len(self._sources)
        rows = np.full((num_sources, len(distinct)), -1)
        counts = np.zeros((num_sources, len(distinct)), np.int64)
        copies = np.zeros((num_sources, len(document_hashes)), np.int64)
        means = [np.zeros((0, self._isolated.shape[1]), np.int16)]
        num_means = 0
        in_table = [table.find(distinct) >= 0 for table in self._tables]
        for source, (node, segment) in enumerate(self._sources):
            found = rows_among(distinct, segment.keys)
            present = (found >= 0) & in_table[node]
            rows[source, present] = np.arange(num_means, num_means + int(present.sum()))
            counts[source, present] = segment.counts[found[present]]
            means.append(segment.means[found[present]])
            num_means += len(means[-1])
            copies[source] = segment.copies(document_hashes)
        fields = [segment.fields for _, segment in self._sources]
        return _Gathered(
            rows=rows,
            counts=counts,
            means=np.concatenate(means),
            node=np.array([node for node, _ in self._sources], np.int64),
            windows=np.array([field.max_windows for field in fields], np.int64),
            minimum=np.array([field.min_count for field in fields], np.int64),
            copies=copies,
        )

    def _check(
        self,
        documents: Documents,
        document_hashes: npt.NDArray[np.uint64],
        counted: CountedTexts,
        out: npt.NDArray[np.float32],
    ) -> None:
        hidden = self._isolated.shape[1]
        if out.dtype != np.float32 or out.shape != (documents.num_tokens, hidden):
            raise InvalidInput(f"out must be float32 [{documents.num_tokens}, {hidden}], got {out.shape}")
        if (
            len(document_hashes) != documents.num_documents
            or len(counted.window_offsets) != len(document_hashes) + 1
        ):
            raise InvalidInput("documents, hashes and counted texts must be of the same number")
        if counted.states.shape != (counted.windows.num_tokens, hidden):
            raise InvalidInput(
                f"counted states are {counted.states.shape}, wanted one row for every counted token"
            )
        if documents.num_tokens and documents.token_ids.max() >= len(self._isolated):
            raise InvalidInput("a token id lies beyond the vocabulary of the root")
        was_counted = self.max_windows(document_hashes) > 0
        if np.any(was_counted & (np.diff(counted.window_offsets) == 0)):
            raise InvalidInput("a text that a segment holds comes without its windows: it cannot be left out")


@dataclass(frozen=True, slots=True)
class _Gathered:
    """As kernels.leave_out takes them."""

    rows: npt.NDArray[np.int64]  # [sources, distinct]
    counts: npt.NDArray[np.int64]  # [sources, distinct]
    means: npt.NDArray[np.int16]  # [rows, hidden]
    node: npt.NDArray[np.int64]  # [sources]
    windows: npt.NDArray[np.int64]  # [sources]
    minimum: npt.NDArray[np.int64]  # [sources]
    copies: npt.NDArray[np.int64]  # [sources, documents]
