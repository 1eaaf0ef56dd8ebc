"""A packed adapter and its head as the content of one file: read without looking at single factors."""

import numpy as np
import torch
from safetensors.torch import load, save

from hmi.model.adapter_units import PackedAdapter
from hmi.model.heads import PackedHead
from hmi.model.hplm_bank import PackedHplm
from wire.artifacts import AdapterFields
from wire.codec import from_json, to_json

FORMAT = 2
"""Of the content, and of the units' layout: what reads another one's files would read nonsense."""


def packed_form(backbone: str, dtype: torch.dtype) -> str:
    """What the content depends on besides the adapter's bundle, as the name of a folder."""
    return f"{FORMAT}-{str(dtype).removeprefix('torch.')}-{backbone.removeprefix('sha256:')}"


def to_content(item: PackedHplm) -> bytes:
    """``item`` as from_content() takes it."""
    tensors = {
        "fields": torch.frombuffer(bytearray(to_json(item.fields).encode()), dtype=torch.uint8),
        "head": item.head.units,
        "num_labels": torch.tensor(item.head.num_labels),
    }
    if item.adapter is not None:
        tensors |= {
            "units": item.adapter.units,
            "acts_on": torch.from_numpy(item.adapter.acts_on),
            "reads_outputs": torch.tensor(item.adapter.reads_outputs),
        }
    return save(tensors)


def from_content(content: bytes) -> PackedHplm:
    """What to_content() was given. The content is trusted: its checksum was compared with that of what was
    written."""
    tensors = load(content)
    fields = from_json(AdapterFields, tensors["fields"].numpy().tobytes())
    adapter = None
    if "units" in tensors:
        acts_on = tensors["acts_on"].numpy().astype(np.bool_)
        adapter = PackedAdapter(fields.rank, bool(tensors["reads_outputs"]), acts_on, tensors["units"])
    return PackedHplm(fields, adapter, PackedHead(int(tensors["num_labels"]), tensors["head"]))
