"""LoRA adapters on disk exactly as the PEFT library keeps them: adapter_config.json and
adapter_model.safetensors."""

import functools
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from safetensors.torch import save_file
from torch import Tensor

from hmi.base.errors import BundleBroken, BundleMismatch
from hmi.model.adapters.call import AdapterModule, Site, module_path
from hmi.model.adapters.host import Factors, HostAdapter
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.weights_file import read_weights
from wire.artifacts import BackboneFields

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_NAME = re.compile(
    r"base_model\.model\.(?:bert\.)?encoder\.layer\.(?P<layer>\d+)\.(?P<module>[a-z.]+)\.lora_(?P<factor>[AB])\.weight"
)


_WITHOUT_EFFECT = frozenset(
    (  # noqa: SIM905 a list of this length reads worse
        # where the weights came from and where they go, which their own names tell
        "auto_mapping eva_config exclude_modules inference_mode layers_pattern layers_to_transform "
        "lora_dropout peft_version revision target_modules task_type "
        # belong to options that are refused when they are on
        "megatron_core qalora_group_size"
    ).split()
)
_PLAIN_STARTS = frozenset({"gaussian", "eva", "orthogonal"})
"""Ways to initialise that leave the base's weights as they are; others (PiSSA, OLoRA, ...) change them."""


class _PeftConfig(msgspec.Struct):
    """The part of adapter_config.json that says what the weights are."""

    peft_type: str
    r: int
    lora_alpha: float
    base_model_name_or_path: str | None = None
    bias: str = "none"
    init_lora_weights: bool | str = True


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
    config, options = _read_config(folder / CONFIG_FILE)
    _refuse_unsupported(config, options, fields)
    halves: dict[Site, dict[str, Tensor]] = {}
    for name, tensor in sorted(read_weights(folder / WEIGHTS_FILE).items()):
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
        {site: Factors(factors["A"], factors["B"]) for site, factors in halves.items()},
    )
    adapter.check(fields)
    return adapter


def names_base(folder: Path) -> bool:
    """Whether files that could be opened say which base model they belong to."""
    config, _ = _read_config(folder / CONFIG_FILE)
    return config.base_model_name_or_path is not None


def _read_config(path: Path) -> tuple[_PeftConfig, dict[str, Any]]:
    """The part that is used, and all options."""
    try:
        content = path.read_bytes()
        return msgspec.json.decode(content, type=_PeftConfig), msgspec.json.decode(
            content, type=dict[str, Any]
        )
    except (FileNotFoundError, IsADirectoryError, msgspec.DecodeError) as exc:
        raise BundleBroken(f"{CONFIG_FILE} of the adapter: {exc}") from exc


def _refuse_unsupported(config: _PeftConfig, options: dict[str, Any], fields: BackboneFields) -> None:
    if config.peft_type != "LORA":
        raise BundleMismatch(f"the adapter's method is {config.peft_type}; LORA is supported")
    base = config.base_model_name_or_path
    # Whoever trained elsewhere has the base in a folder: its own name counts.
    if base is not None and PurePosixPath(base).name != PurePosixPath(fields.name).name:
        raise BundleMismatch(f"the adapter was trained on {base}, this backbone is {fields.name}")
    # Closed: an option of a later PEFT that is on, whatever it does, is not taken for plain LoRA.
    known = _WITHOUT_EFFECT | set(_PeftConfig.__struct_fields__)
    used = sorted(name for name, value in options.items() if value and name not in known)
    if config.bias != "none":
        used.append("bias")
    if isinstance(config.init_lora_weights, str) and config.init_lora_weights not in _PLAIN_STARTS:
        used.append(f"init_lora_weights={config.init_lora_weights}")
    if used:
        raise BundleMismatch(f"the adapter uses PEFT's {', '.join(used)}; plain LoRA is supported")
    if config.r < 1 or not 0 < config.lora_alpha < float("inf"):
        raise BundleMismatch(f"the adapter's rank is {config.r} and its alpha {config.lora_alpha}")


@functools.lru_cache(maxsize=1024)
def _parse_name(name: str) -> tuple[Site, str]:
    match = _NAME.fullmatch(name)
    if match is None or match["module"] not in set(AdapterModule):
        raise BundleMismatch(f"the adapter's weight {name} belongs to no module that takes LoRA")
    return Site(int(match["layer"]), AdapterModule(match["module"])), match["factor"]
