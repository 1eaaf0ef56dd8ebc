"""An adapter as parameters of a training, of any method."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmi.model.adapters.call import AdapterModule, Site
from hmi.model.adapters.host import AdapterConfig, Factors, HostAdapter, adapted_sites, factor_shapes
from wire.artifacts import BackboneFields


class AdapterParameters(nn.Module):
    """An adapter in training, for all tokens of a batch: an AdapterCall whose weights have gradients."""

    def __init__(self, fields: BackboneFields, config: AdapterConfig, *, seed: int) -> None:
        """Start without effect: ``down`` is Kaiming uniform, ``up`` is zero."""
        super().__init__()
        self.config = config
        self.sites = adapted_sites(fields, config)
        random = torch.Generator().manual_seed(seed)
        self.down = nn.ParameterList()
        self.up = nn.ParameterList()
        for site in self.sites:
            down_shape, up_shape = factor_shapes(fields, config, site.module)
            down = torch.empty(down_shape)
            nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=random)
            self.down.append(nn.Parameter(down))
            self.up.append(nn.Parameter(torch.zeros(up_shape)))
        self._number = {site: number for number, site in enumerate(self.sites)}

    def apply(  # type: ignore[override]  # nn.Module's own walks over submodules, which nothing here needs
        self, layer: int, module: AdapterModule, inputs: Tensor, outputs: Tensor
    ) -> Tensor:
        """See AdapterCall."""
        number = self._number.get(Site(layer, module))
        if number is None:
            return outputs
        down, up = self.down[number].to(outputs.dtype), self.up[number].to(outputs.dtype)
        narrow = functional.gelu(outputs @ down.T) if self.config.reads_outputs else inputs @ down.T
        change: Tensor = narrow @ up.T
        return outputs + self.config.scaling * change

    def factors(self, layer: int, module: AdapterModule) -> Factors | None:
        """The parameters at ``module`` of ``layer``; None: it does not act there."""
        number = self._number.get(Site(layer, module))
        return None if number is None else Factors(self.down[number], self.up[number])

    def to_host(self, dtype: torch.dtype = torch.float32) -> HostAdapter:
        """A copy of the weights as they are now."""
        return HostAdapter(
            self.config,
            {
                site: Factors(_copy(self.down[number], dtype), _copy(self.up[number], dtype))
                for site, number in self._number.items()
            },
        )

    @torch.no_grad()
    def load_host(self, adapter: HostAdapter) -> None:
        """Take over the weights of an adapter with the same sites and rank."""
        for site, number in self._number.items():
            self.down[number].copy_(adapter.factors[site].down)
            self.up[number].copy_(adapter.factors[site].up)


def _copy(parameter: Tensor, dtype: torch.dtype) -> Tensor:
    return parameter.detach().to("cpu", dtype, copy=True).contiguous()
