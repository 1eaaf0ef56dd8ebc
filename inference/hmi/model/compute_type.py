"""The type of numbers that the upper layers and adapters are computed in."""

from collections.abc import Mapping

import torch

from hmi.base.compute_type import ComputeType

_MULTIPLIES_BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""What processors say of themselves that multiply matrices of bfloat16 faster than of float32: two to eight
times (docs/decisions/0003)."""


def compute_dtype(choice: ComputeType, device: str) -> torch.dtype:
    """What ``choice`` means on ``device`` of this machine."""
    if choice is ComputeType.AUTO:
        return torch.bfloat16 if _is_fast_in_bfloat16(torch.device(device).type) else torch.float32
    return torch.bfloat16 if choice is ComputeType.BFLOAT16 else torch.float32


def _is_fast_in_bfloat16(device_type: str) -> bool:
    if device_type == "cuda":
        has_products: bool = torch.cuda.is_bf16_supported(including_emulation=False)
        return has_products
    return device_type == "cpu" and multiplies_bfloat16(torch.cpu.get_capabilities())


def attends_by_products(dtype: torch.dtype, device: torch.device, capabilities: Mapping[str, object]) -> bool:
    """Whether attention is quicker as two products and a softmax than as the library's one call: in bfloat16
    on a processor that multiplies it without AMX, for which that call has no matrix products of its own
    (docs/decisions/0003)."""
    is_small = dtype is torch.bfloat16 and device.type == "cpu"
    return is_small and bool(capabilities.get("avx512_bf16")) and not capabilities.get("amx_bf16")


def multiplies_bfloat16(capabilities: Mapping[str, object]) -> bool:
    """Whether a processor of ``capabilities``, as torch tells them, is faster in bfloat16."""
    return any(capabilities.get(name) for name in _MULTIPLIES_BFLOAT16)
