"""Numbers of many rows as a short text: a job's result names every row of a dataset in some kilobytes."""

import sys
import zlib
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable
from itertools import accumulate, pairwise


def pack_rows(rows: Iterable[int]) -> str:
    """Their order is not kept, nor how often one comes."""
    ordered = sorted(set(rows))
    steps = array("I", [after - before for before, after in pairwise([0, *ordered])])
    if sys.byteorder == "big":
        steps.byteswap()
    return b64encode(zlib.compress(steps.tobytes(), 9)).decode()


def unpack_rows(packed: str) -> tuple[int, ...]:
    """The numbers, ascending. Raises ValueError for what pack_rows has not made."""
    try:
        steps = array("I", zlib.decompress(b64decode(packed, validate=True)))
    except zlib.error as exc:
        raise ValueError(f"no packed row numbers: {exc}") from exc
    if sys.byteorder == "big":
        steps.byteswap()
    return tuple(accumulate(steps))
