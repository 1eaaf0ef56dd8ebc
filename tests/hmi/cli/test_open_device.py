"""What is reserved for a forward is what it takes at most, whatever a batch within the limits is made of."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from hmi.cli.open_device import _workspace_bytes
from hmi.engine.batch_limits import BatchLimits
from hmi.model.adapter_bank import IDENTITY, AdapterBank
from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.backbone import Backbone
from hmi.model.serving_layers import ServingLayers, ServingLower
from hmi.plot.ngram import Documents
from tests.hmi.engine.test_mixed_batches import peak_bytes
from tests.tiny.adapters import random_adapter
from tests.tiny.backbone import make_tiny_backbone

MOST_TOKENS, MOST_POSITIONS, MAX_RANK = 1024, 256, 64


@pytest.fixture(scope="module", params=["bert", "mpnet"])
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(
        tmp_path_factory.mktemp("long"),
        architecture=request.param,
        num_heads=8,
        max_positions=MOST_POSITIONS,
    )


def forward_of(
    backbone: Backbone, limits: BatchLimits, dtype: torch.dtype, lengths: list[int], slots: list[int]
) -> Callable[[], object]:
    """As the runner does it for texts that all take the exact path."""
    fields, config = backbone.fields, LoraConfig(MAX_RANK, modules=tuple(AdapterModule))
    assert backbone.lower is not None
    lower, upper = ServingLower(backbone.lower, dtype=dtype), ServingLayers(backbone.upper, dtype=dtype)
    bank = AdapterBank(fields, num_slots=limits.max_adapters, max_rank=MAX_RANK, dtype=dtype)
    adapter = bank.pack(random_adapter(fields, seed=1, config=config))
    for slot in {*slots} - {IDENTITY}:
        bank.write(slot, adapter)
    documents = Documents.pack([np.full(length, 7, np.int32) for length in lengths])

    def forward() -> object:
        attention = upper.attention(documents.offsets)
        call = bank.call(np.array(slots), documents.offsets)
        states = torch.zeros(documents.num_tokens, fields.hidden)
        states[:] = lower(documents, None)
        return upper.forward(states, attention, call)

    return forward


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("lengths", "has_adapters"),
    [
        ([MOST_POSITIONS] * 4, False),
        ([225] * 3, False),  # a fourth row is filled up
        ([3] * 64, True),
        ([3] * 63 + [MOST_POSITIONS], True),
        ([33] * 31, True),
        ([16] * 64, True),
    ],
    ids=["longest", "rows filled up", "shortest", "shortest with a long one", "two to a chunk", "most"],
)
def test_a_forward_works_in_what_was_reserved(
    backbone: Backbone, dtype: torch.dtype, lengths: list[int], has_adapters: bool
) -> None:
    limits = BatchLimits(max_rows=64, max_tokens=MOST_TOKENS, max_adapters=64, max_cold_adapters=64)
    lengths = sorted(lengths, reverse=True)
    slots = [row if has_adapters else IDENTITY for row in range(len(lengths))]
    assert sum(lengths) <= limits.max_tokens
    forward = forward_of(backbone, limits, dtype, lengths, slots)
    forward()  # compiled before
    peak = peak_bytes(forward)
    assert 4 * sum(lengths) * backbone.fields.hidden < peak, "nothing was told of"
    assert peak <= _workspace_bytes(backbone.fields, limits, dtype, max_rank=MAX_RANK)
