"""What the lower layers gave for the windows of texts: learning a domain computes it, looking up needs it
again."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from hmi.build.states import select
from hmi.model.backbone import Backbone
from hmi.model.estimators import Rows, contextual_states
from hmi.plot.fixed_point import to_fixed, to_float
from hmi.plot.ngram import Documents


class WindowStates:
    """contextual_states() of windows, each computed once. Owned by one thread.

    They wait in a file, 2 * hidden bytes a token, in the whole numbers that segments add up: what is left out
    of a sum is just what was added to it. In memory is a batch, and some 200 bytes a window.
    """

    def __init__(self, backbone: Backbone, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
        """``dtype``: of the products of matrices. What an earlier process has left at ``path`` is dropped."""
        self._backbone = backbone
        self._dtype = dtype
        self._path = path
        self._first_tokens: dict[bytes, int] = {}  # places in the file, by what the windows are
        self._num_tokens = 0
        path.unlink(missing_ok=True)

    def __call__(self, windows: Documents) -> Rows:
        """[num_tokens, hidden], as plot.state_sums.States.

        Raises InvalidInput for what segments cannot hold, OSError when the disk is full.
        """
        names = [_name(windows, window) for window in range(windows.num_documents)]
        new = [window for window, name in enumerate(names) if name not in self._first_tokens]
        if new:
            self._compute([names[window] for window in new], select(windows, new))
        hidden = self._backbone.fields.hidden
        rows = np.empty((windows.num_tokens, hidden), np.float32)
        if names:
            kept = np.memmap(self._path, np.int16, mode="r").reshape(-1, hidden)
            for window, name in enumerate(names):
                start, end = windows.offsets[window : window + 2]
                first = self._first_tokens[name]
                rows[start:end] = to_float(kept[first : first + end - start])
        return rows

    def _compute(self, names: list[bytes], windows: Documents) -> None:
        fixed = to_fixed(contextual_states(self._backbone, windows, dtype=self._dtype)).astype(np.int16)
        with self._path.open("ab") as file:
            file.write(fixed.data)
        for name, offset in zip(names, windows.offsets[:-1].tolist(), strict=True):
            self._first_tokens[name] = self._num_tokens + offset
        self._num_tokens += windows.num_tokens


def _name(windows: Documents, window: int) -> bytes:
    tokens = windows.token_ids[windows.offsets[window] : windows.offsets[window + 1]]
    return hashlib.blake2b(tokens.tobytes(), digest_size=16).digest()
