"""All compiled code of PLOT.

It stands in one file because numba's cache on disk notices changes in the file of the function it compiled,
not in those of the functions that it calls. Nothing compiles on import: a kernel compiles at its first call,
and the result is kept beside this file (or in ``NUMBA_CACHE_DIR``), so that the next process only loads it.
No kernel holds the GIL.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np import arrayobj

P = ParamSpec("P")
R = TypeVar("R")

I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]

TRIGRAM, LEFT, RIGHT, UNIGRAM, BOTH_BIGRAMS = range(5)  # hmi.plot.ngram.Rung and Answer, as plain numbers
NO_ANSWER = 255

# Columns of a node's description: where its parts begin in the arena, each in units of its own type.
NODE_KEYS, NODE_ROWS, NODE_SCALES, NODE_DIMENSIONS, NODE_CODES, NODE_CAPACITY = range(6)
NODE_COLUMNS = 6

_MULTIPLY_1 = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_2 = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_FREE = np.uint64(0)
_TOKEN_SHIFT, _LENGTH_SHIFT, _BOUNDARY = np.uint64(24), np.uint64(56), np.uint64(1)  # as in hmi.plot.causal
_BLOCK_TOKENS = 64
_LINE_BYTES = 64


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the result on disk."""
    return cast(Callable[P, R], numba.njit(nogil=True, cache=True)(function))


@compiled
def first_slot(key: np.uint64, capacity: int) -> int:
    """Where the search for ``key`` begins: its hash, scaled to [0, capacity); capacity < 2**32."""
    mixed = key * _MULTIPLY_1
    mixed = (mixed ^ (mixed >> _HALF)) * _MULTIPLY_2
    return np.int64(((mixed >> _HALF) * np.uint64(capacity)) >> _HALF)  # type: ignore[return-value]  # an int to numba


@compiled
def fill_slots(keys: U64, slot_keys: U64, slot_rows: U32) -> None:
    """Enter keys (all different, none 0) into empty slots, row i for keys[i]; a slot must stay free."""
    capacity = len(slot_keys)
    for row in range(len(keys)):
        slot = first_slot(keys[row], capacity)
        while slot_keys[slot] != _FREE:
            slot = slot + 1 if slot + 1 < capacity else 0
        slot_keys[slot] = keys[row]
        slot_rows[slot] = row


@compiled
def find_row(
    key: np.uint64, slot: int, slot_keys: U64, slot_rows: U32, start_key: int, start_row: int, capacity: int
) -> int:
    """Row of ``key`` in the node whose slots begin at start_key and start_row; -1 where it has none.

    ``slot`` is its first_slot.
    """
    while True:
        found = slot_keys[start_key + slot]
        if found == key:
            return np.int64(slot_rows[start_row + slot])  # type: ignore[return-value]  # an int to numba
        if found == _FREE:
            return -1
        slot = slot + 1 if slot + 1 < capacity else 0


@compiled
def find_rows(keys: U64, slot_keys: U64, slot_rows: U32, rows: I64) -> None:
    """find_row for many keys in one table."""
    for i in range(len(keys)):
        slot = first_slot(keys[i], len(slot_keys))
        rows[i] = find_row(keys[i], slot, slot_keys, slot_rows, 0, 0, len(slot_keys))


@compiled
def accumulate(
    rows: I64, fixed: I32, token_squares: I64, place: I64, narrow: I32, wide: I64, squares: I64
) -> None:
    """Add every token's state to the sums of its n-grams.

    ``rows`` [4, num_tokens], -1 where the n-gram is not kept. A row's sum stands in narrow[place] or, where
    place is negative, in wide[-1 - place].
    """
    for rung in range(rows.shape[0]):
        for token in range(rows.shape[1]):
            row = rows[rung, token]
            if row < 0:
                continue
            squares[row] += token_squares[token]
            at = place[row]
            if at >= 0:
                for j in range(fixed.shape[1]):
                    narrow[at, j] += fixed[token, j]
            else:
                for j in range(fixed.shape[1]):
                    wide[-1 - at, j] += fixed[token, j]


