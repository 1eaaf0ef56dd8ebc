"""A packed weight gives what the weight gives, and is only made where it is of use."""

import pytest
import torch
from torch.nn import functional

from hmi.model import packed_linear as module
from hmi.model.packed_linear import laid_out, linear


@pytest.mark.parametrize("num_tokens", [1, 64, 300, 2048])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.2), (torch.float32, 1e-4)])
def test_it_multiplies_as_the_weight_does(
    num_tokens: int, has_bias: bool, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_is_of_intel", lambda: False)
    random = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=random).to(dtype)
    packed = laid_out(weight)
    if packed is weight:
        pytest.skip("this machine's torch packs nothing")
    bias = torch.randn(96, generator=random).to(dtype) if has_bias else None
    inputs = torch.randn(num_tokens, 64, generator=random).to(dtype)
    expected = functional.linear(inputs.float(), weight.float(), None if bias is None else bias.float())
    torch.testing.assert_close(
        linear(inputs, packed, bias).float(), expected, atol=tolerance, rtol=tolerance / 10
    )
    assert packed.nbytes == weight.nbytes


def test_float32_stays_as_it_is_where_its_library_is_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_of_intel", lambda: True)
    weight = torch.zeros(8, 8)
    assert laid_out(weight) is weight


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_nothing_is_packed_where_the_library_cannot(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_is_known", lambda: False)
    monkeypatch.setattr(module, "_is_of_intel", lambda: False)
    weight = torch.zeros(8, 8, dtype=dtype)
    assert laid_out(weight) is weight
