"""Lower-layer states of rows, written once and memory-mapped: an epoch costs upper layers only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from hmi.build.checkpoint import replacing
from hmi.model.token_chunks import padded_tokens
from hmi.plot.ngram import Documents

BATCH_TOKENS = 8_192

ComputeStates = Callable[[int, int], npt.NDArray[np.float32]]
"""States of the documents start..end, [num_tokens, hidden], position residuals included."""


@dataclass(frozen=True, slots=True)
class StateBatch:
    """Some documents' states, packed."""

    states: torch.Tensor  # [num_tokens, hidden] float32
    offsets: npt.NDArray[np.int64]  # [num_documents + 1]

    def evened(self) -> "StateBatch":
        """With a document of zeros behind the others, where they do not fill chunks of tokens.

        Products of bfloat16 matrices are prepared by the processor's library for each shape anew, which takes
        longer than the product: shapes must repeat. (Measured: steps of training take 0.65 of the time.)
        """
        num_tokens = len(self.states)
        padding = padded_tokens(num_tokens) - num_tokens
        if not padding:
            return self
        states = functional.pad(self.states, (0, 0, 0, padding))
        return StateBatch(states, np.append(self.offsets, num_tokens + padding))


class DocumentStates(Protocol):
    """Documents that can be asked for by number."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each document, [num_documents]."""

    def batch(self, documents: npt.NDArray[np.int64]) -> StateBatch:
        """The states of ``documents``, in that order."""


@dataclass(frozen=True, slots=True)
class StateSet:
    """States of packed documents.

    Kept as float16: half the disk of float32, and finer than the 8-bit steps of the table they come from.
    """

    states: npt.NDArray[np.float16]  # [num_tokens, hidden]
    offsets: npt.NDArray[np.int64]  # [num_documents + 1]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.diff(self.offsets)

    def batch(self, documents: npt.NDArray[np.int64]) -> StateBatch:
        """The states of ``documents``, in that order."""
        parts = [self.states[self.offsets[d] : self.offsets[d + 1]] for d in documents]
        offsets = np.zeros(len(documents) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return StateBatch(torch.from_numpy(np.concatenate(parts).astype(np.float32)), offsets)


@dataclass(frozen=True, slots=True)
class SomeStates:
    """Some of a set's documents, numbered anew."""

    whole: StateSet
    documents: npt.NDArray[np.int64]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return self.whole.lengths[self.documents]

    def batch(self, documents: npt.NDArray[np.int64]) -> StateBatch:
        return self.whole.batch(self.documents[documents])


def output_bounds(lengths: npt.NDArray[np.int64], *, reads_tokens: bool) -> npt.NDArray[np.int64]:
    """[num_documents + 1]: rows bounds[d] to bounds[d + 1] of a head's outputs are document d's; ``lengths``
    are the documents' tokens."""
    rows = lengths if reads_tokens else np.ones(len(lengths), np.int64)
    return np.concatenate(([0], np.cumsum(rows))).astype(np.int64)


def rows_between(bounds: npt.NDArray[np.int64], documents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows of ``documents``, in that order; ``bounds`` as of output_bounds()."""
    return np.concatenate([np.arange(bounds[document], bounds[document + 1]) for document in documents])


def open_states(path: Path, documents: Documents, *, hidden: int) -> StateSet | None:
    """What write_states() has written for these documents, or None when it has not finished."""
    if not path.exists():
        return None
    states = np.memmap(path, dtype=np.float16, mode="r").reshape(documents.num_tokens, hidden)
    return StateSet(states, documents.offsets)


def kept_states(
    path: Path,
    documents: Documents,
    compute: ComputeStates,
    *,
    hidden: int,
    on_documents: Callable[[int], None],
) -> StateSet:
    """What a run before has written at ``path``; else as write_states(), and then that."""
    found = open_states(path, documents, hidden=hidden)
    if found is None:
        write_states(path, documents, compute, on_documents=on_documents)
        found = open_states(path, documents, hidden=hidden)
        assert found is not None, "the states were just written"
    return found


def write_states(
    path: Path, documents: Documents, compute: ComputeStates, *, on_documents: Callable[[int], None]
) -> None:
    """Compute and keep the states of all ``documents``; ``on_documents`` hears how many are done.

    The file appears whole or not at all. Raises OSError when the disk is full.
    """
    with replacing(path) as file:
        for start, end in document_ranges(documents.lengths, BATCH_TOKENS):
            file.write(compute(start, end).astype(np.float16).tobytes())
            on_documents(end)


def document_ranges(lengths: npt.NDArray[np.int64], max_tokens: int) -> Iterator[tuple[int, int]]:
    """Cut documents, in their order, into ranges of at most ``max_tokens`` tokens (one document at least)."""
    start, num_tokens = 0, 0
    for document, length in enumerate(lengths):
        if document > start and num_tokens + length > max_tokens:
            yield start, document
            start, num_tokens = document, 0
        num_tokens += int(length)
    if start < len(lengths):
        yield start, len(lengths)


def select(documents: Documents, chosen: Sequence[int]) -> Documents:
    """Some of the documents, in the order of ``chosen``."""
    return Documents.pack(
        [documents.token_ids[documents.offsets[d] : documents.offsets[d + 1]] for d in chosen]
    )
