"""A LoRA adapter cut to a smaller rank."""

import torch

from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig


@torch.no_grad()
def cut_to_rank(adapter: HostAdapter, rank: int) -> HostAdapter:
    """The LoRA adapter of ``rank`` that is nearest to this one, module by module, in squared error (Eckart
    and Young 1936)."""
    config = LoraConfig(rank, adapter.config.scaling * rank, adapter.config.modules)
    return HostAdapter(config, {site: _cut(factors, rank) for site, factors in adapter.factors.items()})


def _cut(factors: Factors, rank: int) -> Factors:
    # The singular values of up @ down are those of the small product of the triangles.
    up_basis, up_triangle = torch.linalg.qr(factors.up.float())
    down_basis, down_triangle = torch.linalg.qr(factors.down.float().T)
    left, values, right = torch.linalg.svd(up_triangle @ down_triangle.T)
    roots = values[:rank].sqrt()
    return Factors(
        down=(roots[:, None] * (right[:rank] @ down_basis.T)).to(factors.down.dtype).contiguous(),
        up=((up_basis @ left[:, :rank]) * roots).to(factors.up.dtype).contiguous(),
    )
