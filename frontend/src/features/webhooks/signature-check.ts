/** The check of a signature, to be copied into a receiver. */

export const checkInPython = `import base64, hashlib, hmac, time

def is_ours(headers, body: bytes, secret: str) -> bool:
    """headers by their names in small letters; body as it came; secret: whsec_..."""
    sent_at = headers["webhook-timestamp"]
    if abs(time.time() - int(sent_at)) > 300:
        return False
    signed = f'{headers["webhook-id"]}.{sent_at}.'.encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers["webhook-signature"].split()
    return any(hmac.compare_digest(f"v1,{expected}", each) for each in given)`;
