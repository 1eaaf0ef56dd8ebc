"""LoRA as the `peft` library computes it."""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from hmi.base.errors import BundleMismatch
from hmi.model.adapters.lora.peft_format import CONFIG_FILE, WEIGHTS_FILE


def insert_by_peft(bert: nn.Module, folder: Path) -> None:
    """See AdapterMethod.insert."""
    import peft  # takes seconds, which only a comparison is worth

    names = load_file(folder / WEIGHTS_FILE)
    # Saved from a task's model, the encoder is one of its parts.
    is_part = any(name.startswith("base_model.model.bert.") for name in names)
    base = nn.ModuleDict({"bert": bert}) if is_part else bert
    # Of transformers' task models peft would want the head as well; ours is beside it.
    options = {**json.loads((folder / CONFIG_FILE).read_text()), "task_type": None}
    try:
        config = peft.PeftConfig.from_peft_type(**options)  # type: ignore[no-untyped-call]  # peft has no types
        peft.PeftModel.from_pretrained(base, str(folder), config=config).eval()
    except Exception as exc:
        raise BundleMismatch(f"the peft library cannot load the adapter: {exc}") from exc