@compiled
def accumulate_range(rows: I32, fixed: I16, token_squares: I64, start: int, sums: I64, squares: I64) -> None:
    """accumulate, for the rows from ``start`` on that ``sums`` has place for. ``rows`` [num_tokens, 4]."""
    for token in range(rows.shape[0]):
        for rung in range(rows.shape[1]):
            at = rows[token, rung] - start
            if at < 0 or at >= len(sums):
                continue
            squares[at] += token_squares[token]
            for j in range(fixed.shape[1]):
                sums[at, j] += fixed[token, j]


@cast(Callable[[Callable[..., Any]], Callable[[npt.NDArray[Any], Any], None]], intrinsic)
def _prefetch(typing: Any, array: Any, index: Any) -> Any:
    """``_prefetch(array, index)``: ask for the cache line of an element, and do not wait for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        items = arrayobj.make_array(kind)(context, builder, arguments[0])  # type: ignore[no-untyped-call]  # numba
        address = cgutils.get_item_pointer(  # type: ignore[no-untyped-call]  # numba
            context, builder, kind, items, [arguments[1]], wraparound=False
        )
        address = builder.bitcast(address, cgutils.voidptr_t)
        number = ir.IntType(32)
        wanted = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]  # numba
            builder.module, wanted, "llvm.prefetch.p0"
        )
        read, keep, data = number(0), number(3), number(1)
        builder.call(function, [address, read, keep, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@compiled
def look_up(
    keys: U64,
    offsets: I64,
    paths: I32,
    nodes: I64,
    words: U64,
    halves: U32,
    singles: F32,
    codes: I8,
    out: F32,
    rung: U8,
    position: U8,
) -> None:
    """Climb the ladder for every token of a batch; rung is NO_ANSWER where not even the unigram was found.

    ``words``, ``halves``, ``singles`` and ``codes`` are the same arena, seen as 8, 4, 4 and 1 byte wide.

    A climb waits for one read before it knows the next, and almost every read misses the cache. So a block of
    tokens climbs together, a node at a time: the slots where their searches begin are asked for, then read,
    and a row is asked for as soon as it is found, long before it is added up.
    """
    document = np.empty(_BLOCK_TOKENS, np.int64)
    at = np.empty(
        (4, _BLOCK_TOKENS), np.int64
    )  # position in the token's path; -1: found nowhere, or not sought
    row = np.empty((4, _BLOCK_TOKENS), np.int64)
    sought, slots = np.empty(_BLOCK_TOKENS, np.int64), np.empty(_BLOCK_TOKENS, np.int64)
    current = 0
    for start in range(0, keys.shape[1], _BLOCK_TOKENS):
        num_tokens = min(_BLOCK_TOKENS, keys.shape[1] - start)
        for i in range(num_tokens):
            while offsets[current + 1] <= start + i:
                current += 1
            document[i] = current
        at[:] = -1
        for level in range(4):
            num_sought = 0
            for i in range(num_tokens):
                if _is_sought(level, at[:, i]):
                    sought[num_sought] = i
                    num_sought += 1
            _climb(
                keys[level, start : start + num_tokens],
                sought[:num_sought],
                slots,
                document,
                paths,
                nodes,
                (words, halves, singles, codes),
                out.shape[1],
                at[level],
                row[level],
            )
        for i in range(num_tokens):
            token = start + i
            rung[token], position[token] = _write_row(
                at[:, i], row[:, i], paths[document[i]], nodes, singles, codes, out[token]
            )


@compiled
def _is_sought(level: int, at: I64) -> bool:
    """Bigrams are looked for where there is no trigram; unigrams where there are both bigrams or neither."""
    if level == TRIGRAM:
        return True
    return at[TRIGRAM] < 0 and (level != UNIGRAM or (at[LEFT] >= 0) == (at[RIGHT] >= 0))


@compiled
def _climb(
    keys: U64,
    sought: I64,
    slots: I64,
    document: I64,
    paths: I32,
    nodes: I64,
    arena: tuple[U64, U32, F32, I8],
    hidden: int,
    at: I64,
    row: I64,
) -> None:
    """Find the rows of one rung for the tokens ``sought`` of a block, leaf first; ``sought`` is used up."""
    words, halves, singles, codes = arena
    depth = paths.shape[1]
    num_sought = len(sought)
    for back in range(depth):
        place = depth - 1 - back
        for k in range(num_sought):
            i = sought[k]
            node = paths[document[i], place]
            if node >= 0:
                slots[k] = first_slot(keys[i], nodes[node, NODE_CAPACITY])
                _prefetch(words, nodes[node, NODE_KEYS] + slots[k])
                _prefetch(halves, nodes[node, NODE_ROWS] + slots[k])
        num_left = 0
        for k in range(num_sought):
            i = sought[k]
            node = paths[document[i], place]
            found = -1
            if node >= 0:
                found = find_row(
                    keys[i],
                    slots[k],
                    words,
                    halves,
                    nodes[node, NODE_KEYS],
                    nodes[node, NODE_ROWS],
                    nodes[node, NODE_CAPACITY],
                )
            if found >= 0:
                at[i], row[i] = place, found
                _prefetch_row(nodes[node], found, hidden, singles, codes)
            else:
                sought[num_left] = i
                num_left += 1
        num_sought = num_left


@compiled
def _prefetch_row(node: I64, row: int, hidden: int, singles: F32, codes: I8) -> None:
    _prefetch(singles, node[NODE_SCALES] + row)
    start = node[NODE_CODES] + row * hidden
    for j in range(0, hidden, _LINE_BYTES):
        _prefetch(codes, start + j)
    _prefetch(codes, start + hidden - 1)


@compiled
def _write_row(
    at: I64, row: I64, path: I32, nodes: I64, singles: F32, codes: I8, out: F32
) -> tuple[int, int]:
    """What was found for one token, put together into ``out`` [hidden]; the answer's rung and position."""
    is_both = at[TRIGRAM] < 0 and at[LEFT] >= 0 and at[RIGHT] >= 0
    level = TRIGRAM
    while level < UNIGRAM and at[level] < 0:
        level += 1
    if at[level] < 0 or (is_both and at[UNIGRAM] < 0):
        return NO_ANSWER, NO_ANSWER
    _copy_row(nodes[path[at[level]]], row[level], singles, codes, out)
    if not is_both:
        return level, at[level]
    for other in range(RIGHT, UNIGRAM + 1):
        sign = 1.0 if other == RIGHT else -1.0
        _add_row(sign, nodes[path[at[other]]], row[other], singles, codes, out)
    return BOTH_BIGRAMS, max(at[LEFT], at[RIGHT])


