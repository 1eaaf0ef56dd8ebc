"""Cuts a mixed batch into stretches of equal length, each with the few units that its tokens use: so the
adapters of many tenants are batched matrix multiplications of few shapes over the tokens as they lie."""

from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmi.model.unit_table import EMPTY_UNIT, NO_SLOT, UnitTable

CHUNK_TOKENS = 32
"""Tokens of a batch are padded to a multiple of this: the shapes that a processor's library has to prepare
are then few (preparing one took four times as long as using it). With 64, batches of 32 texts took 2% longer
and lone ones up to 14% on a processor with AVX-512; with 16 none was quicker."""
MIN_WIDTH = 4
"""Units of a chunk are filled up to this or a power of two with the empty one; four fill a tile."""
MAX_EVEN_WIDTH = 8
"""Up to this width all chunks of a batch are of one: shapes that repeat are worth more than what is saved."""
_NO_UNIT = (EMPTY_UNIT, -2)  # and nobody's slot


def padded_tokens(num_tokens: int) -> int:
    """``num_tokens`` and the padding of its batch."""
    return -(-num_tokens // CHUNK_TOKENS) * CHUNK_TOKENS


class ChunkGroup(NamedTuple):
    """Neighbouring chunks with the same number of units.

    Every token is multiplied by all units of its chunk; ``keep`` leaves it those of its own slot.
    """

    first_token: int
    num_chunks: int
    units: Tensor  # int64 [num_chunks * width]
    keep: Tensor  # [num_chunks, CHUNK_TOKENS, width * unit_rank] 1 or 0, in the adapters' type
    reads_outputs: Tensor | None  # bool [num_chunks, 1, width * unit_rank]; None: no unit of the group does


def token_chunks(
    slots: NDArray[np.int64],
    offsets: NDArray[np.int64],
    table: UnitTable,
    reads_outputs: NDArray[np.bool_],
    *,
    unit_rank: int,
    device: torch.device,
    dtype: torch.dtype,
) -> list[ChunkGroup]:
    """All tokens of a batch, padding included; nothing where no unit acts on any.

        tokens   a a a a | a b b c | c d d . |    slots a..d, chunks of 4
        units    a _ _ _ | a b c _ | c d _ _ |    one group, of width 4

    ``slots`` is int64 [num_documents], NO_SLOT for none; ``offsets`` int64 [num_documents + 1];
    ``reads_outputs`` is of each slot. Raises when a
    slot is empty. Least is multiplied when documents of a slot are neighbours, and the longest come first.
    """
    table.require_filled(slots)
    num_tokens = int(offsets[-1])
    token_slots = np.full(padded_tokens(num_tokens), NO_SLOT, np.int64)
    token_slots[:num_tokens] = np.repeat(slots, np.diff(offsets))
    chunks = token_slots.reshape(-1, CHUNK_TOKENS)
    owned = _owned_units(slots, offsets, len(chunks), table)
    groups: list[ChunkGroup] = []
    for first, last, width in _equal_widths([len(chunk) for chunk in owned]):
        filled = [chunk + [_NO_UNIT] * (width - len(chunk)) for chunk in owned[first:last]]
        units, owners = np.moveaxis(np.array(filled, np.int64), 2, 0)
        keep = chunks[first:last, :, None] == owners[:, None, :]
        after = reads_outputs[np.maximum(owners, 0)] & (owners >= 0)
        groups.append(
            ChunkGroup(
                first_token=first * CHUNK_TOKENS,
                num_chunks=last - first,
                units=torch.from_numpy(units.ravel()).to(device),
                keep=torch.from_numpy(keep.repeat(unit_rank, axis=2)).to(device, dtype),
                reads_outputs=torch.from_numpy(after.repeat(unit_rank, axis=1)[:, None, :]).to(device)
                if after.any()
                else None,
            )
        )
    return groups


def most_units(*, max_tokens: int, max_rows: int, max_adapters: int, max_units: int) -> int:
    """That a group of chunks can have, those that fill up included, in a batch within these limits that lies
    as token_chunks() is quickest; a slot holds ``max_units`` at most."""
    num_chunks = padded_tokens(max_tokens) // CHUNK_TOKENS
    most = 0
    for num_slots in range(1, min(max_adapters, max_rows, CHUNK_TOKENS) + 1):
        like_it = num_chunks
        if num_slots > 2:  # those between the first and the last lie in it whole: what follows is no longer
            longest = CHUNK_TOKENS // (num_slots - 2)
            like_it = min(num_chunks, 1 + padded_tokens(max_rows * longest) // CHUNK_TOKENS)
        [(_, _, width)] = _equal_widths([num_slots * max_units])
        most = max(most, like_it * max(width, MAX_EVEN_WIDTH))
    return most


def _owned_units(
    slots: NDArray[np.int64], offsets: NDArray[np.int64], num_chunks: int, table: UnitTable
) -> list[list[tuple[int, int]]]:
    """For each chunk the units of the slots that occur in it, each with its slot."""
    slots_of: list[dict[int, None]] = [{} for _ in range(num_chunks)]
    bounds = offsets.tolist()
    for slot, start, end in zip(slots.tolist(), bounds, bounds[1:], strict=False):
        for chunk in range(start // CHUNK_TOKENS, -(-end // CHUNK_TOKENS)):
            slots_of[chunk][slot] = None
    units_of = {slot: [(unit, slot) for unit in table.units_of(slot)] for slot in set(slots.tolist())}
    return [list(chain.from_iterable(map(units_of.__getitem__, chunk))) for chunk in slots_of]


def _equal_widths(widths: list[int]) -> list[tuple[int, int, int]]:
    """Runs of chunks (first, last, width), widths rounded up and never falling, so that there are few."""
    widest = max(widths)
    if widest == 0:
        return []
    runs: list[tuple[int, int, int]] = []
    most = MIN_WIDTH if widest <= MIN_WIDTH else MAX_EVEN_WIDTH
    for chunk, width in enumerate(widths):
        while most < width:
            most *= 2
        if runs and runs[-1][2] == most:
            runs[-1] = (runs[-1][0], chunk + 1, most)
        else:
            runs.append((chunk, chunk + 1, most))
    return runs
