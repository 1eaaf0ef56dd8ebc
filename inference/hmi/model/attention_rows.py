"""Attention over packed documents as a call for each of few lengths: short documents share a row."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hmi.model.relative_positions import RelativePositions

ROW_TOKENS = 64
"""Documents up to this length are packed into rows of it; a longer one has a row of its own."""
LENGTH_STEP = 32
"""Rows of longer documents are filled up to a multiple of this."""
ROWS_STEP = 4
"""Rows of one length are filled up to one, two or a multiple of this: shapes repeat."""
_HIDDEN = -np.inf
"""Added to a score that must not count, however large: documents of several tenants share a row, and scores
grow with an adapter's weights. Every token sees itself, padding too, so that none sees nothing."""


class RowGroup(NamedTuple):
    """Rows of one length."""

    num_rows: int
    length: int
    tokens: Tensor  # int64 [num_rows * length]
    mask: Tensor  # [num_rows, 1, length, length] 0 within a document, _HIDDEN elsewhere; with what
    # relative positions add, [num_rows, num_heads, length, length]; by products for each head of each row,
    # [num_rows * num_heads, length, length]


class AttentionRows(NamedTuple):
    """How one batch's documents lie in rows; made once a forward and used by all its layers.

        documents a (3 tokens) b (2) c (4) in rows of 5    | a a a b b | c c c c . |
        what a token of row 0 sees                           a sees a, b sees b

    (Measured on a processor with texts of 32 +- 8 tokens: half the time of a call for each length, whose
    softmax over lengths that are no multiple of a vector is slow.)
    """

    num_heads: int
    groups: list[RowGroup]
    back: Tensor  # int64 [padded tokens]: where each token's answer stands among those of all groups
    by_products: bool  # each of attention's products by itself; else the library's attention in one

    @classmethod
    def of(
        cls,
        offsets: NDArray[np.int64],
        *,
        num_padding: int,
        num_heads: int,
        device: torch.device,
        dtype: torch.dtype,
        relative: RelativePositions | None = None,
        by_products: bool = False,
    ) -> "AttentionRows":
        """``offsets`` is int64 [num_documents + 1]: document d is tokens offsets[d] to offsets[d + 1]. The
        ``num_padding`` tokens after them get some document's answer, which nobody reads. ``by_products``:
        where that is quicker, see compute_type.attends_by_products()."""
        lengths, num_tokens = np.diff(offsets), int(offsets[-1])
        rows_by_length = {
            length: (rows, _filled_up(len(rows))) for length, rows in _rows_by_length(lengths).items()
        }
        starts, total = _starts(rows_by_length, lengths)
        back = np.zeros(num_tokens + num_padding, np.int64)
        back[:num_tokens] = np.repeat(starts - offsets[:-1], lengths) + np.arange(num_tokens)
        tokens = np.zeros(total, np.int64)  # padding reads a token that it does not count
        tokens[back[:num_tokens]] = np.arange(num_tokens)
        owners = np.full(total, -1, np.int64)
        owners[back[:num_tokens]] = np.repeat(np.arange(len(lengths)), lengths)
        groups: list[RowGroup] = []
        first = 0
        for length, (_, num_rows) in rows_by_length.items():
            last = first + num_rows * length
            seen_by = torch.from_numpy(owners[first:last].reshape(num_rows, length)).to(device)
            is_hidden = seen_by[:, None, :, None] != seen_by[:, None, None, :]
            mask = torch.zeros(is_hidden.shape, dtype=dtype, device=device).masked_fill_(is_hidden, _HIDDEN)
            if relative is not None:
                mask = mask + relative.bias(length).to(dtype)  # of a distance: a document may begin anywhere
            if by_products:
                mask = mask.expand(num_rows, num_heads, length, length).reshape(-1, length, length)
            groups.append(RowGroup(num_rows, length, torch.from_numpy(tokens[first:last]).to(device), mask))
            first = last
        return cls(num_heads, groups, torch.from_numpy(back).to(device), by_products)


