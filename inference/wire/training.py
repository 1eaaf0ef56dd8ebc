"""The training process's contract: the job file it reads and the JSON lines it prints on stdout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wire.artifacts import HEAD_FILE, MANIFEST_FILE
from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TaskId, TenantId
from wire.tasks import TaskKind

BUILD_MEMORY_BYTES = 256 << 20
"""Memory that a job may take for what it has not yet written down of a domain's n-grams."""
TRAINING_BYTES = 2 << 30
"""Memory that a training is reckoned at of which nothing is known."""
LEAST_TRAINING_BYTES = 768 << 20
"""About what the smallest takes, of a few hundred short rows on the default backbone."""
COMPUTED_STATES = "computed"
"""Folder of a dataset's cached states in which no tree has a part; the others have their tree's digest."""


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """What both planes say of one method of adapters; what it computes is in its folder of
    hmi.model.adapters."""

    name: str  # in recipes and bundles
    label: str  # for people
    rank_label: str  # what they call Recipe.rank
    has_alpha: bool  # Recipe.alpha does something
    library: str  # whose answers those of an imported adapter are compared with
    files: tuple[str, ...]  # of its adapters; by the first, which no other method has, it is known
    needs_manifest: bool  # they do not say which backbone they belong to

    @property
    def archive_files(self) -> tuple[str, ...]:
        """Those that an imported folder must have, first the one by which the method is known."""
        return (*self.files, HEAD_FILE, *((MANIFEST_FILE,) if self.needs_manifest else ()))


METHODS: Mapping[str, MethodFacts] = {
    facts.name: facts
    for facts in (
        MethodFacts(
            name="lora",
            label="LoRA",
            rank_label="Rank",
            has_alpha=True,
            library="peft",
            files=("adapter_config.json", "adapter_model.safetensors"),
            needs_manifest=False,
        ),
        MethodFacts(
            name="bottleneck",
            label="Bottleneck",
            rank_label="Width",
            has_alpha=False,
            library="transformers",
            files=("bottleneck.safetensors",),
            needs_manifest=True,
        ),
    )
}
"""Of adapters, that a recipe may ask for, by name."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an adapter is trained. The defaults are argued for in docs/decisions/0001-training-recipe.md."""

    method: str = "lora"
    rank: int = 8  # of a bottleneck, its width
    alpha: float = 16.0  # of lora alone
    epochs: int = 3
    min_steps: int = 150  # small datasets have more epochs, until it is so many steps; 0: never
    learning_rate: float = 1.5e-3
    batch_rows: int = 16
    max_tokens: int = 128  # longer texts are cut, and the report says how many
    class_weights: bool | None = None  # rare labels count more in the loss; None: as is best for the kind
    patience: int = 2  # evaluations without gain before stopping early
    seed: int = 1
    distil: bool = True  # first train on computed lower layers, then imitate that besides the labels: where
    # it pays, in a training of few rows and enough steps
    max_distilled_rows: int = 300  # training rows; with more, labels alone teach as well
    compare_computed: bool = True  # also train on computed lower layers, to report what PLOT costs
    search: int = 0  # candidates near this recipe that are tried on validation rows; 0 and 1: none
    max_minutes: float | None = None  # of work, pauses aside: then it ends with the best validation so far
    leaf_mb: float = 0.0  # room for a private leaf, in a shared domain; kept where it gains; 0: none


class TimeLimitName(StrEnum):
    """Whose limit of a training's time."""

    RECIPE = "max_minutes"
    INSTALLATION = "installation"  # of whoever runs the trainings


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """What a training may work, over all its processes."""

    limit: TimeLimitName
    minutes: float


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """One dataset's segment in the store."""

    dataset_id: DatasetId
    uri: BundleUri
    digest: Digest


