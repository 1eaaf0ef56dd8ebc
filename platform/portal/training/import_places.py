"""Where archives of imports lie in the store: the name tells when one came, so that what is left over is
found."""

import time
from uuid import UUID

from wire.ids import BundleUri, TenantId

LEFT_OVER_S = 3600.0
"""So old an archive of no unfinished import is of none that is only about to be known."""


def archive_uri(tenant_id: TenantId, import_id: UUID) -> BundleUri:
    """For an import that is made now."""
    return BundleUri(f"tenants/{tenant_id}/imports/{int(time.time())}-{import_id}")


def is_left_over(name: str, *, now: float) -> bool:
    """Of the archive of no unfinished import, by the last part of its URI."""
    came = name.partition("-")[0]
    return not came.isdigit() or int(came) < now - LEFT_OVER_S
