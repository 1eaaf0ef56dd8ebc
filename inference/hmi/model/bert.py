"""Encoder layers of the BERT family on packed tokens: the same arithmetic as transformers' BertModel and
MPNetModel, without padding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmi.model.adapters.call import AdapterCall, AdapterModule, module_path, module_shape
from hmi.model.packing import PackedAttention
from hmi.model.relative_positions import NUM_BUCKETS, RelativePositions
from wire.artifacts import BackboneFields

QKV = (AdapterModule.QUERY, AdapterModule.KEY, AdapterModule.VALUE)
ARCHITECTURES = (BERT, MPNET) = ("bert", "mpnet")
RELATIVE_POSITIONS = "encoder.relative_attention_bias.weight"
"""What MPNet has besides BERT's tensors; its lower and its upper layers read the same one."""


def frozen(tensor: Tensor) -> nn.Parameter:
    """A weight that no training changes."""
    return nn.Parameter(tensor, requires_grad=False)


class Linear(nn.Module):
    """A frozen affine map."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = frozen(weight)  # [out, in]
        self.bias = frozen(bias)  # [out]

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.linear(inputs, self.weight, self.bias)


class LayerNorm(nn.Module):
    """A frozen layer norm over the last dimension."""

    def __init__(self, weight: Tensor, bias: Tensor, epsilon: float) -> None:
        super().__init__()
        self.weight = frozen(weight)
        self.bias = frozen(bias)
        self.epsilon = epsilon

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.layer_norm(inputs, self.weight.shape, self.weight, self.bias, self.epsilon)


class Embeddings(nn.Module):
    """Word, position and token-type embeddings, summed and normed."""

    def __init__(self, fields: BackboneFields, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.words = frozen(tensors["embeddings.word_embeddings.weight"])
        self.positions = frozen(tensors["embeddings.position_embeddings.weight"])
        self.types = frozen(tensors["embeddings.token_type_embeddings.weight"])
        self.norm = _norm(tensors, "embeddings.LayerNorm", fields.layer_norm_epsilon)

    def forward(self, token_ids: Tensor, positions: Tensor, token_types: Tensor) -> Tensor:
        """All int64 [num_tokens]; answers [num_tokens, hidden]."""
        states: Tensor = self.norm(
            self.words[token_ids] + self.types[token_types] + self.positions[positions]
        )
        return states


class EncoderLayer(nn.Module):
    """Layer ``index`` (from 0) of the backbone; the three attention inputs are one matrix."""

    def __init__(self, fields: BackboneFields, index: int, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.index = index
        self.num_heads = fields.num_heads
        paths = [module_path(index, module) for module in QKV]
        self.query_key_value = Linear(
            torch.cat([tensors[f"{path}.weight"] for path in paths]),
            torch.cat([tensors[f"{path}.bias"] for path in paths]),
        )
        self.attention_output = _linear(tensors, module_path(index, AdapterModule.ATTENTION_OUTPUT))
        self.attention_norm = _layer_norm(fields, tensors, index, "attention.output.LayerNorm")
        self.intermediate = _linear(tensors, module_path(index, AdapterModule.INTERMEDIATE))
        self.output = _linear(tensors, module_path(index, AdapterModule.OUTPUT))
        self.output_norm = _layer_norm(fields, tensors, index, "output.LayerNorm")

    def forward(self, states: Tensor, attention: PackedAttention, adapters: AdapterCall | None) -> Tensor:
        """[num_tokens, hidden] to the same."""
        mixed = attention.attend(self._query_key_value(states, adapters), self.num_heads)
        projected = self._adapted(
            adapters, AdapterModule.ATTENTION_OUTPUT, mixed, self.attention_output(mixed)
        )
        states = self.attention_norm(projected + states)
        widened = self._adapted(adapters, AdapterModule.INTERMEDIATE, states, self.intermediate(states))
        widened = functional.gelu(widened)
        narrowed = self._adapted(adapters, AdapterModule.OUTPUT, widened, self.output(widened))
        answer: Tensor = self.output_norm(narrowed + states)
        return answer

    def tensors(self) -> dict[str, Tensor]:
        """The layer's weights under the names of layer_tensor_shapes()."""
        named: dict[str, Tensor] = {}
        parts = zip(
            QKV,
            self.query_key_value.weight.chunk(3),
            self.query_key_value.bias.chunk(3),
            strict=True,
        )
        for module, weight, bias in parts:
            path = module_path(self.index, module)
            named |= {f"{path}.weight": weight, f"{path}.bias": bias}
        rest: dict[str, Linear | LayerNorm] = {
            module_path(self.index, AdapterModule.ATTENTION_OUTPUT): self.attention_output,
            module_path(self.index, AdapterModule.INTERMEDIATE): self.intermediate,
            module_path(self.index, AdapterModule.OUTPUT): self.output,
            f"encoder.layer.{self.index}.attention.output.LayerNorm": self.attention_norm,
            f"encoder.layer.{self.index}.output.LayerNorm": self.output_norm,
        }
        for path, part in rest.items():
            named |= {f"{path}.weight": part.weight, f"{path}.bias": part.bias}
        return {name: tensor.detach().contiguous() for name, tensor in named.items()}

    def _query_key_value(self, states: Tensor, adapters: AdapterCall | None) -> Tensor:
        plain: Tensor = self.query_key_value(states)
        if adapters is None:
            return plain
        parts = zip(QKV, plain.chunk(3, dim=-1), strict=True)
        return torch.cat([adapters.apply(self.index, module, states, part) for module, part in parts], dim=-1)

    def _adapted(
        self, adapters: AdapterCall | None, module: AdapterModule, inputs: Tensor, outputs: Tensor
    ) -> Tensor:
        return outputs if adapters is None else adapters.apply(self.index, module, inputs, outputs)