@dataclass(frozen=True, slots=True)
class TrainJob:
    """Input of ``python -m hmi.cli train --job FILE``. All URIs are relative to HMI_STORE_URL."""

    job_id: JobId
    tenant_id: TenantId
    task_id: TaskId
    domain_id: DomainId
    dataset_id: DatasetId
    rows_uri: BundleUri  # JSON lines as the portal cleaned them: see hmi.build.data
    labels: tuple[str, ...]  # order of the head's outputs; none for a score
    backbone_uri: BundleUri
    backbone_digest: Digest
    tree_uri: BundleUri  # of the domain's parent (general): the nodes above the one that is built here
    tree_digest: Digest
    segments: tuple[
        SegmentRef, ...
    ]  # the domain's other segments; this dataset's own is added by the process
    segment_out_uri: BundleUri
    tree_out_uri: BundleUri
    version_out_uri: BundleUri
    recipe: Recipe = field(default_factory=Recipe)
    kind: TaskKind = TaskKind.SINGLE_LABEL
    is_domain_shared: bool = False  # texts are looked up in the tree as it stands, and in a private leaf
    max_node_bytes: int | None = None  # that the domain's table may take; None: all rows stay
    max_memory_bytes: int = BUILD_MEMORY_BYTES  # while the domain is learnt


class Phase(StrEnum):
    """Steps of a training, in order."""

    STARTING = "starting"
    SPLITTING = "splitting"
    LEARNING_DOMAIN = "learning_domain"
    LOOKING_UP = "looking_up"
    SEARCHING = "searching"
    TRAINING = "training"
    TRYING_LEAF = "trying_leaf"  # the same recipe with a private leaf
    COMPARING = "comparing"  # the same recipe on computed lower layers; first where that one teaches
    EVALUATING = "evaluating"
    PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True)
class Progress:
    """``{"event": "progress", ...}``: at least one every two seconds while there is work."""

    phase: Phase
    step: int
    num_steps: int
    loss: float | None
    validation_accuracy: float | None  # of wire.tasks.validation_metric
    eta_s: float | None  # to the end of the whole job
    message: str  # a line a person can read; holds no text of the tenant
    share: float | None = None  # of the whole job's expected work, done; never falls; None: not reckoned
    event: str = "progress"


@dataclass(frozen=True, slots=True)
class PublishedBundle:
    """A bundle that now stands in the store."""

    uri: BundleUri
    digest: Digest
    num_bytes: int


@dataclass(frozen=True, slots=True)
class TrainResult:
    """``{"event": "result", ...}``: last line of a training that succeeded; a repeated one prints it too."""

    version: PublishedBundle
    tree: PublishedBundle
    segment: PublishedBundle
    report: dict[str, Any]  # metrics on held-out rows; see hmi.build.report
    leaf: PublishedBundle | None = None  # the private leaf, where it gained
    event: str = "result"


@dataclass(frozen=True, slots=True)
class AccuracyRange:
    """What the figure on held-out rows will probably be, by a probe: a linear head on frozen states."""

    low: float
    high: float
    probe_accuracy: float  # of the probe itself, on rows that it was not fitted on
    probe_ci95: tuple[float, float]
    probe_rows: int  # that were judged


@dataclass(frozen=True, slots=True)
class EstimateResult:
    """``{"event": "estimate_result", ...}``: last line of ``python -m hmi.cli estimate --job FILE``.

    Its job file is a TrainJob; nothing is published.
    """

    num_rows: int
    num_train_rows: int
    num_steps: int  # when nothing stops it early
    seconds: float  # of the whole recipe, at the speed of the probe
    seconds_least: float  # when validation gains nothing and it stops as early as it may
    adapter_bytes: int  # tensors of adapter and head, as they are kept
    majority_accuracy: float | None  # of always saying the most frequent label; None: of kinds without one
    accuracy: AccuracyRange | None  # of the metric; None: too few rows, of a label, to tell
    metric: str = "accuracy"  # wire.tasks.validation_metric
    plot_bytes: int | None = None  # of the domain's PLOT after the training; None: not reckoned
    limit_s: float | None = None  # of work that a training may take here; then it ends with the best so far
    memory_bytes: int | None = None  # that the training will take at its peak, mapped files aside
    event: str = "estimate_result"


@dataclass(frozen=True, slots=True)
class TrainFailure:
    """``{"event": "failure", ...}``: the last line of a training that ended without a result."""

    code: str  # wire.errors.ErrorCode
    message: str  # says what to do; holds no text of the tenant
    retryable: bool = False  # the same job may succeed later, from where it is; else the job must change
    for_operator: str = ""  # what the message leaves out: where on the machine
    event: str = "failure"
