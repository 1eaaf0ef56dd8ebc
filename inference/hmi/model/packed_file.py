"""A packed adapter and its head as the content of one file: read without looking at single factors."""

import struct
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hmi.model.adapter_units import PackedAdapter, adapter_units
from hmi.model.heads import UNIT_LABELS, PackedHead, head_units
from hmi.model.hplm_bank import PackedHplm

FORMAT = 4
"""Of the content, and of the units' layout: what reads another one's files would read nonsense."""

_TYPES = (torch.float32, torch.bfloat16)
_NO_ADAPTER = -1
_Numbers = struct.Struct("<8q")
"""Rank, whether it reads outputs, its type, bytes of its units, sites; labels of the head, whether it reads
tokens, bytes of its units."""


def packed_form(backbone: str, dtype: torch.dtype) -> str:
    """What the content depends on besides the adapter's bundle, as the name of a folder."""
    return f"{FORMAT}-{str(dtype).removeprefix('torch.')}-{backbone.removeprefix('sha256:')}"


def to_content(item: PackedHplm) -> bytearray:
    """``item`` as from_content() takes it.

    content    numbers | units of the adapter | units of the head | sites that the adapter changes | fields
    """
    adapter, head = item.adapter, item.head
    units = torch.zeros(0) if adapter is None else adapter.units
    acts_on = np.zeros(0, np.bool_) if adapter is None else adapter.acts_on
    numbers = _Numbers.pack(
        _NO_ADAPTER if adapter is None else adapter.rank,
        adapter is not None and adapter.reads_outputs,
        _TYPES.index(units.dtype),
        units.nbytes,
        len(acts_on),
        head.num_labels,
        item.reads_tokens,
        head.units.nbytes,
    )
    return bytearray().join((numbers, _bytes(units), _bytes(head.units), acts_on.tobytes(), item.fields_json))


def from_content(content: bytearray | memoryview, hosted: Callable[[Tensor], Tensor]) -> PackedHplm:
    """What to_content() was given, its units over the memory that ``hosted`` gives for ``content``, which
    nobody changes any more. It is trusted: its checksum was compared with that of what was written."""
    rank, reads_outputs, type_number, unit_bytes, num_sites, num_labels, reads_tokens, head_bytes = (
        _Numbers.unpack_from(content)
    )
    units_at = _Numbers.size
    head_at = units_at + unit_bytes
    sites_at = head_at + head_bytes
    fields_at = sites_at + num_sites
    memory = hosted(torch.frombuffer(content, dtype=torch.uint8))
    adapter = None
    if rank != _NO_ADAPTER:
        units = memory[units_at:head_at].view(_TYPES[type_number]).view(adapter_units(rank), -1)
        acts_on = np.frombuffer(content, np.bool_, num_sites, sites_at).copy()
        adapter = PackedAdapter(rank, bool(reads_outputs), acts_on, units)
    head = memory[head_at:sites_at].view(torch.float32).view(head_units(num_labels), UNIT_LABELS, -1)
    return PackedHplm(bytes(content[fields_at:]), bool(reads_tokens), adapter, PackedHead(num_labels, head))


def _bytes(units: Tensor) -> bytes:
    return units.contiguous().view(torch.uint8).numpy().tobytes()
