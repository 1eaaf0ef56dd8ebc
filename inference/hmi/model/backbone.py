"""A split backbone, opened from its bundle: tokenizer, lower layers, residuals of PLOT rows, upper layers."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from hmi.artifacts.bundle import open_bundle, read_manifest
from hmi.base.errors import BundleBroken, HmiError
from hmi.model.bert import (
    ARCHITECTURES,
    embedding_tensor_shapes,
    layer_tensor_shapes,
    shared_tensor_shapes,
)
from hmi.model.lower import LowerLayers
from hmi.model.packing import token_types_of
from hmi.model.residuals import RowResiduals
from hmi.model.tokenizer import Tokenizer
from hmi.model.upper import UpperLayers
from hmi.plot.ngram import Documents
from wire import codec
from wire.artifacts import BackboneFields, BundleKind
from wire.errors import ErrorCode
from wire.ids import Digest

TOKENIZER_FILE = "tokenizer.json"
LOWER_FILE = "lower.safetensors"  # embeddings and layers 1..k
UPPER_FILE = "upper.safetensors"  # layers k+1..L
ORIGINAL_UPPER_FILE = "upper-original.safetensors"  # of a calibrated backbone: as the checkpoint had them
RESIDUALS_FILE = "residuals.safetensors"


@dataclass(frozen=True, slots=True)
class Backbone:
    """Everything of a model that all tenants share. Frozen, and safe to share between threads."""

    digest: Digest
    fields: BackboneFields
    tokenizer: Tokenizer
    residuals: RowResiduals
    upper: UpperLayers
    lower: LowerLayers | None  # None: opened for look-ups only

    @classmethod
    def open(
        cls,
        folder: Path,
        device: str | torch.device = "cpu",
        *,
        digest: Digest | None = None,
        with_lower: bool = True,
    ) -> "Backbone":
        """Read a backbone's bundle. ``with_lower`` False leaves out what only look-ups never need.

        Raises BundleBroken, and BundleMismatch when ``digest`` is another one's.
        """
        bundle = open_bundle(folder, kind=BundleKind.BACKBONE, fields_type=BackboneFields, digest=digest)
        fields = bundle.fields
        if fields.architecture not in ARCHITECTURES:
            raise BundleBroken(
                f"{folder.name} is a backbone of architecture {fields.architecture!r}; "
                f"known are {', '.join(ARCHITECTURES)}"
            )
        place = torch.device(device)
        residuals = RowResiduals.open(folder / RESIDUALS_FILE, fields, place)
        lower = None
        if with_lower:
            shapes = lower_tensor_shapes(fields, num_token_types=residuals.token_type.shape[0])
            lower = LowerLayers(fields, _read(folder / LOWER_FILE, shapes, place))
        upper = UpperLayers(fields, _read(folder / UPPER_FILE, upper_tensor_shapes(fields), place))
        tokenizer = Tokenizer.open(folder / TOKENIZER_FILE)
        return cls(bundle.digest, fields, tokenizer, residuals, upper, lower)

    @property
    def device(self) -> torch.device:
        return self.residuals.position.device

    @property
    def exact_token_cost(self) -> float:
        """Of a token whose lower layers are computed, in tokens that are looked up: L / (L - k)."""
        return self.fields.num_layers / (self.fields.num_layers - self.fields.num_lower)

    def token_types(self, documents: Documents) -> NDArray[np.int64] | None:
        """Of every token; None: all 0. A pair of texts has a [SEP] in its middle."""
        return token_types_of(documents, self.tokenizer.last_id)

    def residuals_of(self, documents: Documents) -> Tensor:
        """What a look-up adds to the rows of these documents, [num_tokens, hidden]."""
        return self.residuals.of(documents.offsets, self.token_types(documents))

    @torch.inference_mode()
    def lower_states(self, documents: Documents, *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Exact output of the lower layers, float32 [num_tokens, hidden], the products of their matrices in
        ``dtype``; needs ``with_lower``."""
        if self.lower is None:
            raise HmiError(ErrorCode.INTERNAL, "this backbone was opened without its lower layers")
        with torch.autocast(self.device.type, dtype, enabled=dtype is not torch.float32):
            states: Tensor = self.lower(documents, self.token_types(documents))
        return states.float()


def open_original_upper(
    folder: Path, fields: BackboneFields, device: str | torch.device = "cpu"
) -> UpperLayers:
    """The upper layers as the checkpoint had them, which computed lower layers were made for.

    ``folder`` is a verified bundle's. Raises BundleBroken.
    """
    path = folder / upper_file(fields, is_original=True)
    return UpperLayers(fields, _read(path, upper_tensor_shapes(fields), torch.device(device)))


def upper_file(fields: BackboneFields, *, is_original: bool) -> str:
    """Which of a bundle's files has the upper layers: as they are served, or as the checkpoint had them."""
    return ORIGINAL_UPPER_FILE if is_original and fields.is_calibrated else UPPER_FILE


def measure_backbone(folder: Path, dtype: torch.dtype, *, with_lower: bool) -> tuple[BackboneFields, int]:
    """What a backbone's manifest says of it, and the most bytes that it takes opened ``with_lower`` or
    without, its layers in ``dtype``; nothing verified yet. Raises BundleBroken."""
    manifest = read_manifest(folder)
    try:
        fields = codec.from_plain(BackboneFields, manifest.fields)
        names = [UPPER_FILE, RESIDUALS_FILE] + [LOWER_FILE] * with_lower
        num_layers = fields.num_layers if with_lower else fields.num_layers - fields.num_lower
        layer_weights = sum(math.prod(shape) for shape in layer_tensor_shapes(fields, 0).values())
        saved_bytes = num_layers * layer_weights * (torch.float32.itemsize - dtype.itemsize)
        num_bytes = sum(manifest.files[name].num_bytes for name in names) - saved_bytes
    except (codec.WireError, KeyError) as exc:
        raise BundleBroken(f"{folder.name} is not the bundle of a backbone: {exc}") from exc
    return fields, num_bytes


def lower_tensor_shapes(fields: BackboneFields, num_token_types: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in LOWER_FILE."""
    shapes = embedding_tensor_shapes(fields, num_token_types) | shared_tensor_shapes(fields)
    for index in range(fields.num_lower):
        shapes |= layer_tensor_shapes(fields, index)
    return shapes


def upper_tensor_shapes(fields: BackboneFields) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in UPPER_FILE."""
    shapes = shared_tensor_shapes(fields)
    for index in range(fields.num_lower, fields.num_layers):
        shapes |= layer_tensor_shapes(fields, index)
    return shapes


def _read(path: Path, shapes: dict[str, tuple[int, ...]], device: torch.device) -> dict[str, Tensor]:
    try:
        tensors = load_file(path, device=str(device))
    except SafetensorError as exc:
        raise BundleBroken(f"{path.name} cannot be read: {exc}") from exc
    for name, shape in shapes.items():
        if name not in tensors or tuple(tensors[name].shape) != shape:
            raise BundleBroken(f"{path.name} has no {name} of shape {shape}")
    return tensors
