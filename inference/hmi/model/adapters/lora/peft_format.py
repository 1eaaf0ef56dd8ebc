"""LoRA adapters on disk exactly as the PEFT library keeps them: adapter_config.json and
adapter_model.safetensors."""

import json
import re
from pathlib import Path

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.adapters.call import AdapterModule, module_path
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.layer import HostAdapter, LoraFactors, Site
from wire.artifacts import BackboneFields

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_NAME = re.compile(
    r"base_model\.model\.(?:bert\.)?encoder\.layer\.(?P<layer>\d+)\.(?P<module>[a-z.]+)\.lora_(?P<factor>[AB])\.weight"
)


class _PeftConfig(msgspec.Struct):
    """What is read of adapter_config.json: the weights' meaning, and every option that would change it."""

    peft_type: str
    r: int
    lora_alpha: float
    base_model_name_or_path: str | None = None
    bias: str = "none"
    use_dora: bool = False
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    rank_pattern: dict[str, int] | None = None
    alpha_pattern: dict[str, float] | None = None
    modules_to_save: list[str] | None = None


def save_peft(folder: Path, adapter: HostAdapter, fields: BackboneFields) -> None:
    """Write the two files into ``folder``; PeftModel.from_pretrained reads them over the whole backbone."""
    config = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": fields.name,
        "r": adapter.config.rank,
        "lora_alpha": adapter.config.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": sorted(module_path(site.layer, site.module) for site in adapter.factors),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    tensors = {}
    for site, factors in adapter.factors.items():
        path = _PREFIX + module_path(site.layer, site.module)
        tensors[f"{path}.lora_A.weight"] = factors.down.contiguous()
        tensors[f"{path}.lora_B.weight"] = factors.up.contiguous()
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})


def open_peft(folder: Path, fields: BackboneFields) -> HostAdapter:
    """Read the two files and check them against the backbone.

    Raises BundleBroken for files that cannot be read or numbers that are not finite; BundleMismatch for
    another base, a method or option that is not plain LoRA, weights below the upper layers, unknown names,
    wrong shapes.
    """
    config = _read_config(folder / CONFIG_FILE)
    _refuse_unsupported(config, fields)
    halves: dict[Site, dict[str, Tensor]] = {}
    for name, tensor in _read_weights(folder / WEIGHTS_FILE).items():
        site, factor = _parse_name(name)
        halves.setdefault(site, {})[factor] = tensor
    for site, factors in halves.items():
        if len(factors) < 2:
            raise BundleMismatch(
                f"the adapter has only lora_{min(factors)} for {module_path(site.layer, site.module)}"
            )
    modules = tuple(module for module in AdapterModule if any(site.module is module for site in halves))
    if not modules:
        raise BundleMismatch("the adapter has no LoRA weights")
    adapter = HostAdapter(
        LoraConfig(config.r, config.lora_alpha, modules),
        {site: LoraFactors(factors["A"], factors["B"]) for site, factors in halves.items()},
    )
    adapter.check(fields)
    return adapter


def _read_config(path: Path) -> _PeftConfig:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_PeftConfig)
    except (OSError, msgspec.DecodeError) as exc:
        raise BundleBroken(f"{CONFIG_FILE} of the adapter: {exc}") from exc


def _refuse_unsupported(config: _PeftConfig, fields: BackboneFields) -> None:
    if config.peft_type != "LORA":
        raise BundleMismatch(f"the adapter's method is {config.peft_type}; LORA is supported")
    if config.base_model_name_or_path not in (None, fields.name):
        raise BundleMismatch(
            f"the adapter was trained on {config.base_model_name_or_path}, this backbone is {fields.name}"
        )
    options = {
        "bias": config.bias != "none",
        "use_dora": config.use_dora,
        "use_rslora": config.use_rslora,
        "fan_in_fan_out": config.fan_in_fan_out,
        "rank_pattern": bool(config.rank_pattern),
        "alpha_pattern": bool(config.alpha_pattern),
        "modules_to_save": bool(config.modules_to_save),
    }
    used = [name for name, is_used in options.items() if is_used]
    if used:
        raise BundleMismatch(f"the adapter uses PEFT's {', '.join(used)}; plain LoRA is supported")
    if config.r < 1 or not 0 < config.lora_alpha < float("inf"):
        raise BundleMismatch(f"the adapter's rank is {config.r} and its alpha {config.lora_alpha}")


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as exc:
        raise BundleBroken(f"{WEIGHTS_FILE} of the adapter cannot be read: {exc}") from exc


def _parse_name(name: str) -> tuple[Site, str]:
    match = _NAME.fullmatch(name)
    if match is None or match["module"] not in set(AdapterModule):
        raise BundleMismatch(f"the adapter's weight {name} belongs to no module that takes LoRA")
    return Site(int(match["layer"]), AdapterModule(match["module"])), match["factor"]
