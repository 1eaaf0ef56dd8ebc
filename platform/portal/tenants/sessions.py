"""Sessions, in the database (settings.SESSION_ENGINE)."""

from typing import Any

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's; what can be no key of a session is not looked for: PostgreSQL fails on a NUL."""

    def _validate_session_key(self, key: Any) -> bool:
        is_taken = super()._validate_session_key(key)  # type: ignore[misc]  # the stubs leave it out
        return bool(is_taken) and key.isalnum()
