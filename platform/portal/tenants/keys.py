"""The text of an API key, and the hash by which it is known."""

import hashlib
import secrets

from wire.catalog import KEY_PREFIX


def key_new() -> str:
    """A new key: 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(secret: str) -> bytes:
    """What the catalog keeps of a key. A plain hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()
