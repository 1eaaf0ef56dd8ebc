"""What the frozen model says of a dataset is said of the right rows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.build.data_insight import final_states
from hmi.build.evaluation import BATCH_ROWS
from hmi.build.states import StateSet
from hmi.model.backbone import Backbone
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
    together = final_states(backbone, _states(backbone, documents), told.append)
    assert told[-1] == len(lengths)
    for row, token_ids in enumerate(packed):
        alone = final_states(backbone, _states(backbone, Documents.pack([token_ids])), told.append)
        np.testing.assert_allclose(together[row], alone[0], atol=1e-4)


def _states(backbone: Backbone, documents: Documents) -> StateSet:
    return StateSet(backbone.lower_states(documents).numpy().astype(np.float16), documents.offsets)
