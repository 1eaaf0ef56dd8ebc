"""Random adapters and heads, large enough to change what a model answers."""

import torch

from hmi.model.adapters.host import AdapterConfig, Factors, HostAdapter, adapted_sites, factor_shapes
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.heads import HostHead
from wire.artifacts import BackboneFields


def random_adapter(
    fields: BackboneFields, *, seed: int, config: AdapterConfig | None = None, scale: float = 0.3
) -> HostAdapter:
    """An adapter, LoRA unless ``config`` says otherwise, with every factor drawn from N(0, scale)."""
    chosen = LoraConfig() if config is None else config
    random = torch.Generator().manual_seed(seed)
    factors = {}
    for site in adapted_sites(fields, chosen):
        down, up = factor_shapes(fields, chosen, site.module)
        factors[site] = Factors(
            torch.randn(down, generator=random) * scale, torch.randn(up, generator=random) * scale
        )
    return HostAdapter(chosen, factors)


def random_head(fields: BackboneFields, *, num_labels: int, seed: int) -> HostHead:
    """A head with standard normal weights."""
    random = torch.Generator().manual_seed(seed)
    return HostHead(
        torch.randn(num_labels, fields.hidden, generator=random), torch.randn(num_labels, generator=random)
    )
