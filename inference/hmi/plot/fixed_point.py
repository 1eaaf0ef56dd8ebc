"""States as whole numbers of 1/1024: their sums do not depend on the order of adding."""

import numpy as np
import numpy.typing as npt

from hmi.base.errors import InvalidInput

FRACTION_BITS = 10
ONE = 1 << FRACTION_BITS
LARGEST = np.iinfo(np.int16).max / ONE  # 31.999; states of normalised layers stay below 12


def to_fixed(states: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Round to the nearest multiple of 1/1024; raises InvalidInput for what int16 cannot hold, or NaN."""
    if states.size and not np.abs(states).max() <= LARGEST:
        raise InvalidInput(
            f"a lower-layer state is beyond ±{LARGEST:.0f} or not a number: this backbone cannot be tabulated"
        )
    fixed: npt.NDArray[np.int32] = np.rint(states * np.float32(ONE)).astype(np.int32)
    return fixed


def to_float(fixed: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.float32]:
    """Back to floating point."""
    return fixed.astype(np.float32) / np.float32(ONE)


def rounded_mean(
    sums: npt.NDArray[np.int64], counts: "npt.NDArray[np.int64] | npt.NDArray[np.uint32]"
) -> npt.NDArray[np.int16]:
    """sums [n, hidden] over counts [n], rounded to the nearest, halves up: exactly, below 2³² counts.

    By float64, many times as fast as whole numbers are divided. Dividend and divisor have fewer than its 53
    bits; and a quotient that is below a whole number of 16 bits is so by 1 / (2 * counts) at least, which is
    more than 53 bits round away.
    """
    wide = counts.astype(np.int64)[:, None]
    return np.floor((2 * sums + wide) / (2 * wide)).astype(np.int16)
