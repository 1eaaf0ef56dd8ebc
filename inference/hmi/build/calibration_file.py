"""Calibrated upper layers as one file, with what they were made from: small enough to ship with the code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from hmi.base.errors import InvalidInput
from hmi.build.backbone_source import BackboneSource, weights_sha256
from hmi.build.checkpoint import write_atomically
from hmi.model.backbone import upper_tensor_shapes
from wire.artifacts import BackboneFields
from wire.codec import from_plain, to_plain

FORMAT = 1
_RECORD = "hmi"


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """What a file's weights were made from and what came of it; everything that is needed to repeat it."""

    source: str
    source_sha256: str  # of the checkpoint's weights
    num_lower: int
    text_sha256: str
    num_counted_tokens: int  # in the fuller of the two trees that were looked up in
    num_tokens: int  # learnt from
    recipe: dict[str, object]
    state_error: tuple[float, float]  # before and after; see calibration.Closeness
    pooled_distance: tuple[float, float]
    format: int = FORMAT
    characters: tuple[int, int] | None = None  # see operator_text.texts_between; None: all of the text


def write_calibration(path: Path, upper: Mapping[str, Tensor], record: CalibrationRecord) -> None:
    """Write the weights as float16; the file appears whole or not at all."""
    halves = {name: tensor.to(torch.float16).contiguous() for name, tensor in upper.items()}
    write_atomically(path, save(halves, metadata={_RECORD: json.dumps(to_plain(record), sort_keys=True)}))


def read_calibration(path: Path, source: BackboneSource, fields: BackboneFields) -> dict[str, Tensor]:
    """The weights, in float32. Raises InvalidInput for a broken file, or one made from another checkpoint."""
    try:
        with safe_open(str(path), framework="pt") as file:
            record = from_plain(CalibrationRecord, json.loads((file.metadata() or {})[_RECORD]))
            tensors = {name: file.get_tensor(name).to(torch.float32) for name in upper_tensor_shapes(fields)}
    except (OSError, SafetensorError, KeyError, ValueError) as exc:
        raise InvalidInput(f"{path} holds no calibrated upper layers of this backbone: {exc}") from exc
    if record.source_sha256 != weights_sha256(source) or record.num_lower != fields.num_lower:
        raise InvalidInput(
            f"{path} was calibrated for {record.source} with {record.num_lower} lower layers, "
            f"not for this {source.name} with {fields.num_lower}"
        )
    for name, shape in upper_tensor_shapes(fields).items():
        if tuple(tensors[name].shape) != shape:
            raise InvalidInput(f"{path} has {name} of shape {tuple(tensors[name].shape)}, not {shape}")
    return tensors
