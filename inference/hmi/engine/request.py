"""What the engine is asked and what it answers."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import RequestId, TaskId, TenantId
from wire.inference import Coverage


class RequestState(Enum):
    """QUEUED -> WAITING_RESIDENCY -> QUEUED ... -> RUNNING -> DONE | FAILED | CANCELLED."""

    QUEUED = "queued"
    WAITING_RESIDENCY = "waiting_residency"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (RequestState.DONE, RequestState.FAILED, RequestState.CANCELLED)


@dataclass(frozen=True, slots=True)
class HplmRef:
    """A task's whole model: its adapter with head and labels, and the PLOT path it reads."""

    adapter: BundleRef
    tree: BundleRef
    leaf: BundleRef | None = None  # a node of this task alone, below those of the tree

    def __hash__(self) -> int:
        return hash(self.adapter.digest)  # as BundleRef's


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """What the model says of one document."""

    outputs: npt.NDArray[np.float32]  # [1, outputs]; [tokens, outputs] of a head that reads tokens
    coverage: Coverage
    rungs: bytes = b""  # [num_tokens] a plot.ngram.Answer for each
    nodes: bytes = b""  # [num_tokens] position in the tree's path of the node that answered, the root's is 0
    depth: int = 0  # nodes in that path; a private leaf is the last
    token_cost: float = 1.0  # of a token of it; L / (L - k) where its lower layers were computed


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """Answers of all documents of a request, and where its time went (milliseconds)."""

    documents: Sequence[DocumentAnswer]
    queue_ms: float
    retrieve_ms: float
    compute_ms: float


@dataclass(slots=True, eq=False)
class EngineRequest:
    """One tenant's documents for one hPLM. After submit() only the engine thread touches it.

    A request may be spread over several batches. The scheduler asks only for what comes next
    (``next_tokens``, ``take_next``, ``is_all_scheduled``) and takes a request again by Scheduler.add(): what
    runs in steps, each of which depends on the one before, needs no more than that.
    """

    request_id: RequestId
    tenant_id: TenantId
    task_id: TaskId
    hplm: HplmRef
    documents: Documents
    deadline: float  # Clock.monotonic
    weight: float = 1.0  # of the tenant's plan: with twice the weight goes twice the share
    coverage_floor: float = 0.0  # documents of which a smaller share is looked up take the exact path
    future: "Future[EngineAnswer]" = field(default_factory=Future)
    state: RequestState = RequestState.QUEUED
    next_document: int = 0  # the first that is in no batch yet
    num_passed_over: int = 0  # batches that left it behind because its adapter was cold
    submitted: float = 0.0
    started: float | None = None
    answers: list[DocumentAnswer | None] = field(default_factory=list)
    retrieve_ms: float = 0.0
    compute_ms: float = 0.0
    _offsets: list[int] = field(init=False, repr=False)  # of the documents: asked for dozens of times

    def __post_init__(self) -> None:
        self._offsets = self.documents.offsets.tolist()

    @property
    def num_documents(self) -> int:
        return len(self._offsets) - 1

    def tokens_of(self, document: int) -> int:
        return self.tokens_between(document, document + 1)

    def tokens_between(self, first: int, last: int) -> int:
        """Of documents first..last-1."""
        return self._offsets[last] - self._offsets[first]

    @property
    def next_tokens(self) -> int:
        """Tokens of what comes next; there must be something."""
        return self.tokens_of(self.next_document)

    def take_next(self) -> None:
        """What comes next is in a batch now."""
        self.next_document += 1

    @property
    def is_all_scheduled(self) -> bool:
        return self.next_document >= self.num_documents
