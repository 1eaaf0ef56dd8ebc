"""The domain process's contract: the job file of ``python -m hmi.cli domain``, and the result it prints."""

from dataclasses import dataclass, field

from wire.artifacts import BundleRef
from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TaskId, TenantId
from wire.training import BUILD_MEMORY_BYTES, PublishedBundle

K_TENANTS = 3
"""An n-gram of tenants' text enters a shared node when at least so many verified tenants contributed it."""
TEXT_SUFFIXES = (".txt", ".jsonl", ".jsonl.gz", ".csv", ".parquet")
"""Files that an operator's text is read from."""
LEAST_TENANTS, MOST_TENANTS = 2, 1000
"""What the operator may set it to for one shared domain."""
NODE_RULES = 2
"""How a node is made of its segments. A tree is a function of parent, segments, parameters and this number;
its place names them all, so that what older rules have made is never taken for what these make. 1: the scales
of the 8 bits were made by the means alone, not by the rows above, and an operator's text was not searched
for personal data."""
MAX_GATE_ROWS = 200
"""Held-out rows of one deployed task that a new tree is tried on."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One dataset's segment in a domain, and whose it is."""

    dataset_id: DatasetId
    tenant_id: TenantId | None  # None: the operator's own text
    uri: BundleUri
    digest: Digest


@dataclass(frozen=True, slots=True)
class GatedTask:
    """A deployed task: what it serves now, and held-out rows that its tenant allows to be used."""

    task_id: TaskId
    version: BundleRef
    tree: BundleRef  # that it serves on now
    rows_uri: BundleUri
    rows: tuple[int, ...]  # numbers of the held-out rows; none: the tenant has not agreed
    leaf: BundleRef | None = None  # that it serves beside either tree


@dataclass(frozen=True, slots=True)
class DomainJob:
    """Input of ``python -m hmi.cli domain update --job FILE``: one domain's node made of all its segments.

    All URIs are relative to HMI_STORE_URL. The tree is a function of parent, segments and parameters alone,
    and so is ``tree_out_uri``: the same job done twice publishes the same tree at the same place.
    """

    job_id: JobId
    domain_id: DomainId
    backbone: BundleRef
    parent: BundleRef  # the tree of the nodes above
    contributions: tuple[Contribution, ...]
    is_shared: (
        bool  # of no tenant: the k-tenant rule holds, and what is kept of the segments is their sum alone
    )
    tree_out_uri: BundleUri
    tree_before: BundleRef | None = None  # what the new tree is compared with
    tasks: tuple[GatedTask, ...] = ()
    min_tenants: int = K_TENANTS
    max_node_bytes: int | None = None  # that the node's table may take; None: all rows stay
    max_memory_bytes: int = BUILD_MEMORY_BYTES  # while segments are merged; the tree does not depend on it
    is_standing: bool = False  # the tree is to be brought back: tried alone, and never made


@dataclass(frozen=True, slots=True)
class TaskVerdict:
    """What the gate says of one task: does it move to the new tree?"""

    task_id: TaskId
    moves: bool
    num_rows: int
    metric: str | None  # wire.tasks.validation_metric of the task's kind; None: not tried
    accuracy_before: float | None  # of the metric, on all the rows together
    accuracy_after: float | None
    p_value: float | None  # of losing so many rows by chance, corrected for the number of tasks
    coverage_before: dict[str, float] = field(default_factory=dict)  # rung -> share of the rows' tokens
    coverage_after: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreeDiff:
    """What an update did to the domain's node; by rung."""

    rows_before: dict[str, int]
    rows_after: dict[str, int]
    rows_added: dict[str, int]
    rows_dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class DomainResult:
    """``{"event": "domain_result", ...}``: last line of an update; a repeated one prints it too."""

    tree: PublishedBundle
    diff: TreeDiff
    verdicts: tuple[TaskVerdict, ...]
    private_shares: dict[str, float]  # tenant -> share of its n-grams that did not enter a shared node
    event: str = "domain_result"


@dataclass(frozen=True, slots=True)
class CountedText:
    """Last line of ``python -m hmi.cli plot segment``: the operator's text of a shared domain."""

    segment: PublishedBundle
    num_texts: int  # given
    num_repeated: int  # of them, equal to another
    num_known: int  # of them, counted before, in the domain or above it
    num_tokens: int  # counted


@dataclass(frozen=True, slots=True)
class DomainTree:
    """A domain that a dataset could be put into."""

    domain_id: DomainId
    tree: BundleRef


@dataclass(frozen=True, slots=True)
class SuggestJob:
    """Input of ``python -m hmi.cli domain suggest --job FILE``: which domain is a dataset's text like?"""

    job_id: JobId
    dataset_id: DatasetId
    rows_uri: BundleUri
    backbone: BundleRef
    general: BundleRef
    domains: tuple[DomainTree, ...]


@dataclass(frozen=True, slots=True)
class DomainCoverage:
    """How much of the text a domain's tree answers at each rung; the sum is 1."""

    domain_id: DomainId | None  # None: the general tree alone
    trigram: float
    bigram: float
    unigram: float


@dataclass(frozen=True, slots=True)
class DomainPart:
    """The rows of a dataset that one domain knows best. ``coverage`` is the share of a row's tokens that
    trigrams and bigrams answer, averaged over the rows."""

    domain_id: DomainId
    num_rows: int
    coverage: float  # of this domain
    coverage_together: float  # of the one that is best for all rows together
    examples: tuple[int, ...]  # numbers of the rows that the next best domain knows least of beside it
    rows: str  # the numbers of all, as row_numbers.pack_rows


@dataclass(frozen=True, slots=True)
class DomainSplit:
    """A dataset whose rows belong to several domains. Each row is in one part."""

    parts: tuple[DomainPart, ...]  # two at least; first the domain that is best for all rows together
    coverage: float  # averaged over all rows, each by its part's domain
    coverage_together: float


@dataclass(frozen=True, slots=True)
class SuggestResult:
    """``{"event": "suggest_result", ...}``: last line of ``domain suggest``."""

    best: DomainId | None  # None: no domain adds enough to the general tree, so a new one is suggested
    coverages: tuple[DomainCoverage, ...]  # best first; the general tree's is among them
    num_texts: int  # measured, of all parts of the dataset
    split: DomainSplit | None = None  # None: one domain is best for all rows
    event: str = "suggest_result"
