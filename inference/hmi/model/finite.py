"""Whether tensors hold numbers only."""

from collections.abc import Sequence

import torch
from torch import Tensor


def all_finite(tensors: Sequence[Tensor]) -> bool:
    """No NaN and no infinity in any of them, which are of one type."""
    together = torch.cat([tensor.reshape(-1) for tensor in tensors])
    # A sum over what is not finite is not finite, and takes less time than a look at each. So is one that
    # overflows.
    return bool(torch.isfinite(together.sum(dtype=torch.float32))) or bool(together.isfinite().all())
