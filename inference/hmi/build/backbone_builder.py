"""Splits a checkpoint of the BERT family into a backbone bundle, and estimates its row residuals on the
operator's text."""

import dataclasses
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hmi.artifacts.bundle import write_bundle
from hmi.base.errors import InvalidInput
from hmi.build.backbone_source import CONFIG_FILE, WEIGHTS_FILE, BackboneSource, settled_num_lower
from hmi.build.calibration_file import read_calibration
from hmi.build.mpnet_checkpoint import PADDING_POSITIONS, as_bert
from hmi.build.residual_estimation import estimate_residuals
from hmi.model.backbone import (
    LOWER_FILE,
    ORIGINAL_UPPER_FILE,
    RESIDUALS_FILE,
    TOKENIZER_FILE,
    UPPER_FILE,
    lower_tensor_shapes,
    upper_tensor_shapes,
)
from hmi.model.bert import ARCHITECTURES, MPNET
from hmi.model.estimators import ReportProgress
from hmi.model.lower import LowerLayers
from hmi.model.relative_positions import NUM_BUCKETS
from hmi.model.tokenizer import Tokenizer
from wire.artifacts import BackboneFields, BundleKind
from wire.ids import Digest


class _CheckpointConfig(msgspec.Struct):
    """What is read of a checkpoint's config.json; the rest does not change the forward."""

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    vocab_size: int
    type_vocab_size: int = 2
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    position_embedding_type: str = "absolute"
    relative_attention_num_buckets: int = NUM_BUCKETS  # of MPNet


def build_backbone(
    source: BackboneSource,
    folder: Path,
    *,
    num_lower: int | None,
    texts: Sequence[str],
    seed: int,
    report: ReportProgress,
    calibration: Path | None = None,
) -> Digest:
    """Write the backbone's bundle into ``folder``, which is empty; returns its digest.

    ``num_lower`` None: settled_num_lower(). Residuals are zero without ``texts``. ``calibration``: a file of
    upper layers that calibrated_upper wrote. Raises InvalidInput for a checkpoint that is not of the BERT
    family, is incomplete, or does not fit its own config.json, and for another checkpoint's calibration.
    """
    config = _read_config(source.folder / CONFIG_FILE)
    fields = _fields(source, config, num_lower, _write_tokenizer(source, folder))
    fields = dataclasses.replace(fields, is_calibrated=calibration is not None)
    tensors = _read_weights(source.folder / WEIGHTS_FILE, fields, config.type_vocab_size)
    lower = {name: tensors[name] for name in lower_tensor_shapes(fields, config.type_vocab_size)}
    save_file(lower, folder / LOWER_FILE)
    upper = {name: tensors[name] for name in upper_tensor_shapes(fields)}
    if calibration is None:
        save_file(upper, folder / UPPER_FILE)
    else:
        save_file(upper, folder / ORIGINAL_UPPER_FILE)
        save_file(read_calibration(calibration, source, fields), folder / UPPER_FILE)
    tokenizer = Tokenizer.open(folder / TOKENIZER_FILE)
    if tokenizer.vocab_size > fields.vocab_size:
        raise InvalidInput(
            f"the tokenizer has {tokenizer.vocab_size} entries, the embeddings have {fields.vocab_size} rows"
        )
    estimate_residuals(fields, LowerLayers(fields, lower), tokenizer, texts, seed=seed, report=report).save(
        folder / RESIDUALS_FILE
    )
    return write_bundle(folder, BundleKind.BACKBONE, fields)


def _read_config(path: Path) -> _CheckpointConfig:
    try:
        config = msgspec.json.decode(path.read_bytes(), type=_CheckpointConfig)
    except msgspec.DecodeError as exc:
        raise InvalidInput(f"{CONFIG_FILE} of the checkpoint: {exc}") from exc
    if config.model_type not in ARCHITECTURES:
        raise InvalidInput(
            f"the checkpoint is of type {config.model_type!r}; "
            f"backbones are of type {' or '.join(ARCHITECTURES)}"
        )
    if config.hidden_act != "gelu" or config.position_embedding_type != "absolute":
        raise InvalidInput(
            f"the checkpoint uses {config.hidden_act} and {config.position_embedding_type} positions; "
            "backbones use gelu and absolute positions"
        )
    if config.relative_attention_num_buckets != NUM_BUCKETS:
        raise InvalidInput(
            f"the checkpoint has {config.relative_attention_num_buckets} buckets of relative positions; "
            f"backbones have {NUM_BUCKETS}"
        )
    return config


def _fields(
    source: BackboneSource, config: _CheckpointConfig, num_lower: int | None, tokenizer_sha256: str
) -> BackboneFields:
    if config.hidden_size % config.num_attention_heads:
        raise InvalidInput(
            f"{config.num_attention_heads} heads do not divide {config.hidden_size} dimensions"
        )
    num_layers = config.num_hidden_layers
    chosen = settled_num_lower(source, num_layers) if num_lower is None else num_lower
    if not 0 < chosen < num_layers:
        raise InvalidInput(f"--num-lower must lie between 1 and {num_layers - 1}, got {chosen}")
    return BackboneFields(
        name=source.name,
        architecture=config.model_type,
        hidden=config.hidden_size,
        num_layers=num_layers,
        num_lower=chosen,
        num_heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        max_positions=config.max_position_embeddings
        - (PADDING_POSITIONS if config.model_type == MPNET else 0),
        vocab_size=config.vocab_size,
        tokenizer_sha256=tokenizer_sha256,
        layer_norm_epsilon=config.layer_norm_eps,
    )


def _write_tokenizer(source: BackboneSource, folder: Path) -> str:
    """Copy tokenizer.json; returns its SHA-256. Its padding and truncation are the reader's business, not
    the file's."""
    target = folder / TOKENIZER_FILE
    shutil.copyfile(source.folder / TOKENIZER_FILE, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _read_weights(path: Path, fields: BackboneFields, num_token_types: int) -> dict[str, Tensor]:
    try:
        stored = load_file(path)
    except SafetensorError as exc:
        raise InvalidInput(f"{WEIGHTS_FILE} of the checkpoint cannot be read: {exc}") from exc
    if fields.architecture == MPNET:
        tensors = as_bert(stored, num_token_types)
    else:
        tensors = {name.removeprefix("bert."): tensor for name, tensor in stored.items()}
    shapes = {**lower_tensor_shapes(fields, num_token_types), **upper_tensor_shapes(fields)}
    for name, shape in shapes.items():
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != shape:
            problem = "lacks" if found is None else f"has, as {found},"
            raise InvalidInput(
                f"{WEIGHTS_FILE} of the checkpoint {problem} {name}; {CONFIG_FILE} says {shape}"
            )
    return {name: tensors[name].to(torch.float32).contiguous() for name in shapes}
