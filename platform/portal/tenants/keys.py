"""The text of API keys and of invitations' tokens, and the hash by which each is known."""

import hashlib
import secrets

from wire.catalog import KEY_PREFIX


def key_new() -> str:
    """A new key: 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def invitation_secret_new() -> str:
    """A new invitation's token: 256 random bits."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> bytes:
    """What the catalog keeps of a secret. A plain hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()
