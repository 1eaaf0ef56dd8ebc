"""Byte counts as people write and read them."""

import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_FACTORS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": KIB, "mib": MIB, "gib": GIB}
_PATTERN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")


def parse_bytes(text: str) -> int:
    """``"1.5 GiB"``, ``"300kB"`` or ``"4096"`` as a number of bytes; raises ValueError on anything else."""
    match = _PATTERN.fullmatch(text)
    factor = _FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"{text!r} is not a size; write a number of bytes, or for example 512MiB or 2GB")
    return int(float(match[1]) * factor) if "." in match[1] else int(match[1]) * factor


def format_bytes(num_bytes: int) -> str:
    """``1610612736`` as ``"1.5 GiB"``."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if num_bytes >= unit:
            return f"{num_bytes / unit:.1f} {name}"
    return f"{num_bytes} B"
