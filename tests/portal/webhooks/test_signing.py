"""Signatures, compared with the Standard Webhooks specification's own example."""

import base64
import hashlib
import hmac

from portal.webhooks.signing import secret_new, signature, signed_headers


def test_the_specifications_example() -> None:
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        uid="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp_s=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_valid_secret_signs() -> None:
    secrets = [secret_new(), secret_new()]
    headers = signed_headers(secrets, uid="a", timestamp_s=1, body=b"{}")
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    wanted = [base64.b64encode(hmac.new(key, b"a.1.{}", hashlib.sha256).digest()).decode() for key in keys]
    assert headers["webhook-signature"].split() == [f"v1,{signed}" for signed in wanted]
    assert [len(key) for key in keys] == [32, 32]
