"""The operator's user."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.tenants.models import User

pytestmark = pytest.mark.database


def _ensure(folder: Path, password: str) -> None:
    file = folder / "password"
    file.write_text(password + "\n")
    call_command("operator_ensure", "--password-file", str(file))


def test_it_makes_a_superuser_with_the_password_of_the_file(db: None, tmp_path: Path) -> None:
    _ensure(tmp_path, "a long password")
    user = User.objects.get()
    assert (user.email, user.is_staff, user.is_superuser) == ("operator@hmi.local", True, True)
    assert user.check_password("a long password")
    assert user.password.startswith("argon2")


def test_it_changes_the_password_only_when_the_file_did(db: None, tmp_path: Path) -> None:
    _ensure(tmp_path, "a long password")
    before = User.objects.get().password
    _ensure(tmp_path, "a long password")
    assert User.objects.get().password == before
    _ensure(tmp_path, "another password")
    assert User.objects.get().check_password("another password")


def test_a_missing_file_or_a_short_password_is_refused(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="12"):
        _ensure(tmp_path, "short")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("operator_ensure", "--password-file", str(tmp_path / "none"))
    assert not User.objects.exists()
