"""Who does something, as services and the audit log see it."""

from dataclasses import dataclass
from uuid import UUID

from portal.tenants.models import ApiKey, User


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, an API key, a job or the operator's command line."""

    name: str  # as the audit log writes it
    user: User | None = None


def actor_of_user(user: User) -> Actor:
    """A person."""
    return Actor(f"user:{user.email}", user)


def actor_of_key(key: ApiKey) -> Actor:
    """An application."""
    return Actor(f"key:{key.pk}")


def actor_of_job(job_id: UUID) -> Actor:
    """A background job."""
    return Actor(f"job:{job_id}")


OPERATOR = Actor("operator")
