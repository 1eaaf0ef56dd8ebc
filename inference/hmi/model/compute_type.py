"""The type of numbers that the upper layers and adapters are computed in."""

import torch

from hmi.base.compute_type import ComputeType


def compute_dtype(choice: ComputeType, device: str) -> torch.dtype:
    """What ``choice`` means on ``device`` of this machine."""
    if choice is ComputeType.AUTO:
        is_fast = torch.device(device).type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16"))
        return torch.bfloat16 if is_fast else torch.float32
    return torch.bfloat16 if choice is ComputeType.BFLOAT16 else torch.float32