@compiled
def _copy_row(node: I64, row: int, singles: F32, codes: I8, out: F32) -> None:
    hidden = len(out)
    scale = singles[node[NODE_SCALES] + row]
    dimensions = singles[node[NODE_DIMENSIONS] : node[NODE_DIMENSIONS] + hidden]
    start = node[NODE_CODES] + row * hidden
    values = codes[start : start + hidden]
    for j in range(hidden):
        out[j] = scale * dimensions[j] * np.float32(values[j])


@compiled
def _add_row(sign: float, node: I64, row: int, singles: F32, codes: I8, out: F32) -> None:
    hidden = len(out)
    scale = np.float32(sign) * singles[node[NODE_SCALES] + row]
    dimensions = singles[node[NODE_DIMENSIONS] : node[NODE_DIMENSIONS] + hidden]
    start = node[NODE_CODES] + row * hidden
    values = codes[start : start + hidden]
    for j in range(hidden):
        out[j] += scale * dimensions[j] * np.float32(values[j])


@compiled
def look_up_suffixes(
    token_codes: U64,
    offsets: I64,
    paths: I32,
    nodes: I64,
    words: U64,
    halves: U32,
    singles: F32,
    codes: I8,
    order: int,
    out: F32,
    rung: U8,
    position: U8,
) -> None:
    """For each token the longest suffix that a node of its path has; of equals the one nearest to the leaf.

    Rung ``order - length``; NO_ANSWER where not even the bare token was found. As look_up otherwise.
    """
    for document in range(len(offsets) - 1):
        first, path = offsets[document], paths[document]
        for token in range(first, offsets[document + 1]):
            longest, at, row = 0, -1, -1
            for back in range(len(path)):
                place = len(path) - 1 - back
                if path[place] < 0:
                    continue
                node = nodes[path[place]]
                length, found = _longest_suffix(token_codes, first, token, order, node, words, halves)
                if length > longest:
                    longest, at, row = length, place, found
            if longest == 0:
                rung[token], position[token] = NO_ANSWER, NO_ANSWER
            else:
                rung[token], position[token] = order - longest, at
                _copy_row(nodes[path[at]], row, singles, codes, out[token])


