"""A random BERT small enough to be made and run in milliseconds, through the product's own builder."""

import json
import string
from pathlib import Path

import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers import models, normalizers, pre_tokenizers, processors

from hmi.build.backbone_builder import build_backbone
from hmi.build.backbone_source import BackboneSource
from hmi.model.backbone import Backbone

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = """
    the a of and to in is was good bad film match team goal bank share market price vote party minister
    phone computer network music song star great poor loved hated win loss rise fall new old yes no not very
""".split()  # noqa: SIM905 readable
BERT_NAMES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
)
MPNET_NAMES = (
    "attention.attn.q",
    "attention.attn.k",
    "attention.attn.v",
    "attention.attn.o",
    "attention.LayerNorm",
)


def make_tiny_backbone(
    folder: Path,
    *,
    seed: int = 0,
    num_layers: int = 4,
    num_lower: int = 2,
    hidden: int = 32,
    num_heads: int = 4,
    max_positions: int = 64,
    architecture: str = "bert",
    texts: tuple[str, ...] = (),
    calibration: Path | None = None,
    weight_scale: float = 0.3,
    device: torch.device | None = None,
) -> Backbone:
    """A backbone's bundle in ``folder / "backbone"``, made from a checkpoint in ``folder / "checkpoint"``,
    and opened on ``device``, None: a processor."""
    checkpoint = make_tiny_checkpoint(
        folder / "checkpoint",
        seed=seed,
        num_layers=num_layers,
        hidden=hidden,
        num_heads=num_heads,
        max_positions=max_positions,
        architecture=architecture,
        weight_scale=weight_scale,
    )
    bundle = folder / "backbone"
    bundle.mkdir()
    digest = build_backbone(
        BackboneSource("tiny", checkpoint),
        bundle,
        num_lower=num_lower,
        texts=texts,
        seed=seed,
        report=_unheard,
        calibration=calibration,
    )
    return Backbone.open(bundle, device or "cpu", digest=digest)


def make_tiny_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    num_layers: int = 4,
    hidden: int = 32,
    num_heads: int = 4,
    max_positions: int = 64,
    architecture: str = "bert",
    weight_scale: float = 0.3,
) -> Path:
    """A checkpoint as transformers' BertModel or MPNetModel saves it: config.json, model.safetensors,
    tokenizer.json.

    The default scale is far larger than a trained model's: every token and every neighbour must show in the
    states. With a small one a token's final state tells the token.
    """
    folder.mkdir(parents=True)
    if architecture == "mpnet":
        max_positions += 2  # before the first token's
    config = {
        "model_type": architecture,
        "hidden_size": hidden,
        "num_hidden_layers": num_layers,
        "num_attention_heads": num_heads,
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": max_positions,
        "vocab_size": len(tiny_vocabulary()),
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    shapes = _embedding_shapes(architecture, hidden, num_heads, max_positions)
    for layer in range(num_layers):
        shapes |= _layer_shapes(architecture, hidden, layer)
    random = torch.Generator().manual_seed(seed)
    tensors = {name: torch.randn(shape, generator=random) * weight_scale for name, shape in shapes.items()}
    for name in tensors:
        if name.endswith("LayerNorm.weight"):
            tensors[name] += 1.0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def _embedding_shapes(
    architecture: str, hidden: int, num_heads: int, max_positions: int
) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(tiny_vocabulary()), hidden),
        "embeddings.position_embeddings.weight": (max_positions, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    if architecture == "mpnet":
        del shapes["embeddings.token_type_embeddings.weight"]
        shapes["encoder.relative_attention_bias.weight"] = (32, num_heads)
    return shapes


def _layer_shapes(architecture: str, hidden: int, layer: int) -> dict[str, tuple[int, ...]]:
    query, key, value, out, norms = MPNET_NAMES if architecture == "mpnet" else BERT_NAMES
    shapes: dict[str, tuple[int, ...]] = {}
    for module, outputs, inputs in (
        (query, hidden, hidden),
        (key, hidden, hidden),
        (value, hidden, hidden),
        (out, hidden, hidden),
        ("intermediate.dense", 2 * hidden, hidden),
        ("output.dense", hidden, 2 * hidden),
    ):
        shapes[f"encoder.layer.{layer}.{module}.weight"] = (outputs, inputs)
        shapes[f"encoder.layer.{layer}.{module}.bias"] = (outputs,)
    for norm in (norms, "output.LayerNorm"):
        shapes[f"encoder.layer.{layer}.{norm}.weight"] = (hidden,)
        shapes[f"encoder.layer.{layer}.{norm}.bias"] = (hidden,)
    return shapes


def tiny_vocabulary() -> dict[str, int]:
    """Special tokens, some words, and all letters, digits and marks: every ASCII text can be spelt."""
    letters = string.ascii_lowercase + string.digits
    pieces = [*SPECIAL_TOKENS, *WORDS, *letters, *(f"##{letter}" for letter in letters), *string.punctuation]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def tiny_tokenizer() -> tokenizers.Tokenizer:
    """A lower-casing WordPiece tokenizer over tiny_vocabulary(), framed by [CLS] and [SEP]."""
    vocabulary = tiny_vocabulary()
    library = tokenizers.Tokenizer(
        models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.add_special_tokens(list(SPECIAL_TOKENS))
    library.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return library


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
