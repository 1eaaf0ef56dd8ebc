"""A batch as the service computes it: one type of numbers, few kernels, no gradients, one call.

Each of a forward's 200 steps that Python begins waits for Python's lock, which the engine thread, loaders and
the service's event loop want as well. So TorchScript, which needs the lock only to begin, runs answers(),
forward() and what they call: plain functions of tensors, equal without it (docs/decisions/0004).
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hmi.model.adapter_bank import AdapterBank, BankCall, add_adapters
from hmi.model.adapter_units import SiteWeights
from hmi.model.attention_rows import ROW_TOKENS, AttentionRows, attend
from hmi.model.bert import EncoderLayer, LayerNorm, Linear
from hmi.model.compute_type import attends_by_products
from hmi.model.heads import HeadCall, HeadRows, head_logits, read_rows
from hmi.model.lower import LowerLayers, embed
from hmi.model.packed_linear import laid_out, linear
from hmi.model.residuals import Places, RowResiduals, residuals_at
from hmi.model.token_chunks import CHUNK_TOKENS, MAX_EVEN_WIDTH, MIN_WIDTH, ChunkGroup, padded_tokens
from hmi.model.upper import UpperLayers
from hmi.plot.ngram import Documents

log = structlog.get_logger(__name__)


NO_ADAPTERS = BankCall([], {})


class LookedUp(NamedTuple):
    """What PLOT answered for the tokens of a batch."""

    rows: Tensor  # float32 [num_tokens, hidden] without residuals, in host memory
    places: Places


class ExactStates(NamedTuple):
    """Tokens of a batch whose lower layers are computed instead."""

    tokens: Tensor  # int64 [tokens]: where each stands in the batch
    states: Tensor  # float32 [tokens, hidden]


class ServingLayers:
    """The arithmetic of ``layers`` with their weights in ``dtype``. Safe to share between threads.

    In bfloat16 the sums of matrix multiplications, layer norms and softmax are float32 inside; what passes
    between them is rounded.
    """

    def __init__(self, layers: UpperLayers | LowerLayers, *, dtype: torch.dtype) -> None:
        first = layers.encoder_layers[0]
        self._dtype = dtype
        self._device = first.output.weight.device
        self._hidden = first.output.weight.shape[0]
        self._num_heads = first.num_heads
        self._relative = layers.relative
        self._attends_by_products = attends_by_products(dtype, self._device, torch.cpu.get_capabilities())
        self._indices = [layer.index for layer in layers.encoder_layers]
        self._layers = [LayerWeights.of(layer, dtype) for layer in layers.encoder_layers]
        self._forward = in_one_call(forward)
        self._answers = in_one_call(answers)

    @property
    def num_bytes(self) -> int:
        """Of its weights; in float32 they are the very ones of the layers that it was made from."""
        return sum(part.weight.nbytes + part.bias.nbytes for layer in self._layers for part in layer)

    @torch.inference_mode()
    def warm_up(self, max_tokens: int, bank: AdapterBank) -> None:
        """Let the library prepare what it prepares: the call, and for bfloat16 every shape up to
        ``max_tokens``: those of the layers, which are all alike, of attention where no two documents share a
        row, and of ``bank``'s adapters in batches of few to a chunk."""
        token, alone = torch.zeros(1, self._hidden, device=self._device), self.attention(np.array([0, 1]))
        for _ in range(2):
            self.forward(token, alone, bank.idle_call(1, MIN_WIDTH))
        if self._dtype is torch.float32:
            return
        for num_chunks in range(1, padded_tokens(max_tokens) // CHUNK_TOKENS + 1):
            num_tokens = num_chunks * CHUNK_TOKENS
            attention = self.attention(np.array([*range(0, num_tokens, ROW_TOKENS // 2 + 1), num_tokens]))
            states = torch.zeros(num_tokens, self._hidden, dtype=self._dtype, device=self._device)
            for width in (MIN_WIDTH, MAX_EVEN_WIDTH):
                call = bank.idle_call(num_chunks, width)
                layer_forward(self._layers[0], call.sites(self._indices[0]), call.groups, attention, states)

    def attention(self, offsets: NDArray[np.int64]) -> AttentionRows:
        """How a batch's documents attend, for forward(); ``offsets`` is int64 [num_documents + 1]."""
        num_tokens = int(offsets[-1])
        return AttentionRows.of(
            offsets,
            num_padding=padded_tokens(num_tokens) - num_tokens,
            num_heads=self._num_heads,
            device=self._device,
            dtype=self._dtype,
            relative=self._relative,
            by_products=self._attends_by_products,
        )

    @torch.inference_mode()
    def answers(
        self,
        looked_up: LookedUp,
        residuals: RowResiduals,
        exact: ExactStates | None,
        attention: AttentionRows,
        adapters: BankCall | None,
        head_rows: HeadRows,
        heads: HeadCall,
    ) -> Tensor:
        """What heads give of each row that they read, on the host: float32 [rows, outputs of the widest].

        ``exact`` None: nothing is computed exactly; ``adapters`` as in forward().
        """
        call = self._call(len(looked_up.rows), attention, adapters)
        return self._answers(
            call, looked_up, residuals.position, residuals.token_type, exact, head_rows, heads
        )

    @torch.inference_mode()
    def forward(self, states: Tensor, attention: AttentionRows, adapters: BankCall | None) -> Tensor:
        """float32 [num_tokens, hidden] to the same; ``adapters`` as those of UpperLayers.forward()."""
        return self._forward(self._call(len(states), attention, adapters), states)

    def _call(self, num_tokens: int, attention: AttentionRows, adapters: BankCall | None) -> "ForwardCall":
        used = adapters or NO_ADAPTERS
        sites = [used.sites(index) for index in self._indices]
        num_padded = padded_tokens(num_tokens)
        return ForwardCall(num_padded, self._dtype, self._layers, sites, used.groups, attention)


class ServingLower:
    """LowerLayers for the exact path: embeddings in float32, layers in ``dtype``. Safe to share between
    threads."""

    def __init__(self, lower: LowerLayers, *, dtype: torch.dtype) -> None:
        self._embeddings = lower.embeddings
        self._layers = ServingLayers(lower, dtype=dtype)

    @property
    def num_bytes(self) -> int:
        return self._layers.num_bytes + sum(weight.nbytes for weight in self._embeddings.parameters())

    @torch.inference_mode()
    def __call__(self, documents: Documents, token_types: NDArray[np.int64] | None) -> Tensor:
        """As LowerLayers.forward()."""
        states = embed(self._embeddings, documents, token_types)
        return self._layers.forward(states, self._layers.attention(documents.offsets), None)


class Affine(NamedTuple):
    """A linear map in one type."""

    weight: Tensor  # [out, in]
    bias: Tensor  # [out]


class Norm(NamedTuple):
    """A layer norm in one type."""

    weight: Tensor  # [hidden]
    bias: Tensor  # [hidden]
    epsilon: float


class LayerWeights(NamedTuple):
    """One layer's."""

    query_key_value: Affine
    attention_output: Affine
    attention_norm: Norm
    intermediate: Affine
    output: Affine
    output_norm: Norm

    @classmethod
    def of(cls, layer: EncoderLayer, dtype: torch.dtype) -> "LayerWeights":
        return cls(
            _affine(layer.query_key_value, dtype),
            _affine(layer.attention_output, dtype),
            _norm(layer.attention_norm, dtype),
            _affine(layer.intermediate, dtype),
            _affine(layer.output, dtype),
            _norm(layer.output_norm, dtype),
        )


class ForwardCall(NamedTuple):
    """What all layers do with the states of one batch."""

    num_padded: int  # tokens that they are filled up to meanwhile
    dtype: torch.dtype
    layers: list[LayerWeights]
    sites: list[list[SiteWeights | None]]  # of each layer, in AdapterModule's order
    groups: list[ChunkGroup]
    attention: AttentionRows


# What TorchScript compiles. What a step has made and nobody else reads, the next one changes in place.


def answers(
    call: ForwardCall,
    looked_up: LookedUp,
    position: Tensor,
    token_type: Tensor,
    exact: ExactStates | None,
    head_rows: HeadRows,
    heads: HeadCall,
) -> Tensor:
    """See ServingLayers.answers(); ``position`` and ``token_type`` are tables of RowResiduals."""
    states = residuals_at(looked_up.places, position, token_type)
    states += looked_up.rows.to(states.device, non_blocking=True)
    if exact is not None:
        states.index_copy_(0, exact.tokens, exact.states)
    return head_logits(heads, read_rows(head_rows, forward(call, states))).cpu()


def forward(call: ForwardCall, states: Tensor) -> Tensor:
    """All layers over ``states``, float32 [num_tokens, hidden], to the same."""
    num_tokens = states.size(0)
    padded = torch.zeros([call.num_padded, states.size(1)], dtype=call.dtype, device=states.device)
    padded[:num_tokens] = states
    for number, layer in enumerate(call.layers):
        padded = layer_forward(layer, call.sites[number], call.groups, call.attention, padded)
    return padded[:num_tokens].to(torch.float32)


def layer_forward(
    layer: LayerWeights,
    sites: list[SiteWeights | None],
    groups: list[ChunkGroup],
    attention: AttentionRows,
    states: Tensor,
) -> Tensor:
    """[padded_tokens, hidden] to the same; ``sites`` in AdapterModule's order."""
    hidden = states.size(1)
    heads = affine(layer.query_key_value, states)
    for part in range(3):
        columns = heads[:, part * hidden : (part + 1) * hidden]
        add_adapters(sites[part], groups, states, columns, False)
    mixed = attend(attention, heads)
    projected = affine(layer.attention_output, mixed)
    add_adapters(sites[3], groups, mixed, projected, True)
    states = norm(layer.attention_norm, projected.add_(states))
    widened = affine(layer.intermediate, states)
    add_adapters(sites[4], groups, states, widened, False)
    widened = functional.gelu(widened)
    narrowed = affine(layer.output, widened)
    add_adapters(sites[5], groups, widened, narrowed, True)
    return norm(layer.output_norm, narrowed.add_(states))


def affine(part: Affine, inputs: Tensor) -> Tensor:
    return linear(inputs, part.weight, part.bias)


def norm(part: Norm, inputs: Tensor) -> Tensor:
    return functional.layer_norm(inputs, [inputs.size(1)], part.weight, part.bias, part.epsilon)


@cache
def in_one_call(steps: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``steps`` as one call of the library where it can make one of it."""
    try:
        # On a GPU it would join steps into kernels of its own: compiled anew for shapes that it has not seen
        # yet, and rounded elsewhere than the steps are.
        torch._C._jit_set_texpr_fuser_enabled(False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # docs/decisions/0004
            compiled: Callable[..., Tensor] = torch.jit.script(steps)
    except Exception:
        log.warning("forward_not_compiled", exc_info=True)
        return steps
    return compiled


def _affine(part: Linear, dtype: torch.dtype) -> Affine:
    return Affine(laid_out(part.weight.detach().to(dtype)), part.bias.detach().to(dtype))


def _norm(layer_norm: LayerNorm, dtype: torch.dtype) -> Norm:
    weight, bias = layer_norm.weight.detach().to(dtype), layer_norm.bias.detach().to(dtype)
    return Norm(weight, bias, layer_norm.epsilon)
