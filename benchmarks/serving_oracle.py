"""Are the service's answers right? Each computed alone, from the bundles, and a sample compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.common import default_dtype
from benchmarks.serving_world import Tenant, World
from hmi.build.private_leaf import open_leaf
from hmi.engine.request import EngineRequest
from hmi.kinds.single_label import softmax
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle
from hmi.model.adapters.call import AdapterModule, Site
from hmi.model.adapters.host import HostAdapter
from hmi.plot.lookup import PlotArena
from hmi.plot.ngram import Documents
from hmi.plot.tree import open_tree

TOLERANCE = {torch.float32: 2e-3, torch.bfloat16: 0.15}
"""Of a probability, from a float32 oracle. Heads of standard normal weights make a difference of states far
larger than trained heads do (docs/decisions/0003)."""


class Alone:
    """An adapter applied as its definition says, one tenant at a time: the oracle's call."""

    def __init__(self, adapter: HostAdapter) -> None:
        self._adapter = adapter

    def apply(self, layer: int, module: AdapterModule, inputs: Tensor, outputs: Tensor) -> Tensor:
        factors = self._adapter.factors.get(Site(layer, module))
        if factors is None:
            return outputs
        change = (inputs @ factors.down.float().T) @ factors.up.float().T
        return outputs + self._adapter.config.scaling * change


class Oracle:
    """Answers computed alone, from the bundles, through neither engine nor banks."""

    def __init__(self, world: World) -> None:
        self._world = world

    @torch.inference_mode()
    def probabilities(
        self, tenant: Tenant, text: int, *, with_adapter: bool = True
    ) -> npt.NDArray[np.float32]:
        world = self._world
        tree = open_tree(
            world.store, tenant.hplm.tree.uri, tenant.hplm.tree.digest, backbone=world.ref.digest
        )
        tables = list(tree.tables)
        if tenant.hplm.leaf is not None:
            tables.append(open_leaf(world.store, tenant.hplm.leaf, world.ref.digest))
        arena = PlotArena(sum(map(PlotArena.bytes_of, tables)), world.backbone.fields.hidden)
        path = np.array([[arena.add(table) for table in tables]], np.int32)
        documents = Documents.pack([world.texts[text]])
        rows = np.empty((documents.num_tokens, world.backbone.fields.hidden), np.float32)
        arena.lookup(documents, path, rows)
        states = torch.from_numpy(rows) + world.backbone.residuals.of(documents.offsets)
        hplm = self._open(tenant)
        assert hplm.adapter is not None
        call = Alone(hplm.adapter) if with_adapter else None
        pooled = world.backbone.upper(states, documents.offsets, call).mean(0)
        logits = hplm.head.weight @ pooled + hplm.head.bias
        answer: npt.NDArray[np.float32] = logits.softmax(0).numpy()
        return answer

    def _open(self, tenant: Tenant) -> Hplm:
        ref = tenant.hplm.adapter
        return open_adapter_bundle(
            self._world.store.localize(ref.uri, ref.digest),
            digest=ref.digest,
            backbone_fields=self._world.backbone.fields,
            backbone=self._world.ref.digest,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, to be compared later."""

    tenant: Tenant
    text: int
    probabilities: npt.NDArray[np.float32]

    @classmethod
    def of(cls, tenant: Tenant, text: int, request: EngineRequest) -> "Answered":
        """Of a request that was answered."""
        return cls(tenant, text, softmax(request.future.result().documents[0].outputs)[0])


class Checker:
    """Compares a sample of answers with the oracle; raises where one is wrong."""

    def __init__(self, world: World) -> None:
        self._oracle = Oracle(world)
        self.num_checked = 0
        self._num_with_leaf = 0
        self._num_changed = 0
        self._max_difference = 0.0

    def check(
        self, answers: Sequence[Answered], *, sample: int, seed: int, dtype: torch.dtype | None = None
    ) -> None:
        """``dtype`` None: answers of a plane with the default type."""
        tolerance = TOLERANCE[dtype or default_dtype()]
        chance = np.random.default_rng(seed)
        chosen = chance.permutation(len(answers))[:sample]
        for number in chosen:
            answer = answers[number]
            expected = self._oracle.probabilities(answer.tenant, answer.text)
            plain = self._oracle.probabilities(answer.tenant, answer.text, with_adapter=False)
            difference = float(np.abs(answer.probabilities - expected).max())
            if difference > tolerance:
                raise AssertionError(f"an answer of {answer.tenant.tenant_id} is off by {difference}")
            self._max_difference = max(self._max_difference, difference)
            self._num_changed += int(plain.argmax() != expected.argmax())
            self.num_checked += 1
            self._num_with_leaf += answer.tenant.hplm.leaf is not None

    def result(self) -> dict[str, Any]:
        return {
            "answers_checked": self.num_checked,
            "answers_checked_with_leaf": self._num_with_leaf,
            "max_difference": round(self._max_difference, 6),
            "share_labels_changed_by_adapter": round(self._num_changed / max(1, self.num_checked), 3),
        }
