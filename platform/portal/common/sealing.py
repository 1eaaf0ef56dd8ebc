"""Secrets that have to be read again, kept encrypted: a copy of the database alone does not show them."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def seal(text: str) -> str:
    """``text`` encrypted under HMI_SECRET_KEY."""
    return _cipher().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """What was sealed. Raises ValueError when it was damaged, or sealed under another HMI_SECRET_KEY."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken as exc:
        raise ValueError("a secret cannot be read: it was sealed under another HMI_SECRET_KEY") from exc


def _cipher() -> Fernet:
    key = hashlib.sha256(b"hmi.sealing\n" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
