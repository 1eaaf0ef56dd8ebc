"""Makes the operator's user, or sets its password: the one in the file that is named."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal.audit.services import audit_record
from portal.tenants.actors import OPERATOR
from portal.tenants.models import User

DEFAULT_EMAIL = "operator@hmi.local"


class Command(BaseCommand):
    """Changes nothing when the user is there with this password."""

    help = __doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        parser.add_argument("--password-file", type=Path, required=True, help="holds the password, one line")
        parser.add_argument("--email", default=DEFAULT_EMAIL)

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        try:
            password = options["password_file"].read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise CommandError(f"the password file cannot be read: {exc}") from exc
        if len(password) < 12:
            raise CommandError("the password file must hold a password of at least 12 characters")
        self.stdout.write(_ensure(options["email"], password))


@transaction.atomic
def _ensure(email: str, password: str) -> str:
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_superuser(email, password, name="Operator")
        audit_record(actor=OPERATOR.name, action="operator.create", target=user, tenant=None)
        return f"{user.email} is made"
    if user.check_password(password) and user.is_staff and user.is_superuser and user.is_active:
        return f"{user.email} is there"
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    audit_record(actor=OPERATOR.name, action="operator.reset", target=user, tenant=None)
    return f"{user.email} has the password of the file now"