@compiled
def _longest_suffix(
    token_codes: U64, first: int, token: int, order: int, node: I64, words: U64, halves: U32
) -> tuple[int, int]:
    """Length and row of the longest suffix that a node has; its shorter ones are all there."""
    length, row = 0, 0
    while length < order and token - length >= first - 1:
        before = token - length
        code = token_codes[before] if before >= first else _BOUNDARY
        key = suffix_key(length + 1, row, code)
        slot = first_slot(key, node[NODE_CAPACITY])
        found = find_row(key, slot, words, halves, node[NODE_KEYS], node[NODE_ROWS], node[NODE_CAPACITY])
        if found < 0:
            break
        length, row = length + 1, found
    return length, row


@compiled
def suffix_key(length: int, shorter: int, code: np.uint64) -> np.uint64:
    """The key of hmi.plot.causal."""
    return (np.uint64(length) << _LENGTH_SHIFT) | (np.uint64(shorter) << _TOKEN_SHIFT) | code


@compiled
def leave_out(
    document: int,
    keys: I64,
    counted_keys: I64,
    counted_window: I64,
    counted_fixed: I32,
    token_ids: I32,
    source_rows: I64,
    source_counts: I64,
    source_means: I16,
    source_node: I64,
    source_windows: I64,
    source_minimum: I64,
    copies: I64,
    tau: F32,
    isolated: F32,
    fixed_scale: float,
    out: F32,
    rung: U8,
    position: U8,
) -> None:
    """Rows of one document's tokens as if it had never been counted. Arguments of one document:

    ``keys`` [4, n] and ``counted_keys`` [4, m] number the distinct n-grams of the batch (-1 in counted_keys:
    not asked for); ``counted_window`` [m] is the window a counted token stands in. Sources are segments,
    sorted by node, root first: ``source_rows`` and ``source_counts`` [sources, n-grams] with -1 and 0 for
    absent ones, ``source_means`` [rows, hidden]; ``copies`` [sources, documents], how often each has counted
    the document. ``tau`` [nodes, 4].
    """
    # In one piece: with what one source has left and the shrinking as functions it took 1.8 times as long.
    num_tokens, hidden = out.shape
    num_nodes = tau.shape[0]
    num_sources = len(source_node)
    # group[rung, token]: number of the token's n-gram within this document; rows by rung, group and node.
    group = np.empty((4, num_tokens), np.int64)
    rows = np.zeros((4, num_tokens, num_nodes, hidden), np.float32)
    answered_by = np.full((4, num_tokens, num_nodes), -1, np.int64)
    total = np.empty(hidden, np.int64)
    prior = np.empty(hidden, np.float32)

    for step in range(4):
        level = UNIGRAM - step  # unigrams, right and left bigrams, trigrams: each is the next one's prior
        order = np.argsort(keys[level])
        counted_order = np.argsort(counted_keys[level])
        num_groups, own_start = -1, 0
        for i in range(num_tokens):
            token = order[i]
            key = keys[level, token]
            if i > 0 and key == keys[level, order[i - 1]]:
                group[level, token] = num_groups
                continue
            num_groups += 1
            group[level, token] = num_groups
            while own_start < len(counted_order) and counted_keys[level, counted_order[own_start]] < key:
                own_start += 1
            own_stop = own_start
            while own_stop < len(counted_order) and counted_keys[level, counted_order[own_stop]] == key:
                own_stop += 1

            source = 0
            for node in range(num_nodes):
                count = 0
                total[:] = 0
                while source < num_sources and source_node[source] == node:
                    row = source_rows[source, key]
                    if row >= 0:
                        own = 0
                        if copies[source, document] > 0:
                            for k in range(own_start, own_stop):
                                if counted_window[counted_order[k]] < source_windows[source]:
                                    own += copies[source, document]
                        in_source = source_counts[source, key]
                        least = 1 if level == UNIGRAM else source_minimum[source]
                        if in_source - own >= least:
                            count += in_source - own
                            for j in range(hidden):
                                total[j] += in_source * np.int64(source_means[row, j])
                            if own > 0:
                                for k in range(own_start, own_stop):
                                    other = counted_order[k]
                                    if counted_window[other] < source_windows[source]:
                                        for j in range(hidden):
                                            total[j] -= copies[source, document] * np.int64(
                                                counted_fixed[other, j]
                                            )
                    source += 1

                above = answered_by[level, num_groups, node - 1] if node > 0 else -1
                if above >= 0:
                    prior[:] = rows[level, num_groups, node - 1]
                elif level == UNIGRAM:
                    prior[:] = isolated[token_ids[token]]
                else:
                    _back_off(level, node, token, group, rows, answered_by, prior)
                if count > 0 or (level == UNIGRAM and node == 0):
                    weight = tau[node, level]
                    for j in range(hidden):
                        rows[level, num_groups, node, j] = (
                            total[j] * fixed_scale + weight * np.float64(prior[j])
                        ) / (count + weight)
                    answered_by[level, num_groups, node] = node
                elif above >= 0:
                    rows[level, num_groups, node] = rows[level, num_groups, node - 1]
                    answered_by[level, num_groups, node] = above

    leaf = num_nodes - 1
    for token in range(num_tokens):
        at = group[TRIGRAM, token]
        if answered_by[TRIGRAM, at, leaf] >= 0:
            rung[token], position[token] = TRIGRAM, answered_by[TRIGRAM, at, leaf]
            out[token] = rows[TRIGRAM, at, leaf]
        else:
            rung[token], position[token] = _back_off(
                TRIGRAM, leaf, token, group, rows, answered_by, out[token]
            )


@compiled
def _back_off(
    level: int, node: int, token: int, group: I64, rows: F32, answered_by: I64, out: F32
) -> tuple[int, int]:
    """What the rungs below ``level`` answer at ``node``, into ``out``; the answer's rung and node."""
    left, right, unigram = group[LEFT, token], group[RIGHT, token], group[UNIGRAM, token]
    has_left = level == TRIGRAM and answered_by[LEFT, left, node] >= 0
    has_right = level == TRIGRAM and answered_by[RIGHT, right, node] >= 0
    if has_left and has_right:
        for j in range(len(out)):
            out[j] = rows[LEFT, left, node, j] + rows[RIGHT, right, node, j] - rows[UNIGRAM, unigram, node, j]
        return BOTH_BIGRAMS, max(answered_by[LEFT, left, node], answered_by[RIGHT, right, node])
    if has_left:
        out[:] = rows[LEFT, left, node]
        return LEFT, answered_by[LEFT, left, node]
    if has_right:
        out[:] = rows[RIGHT, right, node]
        return RIGHT, answered_by[RIGHT, right, node]
    out[:] = rows[UNIGRAM, unigram, node]
    return UNIGRAM, answered_by[UNIGRAM, unigram, node]
