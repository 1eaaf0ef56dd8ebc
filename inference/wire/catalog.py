"""What the data plane reads from the catalog: the views ``serving_v1``, and what announces changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.ids import BundleUri, Digest, KeyId, TaskId, TenantId, TrialId, VersionId

NOTIFY_CHANNEL = "hmi_catalog"
KEYS_VIEW = "serving_v1.api_keys"
TASKS_VIEW = "serving_v1.tasks"
TRIALS_VIEW = "serving_v1.trials"
LIMITS_VIEW = "serving_v1.limits"
USAGE_TABLE = "usage_event"
COMPARISON_TABLE = "comparison_event"
KEY_PREFIX = "hmi_"
"""A key is this prefix and 256 random bits in URL-safe base64; the catalog keeps the whole's SHA-256."""


class Scope(StrEnum):
    """What an API key may do."""

    PREDICT = "predict"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One usable API key: a row of KEYS_VIEW (columns in this order). Revoked and expired keys are absent."""

    key_sha256: bytes
    key_id: KeyId
    tenant_id: TenantId
    scopes: tuple[str, ...]
    task_id: TaskId | None  # None: all tasks of the tenant
    expires_at: datetime | None  # UTC


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task and what it serves now: a row of TASKS_VIEW (columns in this order).

    From version_id to tree_digest None where nothing is deployed.
    """

    tenant_id: TenantId
    task_id: TaskId
    slug: str  # unique within the tenant; what /v1/tasks/{task}/predict names
    version_id: VersionId | None
    version_number: int | None
    bundle_uri: BundleUri | None
    bundle_digest: Digest | None
    tree_uri: BundleUri | None
    tree_digest: Digest | None
    coverage_floor: float | None  # under this share of trigrams and bigrams, lower layers are computed
    leaf_uri: BundleUri | None = None  # the version's private leaf, while it stands
    leaf_digest: Digest | None = None


class TrialKind(StrEnum):
    """How a second version of a task is tried beside the one that serves."""

    SHADOW = "shadow"  # computed beside it, never answers
    CANARY = "canary"  # answers its share of the requests


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A task's version on trial: a row of TRIALS_VIEW (columns in this order); at most one a task."""

    trial_id: TrialId
    tenant_id: TenantId
    task_id: TaskId
    kind: TrialKind
    share: float  # of the requests, chosen by their ids: above 0, at most 1
    version_id: VersionId
    version_number: int
    bundle_uri: BundleUri
    bundle_digest: Digest
    tree_uri: BundleUri
    tree_digest: Digest
    leaf_uri: BundleUri | None = None
    leaf_digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """What a tenant may use, and has used in this period: a row of LIMITS_VIEW (columns in this order)."""

    tenant_id: TenantId
    weight: float  # in the scheduler: with twice the weight goes twice the share
    requests_per_s: float | None  # of each key; None: as many as come
    burst: int  # requests that a key may send at once
    quota_texts: int | None  # in a period; None: no quota
    quota_tokens: int | None
    period_ends_at: datetime  # UTC
    used_texts: int
    used_tokens: int
