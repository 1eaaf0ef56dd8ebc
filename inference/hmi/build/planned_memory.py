"""What a training will take of memory at its peak, reckoned by the process that has probed it."""

import math
import re
import resource
import sys
from pathlib import Path

import torch

from hmi.model.bert import layer_tensor_shapes
from wire.artifacts import BackboneFields

SUMMED_BYTES = 9_000
"""Of the sums that a token of the dataset adds at most while its domain is learnt: three n-grams."""
KEPT_BYTES = 400
"""Of what a token is kept as beside the files that are mapped: its ids, keys, words and outputs."""


def planned_bytes(fields: BackboneFields, num_tokens: float, *, max_build_bytes: int) -> int:
    """Beside what this process has taken at its most, mapped files aside: the lower layers, which only the
    training opens, and what grows with the dataset's tokens."""
    layer = sum(math.prod(shape) for shape in layer_tensor_shapes(fields, 0).values())
    lower = fields.num_lower * layer * torch.float32.itemsize
    summed = min(max_build_bytes, SUMMED_BYTES * num_tokens)
    return round(_peak_bytes() - _mapped_bytes() + lower + summed + KEPT_BYTES * num_tokens)


def _peak_bytes() -> int:
    """Of this program alone: what the system reckons by itself begins with its parent's."""
    taken = _status_bytes("VmHWM")
    if taken is not None:
        return taken
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _mapped_bytes() -> int:
    """Of files, the libraries' among them, which the system takes back when it lacks memory; 0 where it does
    not say."""
    return _status_bytes("RssFile") or 0


def _status_bytes(name: str) -> int | None:
    """A line of Linux's account of the process."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    return None if found is None else 1024 * int(found[1])
