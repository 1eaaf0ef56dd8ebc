"""Which type a setting means."""

import pytest
import torch

from hmi.base.compute_type import ComputeType
from hmi.model.compute_type import attends_by_products, compute_dtype, multiplies_bfloat16


def test_a_type_that_is_named_is_taken() -> None:
    assert compute_dtype(ComputeType.FLOAT32, "cpu") is torch.float32
    assert compute_dtype(ComputeType.BFLOAT16, "cpu") is torch.bfloat16


@pytest.mark.parametrize("instructions", ["amx_bf16", "avx512_bf16"])
def test_a_processor_with_products_of_bfloat16_is_faster_in_it(instructions: str) -> None:
    assert multiplies_bfloat16({"avx512_f": True, instructions: True})
    assert not multiplies_bfloat16({"avx512_f": True, instructions: False})


def test_auto_takes_bfloat16_where_the_processor_multiplies_matrices_of_it() -> None:
    is_fast = multiplies_bfloat16(torch.cpu.get_capabilities())
    assert (compute_dtype(ComputeType.AUTO, "cpu") is torch.bfloat16) == is_fast


@pytest.mark.parametrize(("multiplies", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_takes_bfloat16_on_a_gpu_that_multiplies_matrices_of_it(
    multiplies: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: multiplies)
    assert compute_dtype(ComputeType.AUTO, "cuda") is dtype


def test_attention_is_by_plain_products_in_bfloat16_without_amx_alone() -> None:
    cpu, without = torch.device("cpu"), {"avx512_bf16": True, "amx_bf16": False}
    assert attends_by_products(torch.bfloat16, cpu, without)
    assert not attends_by_products(torch.float32, cpu, without)
    assert not attends_by_products(torch.bfloat16, torch.device("cuda"), without)
    assert not attends_by_products(torch.bfloat16, cpu, {**without, "amx_bf16": True})
    assert not attends_by_products(torch.bfloat16, cpu, {})
