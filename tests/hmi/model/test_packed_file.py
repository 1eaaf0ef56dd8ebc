"""A packed adapter and head come out of their file as they went in, to the bit."""

import pytest
import torch

from hmi.model.adapter_bundle import Hplm
from hmi.model.adapters.host import AdapterConfig
from hmi.model.adapters.methods import METHODS
from hmi.model.backbone import Backbone
from hmi.model.heads import HostHead
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.model.packed_file import from_content, packed_form, to_content
from tests.tiny.adapters import random_adapter
from wire.artifacts import AdapterFields
from wire.ids import Digest


def packed(backbone: Backbone, config: AdapterConfig | None, dtype: torch.dtype) -> PackedHplm:
    bank = HplmBank(
        backbone.fields, num_adapter_units=4, num_head_units=4, max_rank=32, max_labels=8, dtype=dtype
    )
    adapter = None if config is None else random_adapter(backbone.fields, seed=3, config=config)
    fields = AdapterFields(
        method="identity" if config is None else config.method,
        rank=0 if config is None else config.rank,
        alpha=0.0,
        target_modules=(),
        labels=("sì", "no\u2028"),
        max_tokens=12,
        backbone=Digest("sha256:" + "a" * 64),
        tree=Digest("sha256:" + "b" * 64),
        metrics={"validation_accuracy": 0.1},
        thresholds=(0.25, 1 / 3),
    )
    chance = torch.Generator().manual_seed(1)
    head = HostHead(
        torch.randn(2, backbone.fields.hidden, generator=chance), torch.randn(2, generator=chance)
    )
    return bank.pack(Hplm(Digest("sha256:" + "c" * 64), fields, adapter, head))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "config", [*(method.config(rank, 16.0) for method in METHODS.values() for rank in (8, 20)), None]
)
def test_what_goes_in_comes_out(backbone: Backbone, config: AdapterConfig | None, dtype: torch.dtype) -> None:
    item = packed(backbone, config, dtype)
    hosted: list[torch.Tensor] = []

    def copied(tensor: torch.Tensor) -> torch.Tensor:
        hosted.append(tensor.clone())
        return hosted[0]

    content = to_content(item)
    found = from_content(content, copied)
    assert len(hosted) == 1
    content[80:] = bytes(len(content) - 80)  # it reads what `hosted` gave
    assert found.fields == item.fields
    assert found.reads_tokens is item.reads_tokens
    assert found.num_bytes == item.num_bytes
    assert found.head.num_labels == item.head.num_labels
    assert torch.equal(found.head.units, item.head.units)
    if item.adapter is None:
        assert found.adapter is None
        return
    assert found.adapter is not None
    assert found.adapter.units.dtype is dtype
    assert torch.equal(found.adapter.units, item.adapter.units)
    assert found.adapter.acts_on.tolist() == item.adapter.acts_on.tolist()
    assert found.adapter.rank == item.adapter.rank
    assert found.adapter.reads_outputs is item.adapter.reads_outputs


def test_another_backbone_or_type_is_another_form() -> None:
    forms = {packed_form(name, dtype) for name in ("a", "b") for dtype in (torch.float32, torch.bfloat16)}
    assert len(forms) == 4
