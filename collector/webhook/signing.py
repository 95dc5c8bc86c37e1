"""Signs as Standard Webhooks 1.0 says (https://www.standardwebhooks.com), with a shared key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"

LEAST_BYTES, MOST_BYTES = 24, 64


class BadKey(ValueError):
    """A key is not written down as it has to be; the text does not repeat it."""


def key_of(secret: str) -> bytes:
    """The key that `whsec_...` stands for. Raises BadKey."""
    wanted = (
        f"must be {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} random bytes as base64, "
        "such as `echo whsec_$(openssl rand -base64 32)` makes"
    )
    if not secret.startswith(PREFIX):
        raise BadKey(wanted)
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadKey(wanted) from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise BadKey(wanted)
    return key


def headers(key: bytes, id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The three headers of one attempt: its id, which must hold no full stop, when it is made
    (seconds since the Unix epoch), and the signature of both and the body."""
    signed = f"{id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
