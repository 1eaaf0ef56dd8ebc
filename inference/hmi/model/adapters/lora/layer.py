"""LoRA: a low-rank change of a frozen linear module; its weights on the host, and as parameters in
training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.adapters.call import AdapterModule, module_path, module_shape
from hmi.model.adapters.lora.config import LoraConfig
from wire.artifacts import BackboneFields

MAX_LISTED = 12
"""Modules named in one error."""


@dataclass(frozen=True, slots=True)
class Site:
    """One linear module of one layer (counted from 0 over the whole backbone)."""

    layer: int
    module: AdapterModule


@dataclass(frozen=True, slots=True)
class LoraFactors:
    """The change of one module: ``outputs + scaling * up(down(inputs))``."""

    down: Tensor  # [rank, in], PEFT's lora_A
    up: Tensor  # [out, rank], PEFT's lora_B


@dataclass(frozen=True, slots=True)
class HostAdapter:
    """A LoRA adapter in host memory. Nobody changes its tensors."""

    config: LoraConfig
    factors: Mapping[Site, LoraFactors]

    @property
    def num_bytes(self) -> int:
        return sum(factors.down.nbytes + factors.up.nbytes for factors in self.factors.values())

    def check(self, fields: BackboneFields) -> None:
        """Raise BundleMismatch where it does not fit the backbone's upper layers, BundleBroken for NaN or
        infinity."""
        outside = [site for site in self.factors if not fields.num_lower <= site.layer < fields.num_layers]
        if outside:
            paths = sorted(module_path(site.layer, site.module) for site in outside)
            more = f" and {len(paths) - MAX_LISTED} more" if len(paths) > MAX_LISTED else ""
            raise BundleMismatch(
                f"the adapter changes {', '.join(paths[:MAX_LISTED])}{more}; only layers {fields.num_lower} "
                f"to {fields.num_layers - 1} of {fields.name} take adapters, PLOT replaces the ones below"
            )
        for site, factors in self.factors.items():
            path = module_path(site.layer, site.module)
            inputs, outputs = module_shape(fields, site.module)
            shapes = tuple(factors.down.shape), tuple(factors.up.shape)
            if shapes != ((self.config.rank, inputs), (outputs, self.config.rank)):
                raise BundleMismatch(
                    f"the adapter's weights for {path} are {shapes[0]} and {shapes[1]}, "
                    f"{fields.name} needs {(self.config.rank, inputs)} and {(outputs, self.config.rank)}"
                )
            if not (factors.down.isfinite().all() and factors.up.isfinite().all()):
                raise BundleBroken(f"the adapter's weights for {path} are not finite")


class LoraParameters(nn.Module):
    """A LoRA adapter in training, for all tokens of a batch: an AdapterCall whose weights have gradients."""

    def __init__(self, fields: BackboneFields, config: LoraConfig, *, seed: int) -> None:
        """Start without effect: ``down`` is Kaiming uniform, ``up`` is zero."""
        super().__init__()
        self.config = config
        self.sites = adapted_sites(fields, config)
        random = torch.Generator().manual_seed(seed)
        self.down = nn.ParameterList()
        self.up = nn.ParameterList()
        for site in self.sites:
            inputs, outputs = module_shape(fields, site.module)
            down = torch.empty(config.rank, inputs)
            nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=random)
            self.down.append(nn.Parameter(down))
            self.up.append(nn.Parameter(torch.zeros(outputs, config.rank)))
        self._number = {site: number for number, site in enumerate(self.sites)}

    def apply(  # type: ignore[override]  # nn.Module's own walks over submodules, which nothing here needs
        self, layer: int, module: AdapterModule, inputs: Tensor, outputs: Tensor
    ) -> Tensor:
        """See AdapterCall."""
        number = self._number.get(Site(layer, module))
        if number is None:
            return outputs
        change: Tensor = (inputs @ self.down[number].T) @ self.up[number].T
        return outputs + self.config.scaling * change

    def to_host(self, dtype: torch.dtype = torch.float32) -> HostAdapter:
        """A copy of the weights as they are now."""
        return HostAdapter(
            self.config,
            {
                site: LoraFactors(_copy(self.down[number], dtype), _copy(self.up[number], dtype))
                for site, number in self._number.items()
            },
        )

    @torch.no_grad()
    def load_host(self, adapter: HostAdapter) -> None:
        """Take over the weights of an adapter with the same sites and rank."""
        for site, number in self._number.items():
            self.down[number].copy_(adapter.factors[site].down)
            self.up[number].copy_(adapter.factors[site].up)


def adapted_sites(fields: BackboneFields, config: LoraConfig) -> tuple[Site, ...]:
    """Every module of the upper layers that ``config`` names."""
    return tuple(
        Site(layer, module)
        for layer in range(fields.num_lower, fields.num_layers)
        for module in config.modules
    )


def _copy(parameter: Tensor, dtype: torch.dtype) -> Tensor:
    return parameter.detach().to("cpu", dtype, copy=True).contiguous()
