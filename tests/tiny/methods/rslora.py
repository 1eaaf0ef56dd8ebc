"""A third method of adapters, for tests: rank-stabilised LoRA (Kalajdzievski 2023) of the attention.

It is what a folder of `hmi/model/adapters/` brings, in one file: a test puts it there, as its ``method.py``.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.model.adapters.call import RETURNING_MODULES, AdapterModule, Site, module_path
from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.method import AdapterMethod
from hmi.model.adapters.weights_file import read_weights
from wire.artifacts import BackboneFields
from wire.training import METHODS

FILE = "rslora.safetensors"
ATTENTION = (AdapterModule.QUERY, AdapterModule.KEY, AdapterModule.VALUE, RETURNING_MODULES[0])


@dataclass(frozen=True, slots=True)
class RsLoraConfig:
    method: ClassVar[str] = "rslora"
    reads_outputs: ClassVar[bool] = False
    modules: ClassVar[tuple[AdapterModule, ...]] = ATTENTION

    rank: int
    alpha: float

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidInput(f"an adapter's rank is at least 1, got {self.rank}")

    @property
    def scaling(self) -> float:
        return self.alpha / math.sqrt(self.rank)


def _save(folder: Path, adapter: HostAdapter, fields: BackboneFields) -> None:
    tensors = {}
    for site, factors in adapter.factors.items():
        tensors[f"{site.layer}/{site.module}/down"] = factors.down
        tensors[f"{site.layer}/{site.module}/up"] = factors.up
    tensors["config"] = torch.tensor([adapter.config.rank, adapter.config.alpha], dtype=torch.float64)
    save_file(tensors, folder / FILE)


def _read(folder: Path) -> tuple[RsLoraConfig, dict[str, Tensor]]:
    tensors = read_weights(folder / FILE)
    rank, alpha = tensors.pop("config").tolist()
    return RsLoraConfig(int(rank), alpha), tensors


def _open(folder: Path, fields: BackboneFields) -> HostAdapter:
    try:
        config, tensors = _read(folder)
    except KeyError as exc:
        raise BundleBroken(f"{FILE} cannot be read: {exc}") from exc
    factors = {}
    for name in tensors:
        layer, module, part = name.split("/")
        if part == "down":
            other = name.removesuffix("down") + "up"
            factors[Site(int(layer), AdapterModule(module))] = Factors(tensors[name], tensors[other])
    adapter = HostAdapter(config, factors)
    adapter.check(fields)
    return adapter


def _insert(bert: nn.Module, folder: Path) -> None:
    import peft

    read, tensors = _read(folder)
    places = {tuple(name.split("/")[:2]) for name in tensors}
    paths = {module_path(int(layer), AdapterModule(module)): (layer, module) for layer, module in places}
    config = peft.LoraConfig(
        r=read.rank, lora_alpha=int(read.alpha), use_rslora=True, target_modules=list(paths)
    )
    try:
        peft.inject_adapter_in_model(config, bert)
    except ValueError as exc:
        raise BundleMismatch(f"the peft library cannot load the adapter: {exc}") from exc
    state = bert.state_dict()
    for path, (layer, module) in paths.items():
        state[f"{path}.lora_A.default.weight"].copy_(tensors[f"{layer}/{module}/down"])
        state[f"{path}.lora_B.default.weight"].copy_(tensors[f"{layer}/{module}/up"])
    bert.eval()


RSLORA = AdapterMethod(
    facts=METHODS[RsLoraConfig.method],
    config=RsLoraConfig,
    save=_save,
    open=_open,
    names_backbone=lambda folder: False,
    insert=_insert,
    cut="Nobody has asked for smaller ranks of rank-stabilised LoRA.",
)
