"""Usage as the service counts it: one event a request, inserted once by id into the catalog."""

from dataclasses import dataclass
from datetime import datetime

from wire.ids import EventId, KeyId, TaskId, TenantId, VersionId


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One answered request: a row of wire.catalog.USAGE_TABLE (columns in this order). Holds no text."""

    id: EventId
    tenant_id: TenantId
    task_id: TaskId
    key_id: KeyId
    version_id: VersionId
    created_at: datetime  # UTC
    num_texts: int
    num_tokens: int
    num_truncated: int
