"""Ids that nobody else has: version-4 UUIDs, of the system's randomness."""

import os

_NUM_AT_ONCE = 256
_BYTES = 16


class RandomIds:
    """Reads randomness for many at once: each reading is a system call at which other threads take the
    interpreter. One thread."""

    def __init__(self) -> None:
        self._random = b""
        self._place = 0

    def hex(self) -> str:
        """A new one as 32 hexadecimal digits."""
        if self._place == len(self._random):
            self._random, self._place = os.urandom(_NUM_AT_ONCE * _BYTES), 0
        drawn = int.from_bytes(self._random[self._place : self._place + _BYTES])
        self._place += _BYTES
        # xxxxxxxx-xxxx-4xxx-{8..b}xxx-xxxxxxxxxxxx (RFC 9562, 5.4)
        drawn = drawn & ~(0xF << 76) | 0x4 << 76
        drawn = drawn & ~(0x3 << 62) | 0x2 << 62
        return f"{drawn:032x}"

    def dashed(self) -> str:
        """A new one as UUIDs are written."""
        digits = self.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
