"""What the frozen model says of a dataset is said of the right rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.build.data_insight import final_states
from hmi.build.evaluation import BATCH_ROWS
from hmi.build.states import SomeStates, StateSet
from hmi.plot.ngram import Documents
from tests.tiny.backbone import make_tiny_backbone


def test_a_row_has_its_own_state_whatever_its_length_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # float32 on every machine
    backbone = make_tiny_backbone(tmp_path)
    chance = np.random.default_rng(1)
    lengths = chance.integers(2, 20, 2 * BATCH_ROWS + 5)
    packed = [chance.integers(10, 60, length).astype(np.int32) for length in lengths]
    documents = Documents.pack(packed)
    told: list[int] = []
    # Made once: computed alone, a lower layer's output may be rounded to the next number of 16 bits.
    states = StateSet(backbone.lower_states(documents).numpy().astype(np.float16), documents.offsets)
    together = final_states(backbone, states, told.append)
    assert told[-1] == len(lengths)
    for row in range(len(packed)):
        alone = final_states(backbone, SomeStates(states, np.array([row])), told.append)
        np.testing.assert_allclose(together[row], alone[0], atol=1e-4)