def relative_positions(fields: BackboneFields, tensors: dict[str, Tensor]) -> RelativePositions | None:
    """Of an architecture that has them."""
    return RelativePositions(tensors[RELATIVE_POSITIONS]) if fields.architecture == MPNET else None


def shared_tensor_shapes(fields: BackboneFields) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what the layers share."""
    return {RELATIVE_POSITIONS: (NUM_BUCKETS, fields.num_heads)} if fields.architecture == MPNET else {}


def layer_tensor_shapes(fields: BackboneFields, index: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors of layer ``index`` in a checkpoint."""
    shapes: dict[str, tuple[int, ...]] = {}
    for module in AdapterModule:
        inputs, outputs = module_shape(fields, module)
        shapes[f"{module_path(index, module)}.weight"] = (outputs, inputs)
        shapes[f"{module_path(index, module)}.bias"] = (outputs,)
    for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
        for part in ("weight", "bias"):
            shapes[f"encoder.layer.{index}.{norm}.{part}"] = (fields.hidden,)
    return shapes


def embedding_tensor_shapes(fields: BackboneFields, num_token_types: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the embeddings' tensors in a checkpoint."""
    return {
        "embeddings.word_embeddings.weight": (fields.vocab_size, fields.hidden),
        "embeddings.position_embeddings.weight": (fields.max_positions, fields.hidden),
        "embeddings.token_type_embeddings.weight": (num_token_types, fields.hidden),
        "embeddings.LayerNorm.weight": (fields.hidden,),
        "embeddings.LayerNorm.bias": (fields.hidden,),
    }


def _linear(tensors: dict[str, Tensor], path: str) -> Linear:
    return Linear(tensors[f"{path}.weight"], tensors[f"{path}.bias"])


def _layer_norm(fields: BackboneFields, tensors: dict[str, Tensor], index: int, name: str) -> LayerNorm:
    return _norm(tensors, f"encoder.layer.{index}.{name}", fields.layer_norm_epsilon)


def _norm(tensors: dict[str, Tensor], path: str, epsilon: float) -> LayerNorm:
    return LayerNorm(tensors[f"{path}.weight"], tensors[f"{path}.bias"], epsilon)
