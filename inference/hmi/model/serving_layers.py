"""The upper layers as the service runs them: one type of numbers, few kernels, no gradients."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hmi.model.adapter_bank import AdapterBank, BankCall
from hmi.model.adapters.call import AdapterModule
from hmi.model.attention_rows import AttentionRows
from hmi.model.bert import QKV, EncoderLayer, LayerNorm, Linear
from hmi.model.token_chunks import CHUNK_TOKENS, MAX_EVEN_WIDTH, MIN_WIDTH, padded_tokens
from hmi.model.upper import UpperLayers


class ServingLayers:
    """UpperLayers' arithmetic with its weights in ``dtype``. Safe to share between threads.

    In bfloat16 the sums of matrix multiplications, layer norms and softmax are float32 inside; what passes
    between them is rounded.
    """

    def __init__(self, upper: UpperLayers, *, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._device = next(upper.parameters()).device
        self._hidden = upper.encoder_layers[0].output.weight.shape[0]
        self._relative = upper.relative
        self._layers = [_ServingLayer(layer, dtype) for layer in upper.encoder_layers]

    @property
    def num_bytes(self) -> int:
        """Of its weights; in float32 they are the very ones of the UpperLayers that it was made from."""
        return sum(layer.num_bytes for layer in self._layers)

    @torch.inference_mode()
    def warm_up(self, max_tokens: int, bank: AdapterBank) -> None:
        """Let the library prepare what it prepares for every shape of bfloat16, up to ``max_tokens``: those
        of the layers, which are all alike, and of ``bank``'s adapters in batches of few to a chunk."""
        if self._dtype is torch.float32:
            return
        for num_chunks in range(1, padded_tokens(max_tokens) // CHUNK_TOKENS + 1):
            num_tokens = num_chunks * CHUNK_TOKENS
            attention = self.attention(np.arange(0, num_tokens + 1, CHUNK_TOKENS))
            states = torch.zeros(num_tokens, self._hidden, dtype=self._dtype, device=self._device)
            for width in (MIN_WIDTH, MAX_EVEN_WIDTH):
                self._layers[0].forward(states, attention, bank.idle_call(num_chunks, width))

    def attention(self, offsets: NDArray[np.int64]) -> AttentionRows:
        """How a batch's documents attend, for forward(); ``offsets`` is int64 [num_documents + 1]."""
        num_tokens = int(offsets[-1])
        return AttentionRows.of(
            offsets,
            num_padding=padded_tokens(num_tokens) - num_tokens,
            num_heads=self._layers[0].num_heads,
            device=self._device,
            dtype=self._dtype,
            relative=self._relative,
        )

    @torch.inference_mode()
    def forward(self, states: Tensor, attention: AttentionRows, adapters: BankCall | None) -> Tensor:
        """As UpperLayers.forward: float32 [num_tokens, hidden] to the same."""
        num_tokens, hidden = states.shape
        padded = torch.zeros(padded_tokens(num_tokens), hidden, dtype=self._dtype, device=states.device)
        padded[:num_tokens] = states
        for layer in self._layers:
            padded = layer.forward(padded, attention, adapters)
        return padded[:num_tokens].to(torch.float32)


class _ServingLayer:
    """One layer. What a step has made and nobody else reads, the next one changes in place."""

    def __init__(self, layer: EncoderLayer, dtype: torch.dtype) -> None:
        self._index = layer.index
        self.num_heads = layer.num_heads
        self._query_key_value = _Affine(layer.query_key_value, dtype)
        self._attention_output = _Affine(layer.attention_output, dtype)
        self._attention_norm = _Norm(layer.attention_norm, dtype)
        self._intermediate = _Affine(layer.intermediate, dtype)
        self._output = _Affine(layer.output, dtype)
        self._output_norm = _Norm(layer.output_norm, dtype)

    @property
    def num_bytes(self) -> int:
        parts = (
            self._query_key_value,
            self._attention_output,
            self._attention_norm,
            self._intermediate,
            self._output,
            self._output_norm,
        )
        return sum(part.num_bytes for part in parts)

    def forward(self, states: Tensor, attention: AttentionRows, adapters: BankCall | None) -> Tensor:
        """[padded_tokens, hidden] to the same."""
        heads = self._query_key_value(states)
        if adapters is not None:
            for module, part in zip(QKV, heads.chunk(3, dim=-1), strict=True):
                adapters.add_to(self._index, module, states, part)
        mixed = attention.attend(heads)
        projected = self._adapted(adapters, AdapterModule.ATTENTION_OUTPUT, mixed, self._attention_output)
        states = self._attention_norm(projected.add_(states))
        widened = self._adapted(adapters, AdapterModule.INTERMEDIATE, states, self._intermediate)
        widened = functional.gelu(widened)
        narrowed = self._adapted(adapters, AdapterModule.OUTPUT, widened, self._output)
        return self._output_norm(narrowed.add_(states))

    def _adapted(
        self, adapters: BankCall | None, module: AdapterModule, inputs: Tensor, affine: "_Affine"
    ) -> Tensor:
        outputs = affine(inputs)
        if adapters is not None:
            adapters.add_to(self._index, module, inputs, outputs)
        return outputs


class _Affine:
    """A linear map in one type."""

    def __init__(self, linear: Linear, dtype: torch.dtype) -> None:
        self._weight = linear.weight.detach().to(dtype)
        self._bias = linear.bias.detach().to(dtype)
        self.num_bytes = self._weight.nbytes + self._bias.nbytes

    def __call__(self, inputs: Tensor) -> Tensor:
        return functional.linear(inputs, self._weight, self._bias)


class _Norm:
    """A layer norm in one type."""

    def __init__(self, norm: LayerNorm, dtype: torch.dtype) -> None:
        self._weight = norm.weight.detach().to(dtype)
        self._bias = norm.bias.detach().to(dtype)
        self._epsilon = norm.epsilon
        self.num_bytes = self._weight.nbytes + self._bias.nbytes

    def __call__(self, inputs: Tensor) -> Tensor:
        return functional.layer_norm(inputs, self._weight.shape, self._weight, self._bias, self._epsilon)
