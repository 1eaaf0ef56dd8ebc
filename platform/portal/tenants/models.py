"""Users, tenants, who belongs to which in what role or is invited to, and API keys."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from portal.common.models import TenantOwned
from wire.catalog import Scope

KEY_PREFIX_CHARS = 12  # of a key's text, kept to recognise it by


class UserManager(BaseUserManager["User"]):
    """Makes users, known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user who may sign in; without a password, only after setting one."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator: may open the console."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of this address, whatever its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in by e-mail address and password."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the operator's console.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        db_table = "hmi_user"

    def __str__(self) -> str:
        return self.email


class Tenant(models.Model):
    """A customer: owner of tasks, keys and usage. Inactive: nothing of it is served."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63, unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "tenant"

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    """Viewers read, developers build and deploy, owners also manage keys and members, and delete."""

    OWNER = "owner"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class Membership(TenantOwned):
    """A user's place in a tenant."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role)

    class Meta:
        db_table = "membership"
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_user_once")]


class Invitation(TenantOwned):
    """An offer of a place, sent by mail; the row is deleted when it is accepted or revoked."""

    email = models.EmailField()  # lower case
    role = models.CharField(max_length=16, choices=Role)
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "invitation"
        constraints = [models.UniqueConstraint(fields=["tenant", "email"], name="invitation_address_once")]


class KeyKind(models.TextChoices):
    """Who an API key is for: an application, or the dashboard's page for trying a text."""

    SERVICE = "service"
    PLAYGROUND = "playground"


def _no_scopes() -> list[str]:
    return []


class ApiKey(TenantOwned):
    """A key of which only the hash is kept. Bound to a task, it sees that one alone."""

    name = models.CharField(max_length=200)
    key_sha256 = models.BinaryField(max_length=32, unique=True)
    prefix = models.CharField(max_length=KEY_PREFIX_CHARS)
    scopes = ArrayField(
        models.CharField(max_length=16, choices=[(s.value, s.value) for s in Scope]), default=_no_scopes
    )
    task = models.ForeignKey("catalog.Task", null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=KeyKind, default=KeyKind.SERVICE)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    last_used_at = models.DateTimeField(null=True)
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")  # rotated

    class Meta:
        db_table = "api_key"
        verbose_name = "API key"
