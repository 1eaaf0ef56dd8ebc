"""The layers that are always computed, shared by everybody, where adapters act."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hmi.model.adapters.call import AdapterCall
from hmi.model.bert import RELATIVE_POSITIONS, EncoderLayer, relative_positions
from hmi.model.packing import PackedAttention
from wire.artifacts import BackboneFields


class UpperLayers(nn.Module):
    """Layers k+1 to L, frozen. Gradients flow through to the states and the adapters; safe to share between
    threads."""

    def __init__(self, fields: BackboneFields, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self._fields = fields
        self.relative = relative_positions(fields, tensors)
        self.layers = nn.ModuleList(
            EncoderLayer(fields, index, tensors) for index in range(fields.num_lower, fields.num_layers)
        )

    @property
    def encoder_layers(self) -> tuple[EncoderLayer, ...]:
        """First to last."""
        return tuple(layer for layer in self.layers if isinstance(layer, EncoderLayer))

    def forward(self, states: Tensor, offsets: NDArray[np.int64], adapters: AdapterCall | None) -> Tensor:
        """Final states of packed documents.

        ``states`` are the lower layers' output, [num_tokens, hidden]; ``offsets`` (on the host) is int64
        [num_documents + 1]; answers [num_tokens, hidden]. No adapters: the plain backbone.
        """
        attention = PackedAttention.of(offsets, states.device, self.relative)
        for layer in self.layers:
            states = layer(states, attention, adapters)
        return states

    def in_dtype(self, dtype: torch.dtype) -> "UpperLayers":
        """These layers with their weights in ``dtype``; themselves where they have it."""
        tensors = self.tensors()
        if all(tensor.dtype is dtype for tensor in tensors.values()):
            return self
        return UpperLayers(self._fields, {name: tensor.to(dtype) for name, tensor in tensors.items()})

    def tensors(self) -> dict[str, Tensor]:
        """The weights by their names in a checkpoint."""
        named = {} if self.relative is None else {RELATIVE_POSITIONS: self.relative.weight}
        for layer in self.encoder_layers:
            named |= layer.tensors()
        return named

    def layer_states(self, states: Tensor, offsets: NDArray[np.int64]) -> list[Tensor]:
        """What each layer answers, first to last, without adapters."""
        attention = PackedAttention.of(offsets, states.device, self.relative)
        answers = []
        for layer in self.layers:
            states = layer(states, attention, None)
            answers.append(states)
        return answers
