"""Random adapters and heads, large enough to change what a model answers."""

import torch

from hmi.model.adapters.call import module_shape
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.layer import HostAdapter, LoraFactors, adapted_sites
from hmi.model.heads import HostHead
from wire.artifacts import BackboneFields


def random_adapter(
    fields: BackboneFields, *, seed: int, config: LoraConfig | None = None, scale: float = 0.3
) -> HostAdapter:
    """A LoRA adapter with every factor drawn from N(0, scale)."""
    chosen = LoraConfig() if config is None else config
    random = torch.Generator().manual_seed(seed)
    factors = {}
    for site in adapted_sites(fields, chosen):
        inputs, outputs = module_shape(fields, site.module)
        factors[site] = LoraFactors(
            torch.randn(chosen.rank, inputs, generator=random) * scale,
            torch.randn(outputs, chosen.rank, generator=random) * scale,
        )
    return HostAdapter(chosen, factors)


def random_head(fields: BackboneFields, *, num_labels: int, seed: int) -> HostHead:
    """A head with standard normal weights."""
    random = torch.Generator().manual_seed(seed)
    return HostHead(
        torch.randn(num_labels, fields.hidden, generator=random), torch.randn(num_labels, generator=random)
    )
