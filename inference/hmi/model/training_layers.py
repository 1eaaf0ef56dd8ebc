"""The upper layers as a training runs them: rows of one length, few kernels, gradients of the adapter
alone."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from hmi.base.own_thread import one_core
from hmi.model.adapters.call import AdapterModule
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.bert import QKV, EncoderLayer, Linear
from hmi.model.packed_linear import laid_out, linear
from hmi.model.relative_positions import RelativePositions
from hmi.model.upper import UpperLayers

LENGTH_STEP = 8
"""Rows are filled up to a multiple of this: products of bfloat16 matrices are prepared by the processor's
library for each shape anew, which takes longer than the product, so shapes must repeat."""
_LONG_ROW = 32
_HIDDEN = -30000.0  # added to the score of a token that is not there; finite, so that all stays numbers


class TrainingLayers:
    """UpperLayers' arithmetic with one adapter, whose parameters get gradients; the states get none.

    The type of the upper layers' weights is that of what passes between the layers; in bfloat16 the sums of
    matrix multiplications, layer norms and softmax are float32 inside. Used by one thread.
    """

    def __init__(self, upper: UpperLayers, adapter: AdapterParameters) -> None:
        self._dtype = next(upper.parameters()).dtype
        self._relative = upper.relative
        self._layers = [_TrainingLayer(layer, adapter) for layer in upper.encoder_layers]

    def __call__(self, states: Tensor, offsets: NDArray[np.int64]) -> Tensor:
        """As UpperLayers.forward: float32 [num_tokens, hidden] to the same; the quicker, the more alike the
        documents' lengths."""
        rows = _Rows.of(offsets, states.device)
        mask = rows.mask(self._relative)
        padded = rows.padded(states.to(self._dtype))
        for layer in self._layers:
            padded = layer(padded, mask)
        final: Tensor = _Taken.apply(padded, rows.tokens)  # type: ignore[no-untyped-call]
        return final.float()


