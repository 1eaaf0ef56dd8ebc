"""Bottleneck adapters on disk: one safetensors file, with ``down`` and ``up`` of each module that they
follow."""

import re
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.call import AdapterModule, Site, module_path
from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.weights_file import read_weights
from wire.artifacts import BackboneFields

WEIGHTS_FILE = "bottleneck.safetensors"

_NAME = re.compile(r"encoder\.layer\.(?P<layer>\d+)\.(?P<module>[a-z.]+)\.(?P<factor>down|up)")


def save_bottleneck(folder: Path, adapter: HostAdapter, fields: BackboneFields) -> None:
    """Write the file into ``folder``."""
    tensors = {}
    for site, factors in adapter.factors.items():
        path = module_path(site.layer, site.module)
        tensors[f"{path}.down"] = factors.down.contiguous()
        tensors[f"{path}.up"] = factors.up.contiguous()
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})


def open_bottleneck(folder: Path, fields: BackboneFields) -> HostAdapter:
    """Read the file and check it against the backbone.

    Raises BundleBroken for one that cannot be read or numbers that are not finite; BundleMismatch for weights
    below the upper layers, unknown names, wrong shapes.
    """
    halves: dict[Site, dict[str, Tensor]] = {}
    for name, tensor in sorted(read_weights(folder / WEIGHTS_FILE).items()):
        match = _NAME.fullmatch(name)
        if match is None or match["module"] not in set(AdapterModule):
            raise BundleMismatch(f"the adapter's weight {name} belongs to no module that takes a bottleneck")
        site = Site(int(match["layer"]), AdapterModule(match["module"]))
        halves.setdefault(site, {})[match["factor"]] = tensor
    for site, factors in halves.items():
        if len(factors) < 2:
            path = module_path(site.layer, site.module)
            raise BundleMismatch(f"the adapter has only {min(factors)} for {path}")
    modules = tuple(module for module in AdapterModule if any(site.module is module for site in halves))
    if not modules:
        raise BundleMismatch("the adapter has no weights")
    try:
        config = BottleneckConfig(len(next(iter(halves.values()))["down"]), modules)
    except InvalidInput as exc:
        raise BundleMismatch(exc.message) from exc
    adapter = HostAdapter(
        config, {site: Factors(factors["down"], factors["up"]) for site, factors in halves.items()}
    )
    adapter.check(fields)
    return adapter
