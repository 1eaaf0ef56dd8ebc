"""Which type a setting means."""

import torch

from hmi.base.compute_type import ComputeType
from hmi.model.compute_type import compute_dtype


def test_a_type_that_is_named_is_taken() -> None:
    assert compute_dtype(ComputeType.FLOAT32, "cpu") is torch.float32
    assert compute_dtype(ComputeType.BFLOAT16, "cpu") is torch.bfloat16


def test_auto_takes_bfloat16_where_the_processor_multiplies_matrices_of_it() -> None:
    has_amx = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    assert (compute_dtype(ComputeType.AUTO, "cpu") is torch.bfloat16) == has_amx
