"""What the service counts: events, each inserted once by id into the catalog. None holds a text."""

from dataclasses import dataclass
from datetime import datetime

from wire.ids import EventId, KeyId, TaskId, TenantId, TrialId, VersionId


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One answered request: a row of wire.catalog.USAGE_TABLE (columns in this order)."""

    id: EventId
    tenant_id: TenantId
    task_id: TaskId
    key_id: KeyId
    version_id: VersionId
    created_at: datetime  # UTC
    num_texts: int
    num_tokens: int
    num_truncated: int
    num_trigram_tokens: int = 0  # of num_tokens, answered by a trigram; of the rest, ...
    num_bigram_tokens: int = 0
    num_exact_tokens: int = 0  # their lower layers were computed
    score_counts: tuple[int, ...] = ()  # texts by the score of their one label: SCORE_BUCKETS, or empty;
    # of a task that predicts a score, by their value: between the version's AdapterFields.value_bounds
    label_counts: tuple[int, ...] = ()  # times each label was given, in their order; the last is not 0
    latency_ms: float | None = None  # from the request's arrival until its answer stood; None: not measured


SCORE_BUCKETS = 15
"""Of a score between 0 and 1, as in the bins of a training's report."""
DIFFERENCE_BUCKETS = 10
"""Of a score difference between 0 and 1: 0 to 0.1, ..., 0.9 to 1."""


@dataclass(frozen=True, slots=True)
class ComparisonEvent:
    """One request that the live version and the one on trial both got: a row of COMPARISON_TABLE.

    Where either failed, nothing is compared: num_agreed is 0, times and counts are those of no text.
    """

    id: EventId
    tenant_id: TenantId
    trial_id: TrialId
    created_at: datetime  # UTC
    num_texts: int
    has_live_failed: bool
    has_trial_failed: bool
    num_agreed: int  # texts that both gave the same label
    live_ms: float  # from the queue to the answer
    trial_ms: float
    difference: float  # sum over the texts of |score of the live label, live - on trial|
    difference_counts: tuple[int, ...]  # texts by that difference: DIFFERENCE_BUCKETS, or empty