def step_cores(dtype: torch.dtype) -> AbstractContextManager[object]:
    """While the calling thread takes steps through layers of ``dtype``: one core for those of bfloat16, which
    are hundreds of short calls, else all it has.

    (Measured on two cores, 16 rows of 23 tokens a step: of bfloat16 189 steps with their validations took
    15.7 s on one and 17.0 s on both, which a service then waits for; a step of float32 340 and 199 ms.)
    """
    return one_core() if dtype is torch.bfloat16 else nullcontext()


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where a batch's documents lie: each begins a row of its own.

    documents a (3 tokens) b (1)    | a a a . | b . . . |    tokens 0 1 2 4
    """

    lengths: NDArray[np.int64]  # [num_rows]
    length: int
    tokens: Tensor  # int64 [num_tokens]: the place of every token

    @classmethod
    def of(cls, offsets: NDArray[np.int64], device: torch.device) -> "_Rows":
        lengths = np.diff(offsets)
        length = -(-int(lengths.max()) // LENGTH_STEP) * LENGTH_STEP
        begins = np.arange(len(lengths)) * length - offsets[:-1]
        tokens = np.repeat(begins, lengths) + np.arange(int(offsets[-1]))
        return cls(lengths, length, torch.from_numpy(tokens).to(device))

    def padded(self, states: Tensor) -> Tensor:
        """[num_tokens, hidden] to [num_rows * length, hidden]."""
        padded = states.new_zeros(len(self.lengths) * self.length, states.shape[1])
        padded[self.tokens] = states
        return padded

    def mask(self, relative: RelativePositions | None) -> Tensor:
        """To add to scores, float32 [num_rows, num_heads, length, length], which it can be broadcast to."""
        is_there = np.arange(self.length) < self.lengths[:, None]
        mask = torch.from_numpy(np.where(is_there, 0.0, _HIDDEN))[:, None, None].to(
            self.tokens.device, torch.float32
        )
        return mask if relative is None else mask + relative.bias(self.length).float()


class _TrainingLayer:
    """One layer."""

    def __init__(self, layer: EncoderLayer, adapter: AdapterParameters) -> None:
        self._layer = layer
        self._num_heads = layer.num_heads
        self._query_key_value = _adapted(layer.query_key_value, adapter, layer.index, QKV)
        self._attention_output = _adapted(
            layer.attention_output, adapter, layer.index, (AdapterModule.ATTENTION_OUTPUT,)
        )
        self._intermediate = _adapted(layer.intermediate, adapter, layer.index, (AdapterModule.INTERMEDIATE,))
        self._output = _adapted(layer.output, adapter, layer.index, (AdapterModule.OUTPUT,))

    def __call__(self, states: Tensor, mask: Tensor) -> Tensor:
        joined = self._query_key_value(states)
        mixed = _Attention.apply(joined, mask, self._num_heads)  # type: ignore[no-untyped-call]
        states = self._layer.attention_norm(self._attention_output(mixed) + states)
        narrowed = self._output(functional.gelu(self._intermediate(states)))
        answer: Tensor = self._layer.output_norm(narrowed + states)
        return answer


@dataclass(frozen=True, slots=True)
class _Frozen:
    """A linear map there and back, its weight laid out for both."""

    weight: Tensor  # [out, in]
    weight_back: Tensor  # [in, out]
    bias: Tensor  # [out]

    @classmethod
    def of(cls, part: Linear) -> "_Frozen":
        weight = part.weight.detach()
        return cls(laid_out(weight), laid_out(weight.T), part.bias.detach())

    def there(self, inputs: Tensor) -> Tensor:
        return linear(inputs, self.weight, self.bias)

    def back(self, gradient: Tensor) -> Tensor:
        """The gradient of the inputs."""
        return linear(gradient, self.weight_back, None)


@dataclass(frozen=True, slots=True)
class _AdaptedLinear:
    """A frozen map whose outputs, or stretches of them, are changed by low-rank products of its inputs."""

    frozen: _Frozen
    stretches: tuple[tuple[int, int], ...]  # of outputs, one a pair of factors
    factors: tuple[Tensor, ...]  # down [rank, in], up [outputs of the stretch, rank], and so on
    scaling: float

    def __call__(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = _LowRankBeside.apply(  # type: ignore[no-untyped-call]
            inputs, self.frozen, self.stretches, self.scaling, *self.factors
        )
        return outputs


@dataclass(frozen=True, slots=True)
class _FollowedLinear:
    """A frozen map followed by a method that reads its outputs."""

    linear: Linear
    adapter: AdapterParameters
    layer: int
    modules: tuple[AdapterModule, ...]  # whose outputs stand side by side

    def __call__(self, inputs: Tensor) -> Tensor:
        parts = self.linear(inputs).chunk(len(self.modules), dim=-1)
        changed = [
            self.adapter.apply(self.layer, module, inputs, part)
            for module, part in zip(self.modules, parts, strict=True)
        ]
        return changed[0] if len(changed) == 1 else torch.cat(changed, dim=-1)


def _adapted(
    linear: Linear, adapter: AdapterParameters, layer: int, modules: tuple[AdapterModule, ...]
) -> _AdaptedLinear | _FollowedLinear:
    if adapter.config.reads_outputs:
        return _FollowedLinear(linear, adapter, layer, modules)
    size = linear.weight.shape[0] // len(modules)
    found = [(place, adapter.factors(layer, module)) for place, module in enumerate(modules)]
    adapted = [(place, factors) for place, factors in found if factors is not None]
    return _AdaptedLinear(
        _Frozen.of(linear),
        tuple((place * size, (place + 1) * size) for place, _ in adapted),
        tuple(tensor for _, factors in adapted for tensor in (factors.down, factors.up)),
        adapter.config.scaling,
    )


class _LowRankBeside(Function):
    """A frozen map and the low-rank ones beside it, as few products; the frozen weights get no gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        frozen: _Frozen,
        stretches: tuple[tuple[int, int], ...],
        scaling: float,
        *factors: Tensor,
    ) -> Tensor:
        ctx.frozen, ctx.stretches, ctx.scaling = frozen, stretches, scaling
        outputs = frozen.there(inputs)
        if not factors:
            return outputs
        downs, ups = factors[::2], factors[1::2]
        down = torch.cat(downs).to(inputs.dtype)
        up = _side_by_side(ups, stretches, num_outputs=outputs.shape[1]).to(inputs.dtype)
        narrow = inputs @ down.T
        ctx.save_for_backward(inputs, narrow, down, up)
        ctx.ranks = [len(one) for one in downs]
        return outputs.addmm_(narrow, up.T, alpha=scaling)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gradient = gradient.contiguous()
        of_inputs = ctx.frozen.back(gradient) if ctx.needs_input_grad[0] else None
        if not ctx.saved_tensors:
            return of_inputs, None, None, None
        inputs, narrow, down, up = ctx.saved_tensors
        of_narrow = (gradient @ up).mul_(ctx.scaling)
        if of_inputs is not None:
            of_inputs.addmm_(of_narrow, down)
        of_down = (of_narrow.T @ inputs).float()
        of_up = (gradient.T @ narrow).float().mul_(ctx.scaling)
        of_factors, before = [], 0
        for (first, last), rank in zip(ctx.stretches, ctx.ranks, strict=True):
            of_factors += [of_down[before : before + rank], of_up[first:last, before : before + rank]]
            before += rank
        return of_inputs, None, None, None, *of_factors


