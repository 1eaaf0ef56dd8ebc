"""The layers whose output PLOT replaces: computed to build PLOT, and for the exact path."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmi.base.errors import InvalidInput
from hmi.model.bert import Embeddings, EncoderLayer, relative_positions
from hmi.model.packing import PackedAttention, positions_of
from hmi.plot.ngram import Documents
from wire.artifacts import BackboneFields


class LowerLayers(nn.Module):
    """Embeddings and layers 1 to k, frozen; safe to share between threads."""

    def __init__(self, fields: BackboneFields, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.embeddings = Embeddings(fields, tensors)
        self.relative = relative_positions(fields, tensors)
        self.layers = nn.ModuleList(EncoderLayer(fields, index, tensors) for index in range(fields.num_lower))

    @property
    def encoder_layers(self) -> tuple[EncoderLayer, ...]:
        """First to last."""
        return tuple(layer for layer in self.layers if isinstance(layer, EncoderLayer))

    def forward(self, documents: Documents, token_types: NDArray[np.int64] | None = None) -> Tensor:
        """Exact output of layer k, float32 [num_tokens, hidden].

        ``token_types`` is int64 [num_tokens], all 0 when absent. Raises InvalidInput for a document longer
        than the backbone's positions.
        """
        states = embed(self.embeddings, documents, token_types)
        attention = PackedAttention.of(documents.offsets, states.device, self.relative)
        for layer in self.layers:
            states = layer(states, attention, None)
        return states


def embed(embeddings: Embeddings, documents: Documents, token_types: NDArray[np.int64] | None) -> Tensor:
    """What layer 1 takes, float32 [num_tokens, hidden]; arguments and errors as LowerLayers.forward()."""
    max_positions = len(embeddings.positions)
    longest = int(documents.lengths.max(initial=0))
    if longest > max_positions:
        raise InvalidInput(f"a document has {longest} tokens, the backbone takes {max_positions}")
    device = embeddings.words.device
    types = np.zeros(len(documents.token_ids), np.int64) if token_types is None else token_types
    states: Tensor = embeddings(
        torch.from_numpy(documents.token_ids.astype(np.int64)).to(device),
        torch.from_numpy(positions_of(documents.offsets)).to(device),
        torch.from_numpy(types).to(device),
    )
    return states
