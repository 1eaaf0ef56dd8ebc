"""Signatures as the Standard Webhooks specification has them, for which receivers find libraries."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

SECRET_PREFIX = "whsec_"


def secret_new() -> str:
    """A new signing secret: 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def signature(secret: str, *, uid: str, timestamp_s: int, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``uid.timestamp.body``."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, f"{uid}.{timestamp_s}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def signed_headers(
    signing_secrets: Sequence[str], *, uid: str, timestamp_s: int, body: bytes
) -> Mapping[str, str]:
    """What goes with the body: one signature for each secret that is valid now."""
    signatures = (
        signature(secret, uid=uid, timestamp_s=timestamp_s, body=body) for secret in signing_secrets
    )
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
