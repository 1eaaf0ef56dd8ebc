"""A checkpoint of MPNet under BERT's names: the two differ in names, in positions and in what their layers
share."""

from collections.abc import Mapping

import torch
from torch import Tensor

PADDING_POSITIONS = 2
"""Position embeddings of MPNet before the first token's; only padding reads them."""
_NAMES = {
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}
_POSITIONS = "embeddings.position_embeddings.weight"
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"


def as_bert(stored: Mapping[str, Tensor], num_token_types: int) -> dict[str, Tensor]:
    """The same tensors as BERT names them. MPNet has no token types: theirs are zero."""
    tensors = {_renamed(name.removeprefix("mpnet.")): tensor for name, tensor in stored.items()}
    positions = tensors.get(_POSITIONS)
    if positions is not None:
        tensors[_POSITIONS] = positions[PADDING_POSITIONS:]
        tensors[_TOKEN_TYPES] = torch.zeros(num_token_types, positions.shape[1])
    return tensors


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES.items():
        if f".{theirs}." in name:
            return name.replace(theirs, ours)
    return name