def attend(rows: AttentionRows, query_key_value: Tensor) -> Tensor:
    """Scaled dot-product attention within each document. TorchScript compiles it.

    ``query_key_value`` is [padded tokens, 3 * hidden]; answers [padded tokens, hidden].
    """
    hidden = query_key_value.size(1) // 3
    answers: list[Tensor] = []
    for group in rows.groups:
        tokens = query_key_value.index_select(0, group.tokens)
        # [rows, length, 3, heads, size] -> [3, rows, heads, length, size]
        heads = tokens.view(group.num_rows, group.length, 3, rows.num_heads, -1).permute(2, 0, 3, 1, 4)
        if rows.by_products:
            answer = _by_products(heads, group.mask)
        else:
            answer = functional.scaled_dot_product_attention(
                heads[0], heads[1], heads[2], attn_mask=group.mask
            )
        answers.append(answer.transpose(1, 2).reshape(-1, hidden))
    mixed = answers[0] if len(answers) == 1 else torch.cat(answers)
    return mixed.index_select(0, rows.back)


def _by_products(heads: Tensor, mask: Tensor) -> Tensor:
    """As scaled_dot_product_attention, of [3, rows, heads, length, size]; scores are rounded to their type.

    Twice as quick on a processor without AMX at each length from 64 to 512.
    """
    _, num_rows, num_heads, length, size = heads.size()
    parts = heads.reshape(3, num_rows * num_heads, length, size)
    scores = torch.baddbmm(mask, parts[0], parts[1].transpose(1, 2), alpha=size**-0.5)
    mixed = torch.bmm(torch.softmax(scores, -1), parts[2])
    return mixed.view(num_rows, num_heads, length, size)


def most_scores(*, max_tokens: int, max_rows: int, max_positions: int) -> int:
    """Of one head, [rows, length, length] of all groups, that no batch within these limits passes."""
    room = -(-max_tokens // LENGTH_STEP)
    most = [0] * (room + 1)  # of so many steps of tokens, in rows of the lengths so far
    for length in range(ROW_TOKENS, max(ROW_TOKENS, max_positions + LENGTH_STEP - 1) + 1, LENGTH_STEP):
        is_shared = length == ROW_TOKENS
        held = length // LENGTH_STEP - 1  # by a row at least; of those that are shared, by all but one
        most = [
            max(
                most[left - held * max(0, num_rows - is_shared)] + _filled_up(num_rows) * length**2
                for num_rows in range(min(max_rows, left // held + is_shared) + 1)
            )
            for left in range(room + 1)
        ]
    return most[room]


def _filled_up(num_rows: int) -> int:
    return num_rows if num_rows <= 2 else -(-num_rows // ROWS_STEP) * ROWS_STEP


def _starts(
    rows_by_length: Mapping[int, tuple[list[list[int]], int]], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Where each document begins among the tokens of all rows, which lie one after the other; and how many
    those are. Of each length, the documents of its rows and how many rows there are, filled up."""
    starts = np.zeros(len(lengths), np.int64)
    before = 0
    for length, (rows, num_rows) in rows_by_length.items():
        for number, row in enumerate(rows):
            at = before + number * length
            for document in row:
                starts[document] = at
                at += int(lengths[document])
        before += num_rows * length
    return starts, before


def _rows_by_length(lengths: NDArray[np.int64]) -> dict[int, list[list[int]]]:
    """Row length -> the documents of each row. Short ones share: the longest first, where there is room."""
    order = np.argsort(-lengths, kind="stable").tolist()
    rows: dict[int, list[list[int]]] = {}
    free = np.zeros(len(order), np.int64)
    num_shared = 0
    for document in order:
        length = int(lengths[document])
        if length > ROW_TOKENS:
            rows.setdefault(-(-length // LENGTH_STEP) * LENGTH_STEP, []).append([document])
            continue
        shared = rows.setdefault(ROW_TOKENS, [])
        place = int(np.argmax(free[:num_shared] >= length)) if num_shared else 0
        if num_shared == 0 or free[place] < length:
            place = num_shared
            free[place] = ROW_TOKENS
            shared.append([])
            num_shared += 1
        shared[place].append(document)
        free[place] -= length
    return rows
