"""What is reserved for a forward is what it takes at most, whatever a batch within the limits is made of."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.cli.open_device import CUDA_LIBRARY_BYTES, _library_bytes, _workspace_bytes
from hmi.engine.batch_limits import BatchLimits
from hmi.model.adapter_bank import IDENTITY, AdapterBank
from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.backbone import Backbone
from hmi.model.device_copies import StreamCopies
from hmi.model.heads import HeadBank, HeadRows, PackedHead
from hmi.model.serving_layers import ExactStates, LookedUp, ServingLayers, ServingLower
from hmi.plot.ngram import Documents
from tests.fakes.device_library import FakeDeviceLibrary, FakeStream
from tests.fakes.settings import service_settings
from tests.hmi.engine.test_mixed_batches import peak_bytes
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from tests.tiny.device import DEVICE

MOST_TOKENS, MOST_POSITIONS, MAX_RANK = 1024, 256, 64


@pytest.fixture(scope="module", params=["bert", "mpnet"])
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(
        tmp_path_factory.mktemp("long"),
        architecture=request.param,
        num_heads=8,
        max_positions=MOST_POSITIONS,
        device=DEVICE,
    )


def forward_of(
    backbone: Backbone, limits: BatchLimits, dtype: torch.dtype, lengths: list[int], slots: list[int]
) -> Callable[[], object]:
    """As the runner does it for texts that all take the exact path."""
    fields, config = backbone.fields, LoraConfig(MAX_RANK, modules=tuple(AdapterModule))
    assert backbone.lower is not None
    lower, upper = ServingLower(backbone.lower, dtype=dtype), ServingLayers(backbone.upper, dtype=dtype)
    bank = AdapterBank(fields, num_slots=limits.max_adapters, max_rank=MAX_RANK, device=DEVICE, dtype=dtype)
    adapter = bank.pack(random_adapter(fields, seed=1, config=config))
    for slot in {*slots} - {IDENTITY}:
        bank.write(slot, adapter)
    heads = HeadBank(fields, num_slots=1, max_labels=8, device=DEVICE)
    heads.write(0, PackedHead.of(random_head(fields, num_labels=8, seed=1)))
    documents = Documents.pack([np.full(length, 7, np.int32) for length in lengths])
    offsets = documents.offsets
    looked_up = LookedUp(
        torch.zeros(documents.num_tokens, fields.hidden),
        backbone.residuals.places(offsets),
    )
    exact_tokens = torch.arange(documents.num_tokens, device=DEVICE)

    def forward() -> object:
        return upper.answers(
            looked_up,
            backbone.residuals,
            ExactStates(exact_tokens, lower(documents, None)),
            upper.attention(offsets),
            bank.call(np.array(slots), offsets),
            HeadRows.of(offsets, [False] * len(lengths), DEVICE)[0],
            heads.call(np.zeros(len(lengths), np.int64)),
        )

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
    peak = peak_bytes(forward_of(backbone, limits, dtype, lengths, slots))
    assert 4 * sum(lengths) * backbone.fields.hidden < peak, "nothing was told of"
    assert peak <= _workspace_bytes(backbone.fields, limits, dtype, max_rank=MAX_RANK)


@pytest.mark.parametrize("num_forwards", [1, 2, 3])
def test_what_a_gpus_library_keeps_for_each_thread_on_each_stream_is_reserved(
    num_forwards: int, tmp_path: Path
) -> None:
    """It was reserved for each stream once."""
    library = FakeDeviceLibrary()
    copies = StreamCopies(library, num_forwards=num_forwards)
    threads = range(num_forwards)
    met: set[tuple[int, FakeStream]] = {(0, library.default)}  # by the one that prepares the forwards
    for ended in [*permutations(threads)] * 3:
        forwards = {thread: ExitStack() for thread in threads}
        for thread, forward in forwards.items():
            forward.enter_context(copies.forward(copies.mark()))
            met.add((thread, library._current[-1]))
        for thread in ended:
            forwards[thread].close()
    changes = {"threads": num_forwards, "forwards": num_forwards}
    settings = service_settings("file:///store", tmp_path, device="cuda", **changes)
    assert _library_bytes(settings) == len(met) * CUDA_LIBRARY_BYTES
    settings = service_settings("file:///store", tmp_path, device="cpu", **changes)
    assert _library_bytes(settings) == 0
