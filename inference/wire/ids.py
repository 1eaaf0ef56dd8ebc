"""Identifiers that cross between portal and data plane: UUIDs in canonical text form, one type each."""

from typing import NewType

TenantId = NewType("TenantId", str)
TaskId = NewType("TaskId", str)
DomainId = NewType("DomainId", str)
DatasetId = NewType("DatasetId", str)
JobId = NewType("JobId", str)
VersionId = NewType("VersionId", str)
KeyId = NewType("KeyId", str)
EventId = NewType("EventId", str)
TrialId = NewType("TrialId", str)
RequestId = NewType("RequestId", str)

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hexadecimal digits, over content only."""

BundleUri = NewType("BundleUri", str)
"""Place of a bundle or file in the object store: a relative path with ``/``, never starting with one."""
