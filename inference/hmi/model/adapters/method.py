"""What the folder of an adapter method brings: all that the data plane knows of the method."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from hmi.model.adapters.host import AdapterConfig, HostAdapter
from wire.artifacts import BackboneFields
from wire.training import MethodFacts


@dataclass(frozen=True, slots=True)
class AdapterMethod:
    """One method. Its folder has it in ``method.py``, ``methods.py`` names it, and nothing else in the data
    plane asks which method an adapter is of.

    All methods are trained by AdapterParameters and served from the bank's units by the same two products,
    so that tenants of all share batches. So a method

    * adds ``scaling * up(narrow)`` to the outputs of linear modules of the upper layers, ``narrow`` being
      ``down(inputs)``, or ``gelu(down(outputs))`` after the modules that lead back to the hidden states;
    * has one rank at all its modules, one scaling, which is folded into ``up``, and as its weights nothing
      but ``down`` and ``up``, all of which are trained; ``up`` starts at zero.

    What does not fit, and would need more of ``adapters/parameters.py``, ``model/training_layers.py`` and
    ``adapter_bank.add_adapters``: a product element by element (IA3: as a matrix its rank is the number of
    outputs, hundreds, where a service takes 32), biases, factors that are shared or stay as drawn (VeRA), a
    norm over the sum with the frozen weights (DoRA), other bends than gelu, a change between two modules or
    of attention itself (prefixes).

    ``tests/hmi/model/test_adapter_methods.py`` and ``tests/hmi/build/test_adapter_methods.py`` say what each
    has to do, of every method.
    """

    facts: MethodFacts  # what the other plane must know as well: its row of wire.training.METHODS
    config: Callable[[int, float], AdapterConfig]
    """Of a recipe's rank and alpha, which not every method has; raises InvalidInput."""
    save: Callable[[Path, HostAdapter, BackboneFields], None]
    """Write ``facts.files`` into a folder, tensors in the type that they have."""
    open: Callable[[Path, BackboneFields], HostAdapter]
    """Read and check them. Raises BundleBroken for what is missing, cannot be read or is not finite,
    BundleMismatch for what does not fit the backbone's upper layers; and lets any other OSError through: the
    machine's trouble is not the adapter's."""
    names_backbone: Callable[[Path], bool]
    """Whether files that could be opened say which backbone they were trained on. Never true of a method
    that needs a manifest for that."""
    insert: Callable[[nn.Module, Path], None]
    """Let ``facts.library`` put the files' adapter into a BertModel of transformers, in place: other code
    than ours, which an import is measured by. Imports the library, which takes seconds, when it is called.
    Raises BundleMismatch where the library cannot load them."""
    cut: Callable[[HostAdapter, int], HostAdapter] | str
    """The nearest adapter of a smaller rank; or the sentence that tells a report's readers why there is
    none."""

    @property
    def name(self) -> str:
        """In recipes and bundles."""
        return self.facts.name