def _side_by_side(ups: Sequence[Tensor], stretches: Sequence[tuple[int, int]], *, num_outputs: int) -> Tensor:
    """One matrix [num_outputs, all ranks], each factor at its stretch of outputs and its own ranks."""
    if len(ups) == 1 and len(ups[0]) == num_outputs:
        return ups[0]
    joined = ups[0].new_zeros(num_outputs, sum(up.shape[1] for up in ups))
    before = 0
    for up, (first, last) in zip(ups, stretches, strict=True):
        joined[first:last, before : before + up.shape[1]] = up
        before += up.shape[1]
    return joined


class _Attention(Function):
    """Scaled dot-product attention within each row: [num_rows * length, 3 * hidden] to [.., hidden]."""

    @staticmethod
    def forward(ctx: Any, query_key_value: Tensor, mask: Tensor, num_heads: int) -> Tensor:
        num_rows, length = len(mask), mask.shape[-1]
        size = query_key_value.shape[-1] // (3 * num_heads)
        parts = query_key_value.view(num_rows, length, 3, num_heads, size).permute(2, 0, 3, 1, 4)
        parts = parts.reshape(3, num_rows * num_heads, length, size)
        query, key, value = parts.unbind()
        scores = torch.bmm(query, key.transpose(1, 2)).view(num_rows, num_heads, length, length)
        shares = torch.add(mask, scores.float(), alpha=size**-0.5).softmax(-1).to(scores.dtype)
        shares = shares.view(-1, length, length)
        ctx.save_for_backward(parts, shares)
        ctx.num_rows = num_rows
        mixed = torch.bmm(shares, value).view(num_rows, num_heads, length, size)
        return mixed.transpose(1, 2).reshape(num_rows * length, num_heads * size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        parts, shares = ctx.saved_tensors
        query, key, value = parts.unbind()
        length, size = query.shape[1:]
        by_row = gradient.view(ctx.num_rows, length, -1, size).transpose(1, 2)
        of_mixed = by_row.reshape(-1, length, size)
        of_parts = torch.empty_like(parts)
        torch.bmm(shares.transpose(1, 2), of_mixed, out=of_parts[2])
        of_shares = torch.bmm(of_mixed, value.transpose(1, 2))
        of_scores = _softmax_backward(of_shares, shares).mul_(size**-0.5)
        torch.bmm(of_scores, key, out=of_parts[0])
        torch.bmm(of_scores.transpose(1, 2), query, out=of_parts[1])
        split = of_parts.view(3, ctx.num_rows, -1, length, size).permute(1, 3, 0, 2, 4)
        return split.reshape(ctx.num_rows * length, -1), None, None


def _softmax_backward(of_shares: Tensor, shares: Tensor) -> Tensor:
    """Float32 inside. Of short rows of bfloat16 the library's own is several times slower than by way of
    float32, of long ones several times as quick (measured: 310 and 40 us of 16 tokens, 0.9 and 4.3 ms of
    128)."""
    backward = torch.ops.aten._softmax_backward_data
    if shares.shape[-1] >= _LONG_ROW:
        of_scores: Tensor = backward(of_shares, shares, -1, shares.dtype)
        return of_scores
    exact: Tensor = backward(of_shares.float(), shares.float(), -1, torch.float32)
    return exact.to(shares.dtype)


class _Taken(Function):
    """Some rows, each once: the gradient is written where it belongs, and summed nowhere."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.num_rows = len(whole)
        return whole.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        whole = gradient.new_zeros(ctx.num_rows, gradient.shape[1])
        whole[places] = gradient
        return whole, None
