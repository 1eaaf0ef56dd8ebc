"""Where adapters act: the linear modules of the upper layers, by the names that PEFT and transformers give
them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from torch import Tensor

from wire.artifacts import BackboneFields


class AdapterModule(StrEnum):
    """A linear module of one layer that an adapter may change."""

    QUERY = "attention.self.query"
    KEY = "attention.self.key"
    VALUE = "attention.self.value"
    ATTENTION_OUTPUT = "attention.output.dense"
    INTERMEDIATE = "intermediate.dense"
    OUTPUT = "output.dense"


RETURNING_MODULES = (AdapterModule.ATTENTION_OUTPUT, AdapterModule.OUTPUT)
"""Those that lead back to the hidden states."""
RECIPE_MODULES = (AdapterModule.VALUE, AdapterModule.OUTPUT)
"""Where the default recipe adapts (docs/decisions/0001)."""


@dataclass(frozen=True, slots=True)
class Site:
    """One linear module of one layer (counted from 0 over the whole backbone)."""

    layer: int
    module: AdapterModule


class AdapterCall(Protocol):
    """The adapters of one forward, already bound to its tokens."""

    def apply(self, layer: int, module: AdapterModule, inputs: Tensor, outputs: Tensor) -> Tensor:
        """The adapted output of ``module`` in ``layer`` (counted from 0 over the whole backbone, as
        transformers does).

        ``inputs`` is [num_tokens, in] and ``outputs`` is what the frozen module gave for them, [num_tokens,
        out]; neither is changed, and the answer may be ``outputs`` itself.
        """
        ...


def module_shape(fields: BackboneFields, module: AdapterModule) -> tuple[int, int]:
    """Inputs and outputs of ``module``."""
    if module is AdapterModule.INTERMEDIATE:
        return fields.hidden, fields.intermediate
    if module is AdapterModule.OUTPUT:
        return fields.intermediate, fields.hidden
    return fields.hidden, fields.hidden


def module_path(layer: int, module: AdapterModule) -> str:
    """The module's name in transformers' BertModel."""
    return f"encoder.layer.{layer}.{module}"
